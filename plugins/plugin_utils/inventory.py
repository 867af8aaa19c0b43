# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads what the inventory says of each host, with the roles' defaults filled in, as plain data for the pure cores."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader

from ansible_collections.mainstay.backend.plugins.module_utils._age import is_path
from ansible_collections.mainstay.backend.plugins.module_utils._description import GROUPS, SHARED_DEFAULTS, HostInput

COLLECTION = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
#: The fact in which the preflight keeps what the host is.
PROBE = "backend_probe"
ROLES = ("valkey", "postgres", "secrets", "environment", "rotation")


@lru_cache(maxsize=1)
def role_defaults() -> dict[str, Any]:
    """Every variable that the roles and what they share declare, with its default: the one source is roles/*/defaults/main.yml."""
    found: dict[str, Any] = dict(SHARED_DEFAULTS)
    loader = DataLoader()
    for role in ROLES:
        path = os.path.join(COLLECTION, "roles", role, "defaults", "main.yml")
        if os.path.exists(path):
            found.update(loader.load_from_file(path, trusted_as_template=True) or {})
    return found


def plain(value: Any) -> Any:
    """VALUE in Python's own types: ansible-core wraps values in types that carry where they came from."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(item) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    for kind in (int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value


def read_host(templar: Any, task_vars: Mapping[str, Any], name: str) -> HostInput:
    """What the description says of host NAME. Variables of the current host include role and play variables."""
    current = str(task_vars["inventory_hostname"])
    source: Mapping[str, Any] = task_vars if name == current else task_vars["hostvars"][name]
    defaults = role_defaults()
    view = dict(defaults)
    for key in [key for key in source if key in defaults]:
        try:
            view[key] = source[key]
        except AnsibleError:
            # Consumers may take values from lookups, which need not work in another host's name.
            if key != "backend_consumers":
                raise
            view[key] = templar.template(task_vars.get(key, {}))
    # hostvars answers in final values; reading all of another host's could trip over one that is none of ours
    context = {**task_vars, **view} if name == current else view
    reader = templar.copy_with_new_env(available_variables=context)
    variables = {key: plain(reader.template(view[key])) for key in view}
    groups = task_vars.get("groups", {})
    base = str(source.get("inventory_dir") or task_vars.get("inventory_dir") or task_vars.get("playbook_dir") or ".")
    if not variables["backend_store_dir"]:
        variables["backend_store_dir"] = os.path.join(base, "secrets")
    variables["backend_store_recipients"] = recipients(variables["backend_store_recipients"], base)
    return HostInput(
        name=name,
        address=str(plain(reader.template(source.get("backend_address") or source.get("ansible_host") or name))),
        groups=tuple(group for group in GROUPS if name in groups.get(group, ())),
        variables=variables,
        probe=_probe(source),
        names=tuple(str(key) for key in source),
    )


def recipients(value: Any, base: str) -> Any:
    """backend_store_recipients with the paths among them beginning at the inventory, the folder BASE."""
    if not isinstance(value, (list, str)):
        return value
    items = [value] if isinstance(value, str) else value
    return [
        os.path.join(base, os.path.expanduser(item)) if isinstance(item, str) and is_path(item) else item
        for item in items
    ]


def _probe(source: Mapping[str, Any]) -> dict[str, Any] | None:
    """What this run's preflight found on the host; a fact that a fact cache kept from another run says nothing of today."""
    found = plain((source.get("ansible_facts") or {}).get(PROBE))
    return found if found and found.get("run") == this_run(os.getppid()) else None


def this_run(controller: int) -> str:
    """A mark of the ansible process CONTROLLER: its number and when it started (workers are its children)."""
    try:
        with open(f"/proc/{controller}/stat", encoding="utf-8") as handle:
            return f"{controller}-{handle.read().rpartition(')')[2].split()[19]}"
    except OSError:
        return str(controller)


def read_hosts(templar: Any, task_vars: Mapping[str, Any]) -> dict[str, HostInput]:
    """Every host of the groups valkey, postgres and app, those that variables name, and the current one."""
    groups, current = task_vars.get("groups", {}), str(task_vars["inventory_hostname"])
    names = [str(host) for group in GROUPS for host in groups.get(group, ())] + [current]
    hosts = {name: read_host(templar, task_vars, name) for name in dict.fromkeys(names)}
    for variable in ("backend_valkey_host", "backend_postgres_host"):
        wanted = hosts[current].variables.get(variable)
        if wanted and wanted not in hosts and wanted in task_vars["hostvars"]:
            hosts[wanted] = read_host(templar, task_vars, wanted)
    return hosts


def group_members(task_vars: Mapping[str, Any]) -> dict[str, list[str]]:
    return {str(name): [str(host) for host in hosts] for name, hosts in task_vars.get("groups", {}).items()}
