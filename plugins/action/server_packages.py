# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Installs what the servers of a host need in one remote call, and in none where the preflight found nothing missing."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._description import Description
from ansible_collections.mainstay.backend.plugins.module_utils._packages import (
    SERVERS,
    backports_of,
    packages_of,
    postgres_version,
)
from ansible_collections.mainstay.backend.plugins.module_utils._postgres_layout import CREATECLUSTER
from ansible_collections.mainstay.backend.plugins.plugin_utils.action import NAMESPACE, BackendAction
from ansible_collections.mainstay.backend.plugins.plugin_utils.inventory import COLLECTION, PROBE
from ansible_collections.mainstay.backend.plugins.plugin_utils.packing import packed_meanwhile

#: Role -> the modules that it calls after this one; then those of the rest of a run of site.
NEXT = {"valkey": ("valkey_instances",), "postgres": ("postgres_cluster", "postgres_databases")}
REST = ("secret_files", "files", "backend_status")
BACKPORTS = "/etc/apt/sources.list.d/mainstay-backports.sources"


class ActionModule(BackendAction):
    """The fact `backend_probe` learns what was installed, so that the roles need not ask again."""

    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        asked = self.arguments(roles=[])["roles"]
        unknown = sorted(set(asked) - set(SERVERS))
        if unknown:
            raise MainstayError(
                f"server_packages.roles: found {', '.join(unknown)}; expected some of {', '.join(SERVERS)}"
            )
        here, groups = task_vars["inventory_hostname"], task_vars.get("groups", {})
        roles = asked or [name for name in SERVERS if here in groups.get(name, ()) and selected(name, task_vars)]
        if not roles:
            return {"changed": False}
        found = self.describe(task_vars, tuple(roles))
        probe = found.host.probe
        if probe is None:
            raise MainstayError(
                "server_packages: found no probe of this host; expected mainstay.backend.preflight to run before it"
            )
        version = postgres_version(found.cluster.version, probe)
        wanted = {role: packages_of(role, version) for role in roles}
        there = {name for name, found in probe["packages"].items() if found} | set(probe.get("foreseen", ()))
        missing = {role: [name for name in names if name not in there] for role, names in wanted.items()}
        if not any(missing.values()):
            return {"changed": False}
        following = [*(module for role in roles for module in NEXT[role]), *(() if asked else REST)]
        with packed_meanwhile(self, [NAMESPACE + module for module in following], task_vars):
            return self._install(missing, found, probe, task_vars)

    def _install(
        self, missing: Mapping[str, list[str]], found: Description, probe: dict[str, Any], task_vars: dict[str, Any]
    ) -> dict[str, Any]:
        suite = backports_of(probe["distribution"]) if "valkey-server" in missing.get("valkey", ()) else ""
        suite = "" if suite in probe["apt"]["suites"] else suite
        files = []
        if suite:
            files.append(
                self._file(
                    "valkey/templates/backports.sources.j2", BACKPORTS, {"suite": suite, "apt": probe["apt"]}, task_vars
                )
            )
        if missing.get("postgres"):
            told = {"postgres_data_checksums": found.cluster.data_checksums}
            files.append(self._file("postgres/templates/createcluster.conf.j2", CREATECLUSTER, told, task_vars))
        arguments = {
            "names": [name for names in missing.values() for name in names],
            "update": bool(suite) or not probe["apt"].get("updated"),
            "files": files,
        }
        result = self.remote("packages", arguments, task_vars)
        if result.get("failed"):
            return result
        if self._task.check_mode:  # a role that comes later need not foretell the same again
            learnt = {"foreseen": sorted({*probe.get("foreseen", ()), *arguments["names"]})}
        else:
            suites = sorted({*probe["apt"]["suites"], *([suite] if suite else [])})
            learnt = {
                "packages": {**probe["packages"], **result["versions"]},
                "apt": {**probe["apt"], "suites": suites, "updated": True},
            }
        result["ansible_facts"] = {PROBE: {**probe, **learnt}}
        return result

    def _file(self, source: str, path: str, variables: Mapping[str, Any], task_vars: dict[str, Any]) -> dict[str, str]:
        content = self.render(os.path.join(COLLECTION, "roles", source), variables, task_vars)
        return {"path": path, "content": content.rstrip("\n") + "\n"}


def selected(role: str, task_vars: Mapping[str, Any]) -> bool:
    """Whether the run's tags select ROLE by its name. A role that other tags select installs its packages by itself."""
    wanted: Sequence[str] = task_vars.get("ansible_run_tags", ["all"])
    skipped: Sequence[str] = task_vars.get("ansible_skip_tags", [])
    return bool({"all", "tagged", role} & set(wanted)) and not {"all", "tagged", role} & set(skipped)
