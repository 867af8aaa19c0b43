# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads environment files as python-dotenv does (1.2.4, dotenv_values of a file, with interpolation)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ansible_collections.mainstay.backend.plugins.module_utils._env_loaders import (
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

_SKIP = r"(?:\s++|\#[^\n]*+)*+"
# What most lines are: nothing to unescape, nothing to expand. Others take the long way.
_ORDINARY = re.compile(
    _SKIP
    + r"""(?>(?:export[ \t]++)?)([A-Za-z0-9_.\-]++)[ ]*+=[ ]*+"""
    + r"""(?:(?:'([^'\\$\n]*+)'|"([^"\\$\n]*+)")[ \t]*+(?:\#[^\n]*+)?|([!%&(-~][ !"%-~]*+)((?<=[ ])\#[^\n]*+)?|(?=\n))(?:\n|\Z)"""
)
_BLANK = re.compile(_SKIP)
_EXPORT = re.compile(r"export[^\S\n]++")
_QUOTED_KEY = re.compile(r"'([^']++)'")
_KEY = re.compile(r"([^=#\s]++)")
_EQUALS = re.compile(r"[^\S\n]*+=([^\S\n]*+)")
_SINGLE = re.compile(r"'((?:[^'\\]++|\\.?+)*+)'", re.DOTALL)
_DOUBLE = re.compile(r'"((?:[^"\\]++|\\.?+)*+)"', re.DOTALL)
_COMMENT = re.compile(r"\s#")
_REST = re.compile(r"[^\S\n]*+(?:#[^\n]*+)?(?:\n|\Z)")
_SINGLE_ESCAPE = re.compile(r"\\([\\'])")
_DOUBLE_ESCAPE = re.compile(r"\\([\\'\"abfnrtv])")
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_LOOKS = re.compile(r"(?:export[^\S\n]++)?([\w.-]++)(?:[^\S\n]*+=|:)")
_NAME_END = re.compile(r"[}:]")


class _Binding(NamedTuple):
    """`key` None: the statement is a comment."""

    key: str | None
    value: str | None
    end: int
    cut: bool


class _Unparsable(Exception):
    """The statement is dropped; parsing goes on after the line of `position`."""

    def __init__(self, position: int) -> None:
        super().__init__()
        self.position = position


def parse(data: bytes, environment: Mapping[str, str]) -> Loaded:
    """DATA as dotenv_values reads it in a process with ENVIRONMENT, which earlier lines of the file beat. LoaderRefuses: what is not UTF-8."""
    text = _text(data)
    variables: dict[str, str | None] = {}
    assignments: list[Assignment] = []
    growth = Growth("python")
    for key, value, line, notes in _statements(text):
        if notes == (DROPPED,):
            assignments.append(Assignment(key, None, line, notes))
            continue
        if value is not None and "${" in value:
            value, expanded = _expanded(value, variables, environment, growth, line)
            notes += (EXPANDED,) if expanded else ()
        variables[key] = value
        assignments.append(Assignment(key, value, line, notes))
    return Loaded(variables, tuple(assignments))


def _text(data: bytes) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise LoaderRefuses("python", data.count(b"\n", 0, error.start) + 1, "found a byte that is not UTF-8") from None
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.removeprefix("\ufeff")


def _statements(text: str) -> Iterator[tuple[str, str | None, int, tuple[str, ...]]]:
    """Key, value before interpolation, line, notes."""
    ordinary, count = _ORDINARY.match, text.count
    position, counted, line, size = 0, 0, 1, len(text)
    while position < size:
        match = ordinary(text, position)
        if match:
            key, single, double, bare, comment = match.groups()
            start, position = match.start(1), match.end()
            line += count("\n", counted, start)
            counted = start
            if bare is not None:
                yield key, bare.rstrip(), line, (CUT,) if comment else ()
            else:
                yield key, single or double or "", line, ()
            continue
        blank = _BLANK.match(text, position)
        start = blank.end() if blank else position
        if start >= size:
            return
        line += count("\n", counted, start)
        counted = start
        try:
            binding = _binding(text, start)
        except _Unparsable as error:
            looks = _LOOKS.match(text, start)
            if looks:
                yield looks[1], None, line, (DROPPED,)
            end = text.find("\n", error.position)
            position = end + 1 if end >= 0 else size
            continue
        position = binding.end
        if binding.key is not None:
            notes: tuple[str, ...] = (CUT,) if binding.cut else ()
            if binding.value is not None and swallows(binding.value):
                notes += (SWALLOWED,)
            yield binding.key, binding.value, line, notes


def _binding(text: str, start: int) -> _Binding:
    """The statement at START, which is no white space. _Unparsable where python-dotenv warns."""
    match = _EXPORT.match(text, start)
    position = match.end() if match else start
    key = None
    if not text.startswith("#", position):
        match = (_QUOTED_KEY if text.startswith("'", position) else _KEY).match(text, position)
        if match is None:
            raise _Unparsable(position)
        key, position = match[1], match.end()
    value, cut = None, False
    match = _EQUALS.match(text, position)
    if match:
        value, position, cut = _value(text, match.end(), bool(match[1]))
    match = _REST.match(text, position)
    if match is None:
        raise _Unparsable(position)
    return _Binding(key, value, match.end(), cut)


def _value(text: str, position: int, spaced: bool) -> tuple[str, int, bool]:
    """The value at POSITION, its end, and whether a comment cuts it off. SPACED: white space is before it."""
    first = text[position : position + 1]
    if first in ("", "\n"):
        return "", position, False
    if spaced and first == "#":
        return "", position, True
    if first in ("'", '"'):
        match = (_SINGLE if first == "'" else _DOUBLE).match(text, position)
        if match is None:
            raise _Unparsable(position)
        value = match[1]
        if "\\" in value:
            value = (_SINGLE_ESCAPE if first == "'" else _DOUBLE_ESCAPE).sub(_unescaped, value)
        return value, match.end(), False
    end = text.find("\n", position)
    end = end if end >= 0 else len(text)
    comment = _COMMENT.search(text, position, end)
    return text[position : comment.start() if comment else end].rstrip(), end, comment is not None


def _unescaped(match: re.Match[str]) -> str:
    found: str = match[1]
    return _ESCAPES.get(found, found)


def _expanded(
    value: str, variables: Mapping[str, str | None], environment: Mapping[str, str], growth: Growth, line: int
) -> tuple[str, bool]:
    """VALUE with what `${NAME}` and `${NAME:-default}` stand for. A default is taken for an unset NAME only, and is text."""
    parts: list[str] = []
    position, opening, ends = 0, value.find("${"), -1
    while opening >= 0:
        begin = opening + 2
        if ends < begin:
            match = _NAME_END.search(value, begin)
            if match is None:
                break
            ends = match.start()
        closing, default = ends, ""
        if value[ends] == ":":
            closing = value.find("}", ends) if value.startswith("-", ends + 1) else -2
            if closing == -1:
                break
            default = value[ends + 2 : closing]
        if closing == -2:  # no substitution begins here
            opening = value.find("${", begin)
            continue
        name = value[begin:ends]
        found = variables[name] if name in variables else environment.get(name, default)
        growth.add(len(found or ""), line)
        parts += [value[position:opening], found or ""]
        position = closing + 1
        opening = value.find("${", position)
    return "".join([*parts, value[position:]]), position > 0
