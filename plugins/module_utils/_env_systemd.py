# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads environment files as systemd does for a unit's EnvironmentFile= (257). Nothing is expanded there, and only `VAR=value` is taken."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ansible_collections.mainstay.backend.plugins.module_utils._env_loaders import (
    DROPPED,
    SWALLOWED,
    Assignment,
    Loaded,
    LoaderRefuses,
    swallows,
)

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*+\Z")
# A statement as most files have it: valid name, value without escapes that is bare or in one pair of quotes.
_PLAIN = re.compile(
    r"""(?:[ \t\r\n]++|[#;][^\r\n]*+)*+([A-Za-z_][A-Za-z0-9_]*+)[ \t]*+=[ \t]*+"""
    r"""(?:'([^'\r\n]*+)'[ \t]*+|"([^"\\\r\n]*+)"[ \t]*+|([^"'\\ \t\r\n][^\\\r\n]*+)?)(?:[\r\n]|\Z)"""
)
_SKIP = re.compile(r"(?:[ \t\r\n]++|[#;][^\r\n]*+)*+")
_KEY = re.compile(r".[^=\r\n]*+", re.DOTALL)
_QUOTED = re.compile(r"""[ \t]*+(?:'([^']*+)'?|"((?:[^"\\]++|\\.?+)*+)"?)""", re.DOTALL)
_BARE = re.compile(r"[ \t]*+((?:[^\\\r\n]++|\\.?+)*+)", re.DOTALL)
_IN_QUOTES = re.compile(r'\\(?:(["\\`$])|\n|\Z)')
_OUTSIDE = re.compile(r"\\(?:[\r\n]|\Z|(.))", re.DOTALL)
# What Python decodes, and systemd does not take for valid: noncharacters. Surrogates stand for bytes that are not UTF-8.
_INVALID = re.compile(
    "[\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"
    + "".join(f"{chr(plane << 16 | 0xFFFE)}{chr(plane << 16 | 0xFFFF)}" for plane in range(1, 17))
    + "]"
)
_EXPORT = re.compile(r"\ufeff?(?:export[ \t]++)?")


def parse(data: bytes, environment: Mapping[str, str]) -> Loaded:
    """DATA as the unit's processes get it; ENVIRONMENT plays no part.

    An assignment to an invalid name is left out (systemd writes that line, value included, into the journal); its key is given here without
    `export` and byte order mark. LoaderRefuses, where the unit would not start: a NUL, or an assignment that is not valid UTF-8.
    """
    if b"\0" in data:
        raise LoaderRefuses("systemd", data.count(b"\n", 0, data.index(b"\0")) + 1, "found a NUL")
    text = data.decode("utf-8", "surrogateescape")
    check = bool(_INVALID.search(text))
    variables: dict[str, str | None] = {}
    assignments = []
    for key, value, line, swallowed in _statements(text):
        if check and (_INVALID.search(key) or (value and _INVALID.search(value))):
            raise LoaderRefuses("systemd", line, "found an assignment that is not valid UTF-8")
        if value is None or not _NAME.match(key):
            assignments.append(Assignment(_EXPORT.sub("", key, count=1), None, line, (DROPPED,)))
            continue
        variables[key] = value
        assignments.append(Assignment(key, value, line, (SWALLOWED,) if swallowed else ()))
    return Loaded(variables, tuple(assignments))


def _statements(text: str) -> Iterator[tuple[str, str | None, int, bool]]:
    """Key, value, line, and whether it reaches over lines that look like assignments. The value is None for a name without '='."""
    plain, count = _PLAIN.match, text.count
    position, counted, line, size = 0, 0, 1, len(text)
    while position < size:
        match = plain(text, position)
        if match:
            key, single, double, bare = match.groups()
            start, position = match.start(1), match.end()
            line += count("\n", counted, start)
            counted = start
            yield key, bare.rstrip(" \t") if bare else single or double or "", line, False
            continue
        start = _end(_SKIP, text, position)
        if start == size:
            return
        line += count("\n", counted, start)
        counted = start
        position = _end(_KEY, text, start)
        key = text[start:position].rstrip(" \t")
        if position == size or text[position] != "=":
            if _NAME.match(_EXPORT.sub("", key, count=1)):
                yield key, None, line, False
            continue
        begin = position + 1
        value, position = _value(text, begin)
        yield key, value, line, swallows(text[begin:position])


def _end(pattern: re.Pattern[str], text: str, position: int) -> int:
    match = pattern.match(text, position)
    return match.end() if match else position


def _value(text: str, position: int) -> tuple[str, int]:
    """The value that begins at POSITION, and where it ends: any number of quoted parts, then what is bare up to the end of the line."""
    parts = []
    while match := _QUOTED.match(text, position):
        single, double = match.groups()
        parts.append(single if double is None else _IN_QUOTES.sub(r"\1", double))
        position = match.end()
    match = _BARE.match(text, position)
    if match:
        parts.append(_OUTSIDE.sub(r"\1", _chomped(match[1])))
        position = match.end()
    return "".join(parts), position


def _chomped(bare: str) -> str:
    """BARE without the white space at its end, but for one that is escaped."""
    value = bare.rstrip(" \t")
    escaped = len(value) - len(value.rstrip("\\"))
    return bare[: len(value) + 1] if escaped % 2 else value
