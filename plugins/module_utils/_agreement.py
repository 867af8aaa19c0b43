# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What parts of a description must agree on: names in an environment, ports on one host, and a host that can run the servers."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.mainstay.backend.plugins.module_utils._age import RECIPIENT, is_path, is_secret, recipient
from ansible_collections.mainstay.backend.plugins.module_utils._checking import Checker, Problem, shown
from ansible_collections.mainstay.backend.plugins.module_utils._environment import sizes, url_names
from ansible_collections.mainstay.backend.plugins.module_utils._packages import POSTGRES_OF_RELEASE
from ansible_collections.mainstay.backend.plugins.module_utils._secret_files import variable_names
from ansible_collections.mainstay.backend.plugins.module_utils._timeouts import milliseconds
from ansible_collections.mainstay.backend.plugins.module_utils._valkey import Instance

if TYPE_CHECKING:
    from ansible_collections.mainstay.backend.plugins.plugin_utils.types import Consumer, Description, HostInput

#: What has one meaning for a whole backend: a host that said otherwise would be given logins that its server does not know.
COMMON = (
    "backend_app",
    "backend_environment",
    "backend_credentials",
    "backend_consumers",
    "backend_store",
    "backend_store_dir",
)
#: The secret store's back ends.
STORES = ("vault", "age")
_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9_])?")


def check_common(host: HostInput, others: Iterable[HostInput], problems: list[Problem]) -> None:
    """HOST and the OTHERS that serve it agree on what is common to all."""
    for other in others:
        for name in COMMON:
            mine, theirs = host.variables.get(name), other.variables.get(name)
            if mine != theirs:
                told = f"{shown(mine)} on {host.name} and {shown(theirs)} on {other.name}"
                if shown(mine) == shown(theirs):
                    told = f"one value on {host.name} and another on {other.name}"
                problems.append(Problem(name, told, "the same on every host: set it for all of them"))


def check_address(host: HostInput, problems: list[Problem]) -> None:
    """HOST's address goes into the URLs of its consumers."""
    try:
        ipaddress.ip_address(host.address)
    except ValueError:
        if not _HOST.fullmatch(host.address):
            told = "a text with @ in it (not shown)" if "@" in host.address else shown(host.address)
            problems.append(Problem(f"backend_address of {host.name}", told, "an IP address or a host name"))


def read_store(host: HostInput, problems: list[Problem]) -> dict[str, Any]:
    """The secret store on the controller: what the description says of its back end."""
    read = Checker("", host.variables, problems)
    expected = "an absolute path on the controller"
    read.text("backend_store_dir", "", r"(?:/.*)?", expected)
    read.text("backend_store_vault_id", "", r"[^\s@,]*", "the name of a vault id")
    store = read.choice("backend_store", STORES[0], STORES)
    recipients = tuple(
        _texts(host, "backend_store_recipients", f"a list of {RECIPIENT}, or of files of them", problems)
    )
    for item in recipients:
        if not is_path(item) and recipient(item) is None:
            told = "something that looks secret (not shown)" if is_secret(item) else shown(item)
            problems.append(Problem("backend_store_recipients", told, f"{RECIPIENT}, or a file of them"))
    if store == "age" and not recipients:
        expected = f"at least our own: {RECIPIENT}, or a file of them"
        problems.append(Problem("backend_store_recipients", "nothing", expected))
    identity = tuple(_texts(host, "backend_store_identity", "a path on the controller, or a list of them", problems))
    if any(is_secret(item) for item in identity):
        told = "something that looks secret (not shown)"
        problems.append(Problem("backend_store_identity", told, "the path of a file with the key"))
    return {"store": store, "store_recipients": recipients, "store_identity": identity}


def _texts(host: HostInput, name: str, expected: str, problems: list[Problem]) -> list[str]:
    """A list of texts; one text stands for a list of it."""
    value = host.variables.get(name) or []
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, (list, tuple)) or not all(isinstance(item, str) and item.strip() for item in items):
        problems.append(Problem(name, shown(value), expected))
        return []
    return [str(item) for item in items]


def check_environment(found: Description, problems: list[Problem]) -> None:
    """Every variable of a consumer's environment has one origin."""
    for consumer in found.consumers:
        path = f"backend_consumers.{consumer.name}"
        derived = dict.fromkeys(sizes(found, consumer), "the consumer's own options")
        names = list(url_names(found, consumer).items())
        names += [(name, item) for name in consumer.credentials for item in variable_names(found.credentials[name])]
        for credential, name in names:
            other = derived.setdefault(name, credential)
            if other != credential:
                told = f"{other} and {credential}, which both give {name}"
                problems.append(
                    Problem(
                        f"{path}.credentials",
                        told,
                        "credentials whose names differ in more than case, or another variable",
                    )
                )
        for name in consumer.variables:
            if name in derived:
                expected = f"no such entry: it is derived from {derived[name]}"
                problems.append(Problem(f"{path}.variables.{name}", "a variable that this collection sets", expected))
        _check_statement(found, consumer, problems)


def _check_statement(found: Description, consumer: Consumer, problems: list[Problem]) -> None:
    """A consumer's own statement_timeout is within what the logins of its databases have."""
    own = consumer.timeouts.statement
    targets = {found.credentials[name].target for name in consumer.credentials}
    for database in found.cluster.databases if own else ():
        limit = database.timeouts["statement_timeout"]
        if database.name in targets and milliseconds(limit) and not 0 < milliseconds(own) <= milliseconds(limit):
            path = f"backend_consumers.{consumer.name}.timeouts.database.statement"
            expected = (
                f"at most {shown(limit)}, as in postgres_databases.{database.name}.statement_timeout; or raise that"
            )
            problems.append(Problem(path, shown(own), expected))


def check_ports(instances: Iterable[Instance], port: int, problems: list[Problem]) -> None:
    """On one host PostgreSQL's PORT is none of the instances' (what these want of each other, they check)."""
    for item in instances:
        option = next((name for name, taken in item.ports.items() if taken == port), "")
        if item.state == "present" and option:
            path = f"valkey_instances.{item.name}.{option}"
            problems.append(Problem(path, f"{port}, as in postgres_port", "a port of its own"))


def check_platform(host: str, probe: Mapping[str, Any], problems: list[Problem]) -> None:
    """The servers are Debian's packages and systemd's units."""
    told = probe.get("distribution") or {}
    family = {told.get("id"), *str(told.get("like") or "").split()}
    if "debian" not in family or (told.get("id") == "debian" and told.get("version") not in POSTGRES_OF_RELEASE):
        release = f"{told.get('id') or 'an unknown system'} {told.get('version') or told.get('codename') or ''}"
        known = ", ".join(map(str, POSTGRES_OF_RELEASE))
        problems.append(Problem(f"host {host}", release.strip(), f"Debian {known}, or a derivative of it"))
    if not probe.get("systemd", True):
        problems.append(Problem(f"host {host}", "another init than systemd", "systemd: the servers run as its units"))
