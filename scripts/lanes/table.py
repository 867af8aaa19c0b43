# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The table tests/lanes.toml: which steps there are, and which of them a changed path touches."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

#: What a step is for: every `make test`, `make test-all` only, or whichever of its steps needs it.
LANES = ("test", "all", "needed")
#: Seconds that a step is taken to need when no whole run has measured it.
UNKNOWN = 300


class InvalidTable(Exception):
    """The table contradicts itself. The message names the step or row."""


@dataclass(frozen=True)
class Step:
    """One command of a lane. `after` names the steps that must have passed before; `minutes` is when it is taken for hung."""

    name: str
    command: str
    lane: str
    after: tuple[str, ...] = ()
    cores: int = 1
    minutes: int = 25


@dataclass(frozen=True)
class Row:
    """A change of any path that one of `paths` (globs, `*` matches `/` too) matches wants `steps`."""

    paths: tuple[str, ...]
    steps: tuple[str, ...]

    def matches(self, path: str) -> bool:
        return any(fnmatchcase(path, pattern) for pattern in self.paths)


@dataclass(frozen=True)
class Table:
    """`steps` are in the order in which they begin, `rows` in that of the file."""

    steps: Mapping[str, Step]
    rows: Sequence[Row]

    def lane(self, name: str) -> list[str]:
        """The steps of `make test` (name test) or of everything (all), with what they need."""
        wanted = [step.name for step in self.steps.values() if step.lane == "test" or (step.lane == name == "all")]
        return self.with_needs(wanted)

    def with_needs(self, names: Iterable[str]) -> list[str]:
        """NAMES and every step that they come after, in the table's order."""
        found: set[str] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += self.steps[name].after
        return [name for name in self.steps if name in found]

    def uncovered(self, paths: Iterable[str]) -> list[str]:
        """Those of PATHS that no row matches."""
        return [path for path in paths if not any(row.matches(path) for row in self.rows)]

    def touched(self, paths: Iterable[str]) -> list[str]:
        """The steps that a change of PATHS wants, the most touched first; steps that others only need are left out."""
        count: Counter[str] = Counter()
        for path in paths:
            count.update({step for row in self.rows if row.matches(path) for step in row.steps})
        order = list(self.steps)
        return sorted(count, key=lambda name: (-count[name], order.index(name)))


def parse(data: Mapping[str, Any]) -> Table:
    """The table from the parsed TOML. Raises InvalidTable."""
    steps: dict[str, Step] = {}
    for name, given in data["steps"].items():
        unknown = set(given) - {"command", "lane", "after", "cores", "minutes"}
        if unknown:
            raise InvalidTable(
                f"steps.{name}: found {', '.join(sorted(unknown))}; expected command, lane, after, cores, minutes"
            )
        step = Step(name, **{key: tuple(value) if key == "after" else value for key, value in given.items()})
        if step.lane not in LANES:
            raise InvalidTable(f"steps.{name}.lane: found {step.lane}; expected one of {', '.join(LANES)}")
        missing = [needed for needed in step.after if needed not in steps]
        if missing:
            raise InvalidTable(f"steps.{name}.after: found {', '.join(missing)}; expected steps above it")
        steps[name] = step
    rows = [Row(tuple(row["paths"]), tuple(row["steps"])) for row in data["rows"]]
    for row in rows:
        missing = [name for name in row.steps if name not in steps]
        if missing:
            raise InvalidTable(f"the row of {row.paths[0]}: found step {', '.join(missing)}; expected one of steps")
    return Table(steps, rows)


def read(root: Path) -> Table:
    return parse(tomllib.loads((root / "tests" / "lanes.toml").read_text(encoding="utf-8")))


@dataclass(frozen=True)
class Choice:
    """What CI runs: `steps` with what they need, in their order, and those that a change touches and for which there is no time."""

    steps: Sequence[str]
    left: Sequence[str]


def choose(table: Table, paths: Iterable[str], seconds: Mapping[str, float], budget: float, at_once: int) -> Choice:
    """`make test`, and of the steps that PATHS touch as many as end within BUDGET seconds.

    SECONDS says how long each step took in the last whole run, AT_ONCE how many ran side by side there.
    """

    def cost(names: Iterable[str]) -> float:
        return sum(seconds.get(name, UNKNOWN if table.steps[name].lane != "needed" else 0) for name in names) / at_once

    chosen, left = table.lane("test"), []
    for name in table.touched(paths):
        more = [*chosen, *(needed for needed in table.with_needs([name]) if needed not in chosen)]
        if cost(more) <= budget:
            chosen = more
        else:
            left.append(name)
    return Choice(chosen, left)
