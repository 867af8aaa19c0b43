# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What consumers are given, from a whole inventory to the arguments of the one remote call."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.mainstay.backend.plugins.module_utils import _store
from ansible_collections.mainstay.backend.plugins.module_utils._credentials import Issued, SlotSecret
from ansible_collections.mainstay.backend.plugins.module_utils._description import Description, Endpoint
from ansible_collections.mainstay.backend.plugins.module_utils._environment import build, url
from ansible_collections.mainstay.backend.plugins.module_utils._publish import environment_call, secrets_call

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "lib"))

from inventories import describe_case

TWO_HOSTS = {
    "db1": {"groups": ["valkey", "postgres"], "address": "10.0.0.5"},
    "app1": {"groups": ["app"], "address": "10.0.0.6"},
}
REACHABLE = {
    "postgres_listen_addresses": ["127.0.0.1", "10.0.0.5"],
    "postgres_clients": ["10.0.0.0/24"],
    "valkey_instances": {
        name: {"bind": ["127.0.0.1", "10.0.0.5"], "clients": ["10.0.0.0/24"]} for name in ("cache", "session", "cable")
    },
}


def described(change: dict[str, Any] | None = None, **case: Any) -> tuple[Description, dict[str, Issued]]:
    """The description of an inventory without problems, and secrets for its credentials."""
    description, problems = describe_case({"change": change or {}, **case})
    assert problems == []
    wanted = list(description.credentials.values())
    contents = _store.create(
        _store.Contents("production"), wanted, "2026-11-22T12:00:00Z", _store.random_versions(os.urandom)
    )
    return description, {item.name: _store.issued(contents.records[item.name], item.target) for item in wanted}


def variables(change: dict[str, Any] | None = None, **case: Any) -> dict[str, str]:
    description, issued = described(change, **case)
    return dict(build(description, description.consumers_here()[0], issued).variables)


def test_one_host_is_reached_by_loopback() -> None:
    description, issued = described()
    found = build(description, description.consumers_here()[0], issued).variables
    assert list(found)[:4] == ["DATABASE_URL", "REDIS_CACHE_URL", "REDIS_SESSION_URL", "REDIS_CABLE_URL"]
    assert found["DATABASE_URL"] == f"postgresql://shop_db_a:{issued['shop_db'].password}@127.0.0.1:5432/shop"
    assert found["REDIS_CABLE_URL"] == f"redis://shop_cable_a:{issued['shop_cable'].password}@127.0.0.1:6381/0"


def test_another_host_is_reached_by_its_address() -> None:
    found = variables(REACHABLE, hosts=TWO_HOSTS, current="app1")
    assert urlsplit(found["DATABASE_URL"]).hostname == "10.0.0.5"
    assert urlsplit(found["REDIS_SESSION_URL"]).hostname == "10.0.0.5"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {"RAILS_MAX_THREADS": "5", "DATABASE_POOL": "5", "REDIS_CACHE_POOL": "8"}),
        ({"threads": 3}, {"RAILS_MAX_THREADS": "3", "DATABASE_POOL": "3", "REDIS_CABLE_POOL": "5"}),
        ({"sidekiq_concurrency": 10}, {"SIDEKIQ_CONCURRENCY": "10", "DATABASE_POOL": "10", "REDIS_SESSION_POOL": "15"}),
        ({"valkey_pool": 20, "database_pool": 7}, {"DATABASE_POOL": "7", "REDIS_CACHE_POOL": "20"}),
    ],
)
def test_pools_follow_from_threads_and_sidekiq(options: dict[str, Any], expected: dict[str, str]) -> None:
    found = variables({"backend_consumers": {"shop": options}})
    assert {key: found[key] for key in expected} == expected


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {"DATABASE_CONNECT_TIMEOUT": "5", "DATABASE_CHECKOUT_TIMEOUT": "5", "DATABASE_STATEMENT_TIMEOUT": "30s"}),
        (
            {},
            dict.fromkeys(sorted(f"REDIS_CACHE_{what}_TIMEOUT" for what in ("CONNECT", "READ", "WRITE", "POOL")), "1"),
        ),
        (
            {"database": {"connect": 3, "checkout": 2.5, "statement": "15 s"}},
            {"DATABASE_CONNECT_TIMEOUT": "3", "DATABASE_CHECKOUT_TIMEOUT": "2.5", "DATABASE_STATEMENT_TIMEOUT": "15s"},
        ),
        (
            {"valkey": {"read": 2}},
            {"REDIS_CACHE_READ_TIMEOUT": "2", "REDIS_CACHE_POOL_TIMEOUT": "2", "REDIS_CABLE_WRITE_TIMEOUT": "1"},
        ),
        (
            {"valkey": {"read": 2}, "cache": {"read": 0.25, "pool": "0.5"}},
            {"REDIS_CACHE_READ_TIMEOUT": "0.25", "REDIS_CACHE_POOL_TIMEOUT": "0.5", "REDIS_SESSION_READ_TIMEOUT": "2"},
        ),
    ],
)
def test_timeouts_of_every_server(options: dict[str, Any], expected: dict[str, str]) -> None:
    found = variables({"backend_consumers": {"shop": {"timeouts": options}}})
    assert {key: found[key] for key in expected} == expected
    assert set(found) >= WAITS


def test_the_statement_timeout_follows_the_shortest_of_the_databases() -> None:
    databases = {
        "shop": {"statement_timeout": 0},
        "stats": {"statement_timeout": "2min"},
        "logs": {"statement_timeout": "90s"},
    }
    assert variables({"postgres_databases": databases})["DATABASE_STATEMENT_TIMEOUT"] == "90s"
    assert variables({"postgres_databases": {"shop": {"statement_timeout": 0}}})["DATABASE_STATEMENT_TIMEOUT"] == "0"


def test_layers_part_what_is_secret_from_what_is_not() -> None:
    description, issued = described(
        {"backend_consumers": {"shop": {"env_layers": True, "variables": {"TOKEN": "hunter2"}}}}
    )
    call = environment_call(description, issued)
    assert [item["path"] for item in call["files"]] == ["/etc/shop/.env", "/etc/shop/.env.production"]
    low, high = call["files"][0]["content"], call["secrets"]["/etc/shop/.env.production"]
    assert list(call["secrets"]) == ["/etc/shop/.env.production"]
    assert "URL=" not in low and "hunter2" not in low and "DATABASE_POOL=5" in low
    assert "DATABASE_URL=" in high and "TOKEN=hunter2" in high and "POOL" not in high
    assert [item["mode"] for item in call["files"]] == ["0600", "0600"]


def test_names_of_further_databases_and_credentials() -> None:
    change = {
        "postgres_databases": {"shop": {}, "stats": {}},
        "backend_credentials": {"reader": {"kind": "postgres_role", "database": "shop"}},
    }
    found = variables(change)
    assert [key for key in found if key.endswith("DATABASE_URL") or "READER" in key] == [
        "DATABASE_URL",
        "STATS_DATABASE_URL",
        "READER_URL",
    ]
    assert urlsplit(found["READER_URL"]).username == "reader_a"
    assert urlsplit(found["DATABASE_URL"]).username == "shop_db_a"


def test_the_only_credential_of_a_database_has_the_plain_name() -> None:
    change = {
        "backend_credentials": {"reader": {"kind": "postgres_role", "database": "shop"}},
        "backend_consumers": {"shop": {"credentials": ["reader"]}},
    }
    found = variables(change)
    assert [key for key in found if "URL" in key] == ["DATABASE_URL"]
    assert "REDIS_CACHE_POOL" not in found


PRINTABLE = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=8)


@given(PRINTABLE, st.sampled_from(["127.0.0.1", "db.example", "fd00::5"]))
def test_any_password_survives_its_url(password: str, host: str) -> None:
    issued = Issued("shop_db", "postgres_role", "shop", "a", {"a": SlotSecret(password, b"")})
    found = urlsplit(url(issued, Endpoint(host, 5432, "shop")))
    assert (found.scheme, found.username, found.hostname, found.port) == ("postgresql", "shop_db_a", host, 5432)
    assert unquote(found.password or "") == password
    # by its place, not by its text: a password may be a word of the URL itself
    assert urlsplit(url(issued, Endpoint(host, 5432, "shop"), "***")).password == "***"


def test_the_secrets_call() -> None:
    consumer = {"owner": "deploy", "credentials": ["shop_db"], "unit": "shop"}
    description, issued = described({"backend_consumers": {"shop": consumer}})
    call = secrets_call(description, issued)
    assert call == {
        "scope": "shop-production",
        "sealed": True,
        "folders": [
            {
                "name": "shop",
                "path": "/run/secrets/shop",
                "owner": "deploy",
                "group": "deploy",
                "source": "backend_consumers.shop",
                "form": "files",
                "units": ["shop.service"],
                "files": ["shop_db"],
                "known": ["shop_cable", "shop_cache", "shop_session"],
            }
        ],
        "secrets": {"shop": {"shop_db": issued["shop_db"].password}},
    }


def test_a_host_that_no_consumer_lives_on_any_more_is_cleared() -> None:
    description, _unused = described(REACHABLE, hosts=TWO_HOSTS, current="db1")
    assert description.consumers_here() == ()
    kept = {"scope": "shop-production", "sealed": True}
    assert secrets_call(description, {}) == {"folders": [], "secrets": {}, **kept}
    call = environment_call(description, {})
    assert (call["files"], call["kept"]) == ([], {"part": "environment", "holders": [], **kept})


WAITS = {
    f"REDIS_{name}_{what}_TIMEOUT"
    for name in ("CACHE", "SESSION", "CABLE")
    for what in ("CONNECT", "READ", "WRITE", "POOL")
} | {f"DATABASE_{what}_TIMEOUT" for what in ("CONNECT", "CHECKOUT", "STATEMENT")}


def test_the_environment_call_shows_pools_and_timeouts_and_nothing_else() -> None:
    description, issued = described({"backend_consumers": {"shop": {"variables": {"TOKEN": "hunter2", "N": 5}}}})
    call = environment_call(description, issued)
    (file,) = call["files"]
    assert (file["path"], file["mode"], file["secret"]) == ("/etc/shop/.env", "0600", True)
    assert set(file["shown_variables"]) == {
        "RAILS_MAX_THREADS",
        "DATABASE_POOL",
        "REDIS_CACHE_POOL",
        "REDIS_SESSION_POOL",
        "REDIS_CABLE_POOL",
        *WAITS,
    }
    assert call["secrets"]["/etc/shop/.env"].splitlines()[-2:] == ["TOKEN=hunter2", "N=5"]
    assert "hunter2" not in repr(call["files"]) + repr(call["directories"])


def test_two_consumers_of_a_host_take_one_call() -> None:
    description, issued = described({"backend_consumers": {"shop": {}, "worker": {"sidekiq_concurrency": 5}}})
    assert [item["path"] for item in environment_call(description, issued)["files"]] == [
        "/etc/shop/.env",
        "/etc/worker/.env",
    ]
    assert [len(item["files"]) for item in secrets_call(description, issued)["folders"]] == [4, 4]


def test_a_host_without_consumers_gets_nothing() -> None:
    description, issued = described(REACHABLE, hosts=TWO_HOSTS, current="db1")
    assert description.consumers_here() == ()
    assert environment_call(description, issued)["files"] == []


def test_a_rotation_between_slots_changes_user_and_password() -> None:
    """The interface that rotation fits into: two slots may log in, consumers use the current one."""
    description, issued = described()
    old = issued["shop_db"]
    both = {"a": old.slots["a"], "b": SlotSecret("n" * 64, b"s" * 16)}
    found = build(
        description,
        description.consumers_here()[0],
        {**issued, "shop_db": Issued("shop_db", "postgres_role", "shop", "b", both)},
    )
    assert found.variables["DATABASE_URL"] == f"postgresql://shop_db_b:{'n' * 64}@127.0.0.1:5432/shop"
