# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a scan of an application's sources finds: places that read an environment variable. No default's text is kept."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
#: Without the variable the program stops there, goes on with a default of its own, or goes on with nothing.
REQUIRED, DEFAULT, OPTIONAL = "required", "default", "optional"


@dataclass(frozen=True)
class Read:
    """One place. An empty `name`: it is computed there, so that only a run could tell it. `line` is 1-based."""

    name: str
    line: int
    need: str = OPTIONAL


class Lines:
    """Line numbers of offsets in a text."""

    def __init__(self, text: str) -> None:
        self._starts = [match.end() for match in re.finditer("\n", text)]

    def at(self, offset: int) -> int:
        return bisect_right(self._starts, offset) + 1


class Spans:
    """The parts of a text that are code, neither comment nor literal."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []

    def add(self, start: int, end: int) -> None:
        """Parts come in the order of their starts."""
        if end > start:
            self._starts.append(start)
            self._ends.append(end)

    def __contains__(self, offset: int) -> bool:
        place = bisect_right(self._starts, offset) - 1
        return place >= 0 and offset < self._ends[place]


def named(name: str, line: int, need: str) -> Read:
    """A read of NAME; one that is no name of a variable is an unknown one."""
    return Read(name if NAME.fullmatch(name) else "", line, need)
