# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""ansible-playbook against this machine (connection local), in an application's folder, as CI runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Done:
    """One run: `out` is all that it printed."""

    code: int
    out: str


@dataclass
class Application:
    """A folder with an application's files; ansible-playbook is started in it."""

    folder: Path

    def write(self, name: str, content: str | bytes, mode: int = 0o600) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(mode)
        return path

    def git(self, *words: str) -> None:
        subprocess.run(["git", *words], cwd=self.folder, check=True, capture_output=True)

    def ansible(self, *words: str, settings: Mapping[str, str] | None = None) -> Done:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
        environment["ANSIBLE_COLLECTIONS_PATH"] = str(ROOT / ".build/collections")
        command = [str(ROOT / ".venv/bin/ansible-playbook"), *words]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            env={**environment, **(settings or {})},
            cwd=self.folder,
            timeout=1800,
            check=False,
        )
        return Done(done.returncode, done.stdout + done.stderr)

    def playbook(self, *words: str, **variables: object) -> Done:
        """playbooks/validate_env.yml with -e for each of VARIABLES (short names)."""
        told = [f"--extra-vars={json.dumps({f'validate_env_{name}': value})}" for name, value in variables.items()]
        return self.ansible("mainstay.backend.validate_env", *told, *words)

    def module(self, *words: str, **options: object) -> tuple[Done, Mapping[str, Any]]:
        """One task with the module, and its result."""
        play = {
            "hosts": "localhost",
            "connection": "local",
            "gather_facts": False,
            "vars": {"ansible_python_interpreter": sys.executable},
            "tasks": [{"name": "Judge", "mainstay.backend.env_validate": options}],
        }
        path = self.folder.parent / "play.json"
        path.write_text(json.dumps([play]))
        settings = {"ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json"}
        done = self.ansible("-i", "localhost,", str(path), *words, settings=settings)
        told = json.JSONDecoder().raw_decode(done.out[done.out.index("{\n") :])[0]
        return done, told["plays"][0]["tasks"][0]["hosts"]["localhost"]


@pytest.fixture
def application(tmp_path: Path) -> Application:
    folder = tmp_path / "shop"
    folder.mkdir()
    return Application(folder)
