# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Valkey's part of the description: what a purpose brings, what may be said otherwise, what the host must be."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.mainstay.backend.plugins.module_utils._checking import Problem
from ansible_collections.mainstay.backend.plugins.module_utils._valkey import Instance, check_host, read_instances
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_directives import (
    AT_START,
    KNOWN,
    OPTION_OF,
    REFUSED,
    comparable,
    text_of,
    wrong,
)
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_purposes import PURPOSES

MIB = 1024 * 1024


def read(**instances: Any) -> tuple[dict[str, Instance], list[str]]:
    problems: list[Problem] = []
    found = read_instances({"valkey_instances": instances}, problems)
    return {item.name: item for item in found}, [str(problem) for problem in problems]


def one(name: str = "cache", **options: Any) -> tuple[Instance, list[str]]:
    found, problems = read(**{name: options})
    return found[name], problems


def test_a_purpose_brings_everything_by_itself() -> None:
    found, problems = read(cache=None, session={}, cable={}, queue={})
    assert problems == []
    told = [
        (item.port, item.maxmemory_policy, item.appendonly, item.save, item.keeps, item.forks)
        for item in found.values()
    ]
    assert told == [
        (6379, "allkeys-lru", False, "", False, False),
        (6380, "noeviction", True, "", True, True),
        (6381, "noeviction", True, "", True, True),
        (6382, "noeviction", True, "", True, True),
    ]


@pytest.mark.parametrize(
    ("name", "options", "attribute", "value"),
    [
        ("cache", {"maxmemory": "1gb"}, "maxmemory", 1024 * MIB),
        ("cache", {"maxmemory": 64 * MIB}, "maxmemory", 64 * MIB),
        ("cache", {"maxmemory_policy": "volatile-ttl"}, "maxmemory_policy", "volatile-ttl"),
        ("cache", {"appendonly": "yes"}, "appendonly", True),
        ("cache", {"appendfsync": False}, "appendfsync", "no"),
        ("session", {}, "appendfsync", "always"),
        ("session", {"appendfsync": "everysec"}, "appendfsync", "everysec"),
        ("cache", {}, "appendfsync", "everysec"),
        ("session", {"save": "3600 1 300 100"}, "save", "3600 1 300 100"),
        ("carts", {"purpose": "session", "port": "6390"}, "port", 6390),
        ("carts", {"purpose": "session", "port": 6390}, "directory", "/var/lib/valkey/carts"),
        ("cache", {"directory": "/srv/cache/"}, "directory", "/srv/cache"),
        (
            "cache",
            {"bind": ["10.0.0.5", "127.0.0.1", "10.0.0.5"], "clients": ["10.0.0.0/24"]},
            "bind",
            ("10.0.0.5", "127.0.0.1"),
        ),
        (
            "cache",
            {"settings": {"activerehashing": False, "hz": 20}},
            "settings",
            {"activerehashing": "no", "hz": "20"},
        ),
    ],
)
def test_everything_can_be_said_otherwise(name: str, options: dict[str, Any], attribute: str, value: object) -> None:
    item, problems = one(name, **options)
    assert problems == []
    assert getattr(item, attribute) == value


def test_settings_win_over_the_purpose_and_reach_the_file_in_its_spelling() -> None:
    item, problems = one(
        "cable",
        settings={
            "client-output-buffer-limit": "pubsub 64mb 16mb 60",
            "tcp-keepalive": 30,
            "notify-keyspace-events": "",
        },
    )
    assert problems == []
    told = dict(item.directives)
    assert told["client-output-buffer-limit"] == "pubsub 64mb 16mb 60"
    assert told["tcp-keepalive"] == "30"
    assert (told["notify-keyspace-events"], told["logfile"], told["appendonly"]) == ("", "", "yes")


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_refused_directive_says_what_to_do_instead(name: str) -> None:
    _item, problems = one(settings={name: "x"})
    assert problems == [
        f"valkey_instances.cache.settings.{name}: found a directive that this role refuses; expected {REFUSED[name]}"
    ]


@pytest.mark.parametrize(("name", "option"), sorted(OPTION_OF.items()))
def test_a_directive_with_an_option_names_it(name: str, option: str) -> None:
    assert wrong(name, "1") == ("a directive that has its own option", f"the option {option}")


def test_no_directive_is_in_two_tables() -> None:
    assert not set(KNOWN) & (set(REFUSED) | set(OPTION_OF))
    assert not set(REFUSED) & set(OPTION_OF)
    assert not {name for purpose in PURPOSES.values() for name in purpose.settings} - set(KNOWN)
    assert set(KNOWN) | set(OPTION_OF) | set(REFUSED) >= AT_START


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("hz", "10", None),
        ("hz", "often", "a number or a size"),
        ("maxmemory-clients", "5%", None),
        ("activerehashing", "maybe", "yes or no"),
        ("maxmemory_samples", 5, "one, like maxmemory-samples"),
        (
            "loglevel",
            "warning\nrequirepass x",
            "text on one line without quotes or backslashes, a number, or true or false",
        ),
        ("loglevel", ["a"], "text on one line without quotes or backslashes, a number, or true or false"),
        ("frobnicate", 1, "one that Valkey 8.0 to 9.1 knows"),
    ],
)
def test_raw_directives_are_checked(name: str, value: object, expected: str | None) -> None:
    told = wrong(name, value)
    assert (told[1] if told else None) == expected


@pytest.mark.parametrize(
    ("value", "text"), [(True, "yes"), (False, "no"), (5, "5"), (" a b ", "a b"), ('"', None), (None, None)]
)
def test_a_value_is_written_as_the_server_reads_it(value: object, text: str | None) -> None:
    assert text_of(value) == text


def test_second_names_of_directives_are_compared_once() -> None:
    told = {
        "repl-timeout": "60",
        "repl-ping-slave-period": "10",
        "slave-priority": "1",
        "masterauth": "",
        "aof_rewrite_cpulist": "",
        "supervised": "systemd",
    }
    assert comparable(told) == {"repl-timeout": "60"}


def probe(**told: Any) -> dict[str, Any]:
    return {
        "memory_bytes": 8 << 30,
        "packages": {},
        "distribution": {"version": 13},
        "listeners": [],
        "addresses": ["127.0.0.1", "10.0.0.5"],
        **told,
    }


def check(instances: dict[str, Any], reserved: int = 0, **told: Any) -> list[str]:
    found, problems = read(**instances)
    assert problems == []
    problems_of_host: list[Problem] = []
    check_host(tuple(found.values()), probe(**told), reserved, problems_of_host)
    return [str(problem) for problem in problems_of_host]


def listener(port: int, unit: str = "", address: str = "127.0.0.1") -> dict[str, Any]:
    return {"address": address, "port": port, "process": "valkey-server" if unit else "nc", "unit": unit}


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        (listener(6379, "valkey-server@cache.service"), None),
        (
            listener(6379, "valkey-server.service"),
            "where valkey-server.service listens on 127.0.0.1; expected a free port: stop it (systemctl disable --now",
        ),
        (listener(6379), "where nc listens on 127.0.0.1; expected a free port: stop that process"),
        (listener(6379, address="0.0.0.0"), "where nc listens on 0.0.0.0"),
        (listener(6379, address="172.17.0.1"), None),
        (listener(6378), None),
        (listener(6379, "valkey-server@old.service"), None),
    ],
)
def test_a_port_must_be_free_or_its_own(who: dict[str, Any], expected: str | None) -> None:
    found = check({"cache": {}, "old": {"purpose": "cache", "port": 6390, "state": "absent"}}, listeners=[who])
    assert len(found) == (expected is not None)
    assert expected is None or expected in found[0]


def test_memory_counts_forks_clients_and_postgresql_and_shows_its_arithmetic() -> None:
    instances = {"cache": {"maxmemory": "1gb", "maxclients": 1024}, "session": {"maxmemory": "1gb", "maxclients": 1024}}
    needed = 1024 * MIB + 2 * 1024 * MIB + 2 * 32 * MIB + 512 * MIB
    assert check(instances, reserved=512 * MIB, memory_bytes=needed) == []
    assert check(instances, reserved=512 * MIB, memory_bytes=needed - 1)[0].startswith(
        "valkey_instances: found 3.562 GiB (cache 1 GiB + 1024 clients 32 MiB; session 2 x 1 GiB + 1024 clients 32 MiB; PostgreSQL 512 MiB); expected at most"
    )


def test_an_absent_instance_takes_neither_memory_nor_port() -> None:
    gone = {"cache": {}, "old": {"purpose": "session", "port": 6379, "maxmemory": "64gb", "state": "absent"}}
    assert check(gone) == []


@pytest.mark.parametrize(
    ("settings", "told", "expected"),
    [
        (
            {"mptcp": True},
            {},
            "found a directive that Valkey 8.1 on this host does not know; expected Valkey 9.1 or later",
        ),
        ({"mptcp": True}, {"distribution": {"version": 14}}, None),
        ({"mptcp": True}, {"packages": {"valkey-server": "9.1.2+dfsg1-1"}}, None),
        ({"dynamic-hz": True}, {"distribution": {"version": 12}}, None),
        ({"dynamic-hz": True}, {}, "Valkey 8.0 or earlier"),
        ({"mptcp": True}, {"distribution": {"version": None}}, None),
    ],
)
def test_directives_are_those_of_the_hosts_version(
    settings: dict[str, Any], told: dict[str, Any], expected: str | None
) -> None:
    found = check({"cache": {"settings": settings}}, **told)
    assert [expected in text for text in found if expected] == ([True] if expected else []) and bool(found) == bool(
        expected
    )


@pytest.mark.parametrize(
    ("bind", "right"), [("10.0.0.5", True), ("10.0.0.6", False), ("127.0.0.9", True), ("0.0.0.0", True)]
)
def test_an_address_must_be_the_hosts_own(bind: str, right: bool) -> None:
    found = check({"cache": {"bind": [bind], "clients": ["10.0.0.0/24"]}})
    assert bool(found) != right
    assert (
        right
        or found[0]
        == "valkey_instances.cache.bind: found 10.0.0.6; expected an address that this host has: 127.0.0.1, 10.0.0.5"
    )


def test_a_host_is_let_in_by_its_own_addresses_too() -> None:
    item, problems = one(bind=["127.0.0.1", "10.0.0.5"], clients=["10.0.1.0/24"])
    assert problems == [] and item.allowed == ("10.0.1.0/24", "10.0.0.5")


def test_many_clients_raise_the_file_limit() -> None:
    assert one(maxclients=1000)[0].nofile == 65535
    assert one(maxclients=100_000)[0].nofile == 101_024
