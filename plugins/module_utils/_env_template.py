# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Expands `$NAME` and `${NAME…}` as Compose does (compose-go 2.4), in time linear in the text and in what is put in."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError

Lookup = Callable[[str], "str | None"]

# Go's (?i) lets the long s and the Kelvin sign be letters of the range a-z
_NAME = "[A-Za-z_\u017f\u212a][A-Za-z0-9_\u017f\u212a]*+"
_TOKEN = re.compile(rf"\$(?:(\$)|({_NAME})|\{{(?>(?:({_NAME})(?:(\}})|(:?[-+?]))?)?))")
_BRACES = re.compile(r"\{.?|\}", re.DOTALL)


class InvalidTemplate(MainstayError):
    """The text cannot be expanded. The message holds nothing of it."""


@dataclass(frozen=True)
class _Conditional:
    """A `${NAME:-…}` whose inner text is being expanded."""

    name: str
    operator: str
    mark: int  # how many parts there were before its own
    end: int  # where the text around it ends
    resume: int  # where that goes on


def expand(text: str, lookup: Lookup) -> str:
    """TEXT with what LOOKUP gives (None: not set). InvalidTemplate: a malformed `${`, or a required variable that is missing."""
    if "$" not in text:
        return text
    return "\n".join([_line(line, lookup) if "$" in line else line for line in text.split("\n")])


def _line(line: str, lookup: Lookup) -> str:
    parts: list[str] = []
    around: list[_Conditional] = []
    closings: dict[int, int] | None = None
    position, end = 0, len(line)
    while True:
        match = _TOKEN.search(line, position, end)
        if not match:
            parts.append(line[position:end])
            if not around:
                return "".join(parts)
            done = around.pop()
            _settle(done, parts, lookup(done.name))
            position, end = done.resume, done.end
            continue
        parts.append(line[position : match.start()])
        escaped, named, braced, closed, operator = match.groups()
        if escaped:
            parts.append("$")
        elif named or closed:
            parts.append(lookup(named or braced) or "")
        else:
            if closings is None:
                closings = _closings(line)
            closing = closings.get(match.start() + 1, end) if operator else -1
            if closing >= end:
                closing = line.rfind("}", match.end(), end)
            if closing < 0:
                raise InvalidTemplate("found '${' without a name and a closing '}'")
            around.append(_Conditional(braced, operator, len(parts), end, closing + 1))
            position, end = match.end(), closing
            continue
        position = match.end()


def _settle(item: _Conditional, parts: list[str], value: str | None) -> None:
    """Puts VALUE in place of the inner text (PARTS from the mark on) where the operator says so."""
    there = value is not None and (bool(value) or ":" not in item.operator)
    if item.operator.endswith("?") and not there:
        raise InvalidTemplate("found no value of a variable that '${…?}' requires")
    if there != item.operator.endswith("+"):
        del parts[item.mark :]
        parts.append(value or "")


def _closings(line: str) -> dict[int, int]:
    """Opening -> closing of the braces, as Compose counts them: it takes no notice of the character after an opening one."""
    opened: list[int] = []
    found = {}
    for match in _BRACES.finditer(line):
        if match[0] != "}":
            opened.append(match.start())
        elif opened:
            found[opened.pop()] = match.start()
    return found
