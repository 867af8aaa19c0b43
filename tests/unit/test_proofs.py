# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""docs/proofs.md is true: each test that it names is there, and what the READMEs promise stands in it."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROOFS = ROOT / "docs" / "proofs.md"
TEST = re.compile(r"`([\w./-]+\.py)::(\w+)`")
TARGET = re.compile(r"`make ([a-z-]+)(?: S=(\w+)| F=\w+| T=[\w/]+)?`")


def rows(text: str) -> list[tuple[str, ...]]:
    """The cells of each row of each table in a Markdown TEXT, without heads and rules."""
    found = []
    lines = text.splitlines()
    for number, line in enumerate(lines):
        following = lines[number + 1] if number + 1 < len(lines) else ""
        if line.startswith("|") and not line.startswith("|--") and not following.startswith("|--"):
            found.append(tuple(cell.strip() for cell in line.strip("|").split("|")))
    return found


@cache
def functions(path: Path) -> frozenset[str]:
    """Names of the test functions in a file, at its top or in a class."""
    if not path.is_file():
        return frozenset()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def missing(text: str) -> list[str]:
    """What TEXT names and is not there: tests, make targets, scenarios; and rows that name none."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    found = []
    for promise, tests, run, *_unused in rows(text):
        named = TEST.findall(tests)
        found += [f"{promise}: no test"] * (not named) + [f"{promise}: no command"] * (not TARGET.search(run))
        found += [f"{path}::{name}" for path, name in named if name not in functions(ROOT / path)]
        for target, scenario in TARGET.findall(run):
            if target not in targets or (scenario and not (ROOT / "molecule" / scenario / "molecule.yml").is_file()):
                found.append(f"make {target} {scenario}".strip())
    return found


def test_every_test_and_command_that_is_named_is_there() -> None:
    text = PROOFS.read_text(encoding="utf-8")
    assert len(rows(text)) > 40
    assert missing(text) == []


def test_a_test_that_is_not_there_is_noticed() -> None:
    row = "| promise | `tests/unit/test_proofs.py::{}` | `make {}` |"
    assert missing(row.format("test_a_test_that_is_not_there_is_noticed", "unit")) == []
    assert missing(row.format("test_that_nobody_wrote", "unit")) == [
        "tests/unit/test_proofs.py::test_that_nobody_wrote"
    ]
    assert missing(row.format("test_a_test_that_is_not_there_is_noticed", "wonders")) == ["make wonders"]
    assert missing(row.format("test_a_test_that_is_not_there_is_noticed", "scenario S=nowhere")) == [
        "make scenario nowhere"
    ]
    assert missing("| promise | none | `make unit` |") == ["promise: no test"]


def test_what_the_readme_promises_has_a_row() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    section = readme.split("## What is proven", 1)[1]
    promised = {cells[0] for cells in rows(section)}
    assert len(promised) >= 10
    assert promised - {cells[0] for cells in rows(PROOFS.read_text(encoding="utf-8"))} == set()


@pytest.mark.parametrize("role", sorted(path.parent.name for path in ROOT.glob("roles/*/README.md")))
def test_what_a_role_promises_in_bold_has_a_row(role: str) -> None:
    readme = (ROOT / "roles" / role / "README.md").read_text(encoding="utf-8")
    promised = re.findall(r"^- (\*\*.+?\*\*)", readme, re.MULTILINE)
    sections = PROOFS.read_text(encoding="utf-8").split("\n## ")
    here = "\n".join(section for section in sections if role in section.splitlines()[0].lower())
    assert [text for text in promised if not any(cells[0].startswith(text) for cells in rows(here))] == []
