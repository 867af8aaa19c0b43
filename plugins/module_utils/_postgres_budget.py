# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The connection budget: what all consumers may open together against what the cluster admits."""

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

if TYPE_CHECKING:
    from ansible_collections.mainstay.backend.plugins.module_utils._postgres import Cluster

#: While a deploy overlaps, the old and the new processes hold their pools at the same time.
OVERLAP = 2


class Kind(Protocol):
    """What a credential tells here."""

    @property
    def kind(self) -> str: ...


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
    def database_pool(self) -> int: ...


@dataclass(frozen=True)
class Row:
    """The connections of one consumer: hosts x processes x pool x logins, twice while a deploy overlaps."""

    consumer: str
    hosts: int
    processes: int
    pool: int
    logins: int

    @property
    def connections(self) -> int:
        return self.hosts * self.processes * self.pool * self.logins * OVERLAP

    def __str__(self) -> str:
        logins = f" x {self.logins} logins" if self.logins != 1 else ""
        hosts, processes = _count(self.hosts, "host"), _count(self.processes, "process", "es")
        return f"{self.consumer}: {hosts} x {processes} x pool {self.pool}{logins} x {OVERLAP} = {self.connections}"


@dataclass(frozen=True)
class Budget:
    """All rows against `limit` = max_connections - reserved."""

    rows: tuple[Row, ...]
    max_connections: int
    reserved: int

    @property
    def total(self) -> int:
        return sum(row.connections for row in self.rows)

    @property
    def limit(self) -> int:
        return self.max_connections - self.reserved


def _count(amount: int, one: str, plural: str = "s") -> str:
    return f"{amount} {one}{'' if amount == 1 else plural}"


def budget(cluster: Cluster, consumers: Iterable[Demand], credentials: Mapping[str, Kind] | None = None) -> Budget:
    """The budget of CLUSTER. Without CREDENTIALS the derived names (DATABASE_db) tell which of a consumer's are logins here."""
    derived = {f"{database.name}_db" for database in cluster.databases}

    def logins(names: Sequence[str]) -> int:
        if credentials is None:
            return sum(name in derived for name in names)
        return sum(name in credentials and credentials[name].kind == "postgres_role" for name in names)

    rows = [
        Row(
            item.name,
            len(item.hosts),
            item.processes + item.sidekiq_processes,
            item.database_pool,
            logins(item.credentials),
        )
        for item in consumers
    ]
    connections = count_of(cluster.settings, "max_connections", MAX_CONNECTIONS)
    return Budget(tuple(row for row in rows if row.connections), connections, reserved_connections(cluster.settings))


def check_budget(
    cluster: Cluster,
    consumers: Iterable[Demand],
    problems: list[Problem],
    credentials: Mapping[str, Kind] | None = None,
) -> None:
    """Refuses consumers that could open more connections than the cluster admits."""
    found = budget(cluster, consumers, credentials)
    if found.total > found.limit:
        arithmetic = "; ".join(str(row) for row in found.rows)
        expected = f"at least {found.total + found.reserved}: {arithmetic}; together {found.total}, and {found.reserved} are reserved"
        problems.append(Problem("postgres_settings.max_connections", str(found.max_connections), expected))
