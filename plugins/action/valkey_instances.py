# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Renders every file of every Valkey instance on the controller and sends all of it in one remote call."""

from __future__ import annotations

import os
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils._credentials import ADMIN, Issued
from ansible_collections.mainstay.backend.plugins.module_utils._description import Description
from ansible_collections.mainstay.backend.plugins.module_utils._tls import placement
from ansible_collections.mainstay.backend.plugins.module_utils._valkey import Instance
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_acl import acl_users
from ansible_collections.mainstay.backend.plugins.plugin_utils.action import BackendAction
from ansible_collections.mainstay.backend.plugins.plugin_utils.inventory import COLLECTION
from ansible_collections.mainstay.backend.plugins.plugin_utils.store import issue

TEMPLATES = os.path.join(COLLECTION, "roles", "valkey", "templates")
#: Files that all instances share: template -> (path, mode).
SUPPORT = {
    "watchdog.sh.j2": ("/usr/local/lib/mainstay/valkey-watchdog", "0755"),
    "watchdog.service.j2": ("/etc/systemd/system/valkey-watchdog@.service", "0644"),
    "watchdog.timer.j2": ("/etc/systemd/system/valkey-watchdog@.timer", "0644"),
}


class ActionModule(BackendAction):
    """The servers get verifiers; the administrator's password travels with this one call and is not kept."""

    SERVES = ("valkey",)

    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        self.arguments()
        found = self.describe(task_vars)
        issued = issue(found, self._loader, self._task.check_mode)
        arguments = {
            "instances": [self._instance(item, found, issued, task_vars) for item in found.instances],
            "support": [
                {"path": path, "mode": mode, "content": self._text(name, {}, task_vars)}
                for name, (path, mode) in SUPPORT.items()
            ],
            "user": issued[ADMIN].user,
            "password": issued[ADMIN].password,
            **placement(found, "valkey", issued),
        }
        return self.remote("valkey_instances", arguments, task_vars)

    def _instance(
        self, item: Instance, found: Description, issued: dict[str, Issued], task_vars: dict[str, Any]
    ) -> dict[str, Any]:
        told = {"name": item.name, "state": item.state, "directory": item.directory, "keeps": item.keeps}
        if item.state == "absent":
            return told
        users = acl_users(item, issued.values(), issued[ADMIN], found.credentials)
        return {
            **told,
            "config": self._text("instance.conf.j2", {"instance": item}, task_vars),
            "acl": self._text("users.acl.j2", {"lines": [user.line() for user in users]}, task_vars),
            "dropin": self._text("unit.conf.j2", {"instance": item}, task_vars),
        }

    def _text(self, name: str, variables: dict[str, Any], task_vars: dict[str, Any]) -> str:
        return self.render(os.path.join(TEMPLATES, name), variables, task_vars).rstrip("\n") + "\n"
