# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The PostgreSQL cluster as the inventory describes it, read and checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils._checking import NAME, Checker, Problem, shown
from ansible_collections.mainstay.backend.plugins.module_utils._packages import (
    POSTGRES_OF_RELEASE,
    SUPPORTED_POSTGRES,
    postgres_version,
)
from ansible_collections.mainstay.backend.plugins.module_utils._postgres_hba import HbaEntry, read_hba
from ansible_collections.mainstay.backend.plugins.module_utils._postgres_settings import (
    MB,
    check_together,
    check_values,
    count_of,
    derive_settings,
    read_settings,
    size_of,
)
from ansible_collections.mainstay.backend.plugins.module_utils._tls import ServerTls, read_clients, read_level

CLUSTER = "main"
EXTENSION = "uuidv7"
#: Settings that every login of a database gets, with their defaults; 0 is no limit.
TIMEOUTS = {"statement_timeout": "30s", "lock_timeout": "10s", "idle_in_transaction_session_timeout": "60s"}
_DURATION = r"0|\d{1,9}\s*(?:ms|s|min|h|d)"
#: What a connection holds beside its sorts.
BACKEND_BYTES = 2 * MB


@dataclass(frozen=True)
class Database:
    """A database, its owner that cannot log in, and what its logins get."""

    name: str
    owner: str
    extensions: tuple[str, ...] = (EXTENSION,)
    encoding: str = "UTF8"
    locale: str = "C.UTF-8"
    connection_limit: int = -1
    timeouts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Cluster:
    """The cluster `main`. `version` is None while neither the inventory nor a probe names one."""

    version: int | None
    port: int
    listen_addresses: tuple[str, ...]
    clients: tuple[str, ...]
    settings: Mapping[str, str]
    hba: tuple[HbaEntry, ...]
    databases: tuple[Database, ...]
    data_checksums: bool
    writable_paths: tuple[str, ...] = ()
    tls: ServerTls = field(default_factory=ServerTls)


def read_cluster(variables: Mapping[str, Any], problems: list[Problem]) -> Cluster:
    """The cluster that VARIABLES (postgres_*, backend_app) describe."""
    check = Checker("", variables, problems)
    version = _version(check)
    return Cluster(
        version=version,
        port=check.integer("postgres_port", 5432, 1024, 65535),
        listen_addresses=check.addresses("postgres_listen_addresses", ["127.0.0.1"]),
        clients=check.networks("postgres_clients", []),
        settings=read_settings(check.mapping("postgres_settings"), version, problems),
        hba=read_hba(check.get("postgres_hba"), problems),
        databases=_databases(check, problems),
        data_checksums=check.boolean("postgres_data_checksums", True),
        writable_paths=_writable_paths(check),
        tls=ServerTls(
            read_level(check, "postgres_tls"), read_clients(check, "postgres_tls_clients", choices=("off", "required"))
        ),
    )


def _version(check: Checker) -> int | None:
    value = check.get("postgres_version")
    if value in (None, "", 0, "0"):
        return None
    if str(value) not in {str(item) for item in SUPPORTED_POSTGRES} or isinstance(value, bool):
        known = ", ".join(str(item) for item in SUPPORTED_POSTGRES)
        check.problem("postgres_version", value, f"one of {known}, or nothing for the release's own")
        return None
    return int(value)


def _writable_paths(check: Checker) -> tuple[str, ...]:
    paths = check.strings("postgres_writable_paths", [], "a list of absolute paths")
    for path in paths:
        if not re.fullmatch(r"/[A-Za-z0-9._/-]+", path) or ".." in path.split("/"):
            check.problem("postgres_writable_paths", path, "an absolute path of letters, digits and ._/-")
    return paths


def _databases(check: Checker, problems: list[Problem]) -> tuple[Database, ...]:
    entries = check.mapping("postgres_databases")
    if "postgres_databases" not in check.data or check.data["postgres_databases"] is None:
        entries = {str(check.get("backend_app", "app")): {}}
    found = tuple(_database(name, entry, problems) for name, entry in entries.items())
    for database in found:
        logins = {f"{other.name}_db_{slot}" for other in found for slot in "ab"}
        if database.owner in logins:
            where = f"postgres_databases.{database.name}.owner"
            problems.append(
                Problem(where, database.owner, "another name: this one is a login, and an owner cannot log in")
            )
    return found


def _database(name: str, entry: object, problems: list[Problem]) -> Database:
    where = f"postgres_databases.{name}"
    check = Checker(where, entry, problems)
    if not NAME.fullmatch(name) or len(name) > 45:
        check.say("", f"the name {shown(name)}", "at most 45 lower-case letters, digits and _, beginning with a letter")
        name = "app"
    elif name in ("postgres", "template0", "template1") or name.startswith("pg_"):
        check.say("", f"the name {name}", "another name: the server's own databases are left alone")
    default_owner = f"{name}_owner"
    owner = check.name("owner", default_owner)
    if owner == "postgres" or owner.startswith("pg_") or owner in ("public", "none"):
        check.problem("owner", owner, "another name: this one is reserved")
    extensions = check.strings("extensions", [EXTENSION], "a list of extensions")
    for item in extensions:
        if not re.fullmatch(r"[a-z][a-z0-9_-]{0,62}", item):
            check.problem("extensions", item, "the name of an extension, like uuidv7")
    found = Database(
        name=name,
        owner=owner,
        extensions=tuple(dict.fromkeys(extensions)),
        encoding=check.choice("encoding", "UTF8", ("UTF8",)),
        locale=check.text(
            "locale", "C.UTF-8", r"[A-Za-z][A-Za-z0-9_.@-]{0,60}", "a locale that the host has, like C.UTF-8"
        ),
        connection_limit=check.integer("connection_limit", -1, -1, 10_000),
        timeouts={
            key: check.text(key, value, _DURATION, "a time like 30s, or 0 for no limit")
            for key, value in _timeouts(check).items()
        },
    )
    check.done()
    return found


def _timeouts(check: Checker) -> dict[str, str]:
    # YAML reads an unquoted 0 as a number; it says what it means.
    if isinstance(check.data, Mapping):
        check.data = {
            key: "0" if key in TIMEOUTS and value == 0 and not isinstance(value, bool) else value
            for key, value in check.data.items()
        }
    return TIMEOUTS


def check_cluster(cluster: Cluster, probe: Mapping[str, Any], problems: list[Problem], reserved_bytes: int = 0) -> None:
    """What only the host can tell: its release, memory, listening ports and the clusters it has already."""
    version = _check_version(cluster, probe, problems)
    if version is None:
        return
    before = len(problems)
    if cluster.version is None:
        check_values(cluster.settings, version, problems)
    if len(problems) == before:
        settings = derive_settings(cluster, probe["memory_bytes"], probe["cores"], reserved_bytes, version)
        check_together(settings, version, probe["memory_bytes"], cluster.settings, problems)
    unit = f"postgresql@{version}-{CLUSTER}.service"
    for row in probe.get("listeners", ()):
        if row["port"] == cluster.port and row["unit"] != unit and not _is_ours(probe, version, cluster.port, row):
            who = row["unit"] or row["process"] or "another process"
            problems.append(Problem("postgres_port", f"{cluster.port}, where {who} listens", "a free port"))
            break
    for row in probe.get("clusters", ()):
        name = f"{row['version']}/{row['name']}"
        if (row["version"], row["name"]) == (version, CLUSTER):
            if row["data_checksums"] is False and cluster.data_checksums:
                binary, data = f"/usr/lib/postgresql/{version}/bin/pg_checksums", row["data_directory"]
                remedy = (
                    f"systemctl stop {unit}; runuser -u postgres -- {binary} --enable -D {data}; systemctl start {unit}"
                )
                found = f"true, and cluster {name} has no checksums"
                problems.append(
                    Problem("postgres_data_checksums", found, f"checksums switched on ({remedy}), or false")
                )
        elif row["port"] == cluster.port:
            found = f"{cluster.port}, which cluster {name} has"
            problems.append(
                Problem(
                    "postgres_port",
                    found,
                    f"a free port, postgres_version: {row['version']}, or that cluster upgraded or dropped",
                )
            )


def _is_ours(probe: Mapping[str, Any], version: int, port: int, row: Mapping[str, Any]) -> bool:
    """The cluster itself, started by hand outside its unit."""
    ours = [item for item in probe.get("clusters", ()) if (item["version"], item["name"]) == (version, CLUSTER)]
    return row["process"] == "postgres" and bool(ours) and ours[0]["port"] == port and bool(ours[0]["running"])


def _check_version(cluster: Cluster, probe: Mapping[str, Any], problems: list[Problem]) -> int | None:
    told = probe["distribution"]
    release = told["version"]
    own = POSTGRES_OF_RELEASE.get(release) if release is not None else None
    version = postgres_version(cluster.version, probe)
    if version is None:
        name = f"{told['id'] or 'an unknown release'} {release or told['codename']}".strip()
        problems.append(
            Problem(
                "postgres_version",
                f"nothing, on {name}",
                f"Debian {', '.join(map(str, POSTGRES_OF_RELEASE))}, or a version",
            )
        )
        return None
    if own is not None and version != own and not probe["packages"].get(f"postgresql-{version}"):
        problems.append(
            Problem(
                "postgres_version",
                f"{version}, which Debian {release} does not have",
                f"{own}, or postgresql-{version} installed beforehand",
            )
        )
        return None
    return version


def shared_bytes(cluster: Cluster, probe: Mapping[str, Any], reserved_bytes: int = 0) -> int:
    """Memory that PostgreSQL takes on its host: the shared buffers and its connections."""
    version = postgres_version(cluster.version, probe) or SUPPORTED_POSTGRES[-1]
    settings = derive_settings(cluster, probe["memory_bytes"], probe["cores"], reserved_bytes, version)
    try:
        buffers = size_of(settings, "shared_buffers", version)
    except (ValueError, OverflowError):  # a value that is refused elsewhere
        buffers = probe["memory_bytes"] // 4
    return buffers + count_of(settings, "max_connections", 100) * BACKEND_BYTES
