# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The one description of a backend, read from the inventory: pure, complete, and the source of everything derived."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils._agreement import (
    check_address,
    check_common,
    check_environment,
    check_platform,
    check_ports,
    read_store,
)
from ansible_collections.mainstay.backend.plugins.module_utils._budget import Budget, budgets, check_budgets
from ansible_collections.mainstay.backend.plugins.module_utils._certificate_specs import (
    SERVERS,
    reach,
    serving,
    with_names,
)
from ansible_collections.mainstay.backend.plugins.module_utils._checking import NAME, Checker, Problem, shown
from ansible_collections.mainstay.backend.plugins.module_utils._consumers import (
    Consumer,
    Surroundings,
    read_consumers,
)
from ansible_collections.mainstay.backend.plugins.module_utils._credential_specs import read_admin, read_credentials
from ansible_collections.mainstay.backend.plugins.module_utils._credentials import Credential
from ansible_collections.mainstay.backend.plugins.module_utils._key_specs import with_consumers
from ansible_collections.mainstay.backend.plugins.module_utils._postgres import (
    Cluster,
    check_cluster,
    read_cluster,
    shared_bytes,
)
from ansible_collections.mainstay.backend.plugins.module_utils._secret_options import check_forms
from ansible_collections.mainstay.backend.plugins.module_utils._tls import check_clients, host_names
from ansible_collections.mainstay.backend.plugins.module_utils._valkey import Instance, check_host, read_instances

GROUPS = ("valkey", "postgres", "app")
#: The variables that all roles share, with their defaults. backend_store_dir '' stands for `secrets` beside the inventory.
SHARED_DEFAULTS: dict[str, Any] = {
    "backend_app": "app",
    "backend_environment": "production",
    "backend_credentials": {},
    "backend_consumers": {},
    "backend_store": "vault",
    "backend_store_dir": "",
    "backend_store_recipients": [],
    "backend_store_identity": [],
    "backend_store_vault_id": "",
    "backend_valkey_host": "",
    "backend_postgres_host": "",
}


@dataclass(frozen=True)
class HostInput:
    """What the inventory says of one host: its variables in plain types with the roles' defaults filled in.

    `names` are all variables that the inventory sets on it, to find misspelt ones; `probe` is what host_probe returned, if it ran.
    """

    name: str
    address: str
    groups: tuple[str, ...]
    variables: Mapping[str, Any]
    probe: Mapping[str, Any] | None = None
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Endpoint:
    """Where a consumer on the current host reaches a database or an instance."""

    host: str
    port: int
    database: str
    #: The credential whose certificate the server shows; '' where it speaks in clear.
    tls: str = ""


@dataclass(frozen=True)
class Description:
    """Everything that is derived for the current host. `instances` and `cluster` are those of the data host that serves it."""

    app: str
    environment: str
    host: HostInput
    store_dir: str
    store_vault_id: str
    #: Its back end; for `age` the recipients, or files of them, and the files of identities (none: the usual one).
    store: str
    store_recipients: tuple[str, ...]
    store_identity: tuple[str, ...]
    instances: tuple[Instance, ...]
    cluster: Cluster
    credentials: Mapping[str, Credential]
    #: By which this collection administers Valkey; no consumer has it.
    admin: Credential
    consumers: tuple[Consumer, ...]
    hosts: Mapping[str, HostInput] = field(default_factory=dict)
    endpoints: Mapping[tuple[str, str], Endpoint] = field(default_factory=dict)
    #: Server (valkey, postgres) with TLS -> the credential whose certificate it shows.
    certificates: Mapping[str, str] = field(default_factory=dict)
    #: Memory that Valkey may take on the host that runs PostgreSQL.
    valkey_bytes: int = 0

    @property
    def runs(self) -> tuple[str, ...]:
        """The data servers that the host runs itself, by its groups."""
        return tuple(server for server in SERVERS if server in self.host.groups)

    @property
    def served_elsewhere(self) -> bool:
        """Whether the inventory names another host's servers for the consumers on a host that runs such servers itself."""
        named = [self.host.variables.get(f"backend_{server}_host") for server in self.runs]
        return any(name not in (None, "", self.host.name) for name in named)

    def consumers_here(self) -> tuple[Consumer, ...]:
        return tuple(consumer for consumer in self.consumers if self.host.name in consumer.hosts)

    def budgets(self) -> list[Budget]:
        """The connections of every server that serves the current host."""
        return budgets(self.cluster, self.instances, self.consumers, self.credentials)

    def credential_of(self, kind: str, target: str) -> list[Credential]:
        return [item for item in self.credentials.values() if item.kind == kind and item.target == target]


def describe(
    hosts: Mapping[str, HostInput], current: str, groups: Mapping[str, Sequence[str]], serves: Sequence[str] = ()
) -> tuple[Description, list[Problem]]:
    """The description as host CURRENT sees it, and every problem in it.

    SERVES names the data servers (valkey, postgres) that a role is about to run on CURRENT, whatever its groups are.
    """
    problems: list[Problem] = []
    host = hosts[current]
    app = _shared(host.variables, "backend_app", NAME.pattern, problems)
    environment = _shared(host.variables, "backend_environment", r"[a-z][a-z0-9_-]{0,30}", problems)
    Checker("", host.variables, problems).boolean("secrets_sealed", True)
    _check_names(host, problems)
    valkey = _data_host("valkey", hosts, host, groups, serves, problems)
    postgres = _data_host("postgres", hosts, host, groups, serves, problems)
    instances = read_instances(valkey.variables, problems)
    cluster = read_cluster(postgres.variables, problems)
    running = tuple(item for item in instances if item.state == "present")
    databases = [database.name for database in cluster.databases]
    tls = [name for name, on in (("valkey", any(item.tls.on for item in running)), ("postgres", cluster.tls.on)) if on]
    declared = host.variables.get("backend_credentials")
    credentials = read_credentials(app, declared, databases, [item.name for item in running], problems, tls)
    credentials = with_names(credentials, _names(hosts, host, groups, serves))
    certificates = serving(credentials, tls, problems)
    shown_by = {server: credentials[name] for server, name in certificates.items()}
    schema = str(host.variables.get("environment_schema") or "")
    around = Surroundings(groups, credentials, {item.name: item.purpose for item in running}, schema)
    consumers = read_consumers(app, host.variables.get("backend_consumers"), around, problems)
    credentials = with_consumers(credentials, consumers, problems)
    found = Description(
        app=app,
        environment=environment,
        host=host,
        store_dir=str(host.variables.get("backend_store_dir") or "secrets"),
        store_vault_id=str(host.variables.get("backend_store_vault_id") or ""),
        **read_store(host, problems),
        instances=instances,
        cluster=cluster,
        credentials=credentials,
        admin=read_admin(host.variables.get("backend_credentials"), problems),
        consumers=consumers,
        hosts=hosts,
        endpoints=_endpoints(host, valkey, postgres, running, cluster, shown_by),
        certificates=certificates,
        valkey_bytes=sum(item.memory for item in running)
        if valkey.name == postgres.name and "valkey" in (*host.groups, *serves)
        else 0,
    )
    others = list({item.name: item for item in (valkey, postgres) if item.name != host.name}.values())
    check_common(host, others, problems)
    for item in others:
        check_address(item, problems)
    _check_reach(found, valkey, postgres, problems)
    check_clients(found, problems)
    check_forms(found, problems)
    check_environment(found, problems)
    _check_hosts(found, valkey, postgres, serves, problems)
    return found, list(dict.fromkeys(problems))


def everywhere(found: Description, groups: Mapping[str, Sequence[str]]) -> Description:
    """FOUND with the credentials and consumers that any host of the inventory knows: each may have servers and variables of its own."""
    credentials, consumers = dict(found.credentials), {item.name: item for item in found.consumers}
    for name in found.hosts:
        seen = describe(found.hosts, name, groups)[0]
        for view in (seen, describe(found.hosts, name, groups, seen.runs)[0]) if seen.served_elsewhere else (seen,):
            credentials = {**view.credentials, **credentials}
            for item in view.consumers:
                known = consumers.get(item.name, item)
                consumers[item.name] = replace(
                    known,
                    hosts=tuple(dict.fromkeys((*known.hosts, *item.hosts))),
                    credentials=tuple(dict.fromkeys((*known.credentials, *item.credentials))),
                )
    return replace(found, credentials=credentials, consumers=tuple(consumers.values()))


def _shared(variables: Mapping[str, Any], name: str, pattern: str, problems: list[Problem]) -> str:
    expected = "a short name of lower-case letters, digits and _, beginning with a letter"
    return Checker("", variables, problems).text(name, SHARED_DEFAULTS[name], pattern, expected)


def _check_names(host: HostInput, problems: list[Problem]) -> None:
    """A variable that only resembles one of ours would be ignored in silence."""
    known = [*host.variables, "backend_address", "backend_probe"]
    for name in host.names:
        if re.match(r"(backend|valkey|postgres|environment|rotation|secrets)_", name) and name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.88)
            if near:
                problems.append(Problem(name, "an unknown variable", f"{near[0]}, which it resembles"))


def _data_host(
    role: str,
    hosts: Mapping[str, HostInput],
    host: HostInput,
    groups: Mapping[str, Sequence[str]],
    serves: Sequence[str],
    problems: list[Problem],
) -> HostInput:
    """The host whose servers of ROLE serve HOST: itself, the one that a variable names, or the only one there is."""
    variable = f"backend_{role}_host"
    members = [name for name in groups.get(role, ()) if name in hosts]
    named = host.variables.get(variable)
    if named and (not isinstance(named, str) or named not in hosts):
        problems.append(Problem(variable, shown(named), f"a host of the inventory, like {', '.join(members) or 'db1'}"))
        return host
    if role in serves:
        return host
    if named:
        return hosts[str(named)]
    if host.name in members or not members:
        return host
    if len(members) > 1 and "app" in host.groups:
        problems.append(
            Problem(
                variable,
                f"nothing, and {len(members)} hosts in group {role}",
                f"the one that serves {host.name}: {', '.join(members)}",
            )
        )
    return hosts[members[0]]


def _names(
    hosts: Mapping[str, HostInput], host: HostInput, groups: Mapping[str, Sequence[str]], serves: Sequence[str]
) -> dict[str, list[str]]:
    """Server -> the names of all hosts that run it: they show the same certificate."""
    found = {}
    for server in SERVERS:
        members = [hosts[name] for name in groups.get(server, ()) if name in hosts] + [host] * (server in serves)
        found[server] = [name for item in members for name in host_names(item)]
    return found


def _endpoints(
    host: HostInput,
    valkey: HostInput,
    postgres: HostInput,
    instances: Sequence[Instance],
    cluster: Cluster,
    certificates: Mapping[str, Credential],
) -> dict[tuple[str, str], Endpoint]:
    def place(server: str, data: HostInput, port: int, database: str, tls: bool) -> Endpoint:
        address = "127.0.0.1" if data.name == host.name else data.address
        shown = certificates.get(server) if tls else None
        if shown is None:
            return Endpoint(address, port, database)
        return Endpoint(reach(shown, address, (data.address, data.name)), port, database, shown.name)

    found = {("instance", item.name): place("valkey", valkey, item.served, "0", item.tls.on) for item in instances}
    # what watches or copies the whole cluster belongs to no database of the application
    databases = {"": "postgres", **{item.name: item.name for item in cluster.databases}}
    for name, database in databases.items():
        found["database", name] = place("postgres", postgres, cluster.port, database, cluster.tls.on)
    return found


def _loopback_only(addresses: Sequence[str]) -> bool:
    return all(item.startswith("127.") or item in ("::1", "localhost") for item in addresses)


def _check_reach(found: Description, valkey: HostInput, postgres: HostInput, problems: list[Problem]) -> None:
    """A consumer on another host cannot reach a server that listens on loopback only, or that lets no network in."""
    if not found.consumers_here():
        return
    here = found.host.name
    if valkey.name != here:
        for item in found.instances:
            if item.state == "present" and _loopback_only(item.bind):
                problems.append(
                    Problem(
                        f"valkey_instances.{item.name}.bind",
                        f"{', '.join(item.bind)} only",
                        f"an address of {valkey.name} that {here} can reach",
                    )
                )
            elif item.state == "present" and _loopback_only([network.split("/")[0] for network in item.clients]):
                problems.append(
                    Problem(
                        f"valkey_instances.{item.name}.clients",
                        ", ".join(item.clients) or "no network",
                        f"the network of {here} too",
                    )
                )
    if postgres.name != here:
        if _loopback_only(found.cluster.listen_addresses):
            listens = ", ".join(found.cluster.listen_addresses)
            problems.append(
                Problem(
                    "postgres_listen_addresses",
                    f"{listens} only",
                    f"an address of {postgres.name} that {here} can reach",
                )
            )
        elif _loopback_only([network.split("/")[0] for network in found.cluster.clients]):
            problems.append(
                Problem(
                    "postgres_clients", ", ".join(found.cluster.clients) or "no network", f"the network of {here} too"
                )
            )


def _check_hosts(
    found: Description, valkey: HostInput, postgres: HostInput, serves: Sequence[str], problems: list[Problem]
) -> None:
    """What only the host itself can tell: memory, ports, packages, existing clusters."""
    probe, here = found.host.probe, found.host.name
    runs_valkey = valkey.name == here and ("valkey" in serves or "valkey" in found.host.groups)
    runs_postgres = postgres.name == here and ("postgres" in serves or "postgres" in found.host.groups)
    if runs_valkey and runs_postgres:
        check_ports(found.instances, found.cluster.port, problems)
    if probe and (runs_valkey or runs_postgres):
        check_platform(here, probe, problems)
    if probe and runs_valkey:
        check_host(
            found.instances,
            probe,
            shared_bytes(found.cluster, probe, found.valkey_bytes) if runs_postgres else 0,
            problems,
        )
    if probe and runs_postgres:
        check_cluster(found.cluster, probe, problems, found.valkey_bytes)
    check_budgets(found.budgets(), problems)
