# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reloads the consumers of the current host as backend_consumers says, or those that the task names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError, shown
from ansible_collections.mainstay.backend.plugins.module_utils._consumer_calls import holding, reload_call
from ansible_collections.mainstay.backend.plugins.module_utils._description import Description
from ansible_collections.mainstay.backend.plugins.plugin_utils.action import BackendAction
from ansible_collections.mainstay.backend.plugins.plugin_utils.inventory import plain


class ActionModule(BackendAction):
    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        given = self.arguments(state="reloaded", stopped="refuse", consumers=None, credentials=None, paths=None)
        told = {key: value for key, value in plain(given).items() if value is not None}
        names, paths = _texts(told, "credentials"), _texts(told, "paths")
        if "consumers" not in told:
            description = self.describe(task_vars)
            _known(names or (), description)
            call = reload_call(description, names, str(told["state"]))
            if paths is not None:
                mine = holding(description, paths)
                call["consumers"] = [entry for entry in call["consumers"] if entry["name"] in mine]
            if not call["consumers"]:
                return {"changed": False, "msg": "no consumer on this host declares unit, container or reload for this"}
            told["consumers"] = call["consumers"]
        elif names is not None or paths is not None:
            raise MainstayError("consumers: found it beside credentials or paths; expected one way to choose them")
        options = {key: told[key] for key in ("state", "stopped", "consumers")}
        return self.remote("consumer_reload", options, task_vars)


def _texts(told: dict[str, Any], key: str) -> Sequence[str] | None:
    """The list of texts KEY; None where it is not given."""
    value = told.get(key)
    items = [value] if isinstance(value, str) else value
    if items is not None and (not isinstance(items, list) or not all(isinstance(item, str) for item in items)):
        raise MainstayError(f"{key}: found {shown(value)}; expected a list of texts")
    return items


def _known(names: Sequence[str], description: Description) -> None:
    unknown = [name for name in names if name not in description.credentials]
    if unknown:
        expected = f"some of backend_credentials: {', '.join(description.credentials)}"
        raise MainstayError(f"credentials: found {', '.join(unknown)}; expected {expected}")
