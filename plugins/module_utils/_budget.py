# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The connection budget: what all consumers may open together, against what each server admits. One table, one set of problems."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ansible_collections.mainstay.backend.plugins.module_utils._checking import Problem
from ansible_collections.mainstay.backend.plugins.module_utils._postgres_settings import (
    MAX_CONNECTIONS,
    count_of,
    reserved_connections,
)
from ansible_collections.mainstay.backend.plugins.module_utils._table import table

if TYPE_CHECKING:
    from ansible_collections.mainstay.backend.plugins.plugin_utils.types import Cluster, Instance

#: While a deploy overlaps, the old and the new processes hold their pools at the same time.
OVERLAP = 2
#: Connections of an instance that are not the consumers': the administrator, health checks, monitoring, people.
VALKEY_RESERVED = 32
#: Beside one for each of its threads, Sidekiq keeps a pool for itself.
SIDEKIQ_OWN = 10
HEADS = ("host", "server", "consumer", "hosts", "processes", "pool", "overlap", "connections", "limit")


class Kind(Protocol):
    """What a credential tells here."""

    @property
    def kind(self) -> str: ...
    @property
    def target(self) -> str: ...


class Demand(Protocol):
    """What a consumer tells here."""

    @property
    def name(self) -> str: ...
    @property
    def hosts(self) -> tuple[str, ...]: ...
    @property
    def credentials(self) -> tuple[str, ...]: ...
    @property
    def processes(self) -> int: ...
    @property
    def sidekiq_processes(self) -> int: ...
    @property
    def sidekiq_concurrency(self) -> int: ...
    @property
    def database_pool(self) -> int: ...
    @property
    def valkey_pool(self) -> int: ...


@dataclass(frozen=True)
class Row:
    """The connections of one consumer: hosts x processes x pool x logins, twice while a deploy overlaps."""

    consumer: str
    hosts: int
    processes: int
    pool: int
    logins: int = 1

    @property
    def connections(self) -> int:
        return self.hosts * self.processes * self.pool * self.logins * OVERLAP

    def __str__(self) -> str:
        logins = f" x {self.logins} logins" if self.logins != 1 else ""
        hosts, processes = _count(self.hosts, "host"), _count(self.processes, "process", "es")
        return f"{self.consumer}: {hosts} x {processes} x pool {self.pool}{logins} x {OVERLAP} = {self.connections}"


@dataclass(frozen=True)
class Budget:
    """All rows of one server against `limit` = maximum - reserved; `variable` is where the maximum is set, `setting` what it is called."""

    server: str
    variable: str
    setting: str
    rows: tuple[Row, ...]
    maximum: int
    reserved: int
    #: The role that runs it.
    role: str = "valkey"

    @property
    def total(self) -> int:
        return sum(row.connections for row in self.rows)

    @property
    def limit(self) -> int:
        return self.maximum - self.reserved


def _count(amount: int, one: str, plural: str = "s") -> str:
    return f"{amount} {one}{'' if amount == 1 else plural}"


def _logins(item: Demand, credentials: Mapping[str, Kind], kind: str, target: str = "") -> int:
    found = [credentials[name] for name in item.credentials if name in credentials]
    return sum(one.kind == kind and target in ("", one.target) for one in found)


def postgres_budget(cluster: Cluster, consumers: Iterable[Demand], credentials: Mapping[str, Kind]) -> Budget:
    """All logins of all databases: max_connections is the cluster's."""
    rows = [
        Row(
            item.name,
            len(item.hosts),
            item.processes + item.sidekiq_processes,
            item.database_pool,
            _logins(item, credentials, "postgres_role"),
        )
        for item in consumers
    ]
    maximum = count_of(cluster.settings, "max_connections", MAX_CONNECTIONS)
    variable, reserved = "postgres_settings.max_connections", reserved_connections(cluster.settings)
    return Budget(
        "postgres",
        variable,
        "max_connections",
        tuple(row for row in rows if row.connections),
        maximum,
        reserved,
        "postgres",
    )


def valkey_budget(instance: Instance, consumers: Iterable[Demand], credentials: Mapping[str, Kind]) -> Budget:
    """Web processes hold one pool. Sidekiq's hold the same, and on the queue's instance one of its threads and its own instead."""
    rows = []
    for item in consumers:
        logins = _logins(item, credentials, "valkey_user", instance.name)
        jobs = instance.purpose == "queue" and item.sidekiq_concurrency
        if jobs:
            rows.append(Row(item.name, len(item.hosts), item.processes, item.valkey_pool, logins))
            pool = item.sidekiq_concurrency + SIDEKIQ_OWN
            rows.append(Row(f"{item.name} (Sidekiq)", len(item.hosts), item.sidekiq_processes, pool, logins))
        else:
            processes = item.processes + item.sidekiq_processes
            rows.append(Row(item.name, len(item.hosts), processes, item.valkey_pool, logins))
    variable, kept = f"valkey_instances.{instance.name}.maxclients", tuple(row for row in rows if row.connections)
    return Budget(instance.name, variable, "maxclients", kept, instance.maxclients, VALKEY_RESERVED)


def budgets(
    cluster: Cluster, instances: Iterable[Instance], consumers: Sequence[Demand], credentials: Mapping[str, Kind]
) -> list[Budget]:
    """Of every server, the instances first."""
    running = [item for item in instances if item.state == "present"]
    found = [valkey_budget(item, consumers, credentials) for item in running]
    return [*found, postgres_budget(cluster, consumers, credentials)]


def check_budgets(found: Iterable[Budget], problems: list[Problem]) -> None:
    """Refuses consumers that could open more connections than a server admits, with the sum."""
    for item in found:
        if item.rows and item.total > item.limit:
            arithmetic = "; ".join(str(row) for row in item.rows)
            needed = f"at least {item.total + item.reserved}: {arithmetic}; together {item.total}, and {item.reserved} are reserved"
            problems.append(Problem(item.variable, str(item.maximum), needed))


def budget_rows(host: str, found: Iterable[Budget]) -> list[list[str]]:
    """Rows of HEADS: one for each consumer of a server, and below them its sum against its limit."""
    rows = []
    for item in found:
        for row in item.rows:
            pool = f"{row.pool} x {row.logins} logins" if row.logins != 1 else str(row.pool)
            figures = [str(row.hosts), str(row.processes), pool, f"x {OVERLAP}", str(row.connections), ""]
            rows.append([host, item.server, row.consumer, *figures])
        limit = f"{item.limit} ({item.setting} {item.maximum} - {item.reserved})"
        rows.append([host, item.server, "together", "", "", "", "", str(item.total), limit])
    return rows


def budget_table(rows: Sequence[Sequence[str]]) -> list[str]:
    return table("Connections at most: hosts x processes x pool, twice while a deploy overlaps", HEADS, rows)
