# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""env_file through the real ansible on this machine: check mode, diff, attributes, refusals, and no value in anything it prints."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from dotenv import dotenv_values

ROOT = Path(__file__).resolve().parents[3]
FIRST, SECOND = "Pl4inS3cret", "n3w S3cret #2 $x"
BEFORE = f"# the shop\n\nexport DB={FIRST} # old\nPORT=1\nPORT=2\nKEY='-----\n{FIRST}=\n-----'\nLAST=x"


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    result: dict[str, Any]


def call(path: Path, *options: str, **arguments: Any) -> Answer:
    """One `ansible localhost -m env_file`. The arguments go through standard input's file, as a playbook would hold them."""
    play = path.with_name("play.yml")
    python = {"ansible_python_interpreter": sys.executable}
    task = {"mainstay.backend.env_file": {"path": str(path), **arguments}}
    play.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "vars": python, "tasks": [task]}]))
    settings = {
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".build" / "collections"),
        "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default",
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_FORCE_COLOR": "0",
    }
    done = subprocess.run(
        [Path(sys.executable).with_name("ansible-playbook"), "-i", "localhost,", "-c", "local", *options, play],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **settings},
        cwd=path.parent,
    )
    out = done.stdout + done.stderr
    _head, found, text = out.partition("=> {")
    result = json.JSONDecoder().raw_decode("{" + text)[0] if found else {}
    return Answer(done.returncode, out, result)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "shop.env"


@pytest.mark.parametrize("verbosity", ["-v", "-vvvv"])
def test_what_check_mode_tells_is_what_then_happens_and_no_value_is_shown(path: Path, verbosity: str) -> None:
    path.write_text(BEFORE)
    path.chmod(0o644)
    arguments: dict[str, Any] = {
        "variables": {"DB": SECOND, "PORT": 3000, "DEBUG": "False", "N": "1"},
        "remove": ["LAST"],
    }
    told = call(path, "--check", "--diff", verbosity, **arguments)
    assert path.read_text() == BEFORE
    done = call(path, "--diff", verbosity, **arguments)
    for answer in (told, done):
        assert answer.code == 0, answer.out
        assert answer.result["changed"] is True
        assert answer.result["actions"] == [
            "DB: changed",
            "PORT: changed",
            "PORT: 1 earlier assignment removed",
            "DEBUG: added",
            "N: added",
            "LAST: removed",
            f"{path}: content, mode",
        ]
        assert "+DB=*** (changes)" in answer.out
        assert "-LAST=***" in answer.out
        hidden = (FIRST, SECOND, "S3cret", "False", '"N": ', "# old")
        assert not any(text in answer.out for text in hidden), answer.out
    assert path.read_text() == (
        f"# the shop\n\n# old\nDB='{SECOND}'\nPORT=3000\nKEY='-----\n{FIRST}=\n-----'\nDEBUG=False\nN=1\n"
    )
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert dotenv_values(path)["DB"] == SECOND
    again = call(path, "--diff", verbosity, **arguments)
    assert (again.code, again.result["changed"], again.result["actions"]) == (0, False, [])
    assert "S3cret" not in again.out
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["play.yml", "shop.env"]


def test_a_new_file_has_its_mode_and_only_where_it_may_be_made(path: Path) -> None:
    refused = call(path, "-v", variables={"A": FIRST}, create=False)
    assert "found no file" in refused.result["msg"]
    assert call(path, "-v", remove=["A"]).result["changed"] is False
    assert not path.exists()
    made = call(path, "-v", variables={"A": FIRST}, mode="0640")
    assert made.result["changes"] == [{"path": str(path), "what": ["created"]}]
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == (f"A={FIRST}\n", 0o640)


@pytest.mark.parametrize(
    ("before", "arguments", "words"),
    [
        (b"", {"variables": {"A": f"{FIRST} ${{B}}"}}, ["variables.A", "python", "not shown"]),
        (b"", {"variables": {"A": [FIRST]}}, ["variables.A", "a list"]),
        (b"", {"variables": {f"A={FIRST}": "x"}}, ["variables", "wrong name"]),
        (f'B="{FIRST}\n'.encode(), {"variables": {"A": "x"}}, ["compose", "already refuses"]),
        (b"B=\xff" + FIRST.encode(), {"variables": {"A": "x"}}, ["path", "UTF-8"]),
        (f"A={FIRST}\nB=x${{A}}".encode(), {"remove": ["A"], "loaders": ["python"]}, ["python", "B"]),
        (b"", {"variables": {"A": FIRST}, "mode": 600}, ["mode", "octal text"]),
        (b"", {"variables": {"A": FIRST}, "owner": "nobody-here"}, ["nobody-here", "existing user"]),
        (b"", {"variables": {"A": FIRST}, "loaders": []}, ["loaders", "found none"]),
    ],
)
def test_refused_without_a_change_and_without_a_value(
    path: Path, before: bytes, arguments: dict[str, Any], words: list[str]
) -> None:
    path.write_bytes(before)
    answer = call(path, "--diff", "-vvvv", **arguments)
    assert answer.code != 0
    assert all(word in answer.result["msg"] for word in words), answer.result["msg"]
    assert FIRST not in answer.out
    assert path.read_bytes() == before


def test_a_link_is_refused(path: Path) -> None:
    target = path.with_name("target")
    target.write_text("A=1\n")
    path.symlink_to(target)
    answer = call(path, "-v", variables={"A": "2"})
    assert "symbolic link" in answer.result["msg"]
    assert target.read_text() == "A=1\n"
