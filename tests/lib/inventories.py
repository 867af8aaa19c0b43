# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Inventories as data: the right one, and what a case of tests/data changes in it. Pure: no Ansible, no host."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.mainstay.backend.plugins.module_utils._checking import Problem
from ansible_collections.mainstay.backend.plugins.module_utils._description import (
    GROUPS,
    SHARED_DEFAULTS,
    Description,
    HostInput,
    describe,
)

DATA = Path(__file__).resolve().parent.parent / "data"
ROLES = Path(__file__).resolve().parents[2] / "roles"
#: The right inventory: one Debian 13 host that is everything, with 8 GiB of memory and 4 cores.
VARIABLES: dict[str, Any] = {
    "backend_app": "shop",
    "valkey_instances": {"cache": {}, "session": {}, "cable": {}},
    "postgres_databases": {"shop": {}},
}
PROBE: dict[str, Any] = {
    "distribution": {"id": "debian", "like": "", "version": 13, "codename": "trixie"},
    "memory_bytes": 8 << 30,
    "cores": 4,
    "container": "",
    "packages": {},
    "apt": {"uri": "", "keyring": "", "suites": ["trixie"]},
    "listeners": [],
    "addresses": ["127.0.0.1", "10.0.0.5"],
    "sysctl": {"vm.overcommit_memory": "1", "net.core.somaxconn": "4096"},
    "thp": "madvise",
    "python": "3.13.5",
    "systemd": True,
    "clusters": [],
}
HOSTS = {"db1": {"groups": list(GROUPS), "address": "10.0.0.5"}}


def merged(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """BASE with CHANGE over it, mapping by mapping."""
    found = dict(base)
    for key, value in change.items():
        old = found.get(key)
        found[key] = merged(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return found


def role_defaults() -> dict[str, Any]:
    """The defaults of all roles that are plain values; those made of templates stand in VARIABLES."""
    found: dict[str, Any] = dict(SHARED_DEFAULTS)
    for path in sorted(ROLES.glob("*/defaults/main.yml")):
        values = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        found.update({name: value for name, value in values.items() if "{{" not in str(value)})
    return found


def describe_case(case: Mapping[str, Any]) -> tuple[Description, list[Problem]]:
    """The description of CASE: {change, hosts, probe, names, current}, all of them optional."""
    base = merged({**role_defaults(), **copy.deepcopy(VARIABLES)}, case.get("change", {}))
    hosts, groups = {}, {group: [] for group in GROUPS}
    for name, entry in case.get("hosts", HOSTS).items():
        for group in entry["groups"]:
            groups[group].append(name)
        hosts[name] = HostInput(
            name=name,
            address=entry.get("address", name),
            groups=tuple(entry["groups"]),
            variables=merged(base, entry.get("variables", {})),
            probe=merged(
                {**PROBE, "addresses": ["127.0.0.1", entry.get("address", "10.0.0.5")]}, case.get("probe", {})
            ),
            names=tuple(case.get("names", ())),
        )
    return describe(hosts, case.get("current", next(iter(hosts))), {**groups, "all": list(hosts)})


def cases(folder: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(kind, a name for the case, the case) of every file in FOLDER."""
    for path in sorted((DATA / folder).glob("*.yml")):
        for entry in yaml.safe_load(path.read_text(encoding="utf-8")):
            for number, case in enumerate(entry["cases"], 1):
                yield entry["kind"], f"{entry['kind']}-{number}", case


def expected_lines(case: Mapping[str, Any]) -> list[str]:
    """The messages that a case expects: one, or a list. Three dots stand for figures that the test does not repeat."""
    expect = case.get("expect", [])
    return [expect] if isinstance(expect, str) else list(expect)


def same(found: str, expected: str) -> bool:
    return re.fullmatch(".*".join(re.escape(part) for part in expected.split("...")), found, re.DOTALL) is not None
