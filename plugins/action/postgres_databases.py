# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sends all roles and databases of one PostgreSQL cluster in one remote call; passwords stay here, SCRAM verifiers go."""

from __future__ import annotations

from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils._postgres_logins import logins, watched
from ansible_collections.mainstay.backend.plugins.plugin_utils.action import BackendAction
from ansible_collections.mainstay.backend.plugins.plugin_utils.store import issue


class ActionModule(BackendAction):
    """Two login slots for each credential of kind postgres_role; the store says which may log in."""

    SERVES = ("postgres",)

    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        self.arguments()
        found = self.describe(task_vars)
        issued = issue(found, self._loader, self._task.check_mode)
        verifiers: dict[str, str | None] = {}
        for credential in found.credentials.values():
            if credential.kind == "postgres_role":
                verifiers.update(issued[credential.name].scram_verifiers())
        monitored = watched(found.credentials)
        arguments = {
            "port": found.cluster.port,
            "logins": logins(found.cluster, found.credentials),
            "verifiers": verifiers,
            "databases": [
                {
                    "name": database.name,
                    "owner": database.owner,
                    "encoding": database.encoding,
                    "locale": database.locale,
                    "extensions": list(database.extensions),
                    "monitored": monitored,
                }
                for database in found.cluster.databases
            ],
        }
        return self.remote("postgres_databases", arguments, task_vars)
