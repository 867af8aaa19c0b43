#!/usr/bin/python
# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: key_rotation_validate
short_description: Says on live hosts whether every secret is what the store says, and nothing else is let in
description:
  - Judges each credential of the inventory - its age against C(max_age), rotations that stand still, the logins and sessions on every server, whether the old
    secret is refused and the one in use works from every host, the consumers' files and their health, and secrets in places that they are not for.
  - Changes nothing. One call a host; the store is read on the controller. Hosts learn no secret that they do not have - logins and files are compared by
    digests with a key of that one call. No finding holds a value.
  - What is no host's own, like ages, is judged once, with the play's first host.
version_added: 0.3.0
author: The mainstay.backend authors (@mainstay)
extends_documentation_fragment: [mainstay.backend.attributes.read_only, mainstay.backend.attributes.on_controller]
notes:
  - With several hosts in the play, a report's name gets the host's name before its suffix.
attributes:
  check_mode:
    description: Runs the same in check mode, since it changes nothing. O(sarif) and O(junit) are not written then.
options:
  only:
    description: Credentials to judge. Without any, all of them.
    type: list
    elements: str
    default: []
  search:
    description: Further files and folders of the hosts in which no secret may stand. Folders of secrets and C(.env) files of consumers are looked at anyway.
    type: list
    elements: path
    default: []
  stuck_after:
    description: How long a rotation may be open, like V(2h) or V(1d).
    type: str
    default: 1d
  severities:
    description: Rule to V(error), V(warning) or V(off), in place of the rule's own severity.
    type: dict
    default: {}
  fail_on:
    description: The least severity that makes the task fail.
    type: str
    choices: [error, warning, never]
    default: error
  sarif:
    description: Writes the findings to this file on the controller, as SARIF 2.1.0.
    type: str
  junit:
    description: Writes the findings to this file on the controller, as JUnit XML.
    type: str
  show:
    description: Prints the tables on the controller's terminal. Without it they are in the message of a task that fails.
    type: bool
    default: false
  key:
    description: Key of the digests. Filled in on the controller.
    type: str
    default: ''
  instances:
    description: The Valkey instances of this host. Filled in on the controller.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the instance.
        type: str
        required: true
      socket:
        description: Path of its Unix socket.
        type: path
        required: true
  user:
    description: User that asks the instances. Filled in on the controller.
    type: str
    default: ''
  password:
    description: Its password, used for this call and not kept. Filled in on the controller.
    type: str
    default: ''
  port:
    description: PostgreSQL's port where this host runs it. Filled in on the controller.
    type: int
  files:
    description: Files to look at. Filled in on the controller.
    type: list
    elements: path
    default: []
  folders:
    description: Folders whose files are all looked at. Filled in on the controller.
    type: list
    elements: path
    default: []
  probes:
    description: Logins to try, as for M(mainstay.backend.credential_probe). Filled in on the controller.
    type: list
    elements: dict
    default: []
  passwords:
    description: Their secrets. Filled in on the controller.
    type: dict
    default: {}
  consumers:
    description: Consumers to ask for their health, as for M(mainstay.backend.consumer_reload). Filled in on the controller.
    type: list
    elements: dict
    default: []
seealso:
  - module: mainstay.backend.credential_probe
  - module: mainstay.backend.env_validate
"""

EXAMPLES = r"""
- name: Judge every secret, and print what is wrong
  mainstay.backend.key_rotation_validate:
    show: true

- name: See that no copy of a secret lies about, and only report
  mainstay.backend.key_rotation_validate:
    search: [/srv/shop/shared, /root]
    severities: {no-max-age: 'off'}
    fail_on: never
    junit: secrets.xml
"""

RETURN = r"""
findings:
  description: What is wrong, as M(mainstay.backend.env_validate) tells it. RV(findings[].variable) is the credential.
  returned: always
  type: list
  elements: dict
  contains:
    rule:
      description: Id of the rule.
      type: str
      returned: always
    severity:
      description: V(error) or V(warning).
      type: str
      returned: always
    file:
      description: A file of the host, or C(store:ENVIRONMENT), C(valkey:HOST/INSTANCE), C(postgres:HOST), C(probe:HOST), C(consumer:HOST/NAME).
      type: str
      returned: always
    line:
      description: Always 0.
      type: int
      returned: always
    variable:
      description: The credential, or an empty text.
      type: str
      returned: always
    message:
      description: What was found.
      type: str
      returned: always
    remedy:
      description: What to do.
      type: str
      returned: always
counts:
  description: Number of findings of each severity.
  returned: always
  type: dict
  sample: {error: 1, warning: 2}
sessions:
  description: Who uses which login on this host's servers.
  returned: always
  type: list
  elements: dict
  contains:
    place:
      description: The server.
      type: str
      returned: always
    credential:
      description: The credential, or an empty text for a login that is none's.
      type: str
      returned: always
    user:
      description: The login name.
      type: str
      returned: always
    standing:
      description: V(current), V(valid) (in a rotation), V(old), or V(other).
      type: str
      returned: always
    address:
      description: From where, or V(local) for a Unix socket.
      type: str
      returned: always
    count:
      description: How many.
      type: int
      returned: always
notes:
  description: What could not be compared, and why.
  returned: always
  type: list
  elements: str
lines:
  description: The tables for people, a text for each line.
  returned: always
  type: list
  elements: str
fails:
  description: Whether the findings are reason to fail, by O(fail_on).
  returned: always
  type: bool
reports:
  description: Reports that were written on the controller.
  returned: always
  type: list
  elements: str
"""

from dataclasses import asdict
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mainstay.backend.plugins.module_utils._checking import Checker, MainstayError, Problem
from ansible_collections.mainstay.backend.plugins.module_utils._consumer_reload import read_reload
from ansible_collections.mainstay.backend.plugins.module_utils._credential_probe import probe_all, read_logins
from ansible_collections.mainstay.backend.plugins.module_utils._reload_run import Wanted, check
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_evidence import (
    ask_cluster,
    ask_instances,
    look_at,
)

SPEC: dict[str, Any] = {
    "only": {"type": "list", "elements": "str", "default": []},
    "search": {"type": "list", "elements": "path", "default": []},
    "stuck_after": {"type": "str", "default": "1d"},
    "severities": {"type": "dict", "default": {}},
    "fail_on": {"type": "str", "choices": ["error", "warning", "never"], "default": "error"},
    "sarif": {"type": "str"},
    "junit": {"type": "str"},
    "show": {"type": "bool", "default": False},
    "key": {"type": "str", "default": "", "no_log": True},
    "instances": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {"name": {"type": "str", "required": True}, "socket": {"type": "path", "required": True}},
    },
    "user": {"type": "str", "default": ""},
    "password": {"type": "str", "default": "", "no_log": True},
    "port": {"type": "int"},
    "files": {"type": "list", "elements": "path", "default": []},
    "folders": {"type": "list", "elements": "path", "default": []},
    "probes": {"type": "list", "elements": "dict", "default": []},
    "passwords": {"type": "dict", "default": {}, "no_log": True},
    "consumers": {"type": "list", "elements": "dict", "default": []},
}
HOW = ("unit", "container", "reload", "reload_method", "health")


def tried(given: dict[str, Any]) -> list[dict[str, Any]]:
    logins = read_logins(given["probes"], given["passwords"])
    outcomes = probe_all(logins)
    return [
        {"id": login.id, "outcome": outcome.outcome, "said": outcome.said}
        for login, outcome in zip(logins, outcomes, strict=True)
    ]


def health(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    problems: list[Problem] = []
    wanted = []
    for entry in entries:
        how = read_reload(Checker(entry["name"], {key: entry.get(key) for key in HOW}, problems))
        wanted.append(Wanted(entry["name"], how, entry["owner"], entry["group"], tuple(entry["env_files"])))
    if problems:
        raise MainstayError("\n".join(str(problem) for problem in problems))
    return [asdict(item) for item in check(wanted)]


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    given = module.params
    if not given["key"]:
        module.fail_json(msg="key: found nothing; expected this module's part on the controller to fill it in")
    try:
        found = {
            "instances": ask_instances(given["instances"], given["user"], given["password"], given["key"]),
            "cluster": ask_cluster(given["port"], given["key"]) if given["port"] else None,
            "files": look_at(given["files"], given["folders"], given["key"]),
            "outcomes": tried(given),
            "consumers": health(given["consumers"]),
        }
    except MainstayError as error:
        module.fail_json(msg=str(error), invocation={})
    module.exit_json(changed=False, evidence=found, invocation={})


if __name__ == "__main__":
    main()
