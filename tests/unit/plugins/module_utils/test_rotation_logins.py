# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the adapters of logins ask of each host, and what the logins of each kind are, from whole inventories."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mainstay.backend.plugins.module_utils import _rotation, _store
from ansible_collections.mainstay.backend.plugins.module_utils._adapter_postgres import ADAPTER as POSTGRES
from ansible_collections.mainstay.backend.plugins.module_utils._adapter_valkey import ADAPTER as VALKEY
from ansible_collections.mainstay.backend.plugins.module_utils._credentials import ADMIN, Credential, sha256
from ansible_collections.mainstay.backend.plugins.module_utils._environment import build
from ansible_collections.mainstay.backend.plugins.module_utils._postgres_hba import hba_entries
from ansible_collections.mainstay.backend.plugins.module_utils._postgres_logins import hba_logins, logins, watched
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_kinds import Context, Rotating
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_logins import local

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "lib"))

from inventories import describe_case

OTHERS = {
    "shop_both": {"kind": "valkey_user", "instance": "session", "mode": "dual_password"},
    "cache_watch": {"kind": "valkey_user", "instance": "cache", "privileges": "monitoring"},
    "db_watch": {"kind": "postgres_role", "privileges": "monitoring"},
    "db_copy": {"kind": "postgres_role", "privileges": "replication"},
}
THREE_HOSTS = {
    "db1": {"groups": ["valkey", "postgres"], "address": "10.0.0.5"},
    "app1": {"groups": ["app"], "address": "10.0.0.6"},
    "other": {"groups": [], "address": "10.0.0.7"},
}
REACHABLE = {
    "postgres_listen_addresses": ["127.0.0.1", "10.0.0.5"],
    "postgres_clients": ["10.0.0.0/24"],
    "valkey_instances": {
        name: {"bind": ["127.0.0.1", "10.0.0.5"], "clients": ["10.0.0.0/24"]} for name in ("cache", "session", "cable")
    },
}
TIMES = {"GENERATED": 0, "STAGED": 1, "TESTED": 10, "PUBLISHED": 20, "RELOADED": 40, "CONSUMERS_OK": 41}


def at(second: int) -> str:
    return f"2026-11-22T12:{second // 60:02}:{second % 60:02}Z"


def rotating(
    state: str, *names: str, change: dict[str, Any] | None = None, now: int = 100, **case: Any
) -> tuple[Context, list[Rotating]]:
    """NAMES of the inventory at STATE of their rotation, NOW seconds after it began."""
    description, problems = describe_case({"change": {"backend_credentials": OTHERS, **(change or {})}, **case})
    assert problems == []
    admin = Credential(ADMIN, "valkey_admin")
    declared = {**description.credentials, ADMIN: admin}
    make = _store.random_versions(os.urandom)
    contents = _store.create(_store.Contents("production"), declared.values(), at(0), make)
    if state:
        contents = _rotation.begin(contents, {name: (declared[name], "x") for name in names}, at(0), make)
    for step, second in list(TIMES.items())[1:]:
        if state and list(TIMES).index(step) <= list(TIMES).index(state):
            contents = _rotation.advance(contents, names, step, at(second))
    items = []
    for name in names:
        record = contents.records[name]
        items.append(Rotating(declared[name], record, _store.issued(record, declared[name].target)))
    return Context(description, _store.issued(contents.records[ADMIN], ""), at(now)), items


def users(calls: list[Any]) -> dict[str, dict[str, Any]]:
    (call,) = calls
    return {user["name"]: user for item in call.arguments["instances"] for user in item["users"]}


def test_staging_lets_both_slots_in_with_one_call_for_all_instances() -> None:
    context, items = rotating("GENERATED", "shop_cache", "shop_session")
    (call,) = VALKEY.stage(context, items)
    assert call.module == "valkey_user" and [item["name"] for item in call.arguments["instances"]] == [
        "cache",
        "session",
    ]
    assert call.arguments["instances"][0]["acl_file"] == "/etc/valkey/users-cache.acl"
    told = users([call])
    assert all(
        len(told[name]["hashes"]) == 1 for name in ("shop_cache_a", "shop_cache_b", "shop_session_a", "shop_session_b")
    )
    assert not any(user.get("end_sessions") or user["create"] for user in told.values())
    assert call.arguments["login_user"] == "mainstay_admin_a"


def test_retiring_shuts_the_previous_slot_out_and_ends_its_sessions() -> None:
    context, items = rotating("CONSUMERS_OK", "shop_cache")
    told = users(VALKEY.retire(context, items))
    assert (told["shop_cache_a"]["hashes"], told["shop_cache_a"]["end_sessions"]) == ([], True)
    assert (len(told["shop_cache_b"]["hashes"]), told["shop_cache_b"]["end_sessions"]) == (1, False)


def test_two_passwords_of_one_user_are_told_apart_by_the_age_of_connections() -> None:
    context, items = rotating("GENERATED", "shop_both")
    assert [len(user["hashes"]) for user in users(VALKEY.stage(context, items)).values()] == [2]
    context, items = rotating("RELOADED", "shop_both", now=100)
    assert users(VALKEY.sessions(context, items))["shop_both"]["opened_before"] == at(10)
    context, items = rotating("CONSUMERS_OK", "shop_both", now=100)
    told = users(VALKEY.retire(context, items))["shop_both"]
    assert told["hashes"] == [sha256(items[0].record.current.secret)]
    assert (told["end_sessions"], told["opened_before"]) == (True, at(10))


def test_the_administrator_is_a_user_of_every_instance() -> None:
    context, items = rotating("CONSUMERS_OK", ADMIN)
    (call,) = VALKEY.retire(context, items)
    assert [item["name"] for item in call.arguments["instances"]] == ["cache", "session", "cable"]
    assert len(VALKEY.refused(context, items)) == 3


def test_postgres_gets_verifiers_in_one_call_and_loses_the_previous_one() -> None:
    context, items = rotating("GENERATED", "shop_db", "db_watch", "db_copy")
    (call,) = POSTGRES.stage(context, items)
    assert all(login["verifier"].startswith("SCRAM-SHA-256$") for login in call.arguments["logins"])
    assert len(call.arguments["logins"]) == 6
    context, items = rotating("CONSUMERS_OK", "shop_db")
    (call,) = POSTGRES.retire(context, items)
    told = {login["name"]: login for login in call.arguments["logins"]}
    assert (told["shop_db_a"]["verifier"], told["shop_db_a"]["end_sessions"]) == (None, True)
    assert told["shop_db_b"]["verifier"] and not told["shop_db_b"]["end_sessions"]
    (asked,) = POSTGRES.sessions(context, items)
    assert [login["name"] for login in asked.arguments["logins"]] == ["shop_db_a"]


@pytest.mark.parametrize("adapter", [VALKEY, POSTGRES])
def test_nobody_is_asked_before_there_is_a_previous_version(adapter: Any) -> None:
    context, items = rotating("STAGED", "shop_cache" if adapter is VALKEY else "shop_db")
    assert adapter.sessions(context, items) == [] and adapter.refused(context, items) == []


def test_data_hosts_act_and_consumers_only_ask() -> None:
    change = {**REACHABLE, "backend_consumers": {"web": {"credentials": ["shop_cache", "shop_db"]}}}
    for host, acts in (("db1", True), ("app1", False)):
        context, items = rotating(
            "CONSUMERS_OK", "shop_cache", "shop_session", change=change, hosts=THREE_HOSTS, current=host
        )
        assert bool(VALKEY.stage(context, items)) == bool(VALKEY.retire(context, items)) == acts
        asked = {probe.id.split("/")[0] + "@" + probe.id.split("@")[1]: probe for probe in VALKEY.works(context, items)}
        if acts:
            assert list(asked) == ["shop_cache@127.0.0.1:6379", "shop_session@127.0.0.1:6380"]
        else:
            assert list(asked) == ["shop_cache@10.0.0.5:6379"], "what its consumers use, as they reach it"
        context, items = rotating("CONSUMERS_OK", "shop_db", "db_copy", change=change, hosts=THREE_HOSTS, current=host)
        assert bool(POSTGRES.stage(context, items)) == bool(POSTGRES.retire(context, items)) == acts
        told = [
            (probe.login["user"], probe.login["host"], probe.login.get("replication"))
            for probe in POSTGRES.refused(context, items)
        ]
        assert told == (
            [("shop_db_a", "127.0.0.1", None), ("db_copy_a", "127.0.0.1", True)]
            if acts
            else [("shop_db_a", "10.0.0.5", None)]
        )


def test_probes_are_of_the_version_that_shall_work_or_be_refused() -> None:
    for state, slot in (("GENERATED", "b"), ("TESTED", "b"), ("", "a")):
        context, items = rotating(state, "shop_cache")
        (probe,) = VALKEY.works(context, items)
        assert probe.login["user"] == f"shop_cache_{slot}" and probe.expect == "works"
    context, items = rotating("CONSUMERS_OK", "shop_cache")
    (probe,) = VALKEY.refused(context, items)
    record = items[0].record
    assert record.previous and probe.id == f"shop_cache/{record.previous.id}@127.0.0.1:6379"
    assert (probe.login["user"], probe.login["password"]) == ("shop_cache_a", record.previous.secret)


@pytest.mark.parametrize(
    ("addresses", "wanted"),
    [
        (["127.0.0.1", "10.0.0.5"], "127.0.0.1"),
        (["10.0.0.5"], "10.0.0.5"),
        (["0.0.0.0"], "127.0.0.1"),
        (["::"], "::1"),
        (["*"], "127.0.0.1"),
    ],
)
def test_a_host_asks_its_own_server_where_it_listens(addresses: list[str], wanted: str) -> None:
    assert local(addresses) == wanted


def test_who_watches_and_who_copies_are_logins_of_the_cluster() -> None:
    context, _items = rotating("")
    found = context.description
    told = {login["name"]: login for login in logins(found.cluster, found.credentials)}
    assert told["shop_db_a"]["owner"] == "shop_owner" and told["db_watch_a"]["privileges"] == "monitoring"
    assert told["db_watch_b"]["settings"]["default_transaction_read_only"] == "on"
    assert watched(found.credentials) and "owner" not in told["db_copy_a"]
    places = hba_logins(found.cluster, found.credentials)
    assert places["replication"] == ["db_copy_a", "db_copy_b"]
    assert places["shop"] == ["shop_db_a", "shop_db_b", "db_watch_a", "db_watch_b"]
    assert places["postgres"] == ["db_watch_a", "db_watch_b"]
    lines = [entry.line().split() for entry in hba_entries((), ["10.0.0.0/24"], places)]
    assert ["host", "replication", '"db_copy_a","db_copy_b"', "10.0.0.0/24", "scram-sha-256"] in lines


def test_who_watches_never_takes_the_plain_name_of_a_url() -> None:
    change = {"backend_consumers": {"watch": {"credentials": ["cache_watch", "db_watch", "db_copy"]}}}
    context, _items = rotating("", change={"backend_credentials": OTHERS, **change})
    (consumer,) = context.description.consumers_here()
    contents = _store.create(
        _store.Contents("production"),
        context.description.credentials.values(),
        at(0),
        _store.random_versions(os.urandom),
    )
    issued = {
        name: _store.issued(record, context.description.credentials[name].target)
        for name, record in contents.records.items()
    }
    found = build(context.description, consumer, issued).variables
    assert found["DB_WATCH_URL"].endswith("@127.0.0.1:5432/postgres")
    assert {name for name in found if name.endswith("_URL")} == {"CACHE_WATCH_URL", "DB_WATCH_URL", "DB_COPY_URL"}
    assert "DATABASE_POOL" not in found and not [name for name in found if name.startswith("REDIS_")]


def test_nobody_gets_them_who_does_not_name_them() -> None:
    context, _items = rotating("")
    (consumer,) = context.description.consumers_here()
    assert not {"cache_watch", "db_watch", "db_copy"} & set(consumer.credentials)
