# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads the schema on the controller; the host gets the names that it declares."""

from __future__ import annotations

import os
from typing import Any

from ansible.errors import AnsibleError

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._env_schema import read_schema
from ansible_collections.mainstay.backend.plugins.plugin_utils.action import BackendAction
from ansible_collections.mainstay.backend.plugins.plugin_utils.inventory import plain

OPTIONS = ("root", "schema", "example", "declared", "exclude", "ignore", "read_elsewhere", "severities", "fail_on")


class ActionModule(BackendAction):
    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        given = {
            key: value for key, value in plain(self.arguments(**dict.fromkeys(OPTIONS))).items() if value is not None
        }
        if given.get("schema"):
            given["schema_variables"] = self._declared(str(given["schema"]))
        # ansible starts modules of a local connection in the playbook's folder, which may be the collection's own
        given["folder"] = os.getcwd() if self._connection.transport == "local" else ""
        return self.remote("env_scan", given, task_vars)

    def _declared(self, name: str) -> list[dict[str, Any]]:
        """The variables of the schema NAME. Code need not read what comes from a file of its own, or is to go."""
        try:
            path = self._find_needle("files", name)
        except AnsibleError:
            path = os.path.abspath(os.path.expanduser(name))
        try:
            with open(path, encoding="utf-8") as handle:
                schema = read_schema(handle.read(), name)
        except OSError as error:
            raise MainstayError(f"schema: {path} cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise MainstayError(f"schema: found {path}, which is not UTF-8; expected YAML") from None
        return [
            {
                "name": item.name,
                "file": name,
                "line": item.line,
                "read": item.source == "env" and item.deprecated is None,
            }
            for item in schema.variables.values()
        ]
