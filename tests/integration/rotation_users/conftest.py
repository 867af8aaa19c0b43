# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host with both servers and logins of every kind, and what a rotation does with them: store, adapters and modules, without its playbook."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mainstay.backend.plugins.module_utils import _rotation, _store
from ansible_collections.mainstay.backend.plugins.module_utils._adapter_postgres import ADAPTER as POSTGRES
from ansible_collections.mainstay.backend.plugins.module_utils._adapter_valkey import ADAPTER as VALKEY
from ansible_collections.mainstay.backend.plugins.module_utils._credentials import ADMIN, Credential
from ansible_collections.mainstay.backend.plugins.module_utils._description import Description
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_kinds import Call, Context, Probe, Rotating

ROOT = Path(__file__).resolve().parents[3]
VARIABLES: dict[str, Any] = {
    "backend_app": "shop",
    "postgres_databases": {"shop": {}, "stats": {}},
    "backend_credentials": {
        "shop_both": {"kind": "valkey_user", "instance": "session", "mode": "dual_password"},
        "cache_watch": {"kind": "valkey_user", "instance": "cache", "privileges": "monitoring"},
        "cache_copy": {"kind": "valkey_user", "instance": "cache", "privileges": "replication"},
        "db_watch": {"kind": "postgres_role", "privileges": "monitoring"},
        "db_copy": {"kind": "postgres_role", "privileges": "replication"},
    },
}
PORTS = {"cache": 6379, "session": 6380, "cable": 6381}
_HOLD = """
import os, socket, sys
made = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
made.sendall(b"AUTH %s %s\\r\\n" % (sys.argv[2].encode(), os.environ["WORD"].encode()))
print(made.recv(99).decode())
print("still open" if made.recv(1) else "closed")
"""
ROLES = ("valkey", "postgres")
STATES = ("STAGED", "TESTED", "PUBLISHED", "RELOADED", "CONSUMERS_OK", "RETIRED", "REFUSED", "DONE")


@dataclass
class Backend:
    """The host, and the store as the rotation's journal leaves it after each state."""

    host: Any
    description: Description
    variables: Mapping[str, Any] = field(default_factory=lambda: VARIABLES)

    def apply(self, check: bool = False, **variables: Any) -> Any:
        return self.host.play(ROLES, variables={**VARIABLES, **variables}, check=check)

    # the store

    @property
    def store(self) -> Path:
        return next((self.host.work / "secrets").glob("*.vault.txt"))

    def vault(self, *words: str, text: str | None = None) -> str:
        command = [ROOT / ".venv/bin/ansible-vault", *words, "--vault-password-file", self.host.work / "vault-password"]
        return subprocess.run(command, capture_output=True, text=True, check=True, input=text).stdout

    def contents(self) -> _store.Contents:
        return _store.parse(self.vault("view", str(self.store)), "production", "store")

    def write(self, contents: _store.Contents) -> None:
        text = self.vault("encrypt", "--output", "-", text=_store.dump(contents))
        self.store.write_text(text)

    def now(self) -> str:
        return _rotation.told(datetime.now(UTC))

    def declared(self) -> dict[str, Credential]:
        return {**self.description.credentials, ADMIN: Credential(ADMIN, "valkey_admin")}

    def begin(self, *names: str) -> None:
        due = {name: (self.declared()[name], "a test") for name in names}
        self.write(_rotation.begin(self.contents(), due, self.now(), _store.random_versions(os.urandom)))

    def reach(self, state: str, *names: str) -> None:
        """The journal at STATE; every state before it is passed."""
        contents = self.contents()
        for step in STATES[: STATES.index(state) + 1]:
            contents = _rotation.advance(contents, names, step, self.now())
        self.write(contents)

    def rotating(self, *names: str) -> tuple[Context, list[Rotating]]:
        contents, found = self.contents(), []
        for name in names:
            credential, record = self.declared()[name], contents.records[name]
            found.append(Rotating(credential, record, _store.issued(record, credential.target)))
        admin = _store.issued(contents.records[ADMIN], "")
        return Context(self.description, admin, self.now()), found

    def password(self, name: str, version: str = "current") -> tuple[str, str]:
        """Login name and password of a VERSION (current, previous, pending)."""
        record = self.contents().records[name]
        found = getattr(record, version)
        login = _store.issued(record, "").login(found.slot)
        return login, found.secret

    # the verbs, as tasks: a whole rotation is one play, since the store is the controller's alone

    def tasks(self, label: str, verb: str, *names: str, crash: str = "", check: bool = False) -> list[dict[str, Any]]:
        """What the adapters want for VERB as the store is now; `label` is in the tasks' names. A crash is awaited, and its task fails."""
        context, items = self.rotating(*names)
        found = []
        for adapter in (VALKEY, POSTGRES):
            mine = [item for item in items if item.credential.kind in adapter.kinds]
            told = getattr(adapter, verb)(context, mine) if mine else []
            if told and isinstance(told[0], Probe):
                told = [_probing(told)]
            found += [_task(label, call, crash, check) for call in told]
        return found

    def play(self, tasks: Sequence[Mapping[str, Any]], verbosity: int = 0) -> Any:
        return self.host.play(tasks=tasks, variables=VARIABLES, verbosity=verbosity)

    # the servers

    def valkey(self, instance: str, user: str, password: str, *words: str) -> str:
        command = ["env", f"REDISCLI_AUTH={password}", "valkey-cli", "--no-auth-warning", "--user", user]
        return str(self.host.run([*command, "-p", str(PORTS[instance]), *words], check=False)).strip()

    def admin(self, instance: str, *words: str) -> str:
        user, password = self.password(ADMIN)
        return self.valkey(instance, user, password, *words)

    def hold(self, name: str, instance: str, user: str, password: str) -> dict[str, Any]:
        """A task that opens a connection of USER; /tmp/NAME says `closed` when the server has ended it."""
        self.host.write("/root/hold.py", _HOLD)
        words = (
            f"WORD={password} setsid python3 -u /root/hold.py {PORTS[instance]} {user} >/tmp/{name} 2>&1 </dev/null &"
        )
        return shell(f"hold {name}", f"{words} until grep -q OK /tmp/{name}; do sleep 0.1; done")

    def psql(self, user: str, password: str, query: str, database: str = "shop") -> tuple[int, str]:
        command = ["docker", "exec", "-i", "-e", f"PGPASSWORD={password}", self.host.name, "psql", "-XAtq"]
        command += ["-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-U", user, "-d", database, "-c", query]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
        return done.returncode, (done.stdout + done.stderr).strip()

    def sql(self, query: str, database: str = "postgres") -> str:
        return str(
            self.host.run(["runuser", "-u", "postgres", "--", "psql", "-XAtq", "-d", database, "-c", query])
        ).strip()


def _task(label: str, call: Call, crash: str, check: bool) -> dict[str, Any]:
    task: dict[str, Any] = {"name": f"{label} {call.module}", f"mainstay.backend.{call.module}": dict(call.arguments)}
    if crash:
        task.update(environment={"MAINSTAY_CRASH": crash}, ignore_errors=True)
    return {**task, "check_mode": True} if check else task


def _probing(asked: Sequence[Probe]) -> Call:
    told = [{"id": item.id, "expect": item.expect, **_without(item.login, "password")} for item in asked]
    return Call("credential_probe", {"probes": told, "passwords": {item.id: item.login["password"] for item in asked}})


def shell(name: str, script: str) -> dict[str, Any]:
    return {"name": name, "ansible.builtin.shell": script}


def _without(told: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in told.items() if name != key}


def _described(host: Any) -> Description:
    import sys

    sys.path.insert(0, str(ROOT / "tests/lib"))
    from inventories import describe_case

    case = {"change": VARIABLES, "hosts": {host.name: {"groups": ["valkey", "postgres", "app"]}}}
    found, problems = describe_case(case)
    assert problems == []
    return found


@pytest.fixture(autouse=True)
def nothing_open(backend: Backend) -> None:
    """What a test that failed left open ends here, so that the next one says something of its own."""
    names = [name for name, record in backend.contents().records.items() if record.state in _rotation.OPEN]
    if names:
        backend.reach("DONE", *names)
        backend.apply().ok()


@pytest.fixture(scope="session")
def backend(host: Any) -> Backend:
    found = Backend(host, _described(host))
    found.apply().ok()
    return found
