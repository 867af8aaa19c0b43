# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Renders and derives on the controller what one PostgreSQL cluster shall be, and sends all of it in one remote call."""

from __future__ import annotations

import os
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._packages import postgres_version
from ansible_collections.mainstay.backend.plugins.module_utils._postgres_hba import hba_entries
from ansible_collections.mainstay.backend.plugins.module_utils._postgres_logins import hba_logins
from ansible_collections.mainstay.backend.plugins.module_utils._postgres_settings import derive_settings
from ansible_collections.mainstay.backend.plugins.module_utils._tls import placement
from ansible_collections.mainstay.backend.plugins.plugin_utils.action import BackendAction
from ansible_collections.mainstay.backend.plugins.plugin_utils.inventory import COLLECTION
from ansible_collections.mainstay.backend.plugins.plugin_utils.store import issue

ROLE = os.path.join(COLLECTION, "roles", "postgres")
NATIVE = 18


class ActionModule(BackendAction):
    """Settings come from the host's memory and cores, pg_hba.conf from databases, credentials and clients."""

    SERVES = ("postgres",)

    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        self.arguments()
        found = self.describe(task_vars)
        probe = found.host.probe
        version = postgres_version(found.cluster.version, probe)
        if probe is None or version is None:
            raise MainstayError(
                "postgres_cluster: found no probe of this host; expected mainstay.backend.preflight to run before it"
            )
        cluster = found.cluster
        settings = derive_settings(cluster, probe["memory_bytes"], probe["cores"], found.valkey_bytes, version)
        logins = hba_logins(cluster, found.credentials)
        lines = [entry.line() for entry in hba_entries(cluster.hba, cluster.clients, logins, cluster.tls)]
        arguments = {
            "version": version,
            "port": cluster.port,
            "settings": settings,
            "configuration": self._text("settings.conf.j2", {"settings": settings}, task_vars),
            "hba": self._text("pg_hba.conf.j2", {"lines": lines}, task_vars),
            "unit": self._text(
                "unit.conf.j2", {"jit": "jit_provider" not in settings, "paths": cluster.writable_paths}, task_vars
            ),
            "createcluster": self._text(
                "createcluster.conf.j2", {"postgres_data_checksums": cluster.data_checksums}, task_vars
            ),
            "extension": extension_files(version),
            "data_checksums": cluster.data_checksums,
        }
        if found.certificates.get("postgres"):
            arguments.update(placement(found, "postgres", issue(found, self._loader, self._task.check_mode)))
        return self.remote("postgres_cluster", arguments, task_vars)

    def _text(self, name: str, variables: dict[str, Any], task_vars: dict[str, Any]) -> str:
        return self.render(os.path.join(ROLE, "templates", name), variables, task_vars).rstrip("\n") + "\n"


def extension_files(version: int) -> dict[str, str]:
    """The files of extension uuidv7 for VERSION: its own SQL, or from 18 on the one that wraps the native function."""
    folder = os.path.join(ROLE, "files", "uuidv7")
    kind = os.path.join(folder, "native" if version >= NATIVE else "sql")
    found = {}
    for place in (folder, kind):
        for name in sorted(os.listdir(place)):
            path = os.path.join(place, name)
            if os.path.isfile(path):
                with open(path, encoding="utf-8") as handle:
                    found[name] = handle.read()
    return found
