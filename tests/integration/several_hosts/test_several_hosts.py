# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Servers and application on hosts of their own, Valkey on two of them: every server of a credential takes part in its rotation.

Each host has another release of Debian.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mainstay.backend.plugins.module_utils._store import Contents, issued, parse

ROOT = Path(__file__).resolve().parents[3]
PREFIX = os.environ.get("MAINSTAY_IT_PREFIX", "mainstay-it")
KV, DB, WEB = (f"{PREFIX}-{name}" for name in ("kv", "db", "web"))
#: Of every release that is supported: Valkey 8.0 of the backports, Valkey 9.1 and PostgreSQL 18, and a consumer of them.
RELEASES = {KV: "12", DB: "14", WEB: "13"}
#: An instance that one host runs, for nobody who is served by the other.
QUEUE = {"port": 6383, "purpose": "queue"}
PRIVATE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]
RECAP = re.compile(r"^(\S+)\s*: ok=\d+\s+changed=(\d+)", re.MULTILINE)
UNIT = "[Service]\nExecStart=/bin/sleep infinity\nExecReload=/bin/true\n"
#: Logs in to every server with what standard input says: label -> (host, port, user, password); prints label -> works, refused.
LOGIN = """
import json, socket, sys
def word(host, port, user, password):
    with socket.create_connection((host, port), 10) as server:
        server.sendall(("AUTH %s %s\\r\\n" % (user, password)).encode())
        said = server.recv(200).decode()
        return "works" if said.startswith("+OK") else "refused" if "WRONGPASS" in said else said
print(json.dumps({label: word(*told) for label, told in json.load(sys.stdin).items()}))
"""


def on(host: str, *command: str, text: str | None = None) -> str:
    done = subprocess.run(
        ["docker", "exec", "-i", host, *command], input=text, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{host}: {command[0]}: {done.stderr[-500:]}"
    return done.stdout


@dataclass
class Hosts:
    """`work` holds inventory, vault password and store."""

    work: Path
    addresses: dict[str, str]

    def play(self, name: str, *options: str, crash: str = "", **variables: Any) -> tuple[int, str]:
        command = [ROOT / ".venv/bin/ansible-playbook", "-i", self.work / "inventory.json", f"mainstay.backend.{name}"]
        environment = {
            **os.environ,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".build/collections"),
            "ANSIBLE_VAULT_PASSWORD_FILE": str(self.work / "vault-password"),
            "ANSIBLE_NOCOLOR": "1",
            **({"MAINSTAY_CRASH": crash} if crash else {}),
        }
        told = [*command, *options, "-e", json.dumps(variables)]
        done = subprocess.run(told, env=environment, capture_output=True, text=True, timeout=1800, check=False)
        return done.returncode, done.stdout + done.stderr

    def ok(self, name: str, *options: str, **variables: Any) -> dict[str, int]:
        """Host -> changed."""
        code, out = self.play(name, *options, **variables)
        assert code == 0, out[-4000:]
        return {host: int(number) for host, number in RECAP.findall(out)}

    def store(self) -> Contents:
        command = [ROOT / ".venv/bin/ansible-vault", "view", "--vault-password-file", self.work / "vault-password"]
        path = next((self.work / "secrets").glob("*.vault.txt"))
        text = subprocess.run([*command, path], capture_output=True, text=True, check=True).stdout
        return parse(text, "production", str(path))

    def logins(self, contents: Contents) -> dict[str, tuple[str, int, str, str]]:
        """Label -> a login of the application at each Valkey, as CONTENTS has it."""
        ports = {"cache": 6379, "session": 6380}
        found = {}
        for name, port in ports.items():
            told = issued(contents.records[f"shop_{name}"], name)
            for host in (KV, DB):
                found[f"{name} of {host}"] = (self.addresses[host], port, told.user, told.password)
        return found

    def outcomes(self, contents: Contents) -> set[str]:
        asked = self.logins(contents)
        found = json.loads(on(WEB, "python3", "-c", LOGIN, text=json.dumps(asked)))
        assert set(found) == set(asked)
        return set(found.values())


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    work, network = tmp_path_factory.mktemp("hosts"), f"{PREFIX}-hosts"
    subprocess.run([ROOT / "scripts/host", "down", KV, DB, WEB], check=True)
    subprocess.run(["docker", "network", "rm", network], check=False, capture_output=True)
    subprocess.run(["docker", "network", "create", network], check=True, capture_output=True)
    ask = ["docker", "inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"]
    addresses = {}
    for name in (KV, DB, WEB):
        subprocess.run(
            [ROOT / "scripts/host", "up", name, f"{RELEASES[name]}-ready", "--network", network],
            check=True,
            capture_output=True,
        )
        addresses[name] = subprocess.run([*ask, name], check=True, capture_output=True, text=True).stdout.strip()
    on(
        WEB,
        "sh",
        "-c",
        "cat > /etc/systemd/system/shop.service && systemctl daemon-reload && systemctl start shop",
        text=UNIT,
    )
    served = {"bind": ["0.0.0.0"], "clients": PRIVATE}
    shared = {
        "ansible_connection": "community.docker.docker",
        "backend_app": "shop",
        "backend_store_dir": str(work / "secrets"),
        "backend_valkey_host": KV,
        "backend_consumers": {"shop": {"unit": "shop.service"}},
        "valkey_instances": {"cache": served, "session": served},
        "postgres_listen_addresses": ["0.0.0.0"],
        "postgres_clients": PRIVATE,
    }
    members = {"valkey": [KV, DB], "postgres": [DB], "app": [WEB]}
    inventory = {
        "all": {
            "vars": shared,
            "hosts": {name: {"backend_address": address} for name, address in addresses.items()}
            | {
                DB: {
                    "backend_address": addresses[DB],
                    "valkey_instances": {**shared["valkey_instances"], "queue": QUEUE},
                }
            },
            "children": {group: {"hosts": {name: {} for name in names}} for group, names in members.items()},
        }
    }
    (work / "inventory.json").write_text(json.dumps(inventory))
    (work / "vault-password").write_text("of no worth outside this test\n")
    found = Hosts(work, addresses)
    found.ok("site")
    yield found
    subprocess.run([ROOT / "scripts/host", "down", KV, DB, WEB], check=True)
    subprocess.run(["docker", "network", "rm", network], check=True, capture_output=True)


def test_site_changes_nothing_the_second_time(hosts: Hosts) -> None:
    assert hosts.ok("site") == {KV: 0, DB: 0, WEB: 0}
    assert hosts.outcomes(hosts.store()) == {"works"}


def test_a_rotation_reaches_every_server(hosts: Hosts) -> None:
    before = hosts.store()
    changed = hosts.ok("rotate_secrets", rotation_force=True)
    assert all(changed[name] for name in (KV, DB, WEB))
    assert hosts.outcomes(before) == {"refused"}
    assert hosts.outcomes(hosts.store()) == {"works"}
    current = {name: record.current.id for name, record in hosts.store().records.items()}
    assert "shop_queue" in current
    assert [name for name, record in before.records.items() if record.current.id == current[name]] == []
    hosts.ok("validate_rotation")
    assert hosts.ok("rotate_secrets") == {KV: 0, DB: 0, WEB: 0}
    assert hosts.ok("site") == {KV: 0, DB: 0, WEB: 0}


@pytest.mark.parametrize("host", [KV, DB])
def test_the_validation_asks_every_server(hosts: Hosts, host: str) -> None:
    store = hosts.store()
    admin, user = issued(store.records["mainstay_admin"], ""), issued(store.records["shop_cache"], "cache").user
    script = 'read -r REDISCLI_AUTH; export REDISCLI_AUTH; exec valkey-cli --user "$1" -s /run/valkey-cache/valkey.sock ACL SETUSER "$2" "$3"'
    for state, expected in (("off", 2), ("on", 0)):
        said = on(host, "sh", "-c", script, "sh", admin.user, user, state, text=f"{admin.password}\n")
        assert "OK" in said
        code, out = hosts.play("validate_rotation")
        assert code == expected, out[-3000:]
        assert (f"valkey:{host}/cache" in out and "login-missing" in out) == (state == "off")


@pytest.mark.parametrize("missing", [KV, DB])
def test_a_server_that_is_down_on_any_host_stops_it_before_the_first_effect(hosts: Hosts, missing: str) -> None:
    before = hosts.store()
    on(missing, "systemctl", "stop", "valkey-server@session")
    try:
        code, out = hosts.play("rotate_secrets", rotation_force=True)
    finally:
        on(missing, "systemctl", "start", "valkey-server@session")
    assert code != 0 and "session" in out and missing in out, out[-3000:]
    assert hosts.store() == before


def test_a_run_that_dies_on_both_hosts_is_gone_on_with(hosts: Hosts) -> None:
    """Retired in memory on each of them, on neither durably."""
    before = hosts.store()
    code, _out = hosts.play("rotate_secrets", rotation_force=True, crash="retire/valkey.set-not-saved")
    assert code != 0
    hosts.ok("rotate_secrets")
    for name in (KV, DB):
        on(name, "systemctl", "restart", "valkey-server@cache", "valkey-server@session")
    assert hosts.outcomes(before) == {"refused"}
    assert hosts.outcomes(hosts.store()) == {"works"}
    assert hosts.ok("rotate_secrets") == {KV: 0, DB: 0, WEB: 0}
