# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads environment files as dotenv of Node does (17.4.2, its parse() without any expansion)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ansible_collections.mainstay.backend.plugins.module_utils._env_lines import DROPPED as OUT
from ansible_collections.mainstay.backend.plugins.module_utils._env_lines import NAME, PLAIN, Dialect, Scanner
from ansible_collections.mainstay.backend.plugins.module_utils._env_loaders import (
    CUT,
    DROPPED,
    SWALLOWED,
    Assignment,
    Loaded,
    swallows,
)

#: What JavaScript takes for white space; the byte order mark is among it.
SPACE = "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_ENDS = "\n\u2028\u2029"
_QUOTES = "'\"`"
_SCANNER = Scanner(Dialect(key=r"A-Za-z0-9_.\-", space=SPACE, ends=_ENDS, quotes=_QUOTES, names=False))
_OPENING = re.compile(rf"(?:\A|(?<=[{_ENDS}]))[{_QUOTES}]")
_CLOSING = re.compile(rf"[{_QUOTES}](?=[{_ENDS}]|\Z)")


def parse(data: bytes, environment: Mapping[str, str]) -> Loaded:
    """DATA as parse() reads it. It refuses nothing: a byte that is not UTF-8 becomes U+FFFD. ENVIRONMENT plays no part."""
    text = data.decode("utf-8", "replace")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    variables: dict[str, str | None] = {}
    assignments: list[Assignment] = []
    for kind, key, raw, line, cut in _SCANNER.statements(text):
        if kind == OUT or key == "__proto__":  # an object does not take a property of that name
            assignments.append(Assignment(key, None, line, (DROPPED,)))
            continue
        value = raw if kind == PLAIN else "" if kind == NAME else _value(raw)
        notes: tuple[str, ...] = (CUT,) if cut else ()
        if kind != PLAIN and swallows(value):
            notes += (SWALLOWED,)
        variables[key] = value
        assignments.append(Assignment(key, value, line, notes))
    return Loaded(variables, tuple(assignments))


def _value(raw: str) -> str:
    """RAW without its quotes, and with line breaks for their escapes where it begins with a double quote (closed or not)."""
    value = raw.strip(SPACE)
    first = value[:1]
    if "\u2028" in value or "\u2029" in value:
        value = _unquoted_lines(value)
    elif len(value) > 1 and first in _QUOTES and value[-1] == first:
        value = value[1:-1]
    if first == '"' and "\\" in value:
        value = value.replace("\\n", "\n").replace("\\r", "\r")
    return value


def _unquoted_lines(value: str) -> str:
    """Takes away each quote that begins a line together with the last quote of its kind that ends a line."""
    last = {match[0]: match.start() for match in _CLOSING.finditer(value)}
    parts, position = [], 0
    for match in _OPENING.finditer(value):
        start = match.start()
        end = last.get(match[0], -1)
        if start >= position and end > start:
            parts += [value[position:start], value[start + 1 : end]]
            position = end + 1
    return "".join([*parts, value[position:]])
