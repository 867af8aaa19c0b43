# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which environment variables shell scripts, Dockerfiles, Procfiles and Compose files read.

A shell does not tell its own variables from those of its environment. What counts here has a name in capitals, is not assigned anywhere in the
same file, and is not the shell's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ansible_collections.mainstay.backend.plugins.module_utils._scan_reads import (
    DEFAULT,
    OPTIONAL,
    REQUIRED,
    Lines,
    Read,
)

NEXT = re.compile(
    r"""\\(?:.|\n)
    |(?P<comment>(?:(?<=[\s;&|()])|^)\#[^\n]*)
    |(?P<here><<(?!<)(?P<dash>-?)[ \t]*(?P<mark>["'\\]?)(?P<word>\w+)["']?)
    |(?P<variable>\$\{(?P<indirect>!?)(?P<name>[A-Za-z_]\w*)(?P<operator>:?[-=?+])?|\$(?P<bare>[A-Za-z_]\w*))
    |(?P<quote>['"])|(?P<line>\n)""",
    re.VERBOSE | re.MULTILINE,
)
UPPER = re.compile(r"[A-Z][A-Z0-9_]*")
ASSIGNED = re.compile(
    r"""(?:^|[\s;&|({`"'!])(?:
      ([A-Z][A-Z0-9_]*)(?:\[[^\]\n]*\])?\+?=(?!=)
      |(?:for|select)[ \t]+([A-Z][A-Z0-9_]*)\b
      |(?:read|mapfile|readarray|getopts|local|declare|typeset|readonly|unset)\b((?:[ \t]+[^\s;|&<>()]+)+)
    )""",
    re.VERBOSE | re.MULTILINE,
)
NOUNSET = re.compile(r"^[ \t]*set[ \t]+(?:-[a-z]*u|-o[ \t]+nounset|-[a-z]*[ \t]+.*nounset)", re.MULTILINE)
#: What a shell sets itself.
OWN = re.compile(
    r"BASH\w*|COLUMNS|COMP_\w+|DIRSTACK|EPOCH\w+|EUID|FUNCNAME|GROUPS|HOSTTYPE|IFS|LINENO|LINES|MACHTYPE|MAPFILE|OLDPWD|OPT(?:ARG|ERR|IND)"
    r"|OSTYPE|PIPESTATUS|PPID|PS[0-4]|PWD|S?RANDOM|REPLY|SECONDS|SHELLOPTS|SHLVL|UID"
)
DECLARED = re.compile(r"^[ \t]*(?:ENV|ARG)[ \t]+((?:.*\\\r?\n)*.*)$", re.MULTILINE | re.IGNORECASE)
INTERPOLATED = re.compile(r"\$(?:(\$)|\{([A-Za-z_]\w*)(:?[-?+])?|([A-Za-z_]\w*))")
BLOCK = re.compile(r"^([ \t]*)(?:-[ \t]+)?environment[ \t]*:[ \t]*(?:#.*|&\S+[ \t]*)?\r?$")
PASSED = re.compile(
    r"^[ \t]*(?:-[ \t]+[\"']?([A-Za-z_]\w*)[\"']?|[\"']?([A-Za-z_]\w*)[\"']?[ \t]*:)[ \t]*(?:[ \t]#.*)?\r?$"
)


def _need(operator: str | None, plain: str) -> str:
    if not operator:
        return plain
    return {"-": DEFAULT, "=": DEFAULT, "?": REQUIRED}.get(operator[-1], OPTIONAL)


def scan_shell(text: str, assigned: frozenset[str] = frozenset()) -> list[Read]:
    """The reads in a shell script. ASSIGNED are names that have a value by other means.

    Of a name that is assigned, `PORT=${PORT:-3000}` is a read: one with a default, not behind the line of the first assignment.
    """
    if "$" not in text:
        return []
    first = _assigned(text)
    plain = REQUIRED if NOUNSET.search(text) else OPTIONAL
    lines = Lines(text)
    found = []
    for offset, name, operator in _variables(text):
        line, need = lines.at(offset), _need(operator, plain)
        if not name:
            found.append(Read("", line, need))
        elif UPPER.fullmatch(name) and not OWN.fullmatch(name) and name not in assigned:
            place = first.get(name)
            if place is None or (need in (DEFAULT, REQUIRED) and operator and line <= lines.at(place)):
                found.append(Read(name, line, need))
    return found


def _assigned(text: str) -> dict[str, int]:
    """Names that TEXT assigns, with the offset of the first place."""
    names: dict[str, int] = {}
    for match in ASSIGNED.finditer(text):
        words = [word.split("=", 1)[0] for word in (match[3] or "").split()]
        for name in (match[1], match[2], *words):
            if name:
                names.setdefault(name, match.end())
    for match in re.finditer(r"\$\{([A-Z][A-Z0-9_]*):?=", text):
        names[match[1]] = min(match.start(), names.get(match[1], match.start()))
    return names


def _variables(text: str) -> Iterator[tuple[int, str, str | None]]:
    """(offset, name, operator) of each variable that is put in; the name of an indirect one is empty."""
    position, quoted = 0, False
    documents: list[tuple[str, bool]] = []
    while match := NEXT.search(text, position):
        position = match.end()
        if match["variable"]:
            yield match.start(), "" if match["indirect"] else match["name"] or match["bare"], match["operator"]
        elif match["quote"] == '"':
            quoted = not quoted
        elif match["quote"] and not quoted:
            closing = text.find("'", position)
            position = len(text) if closing < 0 else closing + 1
        elif match["comment"] and quoted:
            position = match.start() + 1
        elif match["here"] and not quoted:
            documents.append((match["word"], not match["mark"]))
        elif match["line"] and documents:
            for word, expanded in documents:
                closing_line = re.compile(rf"^\t*{word}\r?$", re.MULTILINE).search(text, position)
                end = closing_line.start() if closing_line else len(text)
                if expanded:
                    yield from _plain(text, position, end)
                position = closing_line.end() if closing_line else len(text)
            documents = []


def _plain(text: str, position: int, end: int) -> Iterator[tuple[int, str, str | None]]:
    """As `_variables`, where quotes mean nothing: in a here document."""
    for match in re.compile(r"\\.|\$\{(!?)([A-Za-z_]\w*)(:?[-=?+])?|\$([A-Za-z_]\w*)").finditer(text, position, end):
        if match[2] or match[4]:
            yield match.start(), "" if match[1] else match[2] or match[4], match[3]


def scan_dockerfile(text: str) -> list[Read]:
    """The reads of a Dockerfile's instructions and the shell commands in it. What ENV or ARG declares is the image's own."""
    own: set[str] = set()
    for match in DECLARED.finditer(text):
        words = match[1].replace("\\\n", " ").split()
        own.update(word.split("=", 1)[0] for word in words[:1])
        own.update(word.split("=", 1)[0] for word in words if "=" in word)
    return scan_shell(text, frozenset(own))


def scan_compose(text: str) -> list[Read]:
    """The reads of a Compose file: what it interpolates, and what `environment:` passes on by its name alone."""
    found: list[Read] = []
    inside: int | None = None
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        column = len(line) - len(line.lstrip(" \t"))
        if inside is not None and (column < inside or (column == inside and not stripped.startswith("-"))):
            inside = None
        if inside is not None and (passed := PASSED.match(line)):
            found.append(Read(passed[1] or passed[2], number))
        elif block := BLOCK.match(line):
            inside = len(block[1])
        for match in INTERPOLATED.finditer(_without_comment(line)):
            if not match[1]:
                found.append(Read(match[2] or match[4], number, _need(match[3], OPTIONAL)))
    return found


def _without_comment(line: str) -> str:
    """LINE up to the '#' that begins a comment in YAML: behind white space, outside of quotes."""
    quote = ""
    for place, character in enumerate(line):
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'" and (place == 0 or line[place - 1] in " \t[{,:-"):
            quote = character
        elif character == "#" and (place == 0 or line[place - 1] in " \t"):
            return line[:place]
    return line
