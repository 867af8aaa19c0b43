# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the action plugins of this collection share: the description, rendering on the controller, and one remote call."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.template import trust_as_template

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._description import Description, describe
from ansible_collections.mainstay.backend.plugins.plugin_utils import supplied
from ansible_collections.mainstay.backend.plugins.plugin_utils.crash import handed_on
from ansible_collections.mainstay.backend.plugins.plugin_utils.inventory import COLLECTION, group_members, read_hosts

NAMESPACE = "mainstay.backend."


class BackendAction(ActionBase):
    """Base of the action plugins. A subclass writes `act(task_vars)` and returns a result; MainstayError becomes a clear failure."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    #: The data servers that this action runs on the current host, whatever its groups are.
    SERVES: tuple[str, ...] = ()

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        try:
            result.update(self.act(task_vars or {}))
        except MainstayError as error:
            raise AnsibleActionFail(str(error)) from None
        if self._discovered_interpreter_key:
            # what is not told would be looked for again by each task
            facts = result.get("ansible_facts") or {}
            result["ansible_facts"] = {**facts, self._discovered_interpreter_key: self._discovered_interpreter}
        return result

    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        raise AnsibleActionFail(f"{type(self).__module__} has no act()")

    def arguments(self, **defaults: Any) -> dict[str, Any]:
        """The task's options with DEFAULTS filled in; an unknown one is refused."""
        unknown = sorted(set(self._task.args) - set(defaults))
        if unknown:
            raise MainstayError(
                f"{self._task.action}: unknown option {', '.join(unknown)}; expected {', '.join(sorted(defaults)) or 'none'}"
            )
        return {**defaults, **self._task.args}

    def describe(self, task_vars: dict[str, Any], serves: tuple[str, ...] | None = None) -> Description:
        """The whole description as the current host sees it; every problem in it is refused here, before anything is changed."""
        supplied.use(self._templar, self._loader, task_vars)
        hosts = read_hosts(self._templar, task_vars)
        served = self.SERVES if serves is None else serves
        description, problems = describe(hosts, str(task_vars["inventory_hostname"]), group_members(task_vars), served)
        if problems:
            raise MainstayError("the inventory cannot be used:\n" + "\n".join(f"- {problem}" for problem in problems))
        return description

    def own_servers(self, description: Description, task_vars: dict[str, Any]) -> Description:
        """DESCRIPTION with the servers that the current host runs itself, also where its consumers are served by another one's."""
        return self.describe(task_vars, description.runs) if description.served_elsewhere else description

    def render(self, source: str, variables: Mapping[str, Any], task_vars: Mapping[str, Any]) -> str:
        """The template SOURCE (absolute, or below the role's templates/) rendered with VARIABLES over the task's own."""
        path = source if os.path.isabs(source) else self._find_needle("templates", source)
        text = trust_as_template(self._loader.get_text_file_contents(path))
        search = [os.path.dirname(path), os.path.join(COLLECTION, "roles")]
        templar = self._templar.copy_with_new_env(searchpath=search, available_variables={**task_vars, **variables})
        rendered = templar.template(
            text, escape_backslashes=False, overrides={"trim_blocks": True, "lstrip_blocks": True}
        )
        return str(rendered if rendered is not None else "")

    def remote(self, module: str, arguments: Mapping[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """One remote call of this collection's MODULE (an FQCN is taken as it is)."""
        name = module if "." in module else NAMESPACE + module
        if handed_on():
            self._task.environment = [*(self._task.environment or []), *handed_on()]
        result: dict[str, Any] = self._execute_module(
            module_name=name, module_args=dict(arguments), task_vars=task_vars
        )
        return result

    def _update_module_args(
        self,
        module_name: str,
        module_args: dict[str, Any],
        task_vars: dict[str, Any],
        ignore_unknown_opts: bool = False,
    ) -> None:
        """Keeps the modules' parameters, whole configuration files among them, out of the hosts' journals."""
        super()._update_module_args(module_name, module_args, task_vars, ignore_unknown_opts)
        module_args["_ansible_no_log"] = True
