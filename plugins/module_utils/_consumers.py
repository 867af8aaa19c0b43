# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Consumers (who uses the credentials, where) and credentials, read from the inventory."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.mainstay.backend.plugins.module_utils._application import (
    Application,
    Servers,
    read_application,
)
from ansible_collections.mainstay.backend.plugins.module_utils._checking import NAME, Checker, Problem, shown
from ansible_collections.mainstay.backend.plugins.module_utils._consumer_reload import Reload, read_reload
from ansible_collections.mainstay.backend.plugins.module_utils._credentials import Credential
from ansible_collections.mainstay.backend.plugins.module_utils._dotenv import unfit
from ansible_collections.mainstay.backend.plugins.module_utils._secret_options import read_form, read_secrets_dir
from ansible_collections.mainstay.backend.plugins.module_utils._timeouts import Timeouts, read_timeouts

_OWNER = r"[a-z_][a-z0-9_-]{0,31}|\d{1,9}"
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,127}")


@dataclass(frozen=True)
class Consumer:
    """A program that uses credentials, on one or more hosts. Pools are connections per process; `hosts` are inventory names.

    `layers`: URLs and `variables` go into `env_file`.ENVIRONMENT, which dotenv-rails reads first, and the sizes into `env_file`.
    """

    name: str
    hosts: tuple[str, ...]
    env_file: str
    secrets_dir: str
    owner: str
    group: str
    credentials: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)
    processes: int = 1
    threads: int = 5
    sidekiq_processes: int = 0
    sidekiq_concurrency: int = 0
    database_pool: int = 5
    valkey_pool: int = 8
    layers: bool = False
    timeouts: Timeouts = field(default_factory=Timeouts)
    application: Application = field(default_factory=Application)
    reload: Reload = field(default_factory=Reload)
    secrets_as: str = "files"

    @property
    def units(self) -> tuple[str, ...]:
        """Its units of systemd, where it declares them."""
        return self.reload.names if self.reload.how == "unit" else ()


@dataclass(frozen=True)
class Surroundings:
    """What consumers are read against: the inventory's groups, the credentials, instance -> purpose, the schema of all that name none."""

    groups: Mapping[str, Sequence[str]]
    credentials: Mapping[str, Credential]
    purposes: Mapping[str, str]
    schema: str = ""

    def servers(self, names: Sequence[str]) -> Servers:
        """Where the credentials NAMES lead to."""
        wanted = [self.credentials[name] for name in names if name in self.credentials and self.credentials[name].usual]
        databases = dict.fromkeys(item.target for item in wanted if item.kind == "postgres_role")
        instances = [item.target for item in wanted if item.kind == "valkey_user" and item.target in self.purposes]
        return Servers(tuple(databases), {name: self.purposes[name] for name in instances})


def read_consumers(app: str, declared: object, around: Surroundings, problems: list[Problem]) -> tuple[Consumer, ...]:
    """The declared consumers; where none is, the application itself on the hosts of group `app`."""
    entries = Checker("", {"backend_consumers": declared}, problems).mapping("backend_consumers")
    if not entries and around.groups.get("app"):
        entries = {app: {}}
    consumers = [_consumer(name, entry, around, problems) for name, entry in entries.items()]
    _check_paths(consumers, problems)
    return tuple(consumers)


def _consumer(name: str, entry: object, around: Surroundings, problems: list[Problem]) -> Consumer:
    check, names = Checker(f"backend_consumers.{name}", entry, problems), list(around.credentials)
    usual = [item.name for item in around.credentials.values() if item.usual]
    if not NAME.fullmatch(name):
        check.say("", f"the name {shown(name)}", "lower-case letters, digits and _, beginning with a letter")
        name = "app"
    owner = check.text("owner", "root", _OWNER, "a user name, or an id in quotes, of the consumer's hosts")
    wanted = check.strings("credentials", usual, f"a list of credentials, of {', '.join(names)}")
    for unknown in [item for item in wanted if item not in names]:
        check.problem("credentials", unknown, f"one of backend_credentials: {', '.join(names)}")
    threads = check.integer("threads", 5, 1, 1000)
    concurrency = check.integer("sidekiq_concurrency", 0, 0, 1000)
    database_pool = check.integer("database_pool", max(threads, concurrency), 1, 10_000)
    if database_pool < max(threads, concurrency):
        check.problem(
            "database_pool",
            database_pool,
            f"at least {max(threads, concurrency)}: a thread without a connection waits for one",
        )
    valkey_pool = check.integer(
        "valkey_pool", max(math.ceil(threads * 1.5), concurrency + 5 if concurrency else 0), 1, 10_000
    )
    if valkey_pool < max(threads, concurrency):
        check.problem(
            "valkey_pool",
            valkey_pool,
            f"at least {max(threads, concurrency)}: a thread without a connection waits for one",
        )
    servers, reload = around.servers(wanted), read_reload(check)
    found = Consumer(
        name=name,
        hosts=_hosts(check, around.groups),
        env_file=check.path_("env_file", f"/etc/{name}/.env"),
        secrets_dir=read_secrets_dir(check, name),
        owner=owner,
        group=check.text("group", owner, _OWNER, "a group name, or an id in quotes, of the consumer's hosts"),
        credentials=tuple(item for item in wanted if item in names),
        variables=_variables(check),
        processes=check.integer("processes", 1, 1, 1000),
        threads=threads,
        sidekiq_processes=check.integer("sidekiq_processes", 1 if concurrency else 0, 0, 1000),
        sidekiq_concurrency=concurrency,
        database_pool=database_pool,
        valkey_pool=valkey_pool,
        layers=check.boolean("env_layers", False),
        timeouts=read_timeouts(check, list(servers.instances)),
        application=read_application(check, servers, around.schema, concurrency),
        reload=reload,
        secrets_as=read_form(check, reload),
    )
    inside = found.application.directory.rstrip("/") + "/"
    if found.application.directory and inside.startswith(f"{found.secrets_dir}/"):
        check.problem("secrets_dir", found.secrets_dir, "a folder for its secrets alone, not that of its application")
    if found.layers and not found.env_file.endswith("/.env"):
        check.problem("env_layers", True, "env_file to end in /.env: dotenv-rails looks for no other name")
    check.done()
    return found


def _hosts(check: Checker, groups: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    known = {host for members in groups.values() for host in members}
    value = check.get("hosts", ["app"])
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, Sequence) or not all(isinstance(item, str) for item in names):
        check.problem("hosts", value, "a list of hosts or groups of the inventory")
        return ()
    found: list[str] = []
    for item in names:
        if item in groups:
            found += groups[item]
        elif item in known:
            found.append(item)
        else:
            check.problem("hosts", item, "a host or a group of the inventory")
    if not found and all(item in groups for item in names):
        check.say("hosts", f"no host in {', '.join(names) or 'an empty list'}", "at least one host")
    return tuple(dict.fromkeys(found))


def _variables(check: Checker) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in check.mapping("variables").items():
        if not _VARIABLE.fullmatch(key):
            check.say(
                f"variables.{key}",
                "this name",
                "upper-case letters, digits and _, not beginning with a digit: no other name is read by every loader",
            )
        elif isinstance(value, bool) or not isinstance(value, (str, int, float)):
            check.problem(f"variables.{key}", value, "a text or a number (quote true and false)")
        elif what := unfit(str(value)):
            expected = "a value that every .env loader reads alike"
            check.say(f"variables.{key}", f"{what} in it (value not shown)", expected)
        else:
            found[key] = str(value)
    return found


def _check_paths(consumers: Sequence[Consumer], problems: list[Problem]) -> None:
    """Two consumers on one host must not write the same file, nor one of them into the other's secrets."""
    taken: list[tuple[str, str, str]] = []
    for consumer in consumers:
        for option, path in (("env_file", consumer.env_file), ("secrets_dir", consumer.secrets_dir)):
            mine, place = f"backend_consumers.{consumer.name}.{option}", path.rstrip("/")
            clash = next((item for item in taken if item[0] in consumer.hosts and _overlap(place, item[1])), None)
            if clash:
                problems.append(
                    Problem(
                        mine,
                        f"{shown(path)}, and {shown(clash[1])} in {clash[2]}",
                        "a path of its own, inside no other's",
                    )
                )
            taken += [(host, place, mine) for host in consumer.hosts]
    trees: dict[tuple[str, str], str] = {}
    for consumer in (item for item in consumers if item.application.files):
        path = consumer.application.directory
        others = {trees.setdefault((host, path), consumer.name) for host in consumer.hosts} - {consumer.name}
        for other in sorted(others):
            told = f"{shown(path)}, which {other} writes"
            expected = "files: [] in one of the two: a tree is written once"
            problems.append(Problem(f"backend_consumers.{consumer.name}.app_dir", told, expected))


def _overlap(one: str, other: str) -> bool:
    return one == other or one.startswith(other + "/") or other.startswith(one + "/")
