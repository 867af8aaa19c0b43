# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The settings of a PostgreSQL cluster: those derived from the host's memory and cores, and what may not be overridden."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ansible_collections.mainstay.backend.plugins.module_utils._checking import Problem, format_size, shown
from ansible_collections.mainstay.backend.plugins.module_utils._postgres_parameters import (
    Parameter,
    canonical,
    expected,
    number,
    parameters,
    versions_of,
)
from ansible_collections.mainstay.backend.plugins.module_utils._tls import CHAIN, CLIENT_AUTHORITIES, KEY, path

if TYPE_CHECKING:
    from ansible_collections.mainstay.backend.plugins.plugin_utils.types import Cluster

MB = 1024**2
MAX_CONNECTIONS = 100
#: Parameters that other variables or Debian's own files hold.
ELSEWHERE = {
    "port": "postgres_port",
    "listen_addresses": "postgres_listen_addresses",
    "data_directory": "no such entry: Debian's postgresql.conf holds it",
    "config_file": "no such entry: Debian's layout fixes it",
    "hba_file": "postgres_hba; Debian's postgresql.conf holds the path",
    "ident_file": "no such entry: Debian's postgresql.conf holds it",
    "external_pid_file": "no such entry: Debian's postgresql.conf holds it",
    "unix_socket_directories": "no such entry: the socket stays in /run/postgresql, where Debian's tools look for it",
    "cluster_name": "no such entry: Debian's postgresql.conf holds it",
    "jit_provider": "jit: on or off, which chooses it",
    "primary_conninfo": "no such entry: it holds a password",
}
#: Parameters with the one value that keeps data and logins safe, and why.
FIXED = {
    "fsync": ("on", "without it a crash of the host destroys the cluster"),
    "full_page_writes": ("on", "without it a crash of the host can destroy pages"),
    "data_sync_retry": ("off", "a failed fsync must end in recovery from the WAL"),
    "zero_damaged_pages": ("off", "it destroys what is left of a damaged page"),
    "ignore_checksum_failure": ("off", "it hands out damaged data"),
    "ignore_invalid_pages": ("off", "it loses data in recovery"),
    "ignore_system_indexes": ("off", "it is for the repair of a broken catalogue"),
    "allow_system_table_mods": ("off", "it is for the repair of a broken catalogue"),
    "allow_in_place_tablespaces": ("off", "it is for the server's own tests"),
    "autovacuum": ("on", "without it transaction ids run out"),
    "password_encryption": ("scram-sha-256", "md5 hashes are as good as passwords"),
    "db_user_namespace": ("off", "it excludes SCRAM"),
}


def as_text(value: object) -> str | None:
    """A scalar of the inventory as postgresql.conf holds it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, str) and "\n" not in value and "\0" not in value:
        return str(value)
    return None


def read_settings(data: Mapping[str, object], version: int | None, problems: list[Problem]) -> dict[str, str]:
    """The overrides of postgres_settings that can be used."""
    found = {}
    for name, value in data.items():
        where = f"postgres_settings.{name}"
        text = as_text(value)
        if name in ELSEWHERE:
            problems.append(Problem(where, "an entry", ELSEWHERE[name]))
        elif name.startswith("ssl"):
            problems.append(Problem(where, "an entry", "no such entry: postgres_tls sets it"))
        elif text is None:
            problems.append(Problem(where, shown(value), "a text, a number, true or false, on one line"))
        elif "." in name:
            found[name] = text
        elif name not in versions_of():
            problems.append(
                Problem(where, "an unknown parameter", "a parameter of PostgreSQL, or PREFIX.NAME of an extension")
            )
        elif name in FIXED and text.lower() not in _spellings(FIXED[name][0]):
            problems.append(Problem(where, shown(value), f"{FIXED[name][0]}: {FIXED[name][1]}"))
        elif version is None or _valid(where, name, text, version, problems):
            found[name] = text
    return found


def _spellings(value: str) -> tuple[str, ...]:
    return {"on": ("on", "true", "yes", "1"), "off": ("off", "false", "no", "0")}.get(value, (value,))


def _valid(where: str, name: str, text: str, version: int, problems: list[Problem]) -> bool:
    parameter = parameters(version).get(name)
    if parameter is None:
        known = ", ".join(str(item) for item in versions_of()[name])
        problems.append(Problem(where, f"a parameter of PostgreSQL {known} only", f"one that PostgreSQL {version} has"))
        return False
    if canonical(parameter, text) is None:
        problems.append(Problem(where, shown(text), expected(parameter)))
        return False
    return True


def check_values(settings: Mapping[str, str], version: int, problems: list[Problem]) -> None:
    """Names and values that VERSION does not take (for when the version was not known at reading)."""
    for name, text in settings.items():
        if "." not in name:
            _valid(f"postgres_settings.{name}", name, text, version, problems)


def size_of(settings: Mapping[str, str], name: str, version: int) -> int:
    """Bytes of the memory parameter NAME."""
    parameter: Parameter = parameters(version)[name]
    return (
        int(number(settings[name], "B") or 0)
        if settings[name].strip()[-1:].isalpha()
        else int(_bare(settings[name], parameter))
    )


def _bare(text: str, parameter: Parameter) -> float:
    units = {"B": 1, "kB": 1024, "8kB": 8192, "MB": MB}
    return float(text) * units.get(parameter.unit, 1)


def count_of(settings: Mapping[str, str], name: str, default: int) -> int:
    """The whole number of NAME, or DEFAULT."""
    try:
        return int(float(settings.get(name, default)))
    except (ValueError, OverflowError):
        return default


def _mb(count: float, low: int, high: int | None = None) -> str:
    amount = max(low, int(count // MB))
    return f"{min(amount, high) if high else amount}MB"


def derive_settings(
    cluster: Cluster, memory_bytes: int, cores: int, reserved_bytes: int, version: int | None = None
) -> dict[str, str]:
    """The cluster's settings for a host with MEMORY_BYTES, of which others hold RESERVED_BYTES, with the overrides over them."""
    release = version or cluster.version or 17
    memory = max(memory_bytes - reserved_bytes, 256 * MB)
    connections = max(1, count_of(cluster.settings, "max_connections", MAX_CONNECTIONS))
    buffers = memory / 4
    gather = max(1, min(4, cores // 2))
    found = {
        "listen_addresses": ", ".join(cluster.listen_addresses),
        "port": str(cluster.port),
        "max_connections": str(MAX_CONNECTIONS),
        "password_encryption": "scram-sha-256",
        # Memory: a quarter for the shared buffers; what is left is shared by sorts (three at once in each connection).
        "shared_buffers": _mb(buffers, 64),
        "effective_cache_size": _mb(memory * 3 / 4, 128),
        "work_mem": _mb((memory - buffers) / (connections * 3), 2, 64),
        "maintenance_work_mem": _mb(memory / 16, 32, 2048),
        # WAL: fewer, smoother checkpoints; disk for max_wal_size grows with memory, as a cheap guess of the host's size.
        "min_wal_size": _mb(min(memory / 16, 1024 * MB), 80),
        "max_wal_size": _mb(memory / 4, 512, 8192),
        "checkpoint_timeout": "10min",
        "checkpoint_completion_target": "0.9",
        "wal_compression": "lz4",
        # Processes
        "max_worker_processes": str(max(8, cores)),
        "max_parallel_workers": str(max(2, cores)),
        "max_parallel_workers_per_gather": str(gather),
        "max_parallel_maintenance_workers": str(gather),
        # Planner: solid-state disks; compiling pays for long analytical queries, not for those of a web application.
        "random_page_cost": "1.1",
        "jit": "off",
        # What an operator needs to know; parameters of statements may be secrets and stay out of the log.
        "log_checkpoints": "on",
        "log_lock_waits": "on",
        "log_autovacuum_min_duration": "10s",
        "log_temp_files": "10MB",
        "log_parameter_max_length": "0",
        "log_parameter_max_length_on_error": "0",
        "track_io_timing": "on",
    }
    if release < 18:
        found["effective_io_concurrency"] = "200"
    if cluster.tls.on:
        found.update(_tls_settings(cluster))
    found.update(cluster.settings)
    # The sandbox of the unit forbids compiled code while jit is off, so a session must not be able to switch it on.
    if found["jit"].lower() in _spellings("off"):
        found["jit_provider"] = "jit_is_off"
    return found


def _tls_settings(cluster: Cluster) -> dict[str, str]:
    found = {
        "ssl": "on",
        "ssl_cert_file": path("postgres", CHAIN),
        "ssl_key_file": path("postgres", KEY),
        "ssl_min_protocol_version": "TLSv1.2",
    }
    return {**found, "ssl_ca_file": path("postgres", CLIENT_AUTHORITIES)} if cluster.tls.clients != "off" else found


def check_together(
    settings: Mapping[str, str], version: int, memory_bytes: int, overridden: Mapping[str, str], problems: list[Problem]
) -> None:
    """Values that contradict each other or the host. Only what the inventory overrides is blamed."""

    def blame(names: tuple[str, ...], found: str, wanted: str) -> None:
        name = next((item for item in names if item in overridden), names[0])
        problems.append(Problem(f"postgres_settings.{name}", found, wanted))

    size = {
        name: size_of(settings, name, version)
        for name in ("shared_buffers", "min_wal_size", "max_wal_size", "maintenance_work_mem", "work_mem")
    }
    if size["shared_buffers"] > memory_bytes // 2:
        blame(
            ("shared_buffers",),
            settings["shared_buffers"],
            f"at most half of the host's memory ({format_size(memory_bytes)})",
        )
    if size["min_wal_size"] > size["max_wal_size"]:
        blame(
            ("min_wal_size", "max_wal_size"),
            f"min_wal_size {settings['min_wal_size']} over max_wal_size {settings['max_wal_size']}",
            "at most max_wal_size",
        )
    workers = count_of(settings, "autovacuum_max_workers", 3)
    if size["maintenance_work_mem"] * workers > memory_bytes // 2:
        expected_text = (
            f"at most half of the host's memory ({format_size(memory_bytes)}) for {workers} autovacuum workers together"
        )
        blame(("maintenance_work_mem", "autovacuum_max_workers"), settings["maintenance_work_mem"], expected_text)
    if size["work_mem"] > memory_bytes // 8:
        blame(
            ("work_mem",),
            settings["work_mem"],
            f"at most an eighth of the host's memory ({format_size(memory_bytes)}): every sort may take as much",
        )
    for low, high in (
        ("max_parallel_workers", "max_worker_processes"),
        ("max_parallel_workers_per_gather", "max_parallel_workers"),
    ):
        if count_of(settings, low, 0) > count_of(settings, high, 8):
            blame((low, high), f"{low} {settings[low]} over {high} {settings[high]}", f"at most {high}")
    connections = count_of(settings, "max_connections", MAX_CONNECTIONS)
    reserved = reserved_connections(settings)
    if reserved >= connections:
        blame(
            ("superuser_reserved_connections", "reserved_connections", "max_connections"),
            f"{reserved} reserved of {connections}",
            "fewer than max_connections",
        )
    if settings.get("wal_level") == "minimal" and (
        count_of(settings, "max_wal_senders", 10) > 0 or settings.get("archive_mode", "off") != "off"
    ):
        blame(
            ("wal_level",),
            "'minimal' with max_wal_senders or archive_mode",
            "replica, or max_wal_senders 0 and archive_mode off",
        )


def reserved_connections(settings: Mapping[str, str]) -> int:
    """Connections that no application can have."""
    return count_of(settings, "superuser_reserved_connections", 3) + count_of(settings, "reserved_connections", 0)
