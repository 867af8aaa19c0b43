# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The role valkey on a real host: converged once a session, then changed by each test and brought back."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
DEFAULT = {"cache": {}, "session": {}, "cable": {}}

CLIENT = """
import json, sys, time
import redis
told = json.loads({told!r})
def connect(name, user=None, password=None):
    port = told["ports"][name]
    user = user if user is not None else told["users"][name]
    password = password if password is not None else told["passwords"].get(user, "")
    return redis.Redis(port=port, username=user, password=password, decode_responses=True, socket_timeout=60,
                       retry=redis.retry.Retry(redis.backoff.NoBackoff(), 0))
def admin(name):
    return redis.Redis(unix_socket_path="/run/valkey-%s/valkey.sock" % name, username=told["admin"], password=told["passwords"][told["admin"]],
                       decode_responses=True, socket_timeout=60)
"""


@dataclass
class Valkey:
    """The host with the role applied to it, and clients of its instances (they run on the host, as consumers there would)."""

    host: Any
    first: dict[str, Any] = field(default_factory=dict)
    plain: bool = True
    known: tuple[int, dict[str, str]] = field(default_factory=lambda: (0, {}))
    ports: Mapping[str, int] = field(
        default_factory=lambda: {"cache": 6379, "session": 6380, "cable": 6381, "queue": 6382}
    )

    def apply(self, instances: Mapping[str, Any] | None = None, **options: Any) -> Any:
        variables = {"valkey_instances": {**DEFAULT, **(instances or {})}, **options.pop("variables", {})}
        if not options.get("check"):
            self.plain = not instances and set(variables) == {"valkey_instances"}
        return self.host.play(["valkey"], variables=variables, **options)

    def secrets(self) -> dict[str, str]:
        """User -> password, read from the store with the vault's own tool."""
        store = next((self.host.work / "secrets").glob("*.vault.txt"))
        stamp = store.stat().st_mtime_ns
        if self.known[0] == stamp:
            return self.known[1]
        command = [
            ROOT / ".venv/bin/ansible-vault",
            "view",
            "--vault-password-file",
            self.host.work / "vault-password",
            store,
        ]
        told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        found = {}
        for name, credential in told["credentials"].items():
            current = credential["current"]
            found[f"{name}_{current['slot']}"] = current["secret"]
        self.known = (stamp, found)
        return found

    def python(self, script: str, check: bool = True, seconds: float = 900) -> Any:
        """Runs SCRIPT on the host with connect(instance) and admin(instance); it prints JSON."""
        passwords = self.secrets()
        users = {name: next((user for user in passwords if user == f"app_{name}_a"), "") for name in self.ports}
        told = {
            "ports": self.ports,
            "passwords": passwords,
            "users": users,
            "admin": next(user for user in passwords if user.startswith("mainstay_admin")),
        }
        text = CLIENT.replace("{told!r}", repr(json.dumps(told))) + script
        out = self.host.run(["python3", "-"], text=text, check=check, seconds=seconds)
        return json.loads(out) if out.strip() else None

    def info(self, name: str, key: str) -> Any:
        return self.python(f"print(json.dumps(admin({name!r}).info()[{key!r}]))")

    def run_ids(self) -> dict[str, str]:
        return self.python(
            "print(json.dumps({name: admin(name).info()['run_id'] for name in ('cache', 'session', 'cable')}))"
        )


@pytest.fixture(scope="session")
def first_install() -> frozenset[int]:
    return frozenset({13})


@pytest.fixture(scope="session")
def valkey(host: Any) -> Valkey:
    """Check and real run on a fresh host, then both again: each run is kept for the tests that look at it."""
    found = Valkey(host)
    fresh = host.run("dpkg -s valkey-server 2>/dev/null | grep -c ^Status", check=False).strip() in ("", "0")
    found.first["fresh"] = fresh
    # an earlier test may have made the store already
    before = _store(host)
    for name, check in (("check fresh", True), ("real fresh", False), ("check again", True), ("real again", False)):
        found.first[name] = found.apply(check=check).ok()
        if name == "check fresh":
            found.first["left by check"] = host.run(
                "ls -d /etc/valkey /etc/systemd/system/valkey* /var/lib/valkey 2>/dev/null", check=False
            )
            found.first["store unchanged by check"] = _store(host) == before
    return found


def _store(host: Any) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in host.work.glob("secrets/*.vault.txt*")}


@pytest.fixture
def back(valkey: Valkey) -> Iterator[Valkey]:
    """The same; where the test left another description, the defaults are brought back."""
    yield valkey
    if not valkey.plain:
        valkey.apply().ok()
