# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Shows what stands on all hosts of the play, and what their servers may be asked for, as tables; nothing is asked again."""

from __future__ import annotations

from typing import Any

from ansible.utils.display import Display

from ansible_collections.mainstay.backend.plugins.module_utils._budget import budget_rows, budget_table
from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._description import describe
from ansible_collections.mainstay.backend.plugins.module_utils._standing import report
from ansible_collections.mainstay.backend.plugins.plugin_utils.action import BackendAction
from ansible_collections.mainstay.backend.plugins.plugin_utils.inventory import group_members, plain, read_hosts

PARTS = ("standing", "connections")


class ActionModule(BackendAction):
    """Gathers the variable that backend_status was registered in from every host of the play, and prints the tables.

    The connection budget follows from the inventory alone.
    """

    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        given = self.arguments(standing="backend_standing", parts=list(PARTS))
        parts = [str(item) for item in given["parts"]]
        if set(parts) - set(PARTS):
            raise MainstayError(f"report.parts: found {', '.join(parts)}; expected some of {', '.join(PARTS)}")
        lines = self._standing(str(given["standing"]), task_vars) if "standing" in parts else []
        lines += self._connections(task_vars) if "connections" in parts else []
        Display().display("\n".join(lines))
        return {"changed": False, "lines": lines}

    def _standing(self, name: str, task_vars: dict[str, Any]) -> list[str]:
        hosts = task_vars["hostvars"]
        found = {
            str(host): plain(hosts[host][name])
            for host in task_vars.get("ansible_play_hosts", ())
            if name in hosts[host]
        }
        return report(found)

    def _connections(self, task_vars: dict[str, Any]) -> list[str]:
        """The budget of every server of the play's hosts; hosts that are in neither group are consumers."""
        hosts = read_hosts(self._templar, task_vars)
        play = [str(name) for name in task_vars.get("ansible_play_hosts", ())]
        rows = []
        for name in [item for item in play if item in hosts]:
            found, _problems = describe(hosts, name, group_members(task_vars))
            mine = [item for item in found.budgets() if item.role in hosts[name].groups]
            rows += budget_rows(name, mine)
        return [*budget_table(rows), ""] if rows else []
