#!/usr/bin/python
# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: consumer_reload
short_description: Reloads or restarts the programs that use credentials, one after another, each until it is well
description:
  - Reloads or restarts units of systemd or containers, or runs a command, and waits until the health check says yes. It stops at the first
    consumer that does not become well, so that the later ones go on with what they had.
  - Nothing at all is done where one of them could not be moved, since its unit, container or command is not there or does not run.
  - In a play, without O(consumers), it takes those of C(backend_consumers) that live on the host. Those that declare neither C(unit),
    C(container) nor C(reload) are left out.
  - Output of health checks and commands is never told, as it may hold secrets.
version_added: 0.3.0
author: The mainstay.backend authors (@mainstay)
extends_documentation_fragment: [mainstay.backend.attributes, mainstay.backend.attributes.on_controller]
attributes:
  action:
    description: What C(backend_consumers) says is read on the controller.
    support: full
  check_mode:
    description: Tells what would be done. With O(state=checked) it looks as always.
    support: full
  diff_mode:
    description: Has nothing to show a difference of.
    support: none
options:
  state:
    description: V(checked) only says whether they could be moved, and are well now.
    type: str
    choices: [checked, reloaded]
    default: reloaded
  stopped:
    description: What to make of a unit or container that is not there or was stopped. Nothing that was stopped is ever started.
    type: str
    choices: [refuse, leave]
    default: refuse
  credentials:
    description: Without O(consumers), only the consumers that use one of these credentials.
    type: list
    elements: str
  paths:
    description: Without O(consumers), only the consumers that one of these files was written for.
    type: list
    elements: str
  consumers:
    description: The consumers, in their order. Each has one of O(consumers[].unit), O(consumers[].container) and O(consumers[].reload).
    type: list
    elements: dict
    suboptions:
      name:
        description: Its name, for messages.
        type: str
        required: true
      unit:
        description: A service of systemd, or a list of them.
        type: raw
      container:
        description: A container of docker or podman, or a list of them.
        type: raw
      reload:
        description: A command as a list of texts, or V(none) for one that reads its secrets anew for each connection.
        type: raw
      reload_method:
        description:
          - V(reload), V(restart), or a signal of V(HUP), V(USR1) and V(USR2), for its units or containers.
          - By default a container is restarted, and a unit is reloaded where it can be, else restarted. A unit that gets one of O(consumers[].env_files)
            by C(EnvironmentFile=), or has credentials of systemd, is restarted too, as systemd reads those when it starts it only.
        type: str
      health:
        description:
          - When it is well. Without one of C(command) (a list of texts, run as O(consumers[].owner), that ends with 0), C(url) (which answers with
            C(status), by default 200) and C(tcp) (C(port) or C(host:port), which takes connections) running is enough.
          - Its C(timeout) (30), C(interval) (0.5) and C(settle) (1) are seconds - how long to wait at most, between two looks, and how long it
            must have run at least.
        type: dict
      owner:
        description: Who runs the health check's command.
        type: str
        default: root
      group:
        description: The group of O(consumers[].owner) for that.
        type: str
        default: root
      env_files:
        description: Files whose variables it gets.
        type: list
        elements: str
        default: []
seealso:
  - module: mainstay.backend.consumer_files
"""

EXAMPLES = r"""
- name: Reload what backend_consumers says of this host
  mainstay.backend.consumer_reload:

- name: Restart a unit, and go on when its page is there
  mainstay.backend.consumer_reload:
    consumers:
      - name: shop
        unit: shop.service
        reload_method: restart
        health: {url: "http://127.0.0.1:3000/up"}
"""

RETURN = r"""
consumers:
  description: What became of each, in their order, on failure too.
  returned: when there is one
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
    how:
      description: What was done, or would be.
      type: str
      sample: restart shop.service
    done:
      description: Whether that was done.
      type: bool
    healthy:
      description: Whether it was well then; null where nobody asked.
      type: bool
    seconds:
      description: How long it took.
      type: float
    why:
      description: What is wrong, or why nothing was done.
      type: str
actions:
  description: What was done, or would be done in check mode.
  returned: when there is a consumer
  type: list
  elements: str
  sample: ["shop: restart shop.service"]
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mainstay.backend.plugins.module_utils._checking import Checker, MainstayError, Problem
from ansible_collections.mainstay.backend.plugins.module_utils._consumer_reload import read_reload
from ansible_collections.mainstay.backend.plugins.module_utils._journal import journal
from ansible_collections.mainstay.backend.plugins.module_utils._reload_run import Outcome, Wanted, check, reload

CONSUMER: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "unit": {"type": "raw"},
    "container": {"type": "raw"},
    "reload": {"type": "raw"},
    "reload_method": {"type": "str"},
    "health": {"type": "dict"},
    "owner": {"type": "str", "default": "root"},
    "group": {"type": "str", "default": "root"},
    "env_files": {"type": "list", "elements": "str", "default": []},
}
OPTIONS: dict[str, Any] = {
    "state": {"type": "str", "choices": ["checked", "reloaded"], "default": "reloaded"},
    "stopped": {"type": "str", "choices": ["refuse", "leave"], "default": "refuse"},
    "credentials": {"type": "list", "elements": "str"},
    "paths": {"type": "list", "elements": "str"},
    "consumers": {"type": "list", "elements": "dict", "options": CONSUMER},
}


def wanted(entries: Sequence[Mapping[str, Any]]) -> list[Wanted]:
    """The consumers as they are told; MainstayError with all that is wrong with them."""
    problems: list[Problem] = []
    found = []
    for entry in entries:
        inner = {key: entry[key] for key in ("unit", "container", "reload", "reload_method", "health")}
        how = read_reload(Checker(f"consumers.{entry['name']}", inner, problems))
        if not how.how and not problems:
            problems.append(Problem(f"consumers.{entry['name']}", "nothing to do", "one of unit, container and reload"))
        found.append(Wanted(entry["name"], how, entry["owner"], entry["group"], tuple(entry["env_files"])))
    if problems:
        raise MainstayError("\n".join(str(problem) for problem in problems))
    return found


def message(outcomes: Sequence[Outcome]) -> str:
    """What failed, what was done before, and what was left alone."""
    failed = [item for item in outcomes if item.healthy is False]
    rest = [item for item in outcomes if item.healthy is not False]
    done, left = [item.name for item in rest if item.done], [item.name for item in rest if item.why == "left alone"]
    lines = [f"consumer {item.name}: {item.why}" for item in failed]
    lines += [f"done before it: {', '.join(done)}"] * bool(done)
    return "\n".join([*lines, *([f"left alone: {', '.join(left)}"] * bool(left))])


def main() -> None:
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    told, checks = module.params, module.params["state"] == "checked"
    if told["consumers"] is None:
        module.fail_json(msg="consumers: found nothing; expected a list (backend_consumers is read in a play only)")
    leave, dry = told["stopped"] == "leave", module.check_mode
    try:
        consumers = wanted(told["consumers"])
        outcomes = check(consumers, leave) if checks else reload(consumers, dry, leave)
    except MainstayError as error:
        module.fail_json(msg=str(error))
    failed = any(item.healthy is False for item in outcomes)
    acted = [item for item in outcomes if item.done or (dry and item.how and item.healthy is None and not checks)]
    actions = [item.action(dry) for item in acted]
    journal("consumer_reload", actions, dry)
    result = {"changed": bool(actions), "actions": actions, "consumers": [asdict(item) for item in outcomes]}
    if failed:
        module.fail_json(msg=message(outcomes), **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
