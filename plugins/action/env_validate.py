# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads schemas and writes reports on the controller; the host gets the schemas as data in the one call that validates."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleError
from ansible.utils.display import Display

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._env_backend import PLACES, backend_options
from ansible_collections.mainstay.backend.plugins.module_utils._env_rules import RULES
from ansible_collections.mainstay.backend.plugins.module_utils._env_schema import read_schema, schema_data
from ansible_collections.mainstay.backend.plugins.module_utils._findings import FAIL_ON, Finding
from ansible_collections.mainstay.backend.plugins.plugin_utils.action import BackendAction
from ansible_collections.mainstay.backend.plugins.plugin_utils.inventory import plain
from ansible_collections.mainstay.backend.plugins.plugin_utils.reports import report_path, write_junit, write_sarif
from ansible_collections.mainstay.backend.plugins.plugin_utils.schemas import read_schemas

OPTIONS = [
    "loaders",
    "environment",
    "root",
    "files",
    "secrets",
    "settings",
    "example",
    "unit",
    "container",
    "other_environments",
    "owner",
    "group",
    "mode",
    "instances",
    "databases",
    "process_env",
    "severities",
    "targets",
    "backend",
    "fail_on",
    "sarif",
    "junit",
    "schema",
    "schema_text",
    "show",
]
#: What only the controller needs.
HERE = ("schema_text", "backend", "sarif", "junit")
TEXT = "schema_text"
#: The result on a host where no consumer lives.
NOTHING: dict[str, Any] = {
    "findings": [],
    "counts": {"error": 0, "warning": 0},
    "files": [],
    "notes": [],
    "lines": [],
    "reports": [],
    "fails": False,
    "msg": "no consumer of backend_consumers lives on this host",
}


class ActionModule(BackendAction):
    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        given = {
            key: value for key, value in plain(self.arguments(**dict.fromkeys(OPTIONS))).items() if value is not None
        }
        if given.get("fail_on", "error") not in FAIL_ON:
            raise MainstayError(f"fail_on: found {given['fail_on']!r}; expected one of {', '.join(FAIL_ON)}")
        schemas: dict[str, Any] = {}
        self._read_schemas(given, schemas)
        for entry in given.get("targets") or []:
            if isinstance(entry, dict):
                self._read_schemas(entry, schemas)
        if _true(given.get("backend")):
            description = self.describe(task_vars)
            if not description.consumers_here() and not any(given.get(key) for key in PLACES):
                return {"changed": False, **NOTHING}
            known = read_schemas(description, task_vars)
            schemas.update({schema.path: schema_data(schema) for schema in known.values()})
            given = backend_options(description, given, {name: schema.path for name, schema in known.items()})
        arguments = {key: value for key, value in given.items() if key not in HERE}
        # ansible starts modules of a local connection in the playbook's folder, which may be the collection's own
        local = self._connection.transport == "local"
        folder = os.getcwd() if local else ""
        result = self.remote("env_validate", {**arguments, "schemas": schemas, "folder": folder}, task_vars)
        if "findings" in result:
            if _true(given.get("show")):
                host = str(task_vars["inventory_hostname"])
                Display().display("\n".join([f"{host}:"] * (host != "localhost") + result["lines"]))
            result["reports"] = [] if self._task.check_mode else self._reports(given, result, task_vars)
        return result

    def _read_schemas(self, options: dict[str, Any], schemas: dict[str, Any]) -> None:
        """Adds the schema that OPTIONS name to SCHEMAS, under the text that `schema` then holds."""
        text = options.pop(TEXT, None)
        if text and options.get("schema"):
            raise MainstayError("schema: found schema and schema_text; expected one of them")
        if text:
            options["schema"] = f"{TEXT} {len(schemas) + 1}" if schemas else TEXT
            schemas[options["schema"]] = schema_data(read_schema(str(text), TEXT))
        elif options.get("schema"):
            name = str(options["schema"])
            if name not in schemas:
                schemas[name] = schema_data(read_schema(self._content(name), name))

    def _content(self, name: str) -> str:
        try:
            path = self._find_needle("files", name)
        except AnsibleError:
            path = os.path.abspath(os.path.expanduser(name))
        try:
            if not os.path.isfile(path):
                raise MainstayError(
                    f"schema: found no file {name}; expected it in a folder files/, or below {os.getcwd()}"
                )
            with open(path, encoding="utf-8") as handle:
                return handle.read()
        except OSError as error:
            raise MainstayError(f"schema: {path} cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise MainstayError(f"schema: found {path}, which is not UTF-8; expected YAML") from None

    def _reports(self, given: Mapping[str, Any], result: Mapping[str, Any], task_vars: dict[str, Any]) -> list[str]:
        findings = [Finding(**item) for item in result["findings"]]
        host = str(task_vars["inventory_hostname"])
        hosts = [str(name) for name in task_vars.get("ansible_play_hosts_all", ())]
        written = []
        if given.get("sarif"):
            written.append(report_path(str(given["sarif"]), host, hosts))
            write_sarif(written[-1], findings, RULES)
        if given.get("junit"):
            written.append(report_path(str(given["junit"]), host, hosts))
            write_junit(written[-1], findings, RULES, result["files"], given.get("fail_on", "error"))
        return written


def _true(value: object) -> bool:
    return str(value).lower() in ("true", "yes", "on", "1")
