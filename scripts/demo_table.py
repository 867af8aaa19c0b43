# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The demo's last table: what its program did before a rotation and during it, from two counts of examples/quickstart/tally.py.

Usage: demo_table.py BEFORE DURING     exits with 1 where an operation failed, or a server had none
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SERVERS = ("cache", "session", "cable", "database")
HEAD = ("server", "operations", "failed", "slowest", "operations", "failed", "slowest")
Counts = Mapping[str, Mapping[str, Any]]


def cells(counts: Counts, name: str) -> tuple[str, str, str]:
    entry = counts.get(name, {})
    slowest = entry.get("slowest_ms", 0)
    return str(entry.get("operations", 0)), str(entry.get("failed", 0)), f"{slowest:.1f} ms"


def table(before: Counts, during: Counts) -> str:
    rows = [HEAD, *((name, *cells(before, name), *cells(during, name)) for name in SERVERS)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    lines = ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows]
    rule = "  ".join("-" * width for width in widths)
    left = widths[0] + 2
    middle = left + sum(widths[1:4]) + 6
    over = f"{'':{left}}{'before':{middle - left}}while everything rotated"
    return "\n".join([over, lines[0], rule, *lines[1:]])


def problems(before: Counts, during: Counts) -> list[str]:
    """What must not be so after a rotation under load."""
    found = []
    for when, counts in (("before the rotation", before), ("during the rotation", during)):
        for name in SERVERS:
            entry = counts.get(name, {})
            if not entry.get("operations"):
                found.append(f"{name}: found no operation {when}; expected some")
            if entry.get("failed"):
                found.append(f"{name}: found {entry['failed']} failed operations {when}; expected none")
    return found


def main(before: str, during: str) -> int:
    counts = [json.loads(Path(path).read_text(encoding="utf-8")) for path in (before, during)]
    print(table(*counts))
    found = problems(*counts)
    print("".join(f"demo: {line}\n" for line in found), end="", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
