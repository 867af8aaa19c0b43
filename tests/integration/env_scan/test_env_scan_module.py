# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Module env_scan through Ansible, on the controller itself."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
SCHEMA = """\
variables:
  API_KEY: {required: true}
  UNREAD: {}
  FROM_FILE: {source: secret}
  GOING: {deprecated: API_KEY}
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "main.rb").write_text(
        "ENV.fetch('API_KEY')\nENV['STRANGE']\nENV.fetch('WITH', 's3cret')\nENV[name]\n"
    )
    (tmp_path / "app" / ".env.example").write_text("API_KEY=\n# STRANGE=\nOLD=\n")
    (tmp_path / "env.schema.yml").write_text(SCHEMA)
    return tmp_path


def scan(folder: Path, *more: str, **options: Any) -> tuple[int, dict[str, Any], str]:
    """Exit code, result and output of a play with the module as its only task, started in FOLDER."""
    task = {"name": "scan", "mainstay.backend.env_scan": {"root": "app", **options}}
    play = [{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]
    (folder / "play.json").write_text(json.dumps(play))
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".build/collections"),
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
    }
    done = subprocess.run(
        [str(ROOT / ".venv/bin/ansible-playbook"), "-i", "localhost,", "-c", "local", *more, "play.json"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    told = json.JSONDecoder().raw_decode(done.stdout[done.stdout.index("{\n") :])[0]
    return done.returncode, told["plays"][0]["tasks"][0]["hosts"]["localhost"], done.stdout + done.stderr


def findings(result: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [
        (item["rule"], item["severity"], item["file"], item["line"], item["variable"]) for item in result["findings"]
    ]


def test_without_declarations_it_tells_what_is_read(app: Path) -> None:
    code, result, out = scan(app)
    assert (code, result["changed"], result["findings"]) == (0, False, [])
    assert result["reads"] == [
        {"name": "API_KEY", "need": "required", "places": ["main.rb:1"]},
        {"name": "STRANGE", "need": "optional", "places": ["main.rb:2"]},
        {"name": "WITH", "need": "default", "places": ["main.rb:3"]},
    ]
    assert result["unknown"] == ["main.rb:4"]
    assert "s3cret" not in out


def test_the_schema_is_compared_and_an_error_fails_the_task(app: Path) -> None:
    code, result, _out = scan(app, schema="env.schema.yml")
    assert code == 2
    assert findings(result) == [
        ("declared-unread", "warning", "env.schema.yml", 3, "UNREAD"),
        ("read-undeclared", "error", "main.rb", 2, "STRANGE"),
        ("read-undeclared", "warning", "main.rb", 3, "WITH"),
    ]
    assert "1 error, 2 warnings in 1 file" in result["msg"]


def test_an_example_and_names_are_compared_also_in_check_mode(app: Path) -> None:
    options = {"example": ".env.example", "declared": ["WITH"]}
    code, result, _out = scan(app, "--check", **options)
    assert code == 0
    assert findings(result) == [("declared-unread", "warning", ".env.example", 3, "OLD")]
    assert scan(app, **options, fail_on="warning")[0] == 2
    assert scan(app, **options, fail_on="warning", severities={"declared-unread": "off"})[0] == 0
    assert scan(app, schema="env.schema.yml", fail_on="never")[0] == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"root": "none"}, "root: found no folder none"),
        ({"schema": "none.yml"}, "none.yml cannot be read: No such file or directory"),
        ({"example": "none"}, "example: found no text file app/none; expected a .env.example"),
        ({"unknown": 1}, "unknown option unknown; expected"),
        (
            {"declared": ["A"], "severities": {"x": "off"}},
            "severities: found 'x'; expected read-undeclared, declared-unread",
        ),
    ],
)
def test_bad_options_are_refused(app: Path, options: dict[str, Any], message: str) -> None:
    code, result, _out = scan(app, **options)
    assert code == 2
    assert message in result["msg"]
