# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""ansible-core packs modules while something else is waited for, and sends a host what it needs and no more."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mainstay.backend.plugins.plugin_utils import packing

PROGRAM = Path(__file__).resolve().parents[3] / "lib" / "packing.py"
COLLECTIONS = Path(packing.__file__).parents[5]


def run(how: str, folder: Path, number: int, *names: str) -> Any:
    done = subprocess.run(
        [sys.executable, PROGRAM, how, folder, str(number), *names],
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS)},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr[-2000:]
    return json.loads(done.stdout)


def test_modules_are_packed_while_the_block_waits(tmp_path: Path) -> None:
    assert run("meanwhile", tmp_path, 2, "host_probe", "files") == ["files", "host_probe"]


def test_the_block_may_parse_python_too(tmp_path: Path) -> None:
    """CPython gh-106905: in threads of 3.11 one of both failed with "AST constructor recursion depth mismatch"."""
    names = ("host_probe", "files", "packages", "env_scan", "valkey_instances", "postgres_cluster", "secret_files")
    assert run("parsing", tmp_path, len(names), *names) == sorted(names)


def test_no_plugin_of_the_controller_starts_a_thread() -> None:
    """For that reason: ansible-core parses Python wherever it packs a module or compiles a template."""
    plugins = Path(packing.__file__).parents[1]
    texts = {
        path: path.read_text(encoding="utf-8")
        for folder in ("action", "filter", "lookup", "plugin_utils")
        for path in (plugins / folder).glob("*.py")
    }
    assert len(texts) > 40
    found = re.compile(r"^\s*(?:import|from) (?:threading|concurrent|_thread|asyncio)\b", re.MULTILINE)
    assert [path.name for path, text in texts.items() if found.search(text)] == []


def test_a_block_that_ends_at_once_waits_for_one_at_most(tmp_path: Path) -> None:
    assert len(run("meanwhile", tmp_path, 0, "host_probe", "files", "packages", "env_scan")) <= 1


def test_what_cannot_be_packed_is_left_to_the_call(tmp_path: Path) -> None:
    assert run("meanwhile", tmp_path, 1, "there_is_none", "host_probe") == ["host_probe"]


@pytest.mark.parametrize(
    "name", ["valkey_instances", "postgres_cluster", "secret_files", "credential_probe", "valkey_user"]
)
def test_a_host_is_sent_nothing_of_the_inventorys_core(name: str, tmp_path: Path) -> None:
    paths = run("at-once", tmp_path, 0, name)
    ours = {Path(path).stem for path in paths if "mainstay/backend/plugins/module_utils" in path}
    assert "_checking" in ours
    assert ours & {"_description", "_consumers", "_env_schema", "_budget"} == set()
