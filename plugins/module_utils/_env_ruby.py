# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads environment files as dotenv of Ruby does (3.2.0). What that would execute is kept as it is written, and never run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ansible_collections.mainstay.backend.plugins.module_utils._env_lines import DROPPED as OUT
from ansible_collections.mainstay.backend.plugins.module_utils._env_lines import EXPORT, NAME, PLAIN, Dialect, Scanner
from ansible_collections.mainstay.backend.plugins.module_utils._env_loaders import (
    COMMAND,
    CUT,
    DROPPED,
    EXPANDED,
    SWALLOWED,
    Assignment,
    Growth,
    Loaded,
    LoaderRefuses,
    swallows,
)

_SCANNER = Scanner(Dialect(key="A-Za-z0-9_.", space=r"\t\n\v\f\r ", ends=r"\n", quotes="'\"", names=True))
_STRIPPED = "\0\t\n\v\f\r "
_MODE = "DOTENV_LINEBREAK_MODE"
_ESCAPED = re.compile(r"\\([^$])")
_COMMAND = re.compile(r"(\\?)\$\(")
_PARENTHESIS = re.compile(r"[()]")
# Ruby's /i lets the long s and the Kelvin sign be letters of the range A-Z
_VARIABLE = re.compile("(\\\\?)\\$(?!\\()\\{?([A-Za-z0-9_\u017f\u212a]*)\\}?")


def parse(data: bytes, environment: Mapping[str, str], overwrite: bool = False) -> Loaded:
    """DATA as Dotenv.parse reads it in a process with ENVIRONMENT; with OVERWRITE the file beats ENVIRONMENT.

    LoaderRefuses: what is not UTF-8, and `export NAME` of a variable that nothing has set.
    """
    reader = _Reader(environment, overwrite)
    text = _text(data)
    for kind, key, raw, line, cut in _SCANNER.statements(text):
        reader.take(kind, key, raw, line, cut)
    return Loaded(reader.variables, tuple(reader.assignments))


def _text(data: bytes) -> str:
    try:
        text = data.removeprefix(b"\xef\xbb\xbf").decode()
    except UnicodeDecodeError as error:
        raise LoaderRefuses("ruby", data.count(b"\n", 0, error.start) + 1, "found a byte that is not UTF-8") from None
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text


class _Reader:
    def __init__(self, environment: Mapping[str, str], overwrite: bool) -> None:
        self.variables: dict[str, str | None] = {}
        self.assignments: list[Assignment] = []
        self._environment = environment
        self._overwrite = overwrite
        self._growth = Growth("ruby")

    def take(self, kind: str, key: str, raw: str, line: int, cut: bool) -> None:
        notes: tuple[str, ...] = (CUT,) if cut else ()
        value: str | None
        if kind == OUT:
            self.assignments.append(Assignment(key, None, line, (DROPPED,)))
            return
        if not self._overwrite and key in self._environment and key != _MODE:
            value = self._environment[key]
        elif kind == PLAIN:
            value = raw
        elif kind == EXPORT:
            if key not in self.variables:
                raise LoaderRefuses("ruby", line, "found export of a variable that nothing has set")
            return
        elif kind == NAME:
            value = ""
        else:
            value, made = self._value(raw, line)
            notes += made
        self.variables[key] = value
        self.assignments.append(Assignment(key, value, line, notes))

    def _value(self, raw: str, line: int) -> tuple[str, tuple[str, ...]]:
        value = raw.strip(_STRIPPED)
        quote = value[0] if len(value) > 1 and value[0] in "'\"" and value[-1] == value[0] else ""
        if quote:
            value = value[1:-1]
        swallowed = (SWALLOWED,) if swallows(value) else ()
        if quote == "'":
            return value, swallowed
        if "\\" in value:
            if quote:
                value = self._breaks(value)
            value = _ESCAPED.sub(r"\1", value)
        if "$" not in value:
            return value, swallowed
        value, notes = self._substituted(value, line)
        return value, notes + swallowed

    def _breaks(self, value: str) -> str:
        """An escaped line break is one in legacy mode only; else the escape is kept through the unescaping that comes next."""
        if self.variables.get(_MODE, self._environment.get(_MODE)) == "legacy":
            return value.replace("\\n", "\n").replace("\\r", "\r")
        return value.replace("\\n", "\\\\n").replace("\\r", "\\\\r")

    def _substituted(self, value: str, line: int) -> tuple[str, tuple[str, ...]]:
        notes: list[str] = []

        def resolve(match: re.Match[str]) -> str:
            if match[1]:
                return match[0][1:]
            name = match[2]
            if not name:
                return match[0]
            if EXPANDED not in notes:
                notes.append(EXPANDED)
            found = self.variables.get(name)
            if found is None:
                found = self._environment.get(name, "")
            self._growth.add(len(found), line)
            return found

        parts = []
        for text, command in _commands(value):
            if command and COMMAND not in notes:
                notes.append(COMMAND)
            parts.append(kept(text) if command else _VARIABLE.sub(resolve, text))
        return "".join(parts), tuple(notes)


def kept(command: str) -> str:
    """What stands in a value for COMMAND, `$(…)`, that dotenv would run. A function, for the tests to put their mark there."""
    return command


def _commands(value: str) -> Iterator[tuple[str, bool]]:
    """VALUE in pieces: text, and (True) what dotenv would execute. An escaped command is text without its backslash."""
    first = value.find("$(")
    if first < 0:
        yield value, False
        return
    closings = _closings(value, first)
    position, texts = 0, []
    for match in _COMMAND.finditer(value, max(first - 1, 0)):
        closing = closings.get(match.end() - 1)
        if match.start() < position or closing is None:
            continue
        texts.append(value[position : match.start()])
        position = closing + 1
        command = value[match.end() - 2 : position]
        if match[1]:
            texts.append(command)
        else:
            yield "".join(texts), False
            yield command, True
            texts = []
    yield "".join(texts) + value[position:], False


def _closings(value: str, first: int) -> dict[int, int]:
    """Opening -> closing of the parentheses from FIRST on that are balanced, not empty, and hold only such ones."""
    opened: list[int] = []
    spoiled: set[int] = set()
    found = {}
    for match in _PARENTHESIS.finditer(value, first):
        place = match.start()
        if match[0] == "(":
            opened.append(place)
        elif opened:
            opening = opened.pop()
            if place > opening + 1 and opening not in spoiled:
                found[opening] = place
            elif opened:
                spoiled.add(opened[-1])
    return found
