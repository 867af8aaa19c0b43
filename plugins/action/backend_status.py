# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Fills in what backend_status asks, and puts what the inventory knows beside the answers."""

from __future__ import annotations

from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils._credentials import ADMIN, Issued
from ansible_collections.mainstay.backend.plugins.module_utils._description import Description
from ansible_collections.mainstay.backend.plugins.module_utils._standing import MASK
from ansible_collections.mainstay.backend.plugins.plugin_utils.action import BackendAction
from ansible_collections.mainstay.backend.plugins.plugin_utils.store import issue


class ActionModule(BackendAction):
    """One remote call that asks everything of a host; a host that serves neither is told apart by its groups."""

    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        self.arguments()
        found = self.own_servers(self.describe(task_vars), task_vars)
        instances = [item for item in found.instances if item.state == "present"] if "valkey" in found.runs else []
        databases = list(found.cluster.databases) if "postgres" in found.runs else []
        issued = issue(found, self._loader, self._task.check_mode)
        arguments = {
            "instances": [{"name": item.name, "socket": item.socket} for item in instances],
            "user": issued[ADMIN].user,
            "password": issued[ADMIN].password,
            "databases": [item.name for item in databases],
            "port": found.cluster.port,
        }
        result = self.remote("backend_status", arguments, task_vars)
        declared = {item.name: {"purpose": item.purpose, "port": item.served} for item in instances}
        for row in result.get("instances", ()):
            row.update(declared[row["name"]], url=self._url(found, issued, "redis", "valkey_user", row["name"]))
        for row in result.get("databases", ()):
            row.update(
                port=found.cluster.port, url=self._url(found, issued, "postgresql", "postgres_role", row["name"])
            )
        return result

    @staticmethod
    def _url(found: Description, issued: dict[str, Issued], scheme: str, kind: str, target: str) -> str:
        """The URL that a consumer uses, password masked; '' where no credential leads there."""
        credentials = [item for item in found.credential_of(kind, target) if item.usual]
        if not credentials:
            return ""
        place = found.endpoints["instance" if kind == "valkey_user" else "database", target]
        scheme += "s" * bool(place.tls and kind == "valkey_user")
        return f"{scheme}://{issued[credentials[0].name].user}:{MASK}@{place.host}:{place.port}/{place.database}"
