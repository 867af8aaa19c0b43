# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The connection budget: what consumers may open together against max_connections and maxclients, refused with the sum, and as one table."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "lib"))

from inventories import describe_case

from ansible_collections.mainstay.backend.plugins.module_utils._budget import (
    OVERLAP,
    VALKEY_RESERVED,
    Budget,
    budget_rows,
    budget_table,
)

HOSTS = {
    "db1": {"groups": ["valkey", "postgres"], "address": "10.0.0.5"},
    "app1": {"groups": ["app"], "address": "10.0.0.6"},
    "app2": {"groups": ["app"], "address": "10.0.0.7"},
}
REACHABLE = {
    "postgres_listen_addresses": ["127.0.0.1", "10.0.0.5"],
    "postgres_clients": ["10.0.0.0/24"],
    "valkey_instances": {
        name: {"bind": ["127.0.0.1", "10.0.0.5"], "clients": ["10.0.0.0/24"]}
        for name in ("cache", "session", "cable", "queue")
    },
}


def found(consumers: dict[str, Any], **change: Any) -> dict[str, Budget]:
    """Server -> its budget, of consumers on two hosts."""
    case = {"change": {**REACHABLE, **change, "backend_consumers": consumers}, "hosts": HOSTS, "current": "db1"}
    return {item.server: item for item in describe_case(case)[0].budgets()}


def problems(consumers: dict[str, Any], **change: Any) -> list[str]:
    case = {"change": {**REACHABLE, **change, "backend_consumers": consumers}, "hosts": HOSTS, "current": "db1"}
    return [str(problem) for problem in describe_case(case)[1]]


def lines(budget: Budget) -> list[str]:
    return [str(row) for row in budget.rows]


def test_every_server_has_a_budget_and_a_deploy_counts_twice() -> None:
    budgets = found({"shop": {"processes": 3}, "other": {"hosts": "app1", "credentials": ["shop_cache"]}})
    assert list(budgets) == ["cache", "session", "cable", "queue", "postgres"]
    assert lines(budgets["postgres"]) == ["shop: 2 hosts x 3 processes x pool 5 x 2 = 60"]
    assert (budgets["postgres"].total, budgets["postgres"].limit) == (60, 97)
    assert lines(budgets["cache"]) == [
        "shop: 2 hosts x 3 processes x pool 8 x 2 = 96",
        "other: 1 host x 1 process x pool 8 x 2 = 16",
    ]
    assert (budgets["cache"].total, budgets["cache"].limit) == (112, 1000 - VALKEY_RESERVED)
    assert lines(budgets["session"]) == ["shop: 2 hosts x 3 processes x pool 8 x 2 = 96"]


def test_sidekiqs_concurrency_counts() -> None:
    """Its processes hold what web processes hold, and on the queue's instance a connection a thread and Sidekiq's own pool."""
    budgets = found({"shop": {"hosts": "app1", "sidekiq_concurrency": 10, "sidekiq_processes": 2}})
    assert lines(budgets["postgres"]) == ["shop: 1 host x 3 processes x pool 10 x 2 = 60"]
    assert lines(budgets["cache"]) == ["shop: 1 host x 3 processes x pool 15 x 2 = 90"]
    assert lines(budgets["queue"]) == [
        "shop: 1 host x 1 process x pool 15 x 2 = 30",
        "shop (Sidekiq): 1 host x 2 processes x pool 20 x 2 = 80",
    ]


def test_each_login_of_a_consumer_counts() -> None:
    change = {"backend_credentials": {"reader": {"kind": "postgres_role", "database": "shop"}}}
    budgets = found({"shop": {"hosts": "app1"}}, **change)
    assert lines(budgets["postgres"]) == ["shop: 1 host x 1 process x pool 5 x 2 logins x 2 = 20"]


def test_exactly_the_limit_suffices_and_one_more_is_refused_with_the_sum() -> None:
    settings = {"postgres_settings": {"max_connections": 103}}
    assert problems({"shop": {"processes": 5}}, **settings) == []
    assert problems({"shop": {"processes": 5}}) == [
        "postgres_settings.max_connections: found 100; expected at least 103: "
        "shop: 2 hosts x 5 processes x pool 5 x 2 = 100; together 100, and 3 are reserved"
    ]
    instances = {**REACHABLE["valkey_instances"], "cache": {**REACHABLE["valkey_instances"]["cache"], "maxclients": 64}}
    assert problems({"shop": {}}, valkey_instances=instances) == []
    assert problems({"shop": {"valkey_pool": 9}}, valkey_instances=instances) == [
        "valkey_instances.cache.maxclients: found 64; expected at least 68: "
        "shop: 2 hosts x 1 process x pool 9 x 2 = 36; together 36, and 32 are reserved"
    ]


def test_the_table_adds_up() -> None:
    budgets = list(found({"shop": {"hosts": "app1", "sidekiq_concurrency": 10}}).values())
    rows = budget_rows("db1", budgets)
    for item in budgets:
        mine = [row for row in rows if row[1] == item.server]
        each = [int(row[3]) * int(row[4]) * int(row[5].split()[0]) * OVERLAP for row in mine[:-1]]
        assert each == [int(row[7]) for row in mine[:-1]]
        assert int(mine[-1][7]) == sum(each) == item.total
        assert mine[-1][8].startswith(f"{item.limit} ({item.setting} {item.maximum} - ")
    text = budget_table(rows)
    assert len(text) == 3 + len(rows) and "overlap" in text[1]
