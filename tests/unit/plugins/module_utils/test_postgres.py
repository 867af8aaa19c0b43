# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PostgreSQL's part of the description: what is derived, what is refused, and what fits the host."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.mainstay.backend.plugins.module_utils._checking import Problem
from ansible_collections.mainstay.backend.plugins.module_utils._postgres import (
    Cluster,
    check_cluster,
    read_cluster,
    shared_bytes,
)
from ansible_collections.mainstay.backend.plugins.module_utils._postgres_hba import HbaEntry, hba_entries, read_hba
from ansible_collections.mainstay.backend.plugins.module_utils._postgres_parameters import (
    VERSIONS,
    canonical,
    number,
    parameters,
)
from ansible_collections.mainstay.backend.plugins.module_utils._postgres_settings import (
    ELSEWHERE,
    FIXED,
    derive_settings,
    size_of,
)

GIB = 1024**3


def read(**variables: Any) -> tuple[Cluster, list[str]]:
    problems: list[Problem] = []
    found = read_cluster({"backend_app": "shop", **variables}, problems)
    return found, [str(problem) for problem in problems]


def probe(**changes: Any) -> dict[str, Any]:
    told = {"id": "debian", "version": 13, "codename": "trixie"}
    return {
        "distribution": told,
        "memory_bytes": 4 * GIB,
        "cores": 2,
        "packages": {},
        "listeners": [],
        "clusters": [],
        **changes,
    }


def refused(changes: dict[str, Any], **variables: Any) -> list[str]:
    problems: list[Problem] = []
    cluster = read_cluster({"backend_app": "shop", **variables}, problems)
    check_cluster(cluster, probe(**changes), problems)
    return [str(problem) for problem in problems]


def test_nothing_declared_is_one_database_of_the_application() -> None:
    cluster, problems = read()
    assert problems == []
    assert [(item.name, item.owner, item.extensions) for item in cluster.databases] == [
        ("shop", "shop_owner", ("uuidv7",))
    ]
    assert cluster.databases[0].timeouts["statement_timeout"] == "30s"


def test_an_unquoted_zero_is_no_limit() -> None:
    cluster, problems = read(postgres_databases={"shop": {"statement_timeout": 0, "lock_timeout": "0"}})
    assert problems == []
    assert cluster.databases[0].timeouts == {
        "statement_timeout": "0",
        "lock_timeout": "0",
        "idle_in_transaction_session_timeout": "60s",
    }


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("memory", [GIB // 2, GIB, 2 * GIB, 8 * GIB, 64 * GIB, 1024 * GIB])
@pytest.mark.parametrize("cores", [1, 2, 64])
def test_derived_settings_fit_every_host(version: int, memory: int, cores: int) -> None:
    cluster, _unused = read(postgres_version=version)
    found = derive_settings(cluster, memory, cores, 0)
    known = parameters(version)
    assert [name for name, value in found.items() if canonical(known[name], value) is None] == []
    problems: list[Problem] = []
    release = {15: 12, 17: 13, 18: 14}[version]
    changes = {
        "memory_bytes": memory,
        "cores": cores,
        "distribution": {"id": "debian", "version": release, "codename": ""},
    }
    check_cluster(cluster, probe(**changes), problems)
    assert problems == []
    assert shared_bytes(cluster, probe(**changes)) < memory


def test_memory_that_others_hold_makes_the_buffers_smaller() -> None:
    cluster, _unused = read(postgres_version=17)
    assert derive_settings(cluster, 8 * GIB, 2, 0)["shared_buffers"] == "2048MB"
    assert derive_settings(cluster, 8 * GIB, 2, 4 * GIB)["shared_buffers"] == "1024MB"


def test_every_derived_value_can_be_overridden() -> None:
    plain = derive_settings(read(postgres_version=17)[0], 4 * GIB, 2, 0)
    owned = {*ELSEWHERE, *FIXED}
    for name, value in plain.items():
        if name in owned:
            continue
        cluster, problems = read(postgres_version=17, postgres_settings={name: value})
        assert problems == [], name
        assert derive_settings(cluster, 1 * GIB, 1, 0)[name] == value


def test_jit_on_brings_its_provider_back() -> None:
    assert derive_settings(read()[0], GIB, 1, 0, 17)["jit_provider"] == "jit_is_off"
    assert "jit_provider" not in derive_settings(read(postgres_settings={"jit": True})[0], GIB, 1, 0, 17)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"fsync": "off"}, "fsync: found 'off'; expected on"),
        ({"full_page_writes": False}, "full_page_writes: found false; expected on"),
        ({"password_encryption": "md5"}, "password_encryption: found 'md5'; expected scram-sha-256"),
        ({"autovacuum": "no"}, "autovacuum: found 'no'; expected on"),
        ({"port": 5433}, "port: found an entry; expected postgres_port"),
        ({"hba_file": "/x"}, "hba_file: found an entry; expected postgres_hba"),
        ({"ssl_cert_file": "/x"}, "ssl_cert_file: found an entry"),
        ({"shared_bufers": "1GB"}, "shared_bufers: found an unknown parameter"),
        ({"work_mem": [1]}, "work_mem: found a list of 1"),
        ({"work_mem": "4 megabytes"}, "work_mem: found '4 megabytes'; expected a size"),
        ({"work_mem": "1kB"}, "work_mem: found '1kB'"),
        ({"random_page_cost": "cheap"}, "random_page_cost: found 'cheap'; expected a number"),
        ({"wal_level": "full"}, "wal_level: found 'full'; expected one of logical, minimal, replica"),
        ({"transaction_timeout": "5s"}, None),
        (
            {"io_method": "worker"},
            "io_method: found a parameter of PostgreSQL 18 only; expected one that PostgreSQL 17 has",
        ),
        ({"old_snapshot_threshold": "1h"}, "old_snapshot_threshold: found a parameter of PostgreSQL 15 only"),
        ({"shared_buffers": "3GB"}, "shared_buffers: found 3GB; expected at most half of the host's memory (4 GiB)"),
        ({"min_wal_size": "4GB"}, "min_wal_size: found min_wal_size 4GB over max_wal_size 1024MB"),
        ({"maintenance_work_mem": "1GB"}, "maintenance_work_mem: found 1GB; expected at most half"),
        ({"work_mem": "1GB"}, "work_mem: found 1GB; expected at most an eighth"),
        (
            {"max_parallel_workers": 20},
            "max_parallel_workers: found max_parallel_workers 20 over max_worker_processes 8",
        ),
        ({"max_connections": 3}, "max_connections: found 3 reserved of 3"),
        ({"wal_level": "minimal"}, "wal_level: found 'minimal' with max_wal_senders"),
        ({"wal_level": "minimal", "max_wal_senders": 0}, None),
        ({"pg_stat_statements.track": "all"}, None),
        ({"shared_buffers": 65536, "work_mem": "8192kB", "statement_timeout": "1.5min"}, None),
    ],
)
def test_overrides(settings: dict[str, Any], said: str | None) -> None:
    found = refused({}, postgres_settings=settings)
    if said is None:
        assert found == []
    else:
        assert any(f"postgres_settings.{said}" in problem for problem in found), found


@pytest.mark.parametrize(
    ("text", "unit", "amount"),
    [("128MB", "8kB", 16384), ("64", "8kB", 64), ("1.5GB", "kB", 1572864), ("5min", "s", 300), ("1d", "ms", 86400000), ("10", "", 10),
     ("5min", "kB", None), ("5mb", "kB", None), ("", "kB", None), ("1 GB", "MB", 1024)],
)  # fmt: skip
def test_numbers_with_units(text: str, unit: str, amount: float | None) -> None:
    assert number(text, unit) == amount


def test_sizes_without_a_unit_are_in_the_parameters_own() -> None:
    assert size_of({"shared_buffers": "16384"}, "shared_buffers", 17) == 128 * 1024**2
    assert size_of({"shared_buffers": "128MB"}, "shared_buffers", 17) == 128 * 1024**2


@pytest.mark.parametrize(
    ("changes", "variables", "said"),
    [
        (
            {"listeners": [{"address": "127.0.0.1", "port": 5432, "process": "x", "unit": "x.service"}]},
            {},
            "where x.service listens",
        ),
        (
            {
                "listeners": [
                    {"address": "127.0.0.1", "port": 5432, "process": "postgres", "unit": "postgresql@17-main.service"}
                ]
            },
            {},
            None,
        ),
        (
            {"clusters": [{"version": 15, "name": "main", "port": 5432, "running": True, "data_checksums": True}]},
            {},
            "which cluster 15/main has",
        ),
        (
            {"distribution": {"id": "arch", "version": None, "codename": ""}},
            {},
            "postgres_version: found nothing, on arch",
        ),
        ({}, {"postgres_version": 18}, "postgres_version: found 18, which Debian 13 does not have; expected 17"),
        ({"packages": {"postgresql-18": "18.0"}}, {"postgres_version": 18}, None),
    ],
)
def test_what_only_the_host_can_tell(changes: dict[str, Any], variables: dict[str, Any], said: str | None) -> None:
    found = refused(changes, **variables)
    assert found == [] if said is None else any(said in problem for problem in found), found


def test_rules_come_in_the_order_in_which_they_decide() -> None:
    problems: list[Problem] = []
    extra = read_hba(
        [{"database": "shop", "user": ["+staff", "all"], "address": "10.0.0.0/8", "method": "reject"}], problems
    )
    lines = [
        entry.line().split()
        for entry in hba_entries(extra, ["10.1.0.0/16"], {"shop": ["shop_db_a", "shop_db_b"], "empty": []})
    ]
    assert problems == []
    assert lines == [
        ["local", "all", '"postgres"', "peer"],
        ["local", "replication", '"postgres"', "peer"],
        ["host", '"shop"', '+"staff",all', "10.0.0.0/8", "reject"],
        ["local", '"shop"', '"shop_db_a","shop_db_b"', "scram-sha-256"],
        ["host", '"shop"', '"shop_db_a","shop_db_b"', "127.0.0.1/32", "scram-sha-256"],
        ["host", '"shop"', '"shop_db_a","shop_db_b"', "::1/128", "scram-sha-256"],
        ["host", '"shop"', '"shop_db_a","shop_db_b"', "10.1.0.0/16", "scram-sha-256"],
    ]


def test_fields_of_a_rule_stay_apart_however_long_they_are() -> None:
    entry = HbaEntry(
        "hostnossl", ("a" * 63,), ("b" * 63, "c" * 63), "2001:db8:1234:5678::/64", "scram-sha-256", {"map": "x"}
    )
    assert entry.line().split() == [
        "hostnossl",
        f'"{"a" * 63}"',
        f'"{"b" * 63}","{"c" * 63}"',
        entry.address,
        entry.method,
        'map="x"',
    ]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"method": "trust"}, "method: found trust, which lets everyone in without a password"),
        ({"method": "md5"}, "method: found md5, which accepts md5 hashes"),
        ({"method": "password"}, "method: found password, which sends the password in clear text"),
        ({"method": "ident"}, "method: found ident"),
        ({"method": "peer"}, "method: found 'peer'"),
        ({"method": "cert"}, "method: found cert with type host"),
        ({"type": "local"}, "address: found '10.0.0.0/8'; expected no address"),
        ({"address": "10.0.0.1/8"}, "address: found '10.0.0.1/8'"),
        ({"address": None}, "address: found nothing"),
        ({"database": 'x" all'}, "database: found"),
        ({"user": []}, "user: found a list of 0"),
        ({"users": "x"}, "users: found an unknown option"),
        ({"options": {"ldapbindpasswd": "x"}}, "options.ldapbindpasswd: found an unknown option (value not shown)"),
        ({"options": {"map": "a b"}}, "options.map: found a value that is not plain (not shown)"),
    ],
)
def test_rules_that_are_refused(entry: dict[str, Any], said: str) -> None:
    problems: list[Problem] = []
    assert read_hba([{"database": "shop", "user": "all", "address": "10.0.0.0/8", **entry}], problems) == ()
    assert any(f"postgres_hba[0].{said}" in str(problem) for problem in problems), problems
