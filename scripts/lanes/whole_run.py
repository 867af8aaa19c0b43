# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""tests/whole-run.md: which commit the last `make test-all` passed on, when, and how long each step took."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PATH = Path("tests/whole-run.md")
_TEXT = """# The last whole run

Written by `make test-all` when all of it passed; do not edit. `.ci/run` runs what changed since this commit.

- Commit: {commit}
- Date: {date}
- Python: {python}
- Seconds in all: {total:.0f}, {at_once:.2f} steps at once on average

| step | seconds |
|---|---|
{rows}
"""


@dataclass(frozen=True)
class WholeRun:
    """`seconds` of each step; `at_once` is how many ran side by side on average."""

    commit: str
    date: str
    python: str
    total: float
    seconds: Mapping[str, float]

    @property
    def at_once(self) -> float:
        return max(1.0, sum(self.seconds.values()) / self.total) if self.total else 1.0

    def text(self) -> str:
        rows = "\n".join(f"| {name} | {seconds:.0f} |" for name, seconds in self.seconds.items())
        return _TEXT.format(
            commit=self.commit, date=self.date, python=self.python, total=self.total, at_once=self.at_once, rows=rows
        )


def parse(text: str) -> WholeRun:
    """Raises ValueError where TEXT is no such page."""
    found = {key: re.search(pattern, text) for key, pattern in _FIELDS.items()}
    missing = [key for key, match in found.items() if not match]
    if missing:
        raise ValueError(f"{PATH}: found no {', '.join(missing)}; expected a page that `make test-all` wrote")
    one = {key: match[1] for key, match in found.items() if match}
    seconds = {name: float(number) for name, number in re.findall(r"^\| ([\w.-]+) \| (\d+) \|$", text, re.MULTILINE)}
    return WholeRun(one["commit"], one["date"], one["python"], float(one["total"]), seconds)


_FIELDS = {
    "commit": r"- Commit: ([0-9a-f]{40})\n",
    "date": r"- Date: (\S+)\n",
    "python": r"- Python: (\S+)\n",
    "total": r"- Seconds in all: (\d+),",
}


def read(root: Path) -> WholeRun | None:
    """The page, or None where no whole run passed yet."""
    path = root / PATH
    return parse(path.read_text(encoding="utf-8")) if path.exists() else None
