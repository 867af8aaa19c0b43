# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tables for people: plain text, columns as wide as their content, numbers to the right."""

from __future__ import annotations

import re
from collections.abc import Sequence

_NUMBER = re.compile(r"[\d.,]+(?: ?(?:%|ms|s|B|KiB|MiB|GiB|TiB))?")


def table(title: str, heads: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """TITLE, a rule and ROWS under HEADS as lines of text; a column is right-aligned where all its cells are numbers, or empty."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max([len(head), *[len(row[at]) for row in cells]]) for at, head in enumerate(heads)]
    right = [
        any(row[at] for row in cells) and all(_NUMBER.fullmatch(row[at]) for row in cells if row[at])
        for at in range(len(heads))
    ]

    def line(row: Sequence[str]) -> str:
        return "  ".join(
            cell.rjust(width) if flush else cell.ljust(width)
            for cell, width, flush in zip(row, widths, right, strict=True)
        ).rstrip()

    return [title, line(list(heads)), "  ".join("-" * width for width in widths), *[line(row) for row in cells]]
