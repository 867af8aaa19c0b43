# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A controller with an inventory and a secret store of its own. Its commands ask no host, so none is started."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyrage
import pytest

ROOT = Path(__file__).resolve().parents[3]
BIN = ROOT / ".venv/bin"
MAKE = "{{ lookup('mainstay.backend.secret', 'shop_db', 'shop_cache', create=true, part='user') }}"


@dataclass
class Controller:
    """`place` holds its inventory, passwords, keys and store; `variables` are the inventory's."""

    place: Path
    variables: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def vault(self) -> Path:
        return self.place / "secrets/production.vault.txt"

    @property
    def age(self) -> Path:
        return self.place / "secrets/production.age.txt"

    def words(self, command: str, *options: str) -> list[str]:
        groups = {name: {"hosts": {"db1": {}}} for name in ("valkey", "postgres", "app")}
        told = {"backend_app": "shop", "postgres_databases": {"shop": {}}, **self.variables}
        inventory = {"all": {"hosts": {"db1": {}}, "children": groups, "vars": told}}
        (self.place / "inventory.json").write_text(json.dumps(inventory))
        playbook = ["ansible-playbook", "mainstay.backend.secret_store", "-i", str(self.place / "inventory.json")]
        return [*playbook, "-e", f"command={command}", *options]

    def environ(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        found = {
            **os.environ,
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "ANSIBLE_CONFIG": "",
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".build/collections"),
            "ANSIBLE_VAULT_PASSWORD_FILE": str(self.secret("password", "correct horse")),
            "ANSIBLE_LOCAL_TEMP": str(self.place / "tmp"),
            "ANSIBLE_LOG_PATH": str(self.place / "log"),
        }
        return {key: value for key, value in {**found, **self.environment, **(more or {})}.items() if value}

    def run(self, words: list[str], **environment: str) -> tuple[int, str]:
        """Its exit code and everything it printed; it has no terminal."""
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=self.environ(environment), check=False
        )
        return done.returncode, done.stdout + done.stderr

    def do(self, command: str, *options: str) -> str:
        code, out = self.run(self.words(command, *options))
        assert code == 0, out
        return out

    def refused(self, command: str, *options: str) -> str:
        """What it says, on one line: Ansible breaks lines where it likes."""
        code, out = self.run(self.words(command, *options))
        assert code != 0, out
        return " ".join(out.split())

    def at_a_terminal(self, words: list[str], **environment: str) -> tuple[int, str]:
        """Its exit code and what the terminal showed."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.execvpe(words[0], words, self.environ(environment))
        shown = b""
        while True:
            try:
                piece = os.read(terminal, 65536)
            except OSError:  # the terminal's other side is closed
                break
            if not piece:
                break
            shown += piece
        os.close(terminal)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()

    def make(self) -> None:
        """The store's first secrets, by the lookup that makes them, in two writes."""
        self.words("list")
        for names in ("'shop_db'", "'shop_cache'"):
            lookup = f"{{{{ lookup('mainstay.backend.secret', {names}, create=true, part='user') }}}}"
            words = ["ansible", "db1", "-i", str(self.place / "inventory.json"), "-m", "debug", "-a", f"msg={lookup}"]
            code, out = self.run(words)
            assert code == 0, out

    def secret(self, name: str, text: str) -> Path:
        path = self.place / name
        path.write_text(text + "\n")
        path.chmod(0o600)
        return path

    def key(self, name: str) -> tuple[str, str]:
        """Somebody's age key: the file of the identity, and the recipient."""
        identity = pyrage.x25519.Identity.generate()
        return str(self.secret(f"{name}.identity", str(identity))), str(identity.to_public())

    def value(self, name: str) -> str:
        """The secret itself, by the command that writes it into a file."""
        path = self.place / f"shown-{name}"
        self.do("show", "-e", f"credential={name}", "-e", f"show_to={path}")
        found = path.read_text().strip()
        path.unlink()
        return found


@pytest.fixture
def controller(tmp_path: Path) -> Controller:
    return Controller(tmp_path)


@pytest.fixture
def stocked(controller: Controller) -> Controller:
    """One whose store has two credentials."""
    controller.make()
    return controller
