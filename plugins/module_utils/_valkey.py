# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Valkey's part of the description: `valkey_instances` read, checked, and turned into directives."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils._checking import NAME, Checker, Problem, shown
from ansible_collections.mainstay.backend.plugins.module_utils._tls import ServerTls, read_clients, read_level
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_directives import text_of, wrong
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_host import check_host
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_instance import Instance
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_purposes import (
    EVICTING,
    KEEPING,
    PURPOSES,
    Purpose,
)

__all__ = ["Instance", "check_host", "read_instances"]

#: From an instance's port to its port with TLS.
TLS_PORTS = 10_000
DATA = "/var/lib/valkey"
#: Places that the unit's sandbox hides from the server, that do not outlive a boot, or that are not for data.
_NO_DATA = ("/boot", "/dev", "/etc", "/home", "/proc", "/root", "/run", "/sys", "/tmp", "/usr", "/var/tmp", "/var/run")


def read_instances(variables: Mapping[str, Any], problems: list[Problem]) -> tuple[Instance, ...]:
    """The instances that `valkey_instances` describes; what is wrong with them is added to PROBLEMS."""
    top = Checker("", variables, problems)
    usual = ServerTls(read_level(top, "valkey_tls"), read_clients(top, "valkey_tls_clients"))
    found = []
    for name, data in top.mapping("valkey_instances").items():
        if not NAME.fullmatch(name):
            expected = "a name of lower-case letters, digits and _, at most 48, beginning with a letter"
            problems.append(Problem("valkey_instances", f"an instance called {shown(name)}", expected))
            continue
        found.append(_read(name, data, usual, problems))
    _check_together([item for item in found if item.state == "present"], problems)
    return tuple(found)


def _read(name: str, data: object, usual: ServerTls, problems: list[Problem]) -> Instance:
    read = Checker(f"valkey_instances.{name}", data, problems)
    purpose = _purpose(name, read)
    state = read.choice("state", "present", ("present", "absent"))
    port = _port(name, purpose, read, state)
    item = Instance(
        name=name,
        purpose=purpose.name,
        port=port,
        bind=tuple(dict.fromkeys(read.addresses("bind", ("127.0.0.1",)))),
        clients=tuple(dict.fromkeys(read.networks("clients", ()))),
        maxmemory=read.size("maxmemory", purpose.maxmemory, 8 * 1024 * 1024),
        maxmemory_policy=_policy(purpose, read),
        appendonly=read.boolean("appendonly", purpose.appendonly),
        save=_save(read),
        appendfsync=_appendfsync(purpose, read),
        maxclients=read.integer("maxclients", 1000, 64, 1_000_000),
        timeout=read.integer("timeout", 0, 0, 31_536_000),
        databases=read.integer("databases", 1, 1, 10_000),
        directory=_directory(name, read),
        settings=_settings(purpose, read),
        state=state,
        tls=_tls(port, usual, read),
    )
    read.done()
    if purpose.keeps and not item.appendonly:
        read.problem("appendonly", False, f"true on a {purpose.name} instance: without it a restart loses everything")
    if not item.bind:
        read.say("bind", "an empty list", "at least one IP address of this host, like [127.0.0.1]")
    _check_clients(item, read)
    return item


def _purpose(name: str, read: Checker) -> Purpose:
    given = read.get("purpose")
    if given is None and name not in PURPOSES:
        read.say(
            "purpose", "nothing", f"one of {', '.join(PURPOSES)} (only instances of these names bring it by themselves)"
        )
        return PURPOSES["cache"]
    chosen = read.choice("purpose", name if name in PURPOSES else "cache", tuple(PURPOSES))
    if name in PURPOSES and chosen != name:
        read.problem(
            "purpose", chosen, f"{name}, or another name for this instance: consumers take it for what it is called"
        )
        return PURPOSES[name]
    return PURPOSES[chosen]


def _port(name: str, purpose: Purpose, read: Checker, state: str) -> int:
    if name not in PURPOSES and read.data.get("port") is None and state == "present":
        read.get("port")
        read.say(
            "port",
            "nothing",
            "a port of its own, like 6390 (only cache, session, cable and queue bring one by themselves)",
        )
        return 0
    return read.integer("port", purpose.port, 1024, 65535)


def _tls(port: int, usual: ServerTls, read: Checker) -> ServerTls:
    """The port with TLS is another one in both levels, so that consumers move from the one to the other while both are open."""
    level = read_level(read, "tls", usual.level)
    clients = read_clients(read, "tls_clients", usual.clients)
    if level == "off":
        if read.get("tls_port") is not None:
            read.problem("tls_port", read.get("tls_port"), "no such entry: tls is off")
        return ServerTls()
    return ServerTls(level, clients, read.integer("tls_port", port + TLS_PORTS, 1024, 65535))


def _policy(purpose: Purpose, read: Checker) -> str:
    chosen = read.choice("maxmemory_policy", purpose.policies[0], (*EVICTING, *KEEPING))
    if chosen in purpose.policies:
        return chosen
    expected = purpose.policies[0] if len(purpose.policies) == 1 else f"one of {', '.join(purpose.policies)}"
    read.problem("maxmemory_policy", chosen, f"{expected} on a {purpose.name} instance: {purpose.why}")
    return purpose.policies[0]


def _save(read: Checker) -> str:
    value = read.text(
        "save",
        "",
        r"|\d+ \d+(?: \d+ \d+)*",
        "seconds and changes in pairs, like '3600 1 300 100', or '' for no snapshots",
    )
    numbers = value.split()
    if any(int(number) < 1 for number in numbers[::2]):
        read.problem("save", value, "at least 1 second in each pair")
    return value


def _appendfsync(purpose: Purpose, read: Checker) -> str:
    # While the disk is at a sync of everysec, the server answers before it writes, for two seconds at most: a kill then loses what it acknowledged.
    default = "always" if purpose.keeps else "everysec"
    # YAML reads a bare no as false.
    if read.get("appendfsync") in (False, "no") and purpose.keeps:
        read.problem(
            "appendfsync",
            "no",
            f"everysec or always on a {purpose.name} instance: a power cut would lose what the system did not write yet",
        )
        return default
    if read.get("appendfsync") is False:
        return "no"
    return read.choice("appendfsync", default, ("always", "everysec", "no"))


def _directory(name: str, read: Checker) -> str:
    default = f"{DATA}/{name}"
    path = os.path.normpath(read.path_("directory", default))
    if path in ("/", "/var", "/var/lib", "/srv", "/mnt", "/opt", "/media", DATA):
        read.problem("directory", path, f"a directory of its own, like {default}")
    elif any(path == place or path.startswith(place + "/") for place in _NO_DATA):
        read.problem(
            "directory", path, f"a place for data, like {default}: the unit's sandbox or a boot empties this one"
        )
    else:
        return path
    return default


def _settings(purpose: Purpose, read: Checker) -> dict[str, str]:
    found = {}
    for name, value in read.mapping("settings").items():
        told = wrong(name, value)
        if told:
            read.say(f"settings.{name}", *told)
            continue
        found[name] = text_of(value) or ""
        if purpose.keeps and name == "no-appendfsync-on-rewrite" and found[name] == "yes":
            expected = f"no on a {purpose.name} instance: a power cut during a rewrite would lose up to 30 seconds"
            read.problem(f"settings.{name}", found[name], expected)
    return found


def _is_loopback(address: str) -> bool:
    return address == "::1" or address.startswith("127.")


def _check_clients(item: Instance, read: Checker) -> None:
    if item.state == "absent":
        return
    for network in item.clients:
        if network.endswith("/0"):
            read.problem("clients", network, "the networks of the consumers, not every address there is")
    outside = [address for address in item.bind if not _is_loopback(address)]
    if outside and not item.clients:
        read.say(
            "clients", f"none, and {', '.join(outside)} in bind", "the networks that may connect, like [10.0.0.0/24]"
        )


def _check_together(items: Sequence[Instance], problems: list[Problem]) -> None:
    """What contradicts itself between instances: a port twice, a directory twice or inside another."""
    for index, item in enumerate(items):
        for other in items[:index]:
            for option, port in item.ports.items():
                if port and port in other.ports.values():
                    where = f"valkey_instances.{item.name}.{option}"
                    problems.append(Problem(where, f"{port}, as in {other.name}", "a port of its own"))
            shorter, longer = sorted((item.directory, other.directory), key=len)
            if longer == shorter or longer.startswith(shorter + "/"):
                found = (
                    f"{item.directory}, and {other.directory} in {other.name}"
                    if longer != shorter
                    else f"{shown(item.directory)}, as in {other.name}"
                )
                problems.append(
                    Problem(
                        f"valkey_instances.{item.name}.directory", found, "a directory of its own, inside no other's"
                    )
                )
