# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The filters on schemas, as Ansible itself calls them in a template."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[4]
EXAMPLE = ROOT / "examples" / "env.schema.yml"


def templated(text: str) -> subprocess.CompletedProcess[str]:
    program = str(Path(sys.executable).parent / "ansible")
    command = [program, "localhost", "-m", "ansible.builtin.debug", "-a", json.dumps({"msg": f"{{{{ {text} }}}}"})]
    environ = {
        **os.environ,
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".build" / "collections"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
    }
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=environ)


def test_the_example_and_the_reference_of_a_file() -> None:
    read = f"lookup('ansible.builtin.file', '{EXAMPLE}')"
    done = templated(
        f"({read} | mainstay.backend.env_example('development')) ~ ({read} | mainstay.backend.env_reference)"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "APP_HOST=localhost\\n" in done.stdout
    assert "| `SESSION_TTL` | duration, 5m to 90d | optional | `14d` |" in done.stdout


def test_an_import_warns_of_what_is_lost() -> None:
    done = templated("'# @icon=x\nA=5' | mainstay.backend.env_schema_import")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "type: int" in done.stdout
    assert ".env.schema:1: not imported: @icon" in done.stderr


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "'variables: {A: {typ: int}}' | mainstay.backend.env_example",
            "env.schema.yml:1: variables.A.typ: found an unknown option",
        ),
        (
            "'variables: {A: {typ: int}}' | mainstay.backend.env_reference",
            "env.schema.yml:1: variables.A.typ: found an unknown option",
        ),
        (
            "{'a': 1} | mainstay.backend.env_example",
            "found what is no text; expected schema_text | env_example(environment)",
        ),
        ("{'a': 1} | mainstay.backend.env_reference", "found what is no text; expected schema_text | env_reference"),
        ("5 | mainstay.backend.env_schema_import", "found what is no text; expected text | env_schema_import"),
    ],
)
def test_a_wrong_schema_is_told(text: str, told: str) -> None:
    done = templated(text)
    assert done.returncode != 0
    assert told in (done.stdout + done.stderr).replace("\n", " ")
