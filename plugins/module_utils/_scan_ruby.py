# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which environment variables Ruby code reads, ERB included. Comments and literals are left out, what they interpolate is not.

A lexer of its own, for no Ruby need be there. Where it cannot know (a quote in a regular expression), it takes up again at the next line.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator

from ansible_collections.mainstay.backend.plugins.module_utils._scan_reads import (
    DEFAULT,
    OPTIONAL,
    REQUIRED,
    Lines,
    Read,
    Spans,
    named,
)

DEPTH = 30
PAIRS = {"(": ")", "[": "]", "{": "}", "<": ">"}
NEXT = re.compile(
    r"""(?P<end>\n(?:__END__\s*$)?)
    |(?P<comment>\#[^\n]*|^=begin\b)
    |(?P<global>\$["'`/])
    |(?P<here><<(?P<dash>[~-]?)(?P<mark>["'`]?)(?P<word>[A-Za-z_]\w*)(?P=mark))
    |(?P<quote>["'`])
    |(?P<open>\{)|(?P<close>\})
    |(?P<percent>%(?P<kind>[wWiIqQrxs]?)(?P<bracket>[(\[{<|!/]))
    |(?P<slash>/)""",
    re.VERBOSE | re.MULTILINE,
)
KINDS = ("end", "comment", "global", "here", "quote", "open", "close", "percent", "slash")
BEFORE_REGEX = re.compile(
    r"(?:[\n(,=~!\[{|&;?:]|\A|\b(?:if|unless|when|and|or|not|return|elsif|while|until|in))[ \t]*\Z"
)
TERMINATOR = re.compile(r"^[ \t]*([A-Za-z_]\w*)[ \t]*\r?$", re.MULTILINE)
BLOCK_END = re.compile(r"^=end\b", re.MULTILINE)

TEXT = r"""(?:'([^'\\\n]*)'|"([^"\\\n#]*)")"""
ENV = re.compile(r"(?<![\w@$.:])(?:::)?ENV\b(?!\?)")
INDEX = re.compile(r"\s*\[\s*(?:" + TEXT + r"\s*\])?")
CALL = re.compile(
    r"\s*&?\.\s*(fetch_values|fetch|key\?|has_key\?|include\?|member\?|values_at|slice|delete)(?!\w)[ \t]*\(?\s*"
)
ARGUMENT = re.compile(r"\s*" + TEXT + r"\s*")
WRITTEN = re.compile(r"\s*(\|\||&&)?=(?![=~>])")
ALTERNATIVE = re.compile(r"(?:\s*&?\.(?:presence|to_\w+|strip|split|freeze)\b(?:\([^()\n]*\))?)*\s*(?:\|\||\bor\b)")
BLOCK = re.compile(r"\s*\)?\s*(?:\{|do\b)")


class RubyCode:
    """The parts of a Ruby text that are code."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.spans = Spans()
        self._newlines = [match.start() for match in re.finditer("\n", text)]
        self._words: dict[str, list[tuple[int, int]]] = {}
        for match in TERMINATOR.finditer(text):
            self._words.setdefault(match[1], []).append((match.start(), match.end()))
        self._code(0, len(text), 0)

    def _code(self, position: int, end: int, depth: int) -> int:
        """Reads code from POSITION to END, or to the brace that closes an interpolation (DEPTH > 0); returns where it ended."""
        start, braces = position, 0
        documents: list[tuple[str, bool]] = []
        while match := NEXT.search(self.text, position, end):
            kind = next(name for name in KINDS if match[name] is not None)
            position = match.end()
            if kind in ("open", "close"):
                braces += 1 if kind == "open" else -1
                if braces < 0 and depth:
                    self.spans.add(start, match.start())
                    return position
            elif kind == "here":
                if self._is_document(match):
                    documents.append((match["word"], match["mark"] != "'"))
            elif kind == "end" and len(match[0]) > 1:
                break
            elif kind == "end" and documents:
                self.spans.add(start, match.start())
                start = position = self._documents(documents, position, end, depth)
                documents = []
            elif kind == "comment" or (kind not in ("end", "global") and self._begins_literal(kind, match)):
                self.spans.add(start, match.start())
                start = position = self._skip(kind, match, end, depth)
        else:
            self.spans.add(start, end)
            return end
        self.spans.add(start, match.start())
        return end

    def _skip(self, kind: str, match: re.Match[str], end: int, depth: int) -> int:
        """Where the comment or the literal ends that begins with MATCH."""
        if kind == "comment":
            closing = BLOCK_END.search(self.text, match.end(), end) if match[0][0] == "=" else None
            return closing.end() if closing else end if match[0][0] == "=" else match.end()
        if kind == "percent":
            opener = match["bracket"]
            closer = PAIRS.get(opener, opener)
            interpolated = match["kind"] in ("", "W", "I", "Q", "r", "x")
            return self._literal(
                match.end(), end, closer, opener if closer != opener else "", interpolated, True, depth
            )
        return self._literal(match.end(), end, match[0], "", match[0] != "'", False, depth)

    def _begins_literal(self, kind: str, match: re.Match[str]) -> bool:
        """Whether a quote, a slash or a percent sign begins one; it could be a character or an operator too."""
        before = self.text[max(0, match.start() - 40) : match.start()]
        if kind == "slash":
            return bool(BEFORE_REGEX.search(before))
        if kind == "quote":
            return not re.search(r"(?:\A|[^\w)\]}])\?\Z", before)
        if not before:
            return True
        return not re.search(r"[\w)\]}\"']\Z", before) and (bool(match["kind"]) or before[-1] in " \t\n([{,=")

    def _is_document(self, match: re.Match[str]) -> bool:
        before = self.text[match.start() - 1 : match.start()]
        sure = match["dash"] or match["mark"] or (match["word"][0].isupper() and not re.match(r"[\w)\]]", before))
        return bool(sure) and self._end_of(match["word"], match.end()) is not None

    def _end_of(self, word: str, position: int) -> tuple[int, int] | None:
        places = self._words.get(word, [])
        number = bisect_left(places, (position, 0))
        return places[number] if number < len(places) else None

    def _documents(self, documents: list[tuple[str, bool]], position: int, end: int, depth: int) -> int:
        """Reads the here documents that begin at POSITION; returns where the code goes on."""
        for word, interpolated in documents:
            found = self._end_of(word, position)
            if found is None or found[1] > end:
                return position
            if interpolated:
                self._literal(position, found[0], "", "", True, True, depth)
            position = found[1]
        return position

    def _literal(
        self, position: int, end: int, closer: str, opener: str, interpolated: bool, lines: bool, depth: int
    ) -> int:
        """Reads a literal up to CLOSER; with LINES false, at most to the end of its line."""
        nested = 0
        inside = _inside(closer, opener, interpolated, lines)
        while match := inside.search(self.text, position, end):
            token, position = match[0], match.end()
            if token == "\n":
                return match.start()
            if token == "#{":
                limit = end if lines else min(end, self._line_end(position))
                position = self._code(position, limit, depth + 1) if depth < DEPTH else limit
            elif token == opener:
                nested += 1
            elif token == closer:
                nested -= 1
                if nested < 0:
                    return position
        return end

    def _line_end(self, position: int) -> int:
        number = bisect_left(self._newlines, position)
        return self._newlines[number] if number < len(self._newlines) else len(self.text)


_PATTERNS: dict[tuple[str, str, bool, bool], re.Pattern[str]] = {}


def _inside(closer: str, opener: str, interpolated: bool, lines: bool) -> re.Pattern[str]:
    """Finds what matters inside a literal."""
    key = (closer, opener, interpolated, lines)
    if key not in _PATTERNS:
        parts = [r"\\(?:.|\n)" if lines else r"\\.", *[re.escape(part) for part in (closer, opener) if part]]
        _PATTERNS[key] = re.compile("|".join(parts + [r"#\{"] * interpolated + [r"\n"] * (not lines)))
    return _PATTERNS[key]


def scan_ruby(text: str) -> list[Read]:
    """The reads in Ruby code."""
    if "ENV" not in text:
        return []
    code, lines = RubyCode(text).spans, Lines(text)
    return [read for match in ENV.finditer(text) if match.start() in code for read in _reads(text, match, lines)]


def _text(match: re.Match[str], first: int) -> str | None:
    """The text in either kind of quotes."""
    found: str | None = match[first] if match[first] is not None else match[first + 1]
    return found


def _reads(text: str, match: re.Match[str], lines: Lines) -> Iterator[Read]:
    line = lines.at(match.start())
    if index := INDEX.match(text, match.end()):
        name = _text(index, 1)
        if name is None:
            yield Read("", line)
            return
        written = WRITTEN.match(text, index.end())
        if not written or written[1]:
            yield named(name, line, DEFAULT if written or ALTERNATIVE.match(text, index.end()) else OPTIONAL)
    elif call := CALL.match(text, match.end()):
        yield from _called(text, call, line)


def _called(text: str, call: re.Match[str], line: int) -> Iterator[Read]:
    verb, position = call[1], call.end()
    while argument := ARGUMENT.match(text, position):
        position = argument.end()
        more = text[position : position + 1] == ","
        need = REQUIRED if verb in ("fetch", "fetch_values") else OPTIONAL
        if verb == "fetch" and (more or BLOCK.match(text, position)):
            need = DEFAULT
        yield named(_text(argument, 1) or "", line, need)
        if not more or verb not in ("fetch_values", "values_at", "slice"):
            return
        position += 1
    yield Read("", line)


def scan_erb(text: str) -> list[Read]:
    """The reads in the Ruby parts of a template, `<%= … %>`, wherever they stand: ERB does not know the comments of YAML."""
    if "ENV" not in text:
        return []
    found, lines, position = [], Lines(text), 0
    while (start := text.find("<%", position)) >= 0:
        end = text.find("%>", start + 2)
        position = end = len(text) if end < 0 else end
        if text[start + 2 : start + 3] not in ("#", "%"):
            first = lines.at(start) - 1
            inner = scan_ruby(text[start + 2 : end].lstrip("=-"))
            found += [Read(read.name, read.line + first, read.need) for read in inner]
    return found
