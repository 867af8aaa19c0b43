# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads environment files as Docker Compose does for a service's env_file (2.26.1 with compose-go 2.4)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ansible_collections.mainstay.backend.plugins.module_utils._env_docker import SPACE
from ansible_collections.mainstay.backend.plugins.module_utils._env_loaders import (
    CUT,
    DROPPED,
    EXPANDED,
    INHERITED,
    SWALLOWED,
    Assignment,
    Growth,
    Loaded,
    LoaderRefuses,
    swallows,
)
from ansible_collections.mainstay.backend.plugins.module_utils._env_template import InvalidTemplate, expand

_BLANK = r"\t\v\f\r \x85\xa0"
_START = rf"(?:[{SPACE}]++|\#[^\n]*+)*+"
# A statement as most files have it: nothing in quotes, no substitution. What is in one pair of quotes may stand alone on its line.
_PLAIN = re.compile(
    rf"""{_START}(?>(?:export[ \t]++)?)([A-Za-z_][A-Za-z0-9_.-]*+)[ \t]*+=[ \t]*+"""
    rf"""(?:'([^'\\\n]*+)'(?=\n|\Z)|"([^"\\\n$]*+)"(?=\n|\Z)|([^"'{_BLANK}\n$][^\n$]*+)?(?:\n|\Z))"""
)
_SKIP = re.compile(_START)
_EXPORT = re.compile(rf"export(?=[\t\n\f\r ])[{_BLANK}]*+")
_KEY = re.compile(rf"[\w.\-\[\]{_BLANK}]*+")
_BLANKS = re.compile(rf"[{_BLANK}]*+")
_TO_END = re.compile(r"[^\n]*+")
_QUOTED = {
    "'": re.compile(r"'((?:[^'\\]++|\\.?+)*+)'", re.DOTALL),
    '"': re.compile(r'"((?:[^"\\]++|\\.?+)*+)"', re.DOTALL),
}
_QUOTE_ESCAPES = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = re.compile(r'\\(?:[abcfnrtv$"\\]|0[0-9]{0,3})')
_ESCAPED = {
    "\\a": "\a",
    "\\b": "\b",
    "\\f": "\f",
    "\\n": "\n",
    "\\r": "\r",
    "\\t": "\t",
    "\\v": "\v",
    "\\$": "$$",
    '\\"': '"',
    "\\\\": "\\",
}
_OCTAL = re.compile(r"[0-3][0-7]{2}")
_SURROGATES = re.compile("[\ud800-\udfff]")


def parse(data: bytes, environment: Mapping[str, str]) -> Loaded:
    """DATA as the service gets it from a Compose that runs with ENVIRONMENT. A byte that is not UTF-8 becomes U+FFFD.

    LoaderRefuses: a character that no name has, a quote that is not closed, a malformed `${`, a variable missing that `${NAME:?}` requires.
    """
    text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    if _SURROGATES.search(text):
        text = _SURROGATES.sub("\ufffd", text)
    reader = _Reader(text, environment)
    reader.read()
    return Loaded(reader.variables, tuple(reader.assignments))


class _Reader:
    def __init__(self, text: str, environment: Mapping[str, str]) -> None:
        self.variables: dict[str, str | None] = {}
        self.assignments: list[Assignment] = []
        self._text = text
        self._environment = environment
        self._line = 1
        self._growth = Growth("compose")
        self._asked = False

    def read(self) -> None:
        text, plain, count = self._text, _PLAIN.match, self._text.count
        variables, assignments = self.variables, self.assignments
        position, counted, size = 0, 0, len(text)
        while position < size:
            match = plain(text, position)
            if match:
                key, single, double, bare = match.groups()
                start, position = match.start(1), match.end()
                self._line += count("\n", counted, start)
                counted = start
                notes: tuple[str, ...] = ()
                if bare:
                    value, cut, _comment = bare.partition(" #")
                    value = value.rstrip(SPACE)
                    notes = (CUT,) if cut else ()
                else:
                    value = single or double or ""
                variables[key] = value
                assignments.append(Assignment(key, value, self._line, notes))
                continue
            start = _end(_SKIP, text, position)
            if start == size:
                return
            self._line += count("\n", counted, start)
            counted = start
            position = self._statement(start)

    def _statement(self, position: int) -> int:
        """Takes the statement at POSITION; gives the place after it."""
        text = self._text
        start = _end(_EXPORT, text, position)
        if start == len(text):
            raise LoaderRefuses("compose", self._line, "found export without a name")
        position = _end(_KEY, text, start)
        if position == len(
            text
        ):  # a name alone at the end of the file, without a line break: Compose takes it for a value
            self._take("", start, start)
            return position
        if text[position] not in "=:\n":
            raise LoaderRefuses("compose", self._line, "found a character that is not allowed in a variable's name")
        key = text[start:position].rstrip(SPACE)
        if " " in key:
            raise LoaderRefuses("compose", self._line, "found a space in a variable's name")
        if text[position] == "\n":
            self._inherit(key)
            return position + 1
        return self._take(key, position + 1, _end(_BLANKS, text, position + 1))

    def _inherit(self, key: str) -> None:
        value = self._environment.get(key)
        if value is not None:
            self.variables[key] = value
        self.assignments.append(
            Assignment(key, value, self._line, (INHERITED,) if value is not None else (INHERITED, DROPPED))
        )

    def _take(self, key: str, begin: int, position: int) -> int:
        """Sets KEY to the value at POSITION."""
        text = self._text
        quoted = _QUOTED.get(text[position : position + 1])
        notes: tuple[str, ...] = ()
        self._asked = False
        if quoted:
            match = quoted.match(text, position)
            if not match:
                raise LoaderRefuses("compose", self._line, "found a quote that is not closed")
            end, quote = match.end(), text[position]
            value = match[1]
            if "\\" in value:
                value = _QUOTE_ESCAPES.sub(lambda found: quote if found[1] == quote else found[0], value)
            notes = (SWALLOWED,) if swallows(match[1]) else ()
            if quote == '"':
                value = self._expanded(_ESCAPES.sub(_unescaped, value) if "\\" in value else value)
        else:
            end = _end(_TO_END, text, position)
            bare, cut, _comment = text[position:end].partition(" #")
            notes = (CUT,) if cut else ()
            value = self._expanded(bare.rstrip(SPACE))
        if self._asked:
            notes += (EXPANDED,)
        self.variables[key] = value
        self.assignments.append(Assignment(key, value, self._line, notes))
        return end

    def _expanded(self, value: str) -> str:
        try:
            return expand(value, self._lookup)
        except InvalidTemplate as error:
            raise LoaderRefuses("compose", self._line, str(error)) from None

    def _lookup(self, name: str) -> str | None:
        """What Compose knows of NAME: its own environment, then what stands above in the file."""
        self._asked = True
        value = self._environment.get(name)
        if value is None:
            value = self.variables.get(name)
        self._growth.add(len(value or ""), self._line)
        return value


def _end(pattern: re.Pattern[str], text: str, position: int) -> int:
    match = pattern.match(text, position)
    return match.end() if match else position


def _unescaped(match: re.Match[str]) -> str:
    """The character of an escape as Go reads it. `\\0` and three octal digits are one; where they are not, only the 0 goes."""
    escape = match[0]
    if escape in _ESCAPED:
        return _ESCAPED[escape]
    if not escape.startswith("\\0"):
        return escape
    return chr(int(escape[2:], 8)) if _OCTAL.fullmatch(escape[2:]) else "\\" + escape[2:]
