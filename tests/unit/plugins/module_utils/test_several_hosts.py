# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hosts that run servers of their own: what the inventory as a whole knows, and whose servers an adapter asks."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mainstay.backend.plugins.module_utils._description import Description, describe, everywhere
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_kinds import Context

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "lib"))

from inventories import describe_case

CLIENTS = {"bind": ["127.0.0.1", "10.0.0.1"], "clients": ["10.0.0.0/24"]}
SHARED = {
    "valkey_instances": {"cache": CLIENTS, "session": CLIENTS, "cable": CLIENTS},
    "postgres_listen_addresses": ["127.0.0.1", "10.0.0.1"],
    "postgres_clients": ["10.0.0.0/24"],
}
MEMBERS = {"kv1": ["valkey"], "kv2": ["valkey", "postgres"], "web1": ["app"]}
QUEUE = {"valkey_instances": {"queue": {"port": 6390, "purpose": "queue"}}}


def described(current: str, named: str = "kv1", own: Any = None, changed: str = "kv2") -> Description:
    """As host CURRENT sees it, where the variable for all hosts names NAMED; CHANGED has the variables OWN besides."""
    hosts = {
        name: {"groups": groups, "address": "10.0.0.1", "variables": own if name == changed and own else {}}
        for name, groups in MEMBERS.items()
    }
    change = {**SHARED, **({"backend_valkey_host": named} if named else {})}
    return describe_case({"change": change, "hosts": hosts, "current": current})[0]


GROUPS = {"valkey": ["kv1", "kv2"], "postgres": ["kv2"], "app": ["web1"]}


@pytest.mark.parametrize(
    ("current", "named", "runs", "elsewhere"),
    [
        ("kv1", "kv1", ("valkey",), False),
        ("kv2", "kv1", ("valkey", "postgres"), True),
        ("web1", "kv1", (), False),
        ("kv2", "kv2", ("valkey", "postgres"), False),
        ("kv2", "", ("valkey", "postgres"), False),
    ],
)
def test_a_host_may_run_servers_and_be_served_elsewhere(
    current: str, named: str, runs: tuple[str, ...], elsewhere: bool
) -> None:
    found = described(current, named)
    assert (found.runs, found.served_elsewhere) == (runs, elsewhere)


def test_what_one_host_alone_knows_is_known_of_the_inventory() -> None:
    """Its consumers' view lacks it: the variable for all hosts names another one's servers."""
    for current in MEMBERS:
        found = described(current, own=QUEUE)
        assert "shop_queue" not in found.credentials
        assert set(everywhere(found, GROUPS).credentials) == {*found.credentials, "shop_queue"}
    assert everywhere(described("web1"), GROUPS).credentials == described("web1").credentials


def test_consumers_of_the_inventory_have_the_hosts_and_credentials_of_every_view() -> None:
    own = {"backend_consumers": {"shop": {"hosts": ["web1"]}, "stats": {"hosts": ["kv2"], "credentials": ["shop_db"]}}}
    found = {item.name: item for item in everywhere(described("kv1", own=own), GROUPS).consumers}
    assert found["stats"].hosts == ("kv2",) and found["stats"].credentials == ("shop_db",)
    assert found["shop"].hosts == ("web1",) and "shop_cache" in found["shop"].credentials


def test_an_adapter_is_given_the_servers_that_the_host_runs() -> None:
    """What the consumers there use stays as it is."""
    seen = described("kv2", own=QUEUE)
    own = describe(seen.hosts, "kv2", GROUPS, seen.runs)[0]
    context = Context(seen, own=own)
    assert {item.name for item in context.servers.instances} == {"cache", "session", "cable", "queue"}
    assert {item.name for item in context.description.instances} == {"cache", "session", "cable"}
    assert Context(seen).servers is seen
