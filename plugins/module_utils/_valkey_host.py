# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What only the host can tell of Valkey's description: ports in use, addresses, memory, the server's version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils._checking import Problem, format_size
from ansible_collections.mainstay.backend.plugins.module_utils._deps import version_tuple
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_directives import wrong_for_version
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_instance import CLIENT_BYTES, Instance

#: Debian release -> the Valkey it brings (12: from backports).
VERSION_OF_RELEASE = {12: (8, 0), 13: (8, 1), 14: (9, 1)}
_ANY = ("0.0.0.0", "::", "*")


def check_host(
    instances: Sequence[Instance], probe: Mapping[str, Any], reserved_bytes: int, problems: list[Problem]
) -> None:
    """Checks INSTANCES against what PROBE found. RESERVED_BYTES of memory belong to PostgreSQL on the same host."""
    present = [item for item in instances if item.state == "present"]
    absent = {item.unit for item in instances if item.state == "absent"}
    for item in present:
        _check_port(item, probe.get("listeners") or (), absent, problems)
        _check_bind(item, probe.get("addresses"), problems)
        _check_version(item, probe, problems)
    told = memory_problem(present, int(probe["memory_bytes"]), reserved_bytes) if probe.get("memory_bytes") else None
    if told:
        problems.append(told)


def _check_port(
    item: Instance, listeners: Sequence[Mapping[str, Any]], absent: set[str], problems: list[Problem]
) -> None:
    for listener in listeners:
        option = next((name for name, port in item.ports.items() if port == listener.get("port")), "")
        unit, address = str(listener.get("unit") or ""), str(listener.get("address"))
        if not option or unit == item.unit or unit in absent:
            continue
        if address not in _ANY and address not in item.bind and not set(item.bind) & set(_ANY):
            continue
        who = unit or listener.get("process") or "another process"
        remedy = (
            f"a free port: stop it (systemctl disable --now {unit}) or choose another"
            if unit
            else "a free port: stop that process or choose another"
        )
        problems.append(
            Problem(
                f"valkey_instances.{item.name}.{option}",
                f"{item.ports[option]}, where {who} listens on {address}",
                remedy,
            )
        )
        return


def _check_bind(item: Instance, addresses: Sequence[str] | None, problems: list[Problem]) -> None:
    if not addresses:
        return
    for address in item.bind:
        if address not in (*_ANY, *addresses) and not address.startswith("127."):
            expected = f"an address that this host has: {', '.join(addresses)}"
            problems.append(Problem(f"valkey_instances.{item.name}.bind", address, expected))


def server_version(probe: Mapping[str, Any]) -> tuple[int, ...] | None:
    """(major, minor) of the installed server, else of what the release brings."""
    installed = (probe.get("packages") or {}).get("valkey-server")
    if installed:
        return version_tuple(str(installed).rpartition(":")[2])[:2]
    return VERSION_OF_RELEASE.get((probe.get("distribution") or {}).get("version") or 0)


def _check_version(item: Instance, probe: Mapping[str, Any], problems: list[Problem]) -> None:
    version = server_version(probe)
    if not version:
        return
    for name in item.settings:
        expected = wrong_for_version(name, version)
        if expected:
            found = "a directive that Valkey {}.{} on this host does not know".format(*version)
            problems.append(Problem(f"valkey_instances.{item.name}.settings.{name}", found, expected))


def memory_problem(items: Sequence[Instance], memory: int, reserved: int) -> Problem | None:
    """The sum of what the instances may take, beside RESERVED for PostgreSQL, against the host's MEMORY, with its arithmetic."""
    total = sum(item.memory for item in items) + reserved
    if not items or total <= memory:
        return None
    terms = []
    for item in items:
        times = "2 x " if item.forks else ""
        terms.append(
            f"{item.name} {times}{format_size(item.maxmemory)} + {item.maxclients} clients {format_size(item.maxclients * CLIENT_BYTES)}"
        )
    if reserved:
        terms.append(f"PostgreSQL {format_size(reserved)}")
    found = f"{format_size(total)} ({'; '.join(terms)})"
    expected = f"at most the host's memory, {format_size(memory)} (maxmemory counts twice where the server forks to persist): lower maxmemory or maxclients"
    return Problem("valkey_instances", found, expected)
