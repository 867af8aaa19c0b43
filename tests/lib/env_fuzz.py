# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Environment files made at random out of what their grammars care about, and bytes that are hostile by their size."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

#: What a process that loads the files has in its environment. The generated files use these names, and some more.
PROCESS = {"EXT": "ext", "OUTER": 'out\'er "$A" #x', "EMPTY": ""}
NAMES = ["A", "B", "C", "AB", "EXT", "OUTER", "EMPTY", "A_1", "_x", "a"]
_ODD_NAMES = [
    "export",
    "A.B",
    "A-B",
    "1A",
    "__proto__",
    "é",
    "A B",
    "'A'",
    "",
    "DOTENV_LINEBREAK_MODE",
    "x:",
    "A[0]",
    "PATH2",
]
# fmt: off
#: One of each kind of character that some loader treats in its own way.
_PIECES = [
    *["b", "word", "0", " ", "  ", "\t", "'", '"', "`", "\\", "$", "#", "=", ":", "{", "}", "(", ")", "-", "?", "+", "!", ";", "%", "\n"],
    *["\\n", "\\r", "\\t", "\\x41", "\\'", '\\"', "\\\\", "\\$", "\\#", "\\\n", "\\a", "\\u0041", "\\101", "\\`"],
    *["$A", "${A}", "${EXT}", "$EXT", "${B:-def}", "${B-def}", "${A:-}", "${A:+alt}", "${A+alt}", "${B:?m}", "${EMPTY:-d}", "${A", "$$", "$1", "${}"],
    *["${A:-${B}}", "${A:-${B:-x}}", "${OUTER}", "$(b)", "$(b $A)", "\\$(b)", "$()", "$(b(c)d)", "$((1+1))", "`b`", "$a", "${a}b", "$A$EXT"],
    *[" #c", " # c", "#c", " # it's", "\t#c", "\nB=c", "\nexport C=d", "\n#c\n", "\r\n", "\r", "\0", "\f", "\v", "é", "🔑", "\u00a0", "\u2028", "\u0085"],
    *["legacy", "\x1c", "\x7f", "\x01", "\ufeff", "\u3000", "\u017f", "$\u017f", "$\u212a", "\u0130", "~", "*", "a'b"],
    *["://u:p@h/", "-----BEGIN KEY-----\nQUJD\n-----END KEY-----"],
]
# fmt: on


def _chosen(*weighted: tuple[int, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    """One of the strategies, each as often as its weight says: one_of takes a repeated one once."""
    many = [one for weight, strategy in weighted for one in [strategy] * weight]
    return st.integers(0, len(many) - 1).flatmap(many.__getitem__)


_value = st.lists(st.sampled_from(_PIECES), max_size=7).map("".join)
_quoted = st.builds(
    lambda quote, text, end: quote + text + end, st.sampled_from("'\"`"), _value, st.sampled_from("'\"` \n")
)
_whole = st.builds(lambda quote, text: quote + text.replace(quote, "") + quote, st.sampled_from("'\"`"), _value)
_name = st.sampled_from([*NAMES * 4, *_ODD_NAMES])
_assignment = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(
            ["", "", "", "", " ", "\t", "export ", "export\t", "export  ", "export\n", "exportx", "\u00a0"]
        ),
        _name,
        st.sampled_from(
            ["=", "=", "=", "=", "=", " = ", "= ", " =", ":", ": ", "", " ", "\n=", "==", "=\n", "=\t", ":\n"]
        ),
        st.one_of(_value, _quoted, _whole),
        st.sampled_from(["", "", "", " ", " # c", "#c", "'", "\\", "\t"]),
    ),
)
_other = st.sampled_from(["", "# A=c", "#", " # x", "; c", "export", "export A", "export A B", "A", "EXT"])
_line = _chosen((6, _assignment), (1, _value), (1, _other))
_text = st.builds(
    lambda mark, lines, end: mark + "".join(lines) + end,
    st.sampled_from(["", "", "", "", "\ufeff"]),
    st.lists(
        st.builds("{}{}".format, _line, st.sampled_from(["\n", "\n", "\n", "\n", "\r\n", "\r", "", "\n\n", "\n \n"])),
        max_size=5,
    ),
    st.sampled_from(["", "\n"]),
)
_BROKEN = [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x80", b"\xc0\xaf", b"\xf0\x9f\x94"]


def _spliced(text: str, piece: bytes, place: int) -> bytes:
    data = text.encode()
    place %= len(data) + 1
    return data[:place] + piece + data[place:]


_sound = st.lists(
    st.builds(
        "{}{}{}{}\n".format,
        st.sampled_from(["", "", "", "", "export ", "\n", "# c\n"]),
        st.sampled_from(NAMES),
        st.sampled_from(["=", "=", "=", "=", " = ", "= ", ": "]),
        _chosen((3, _value), (3, _whole), (1, _quoted)),
    ),
    min_size=1,
    max_size=4,
).map("".join)
#: Whole files as bytes: such as no strict loader refuses for its names, such as it does; some are not UTF-8, and some are no text at all.
FILES = _chosen(
    (6, _sound.map(str.encode)),
    (6, _text.map(str.encode)),
    (1, st.builds(_spliced, _text, st.sampled_from(_BROKEN), st.integers(0, 200))),
    (1, st.binary(max_size=40)),
)


def hostile(size: int) -> dict[str, bytes]:
    """Inputs of about SIZE bytes, each of a kind that makes a careless parser look at the same text again and again."""

    def fill(piece: str, head: str = "", tail: str = "") -> bytes:
        return (head + piece * (size // len(piece.encode())) + tail).encode()

    half = size // 2
    return {
        "dollars": fill("$", "A="),
        "double quotes": fill('"', "A="),
        "single quotes": fill("'", "A="),
        "backslashes": fill("\\", "A="),
        "backslashes, quoted": fill("\\", 'A="'),
        "escaped quotes": fill('\\"', 'A="'),
        "escaped quotes, text after them": fill('\\" x', 'A="'),
        "escaped quotes, space after them": fill("\\'\n\n", "A='", "'x"),
        "escaped quotes at line ends": fill('A="\\"\n'),
        "quotes that do not close": fill('A="b\n'),
        "pairs of quotes": fill("''", "A="),
        "lines that go on": fill("\\\n", "A="),
        "quotes of all kinds": fill("A=\"b\nB='c\nC=`x\n"),
        "quotes behind each other": fill("A='\\' \"\\\n"),
        "quotes at line starts": fill("'\n"),
        "quotes on later lines": fill("A=\n\n\n'"),
        "assignments": fill("A=\n"),
        "names": fill("A\n"),
        "colons": fill("A:\n"),
        "exports": fill("export\n", "A=b\nexport A\n"),
        "one key": fill("A"),
        "one line of spaces": fill(" ", "A=b", "x"),
        "empty lines": fill("\n", "", "-x"),
        "a name, then empty lines": fill("\n", "A", "-"),
        "comments": fill("#\n"),
        "NUL": fill("\0"),
        "NUL values": fill("A=\0\n"),
        "CR": fill("\r"),
        "line separators": fill("\u2028'", "A='"),
        "line separators, unquoted": fill("\u2028'x", "A=x"),
        "substitutions that do not close": fill("${", "A="),
        "substitutions with a colon at the end": fill("${", "A=", ":x"),
        "nested defaults": fill("${a:-", "A="),
        "nested defaults that close": fill("${a:-x", "A=", "}" * (size // 6)),
        "defaults": fill("${A:-x}", "A="),
        "defaults, and braces that Compose does not count": fill("${A:-{}}", "A="),
        "commands that do not close": fill("$(", "A="),
        "nested commands": fill("$(", "A=", "x" + ")" * half),
        "a long value many times": ("A=" + "x" * (size // 10) + "\nB=" + "$A${A}" * (size // 10)).encode(),
        "a value that doubles": fill("A=$A$A${A}${A}\n", "A=1\n"),
        "no UTF-8": b"A=\xff" * (size // 3),
    }
