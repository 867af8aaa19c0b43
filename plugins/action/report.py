# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Shows what stands on all hosts of the play as tables; nothing is asked again."""

from __future__ import annotations

from typing import Any

from ansible.utils.display import Display

from ansible_collections.mainstay.backend.plugins.module_utils._standing import report
from ansible_collections.mainstay.backend.plugins.plugin_utils.action import BackendAction
from ansible_collections.mainstay.backend.plugins.plugin_utils.inventory import plain


class ActionModule(BackendAction):
    """Gathers the variable that backend_status was registered in from every host of the play, and prints the tables."""

    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        name = self.arguments(standing="backend_standing")["standing"]
        hosts = task_vars["hostvars"]
        found = {
            str(host): plain(hosts[host][name])
            for host in task_vars.get("ansible_play_hosts", ())
            if name in hosts[host]
        }
        lines = report(found)
        Display().display("\n".join(lines))
        return {"changed": False, "lines": lines}
