#!/usr/bin/python
# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: valkey_instances
short_description: Brings all Valkey instances of a host to their description in one call
description:
  - As a task it takes no options. Everything below is rendered on the controller from C(valkey_instances) and the secret store.
  - Asks the running servers what they run with, so that a change made by hand is found and undone as well.
  - Changes what CONFIG SET can change on the running server, and asks again whether it took. Restarts only for what is read at a start,
    one instance at a time, after its append-only file is complete, and waits patiently while data loads.
  - Starts a throw-away server with every new configuration first. What the server refuses never replaces a working file.
  - Where an instance does not come up after a restart, its previous files are put back and the task fails with the server's own words.
  - An instance with O(instances[].state=absent) is stopped and loses its configuration. Its data stays.
version_added: 0.1.0
author: The mainstay.backend authors (@mainstay)
requirements:
  - redis >= 4.3 (Debian package python3-redis)
extends_documentation_fragment: [mainstay.backend.attributes]
attributes:
  check_mode:
    description: Says what would change without changing it, on a host without Valkey too.
  diff_mode:
    description: Shows files and the running servers' directives before and after. Password verifiers are masked.
options:
  instances:
    description: The instances. Filled in on the controller.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the instance.
        type: str
        required: true
      state:
        description: Whether it shall run or be gone.
        type: str
        choices: [present, absent]
        default: present
      directory:
        description: Where its data lies.
        type: path
        required: true
      keeps:
        description: Whether what it acknowledged must never be lost.
        type: bool
        default: true
      config:
        description: Content of its configuration file.
        type: str
        default: ''
      acl:
        description: Content of its ACL file. It holds verifiers, never passwords.
        type: str
        default: ''
      dropin:
        description: Content of the drop-in for its unit.
        type: str
        default: ''
  support:
    description: Files that all instances share. Filled in on the controller.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Where the file lies.
        type: path
        required: true
      content:
        description: What it holds.
        type: str
        required: true
      mode:
        description: Its mode as octal text.
        type: str
        default: '0644'
  user:
    description: User that administers the instances. Filled in on the controller.
    type: str
    default: ''
  password:
    description: Its password, used for this call and not kept. Filled in on the controller.
    type: str
    default: ''
  certificate:
    description: Files of the certificate that is served, name to PEM. Filled in on the controller.
    type: dict
    default: {}
  certificate_name:
    description: A name in the certificate, by which it is verified. Filled in on the controller.
    type: str
    default: ''
"""

EXAMPLES = r"""
- name: Run the described instances
  mainstay.backend.valkey_instances:
"""

RETURN = r"""
actions:
  description: What was done and why, one sentence each.
  returned: always
  type: list
  elements: str
  sample: ['session: maxmemory 134217728 -> 268435456 without a restart']
notes:
  description: What was left alone and why. These are no changes.
  returned: always
  type: list
  elements: str
instances:
  description: State of each instance, as C(running) or C(absent); C(unknown) in check mode where it does not run yet.
  returned: always
  type: dict
  sample: {cache: running, session: running}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._file_specs import DirectorySpec, file_specs
from ansible_collections.mainstay.backend.plugins.module_utils._journal import journal
from ansible_collections.mainstay.backend.plugins.module_utils._tls_serving import placement_of
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_apply import Fleet
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_live import Login
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_plan import Wanted
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_tls import Certificate

INSTANCE = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "directory": {"type": "path", "required": True},
    "keeps": {"type": "bool", "default": True},
    "config": {"type": "str", "default": ""},
    "acl": {"type": "str", "default": "", "no_log": True},
    "dropin": {"type": "str", "default": ""},
}
FILE = {
    "path": {"type": "path", "required": True},
    "content": {"type": "str", "required": True},
    "mode": {"type": "str", "default": "0644"},
}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "instances": {"type": "list", "elements": "dict", "default": [], "options": INSTANCE},
            "support": {"type": "list", "elements": "dict", "default": [], "options": FILE},
            "user": {"type": "str", "default": ""},
            "password": {"type": "str", "default": "", "no_log": True},
            "certificate": {"type": "dict", "default": {}, "no_log": True},
            "certificate_name": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    told = module.params
    try:
        fleet = Fleet(
            wanted=[Wanted(**item) for item in told["instances"]],
            support=file_specs(told["support"]),
            folders=[
                DirectorySpec(path) for path in sorted({item["path"].rsplit("/", 1)[0] for item in told["support"]})
            ],
            login=Login(told["user"], told["password"]),
            check_mode=module.check_mode,
            certificate=Certificate(placement_of("valkey", told)),
        )
        out = fleet.apply()
    except MainstayError as error:
        module.fail_json(msg=str(error))
    journal("valkey_instances", out.actions, module.check_mode)
    module.exit_json(changed=out.changed, actions=out.actions, notes=out.notes, diff=out.diff, instances=fleet.states())


if __name__ == "__main__":
    main()
