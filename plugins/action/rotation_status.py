# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lists each credential with its age, policy, state and consumers. Asks no host."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ansible.utils.display import Display

from ansible_collections.mainstay.backend.plugins.module_utils._description import everywhere
from ansible_collections.mainstay.backend.plugins.module_utils._rotation import plan
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_plan import rotatable, status_table, users
from ansible_collections.mainstay.backend.plugins.plugin_utils.action import BackendAction
from ansible_collections.mainstay.backend.plugins.plugin_utils.inventory import group_members
from ansible_collections.mainstay.backend.plugins.plugin_utils.rotation_lock import RunLock, told
from ansible_collections.mainstay.backend.plugins.plugin_utils.store import open_store


class ActionModule(BackendAction):
    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        self.arguments()
        description = everywhere(self.describe(task_vars), group_members(task_vars))
        contents = open_store(description).read()
        known = rotatable(description)
        planned = plan(known, contents, datetime.now(UTC))
        slots = {name: record.current.slot for name, record in contents.records.items()}
        lines = status_table(description, planned, slots)
        absent = [name for name in known if name not in contents.records]
        if absent:
            lines += ["", f"Not in the store yet (playbook site makes them): {', '.join(absent)}"]
        lock = RunLock(description.store_dir, description.environment)
        holder = lock.holder()
        who = told(holder) if holder and lock.alive(holder) else ""
        lines += ["", f"Rotating now: {who}"] if who else []
        Display().display("\n".join(["", *lines, ""]))
        credentials = [
            {
                "name": item.name,
                "kind": known[item.name].kind,
                "age_seconds": int(item.age.total_seconds()),
                "max_age": known[item.name].max_age,
                "state": item.state,
                "due": item.due,
                "reason": item.reason,
                "slot": slots[item.name],
                "consumers": [consumer.name for consumer in users(description, [item.name])],
            }
            for item in planned
        ]
        return {"changed": False, "credentials": credentials, "holder": who, "lines": lines}
