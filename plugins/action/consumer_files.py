# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes what the consumers on a host need, secrets or environment, with one remote call."""

from __future__ import annotations

from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils._adapter_rails import rails_call
from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._credentials import Issued
from ansible_collections.mainstay.backend.plugins.module_utils._description import Description
from ansible_collections.mainstay.backend.plugins.module_utils._publish import environment_call, secrets_call
from ansible_collections.mainstay.backend.plugins.module_utils._publish_check import check_call
from ansible_collections.mainstay.backend.plugins.plugin_utils.action import BackendAction
from ansible_collections.mainstay.backend.plugins.plugin_utils.crash import phase
from ansible_collections.mainstay.backend.plugins.plugin_utils.rails_repository import repository_files
from ansible_collections.mainstay.backend.plugins.plugin_utils.schemas import read_schemas
from ansible_collections.mainstay.backend.plugins.plugin_utils.store import issue

PARTS = ("secrets", "environment")


class ActionModule(BackendAction):
    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        part = str(self.arguments(part="")["part"])
        if part not in PARTS:
            raise MainstayError(f"part: found {part!r}; expected one of {', '.join(PARTS)}")
        phase("" if self._task.check_mode else part)
        description = self.describe(task_vars)
        if not description.consumers_here():
            none = {"changed": False, "msg": "no consumer of backend_consumers lives on this host"}
            # the last one may have just been taken away
            return {**none, **self._clear(part, description, task_vars)} if "app" in description.host.groups else none
        schemas = read_schemas(description, task_vars) if part == "environment" else {}
        issued = issue(description, self._loader, self._task.check_mode)
        if part == "secrets":
            result = self.remote("secret_files", secrets_call(description, issued), task_vars)
            return result if result.get("failed") else self._with_rails(result, description, issued, task_vars)
        call = environment_call(description, issued, schemas)
        check_call(description, call, schemas, description.host.variables["environment_fail_on"])
        return self.remote("files", call, task_vars)

    def _clear(self, part: str, description: Description, task_vars: dict[str, Any]) -> dict[str, Any]:
        if part == "secrets":
            return self.remote("secret_files", secrets_call(description, {}), task_vars)
        return self.remote("files", environment_call(description, {}), task_vars)

    def _with_rails(
        self, result: dict[str, Any], description: Description, issued: dict[str, Issued], task_vars: dict[str, Any]
    ) -> dict[str, Any]:
        """RESULT with the Rails applications' credentials encrypted with the key that is current: in their repositories, then on the host."""
        done: list[dict[str, Any]] = []
        for path, outcome in repository_files(description, issued, task_vars, self._task.check_mode):
            told = {"changed": bool(outcome.changes), "diff": [change.diff() for change in outcome.changes]}
            notes = [f"{path} was encrypted with a new key: commit it"] if outcome.changes else []
            done.append({**told, "actions": list(outcome.actions), "warnings": notes})
        call = rails_call(description, issued)
        done += [self.remote("rails_master_key", call, task_vars)] if call["pairs"] else []
        for item in done:
            if item.get("failed"):
                return item
            result["changed"] = bool(result.get("changed") or item["changed"])
            for key in ("actions", "diff", "warnings"):
                have = result.get(key) or []
                result[key] = [*(have if isinstance(have, list) else [have]), *(item.get(key) or [])]
        return result
