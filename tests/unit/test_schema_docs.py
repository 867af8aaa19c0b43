# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""docs/schema.md says what the code does: its tables are current, its schema is one, and its messages are those that are given."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.mainstay.backend.plugins.module_utils._env_schema import SchemaError, read_schema

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "schema.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found
    return found[1]


def test_the_tables_are_current() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "schema_docs.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_schema_shown_is_a_schema() -> None:
    assert len(read_schema(block("yaml"), "env.schema.yml").variables) == 6


def test_the_messages_shown_are_given() -> None:
    wrong = (
        block("yaml")
        .replace("    type: url\n", "    typ: url\n    type: url\n", 1)
        .replace("default: 5", "default: five")
    )
    wrong = wrong.replace(
        "    typ: url\n    type: url\n    schemes: [redis, rediss]\n", "    typ: url\n    type: url\n", 1
    )
    with pytest.raises(SchemaError) as refused:
        read_schema(wrong, "env.schema.yml")
    told = [re.sub(r"required, .*;", "required, …;", line) for line in refused.value.problems]
    assert told == block("text").splitlines()
