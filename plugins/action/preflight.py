# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Refuses a description that contradicts itself or the host, before the first change."""

from __future__ import annotations

import os
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._packages import (
    SERVERS,
    known_packages,
    packages_of,
    postgres_version,
)
from ansible_collections.mainstay.backend.plugins.plugin_utils.action import BackendAction
from ansible_collections.mainstay.backend.plugins.plugin_utils.inventory import PROBE, ROLES, this_run
from ansible_collections.mainstay.backend.plugins.plugin_utils.schemas import read_schemas
from ansible_collections.mainstay.backend.plugins.plugin_utils.store import check_store


class ActionModule(BackendAction):
    """Probes the host once per run (the fact `backend_probe`), then checks the whole description against it."""

    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        roles = self.arguments(roles=[])["roles"]
        unknown = sorted(set(roles) - set(ROLES))
        if unknown:
            raise MainstayError(f"preflight.roles: found {', '.join(unknown)}; expected some of {', '.join(ROLES)}")
        here, groups = task_vars["inventory_hostname"], task_vars.get("groups", {})
        serves = tuple(name for name in SERVERS if name in roles or (not roles and here in groups.get(name, ())))
        found = self.describe(task_vars, serves)
        if not roles or "environment" in roles:
            read_schemas(found, task_vars)
        facts: dict[str, Any] = {}
        probe = found.host.probe
        if probe is None:
            probed = self.remote("host_probe", {"packages": known_packages(found.cluster.version)}, task_vars)
            if probed.get("failed"):
                return probed
            probe = {**probed["probe"], "run": this_run(os.getppid())}
            facts = {PROBE: probe}
            found = self.describe(
                {**task_vars, "ansible_facts": {**task_vars.get("ansible_facts", {}), **facts}}, serves
            )
        check_store(found)
        version = postgres_version(found.cluster.version, probe)
        wanted = [name for role in roles or serves for name in packages_of(role, version)]
        return {
            "changed": False,
            "ansible_facts": facts,
            "missing_packages": [name for name in wanted if not probe["packages"].get(name)],
            "release": probe["distribution"],
            "apt": probe["apt"],
            "postgres_version": version,
        }
