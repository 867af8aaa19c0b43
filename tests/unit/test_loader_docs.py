# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""docs/loaders.md says what the loaders do: each row of its table is read anew."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ansible_collections.mainstay.backend.plugins.module_utils._env_loaders import LOADERS, LoaderRefuses, load

PAGE = (Path(__file__).parents[2] / "docs/loaders.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `(A[^`]*)` \| (.*) \|$", PAGE, re.MULTILINE)
WORDS = {"empty": "", "none": None, "line break": "b\nc", "as it is": "$(echo hi)", "**runs it**": "$(echo hi)"}
ABSENT, REFUSED = object(), object()


def _meant(cell: str) -> object:
    if cell.startswith("\u2013") or cell == "from the environment":  # which has no A here
        return ABSENT
    if cell == "refused":
        return REFUSED
    return WORDS[cell] if cell in WORDS else cell.strip("`")


def _given(line: str, loader: str) -> object:
    try:
        return load(f"{line}\n".encode(), loader, {"EXT": "ext"}).variables.get("A", ABSENT)
    except LoaderRefuses:
        return REFUSED


@pytest.mark.parametrize(("line", "cells"), ROWS, ids=[row[0] for row in ROWS])
def test_each_row_is_what_the_loaders_give(line: str, cells: str) -> None:
    assert [_meant(cell) for cell in cells.split(" | ")] == [_given(line, loader) for loader in LOADERS]


def test_the_rows_are_there() -> None:
    assert len(ROWS) == 12
