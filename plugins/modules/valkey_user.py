#!/usr/bin/python
# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: valkey_user
short_description: Changes passwords and rights of users of running Valkey instances, durably and without a gap
description:
  - Brings the named users of one or more running instances to their passwords and rights. Other users are left alone.
  - Passwords are given as SHA-256 (which is all that the server keeps of them), any number for a user, so that an old and a new one can be valid
    together while clients move. Each user changes with one C(ACL SETUSER), so that at no moment a password is missing that was and stays valid.
  - What was set is written where a restart of the server finds it. The ACL file keeps its owner, group and mode.
  - Open connections outlive the password that they came with. O(users[].end_sessions) ends them, and waits until none is left.
  - Runs on the host of the instances, as a user who may read their ACL files and write them.
version_added: 0.3.0
author: The mainstay.backend authors (@mainstay)
requirements:
  - redis >= 4.3 (Debian package python3-redis)
extends_documentation_fragment: [mainstay.backend.attributes]
attributes:
  check_mode:
    description: Asks the servers and tells what would change. Rights are compared by their words then.
  diff_mode:
    description: Shows users before and after. Of passwords only how many there are.
options:
  state:
    description: V(sessions) only asks who is connected as the named users.
    type: str
    choices: [present, sessions]
    default: present
  socket:
    description: Unix socket of the one instance, or its C(HOST:PORT).
    type: str
    default: 127.0.0.1:6379
  acl_file:
    description:
      - The instance's ACL file, which this module then edits itself. For a file that the server may not write, like those of role
        P(mainstay.backend.valkey#role). Without it the server writes its own file (C(ACL SAVE), or C(CONFIG REWRITE) where it has no ACL file).
    type: path
    default: ''
  users:
    description: Users of the one instance.
    type: list
    elements: dict
    suboptions: &users
      name:
        description: Name of the user.
        type: str
        required: true
      hashes:
        description: SHA-256 of each of its passwords, in hexadecimal. A password that is not listed is refused afterwards.
        type: list
        elements: str
        default: []
      enabled:
        description: Whether it may log in. Without this, a user with passwords may and one without may not.
        type: bool
      rules:
        description: Its rights, all of them, as ACL rules. Without this they stay as they are.
        type: str
      create:
        description: Makes a user that is not there, which needs O(users[].rules). V(false) refuses it.
        type: bool
        default: true
      end_sessions:
        description: Ends its open connections, after the change is saved.
        type: bool
        default: false
      opened_before:
        description:
          - Of its connections only those count, and are ended, that were opened before this time, like V(2026-11-22T12:00:00Z). With an old and
            a new password of one user, that is what tells them apart. The time is by the host's own clock.
        type: str
        default: ''
      credential:
        description: Comes back with its sessions.
        type: str
        default: ''
  instances:
    description: Several instances of the host, in place of O(socket), O(acl_file) and O(users).
    type: list
    elements: dict
    suboptions:
      name:
        description: What messages call it.
        type: str
        required: true
      socket:
        description: Its Unix socket, or its C(HOST:PORT).
        type: str
        required: true
      acl_file:
        description: As O(acl_file).
        type: path
        default: ''
      users:
        description: As O(users).
        type: list
        elements: dict
        required: true
        suboptions: *users
  login_user:
    description: User that administers the instances. Without one the connection stays the user C(default) without a password.
    type: str
    default: ''
  login_password:
    description: Its password, used for this call and not kept.
    type: str
    default: ''
notes:
  - A password of few letters can be guessed from its SHA-256. Take long random ones, like those of P(mainstay.backend.secret#lookup).
seealso:
  - module: mainstay.backend.valkey_instances
"""

EXAMPLES = r"""
- name: Let the application in with its new password beside the old one
  mainstay.backend.valkey_user:
    login_user: admin
    login_password: "{{ valkey_admin_password }}"
    users:
      - name: shop
        hashes:
          - "{{ shop_password | ansible.builtin.hash('sha256') }}"
          - "{{ shop_next_password | ansible.builtin.hash('sha256') }}"
        rules: "~shop:* resetchannels -@all +@read +@write +@connection -@dangerous"

- name: The old one no more, and no connection that was made with it
  mainstay.backend.valkey_user:
    login_user: admin
    login_password: "{{ valkey_admin_password }}"
    users:
      - name: shop
        hashes: ["{{ shop_next_password | ansible.builtin.hash('sha256') }}"]
        end_sessions: true

- name: Who is connected as shop?
  mainstay.backend.valkey_user:
    state: sessions
    login_user: admin
    login_password: "{{ valkey_admin_password }}"
    users: [{name: shop}]
"""

RETURN = r"""
actions:
  description: What was done, or would be done in check mode.
  returned: always
  type: list
  elements: str
  sample: ['session: user shop: 1 password added', 'session: users saved']
sessions:
  description: Who is connected as one of the named users, in the end. The connection of this module is left out.
  returned: always
  type: list
  elements: dict
  contains:
    instance:
      description: Name of the instance.
      type: str
      returned: always
    credential:
      description: What O(users[].credential) said.
      type: str
      returned: always
    user:
      description: Name of the user.
      type: str
      returned: always
    address:
      description: Where the connections come from. Empty for the Unix socket.
      type: str
      returned: always
    count:
      description: How many there are.
      type: int
      returned: always
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._journal import journal
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_live import Login
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_user import Target, read_target
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_user_apply import Users

USER: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "hashes": {"type": "list", "elements": "str", "default": [], "no_log": True},
    "enabled": {"type": "bool"},
    "rules": {"type": "str"},
    "create": {"type": "bool", "default": True},
    "end_sessions": {"type": "bool", "default": False},
    "opened_before": {"type": "str", "default": ""},
    "credential": {"type": "str", "default": ""},
}
INSTANCE: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "socket": {"type": "str", "required": True},
    "acl_file": {"type": "path", "default": ""},
    "users": {"type": "list", "elements": "dict", "required": True, "options": USER},
}


def targets(told: dict[str, Any]) -> list[Target]:
    if told["instances"] is not None:
        return [read_target(f"instances[{index}].", item) for index, item in enumerate(told["instances"])]
    return [read_target("", {**told, "name": told["socket"]})]


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "sessions"], "default": "present"},
            "socket": {"type": "str", "default": "127.0.0.1:6379"},
            "acl_file": {"type": "path", "default": ""},
            "users": {"type": "list", "elements": "dict", "options": USER},
            "instances": {"type": "list", "elements": "dict", "options": INSTANCE},
            "login_user": {"type": "str", "default": ""},
            "login_password": {"type": "str", "default": "", "no_log": True},
        },
        mutually_exclusive=[("users", "instances")],
        required_one_of=[("users", "instances")],
        supports_check_mode=True,
    )
    told = module.params
    try:
        login = Login(told["login_user"], told["login_password"])
        users = Users(targets(told), login, module.check_mode)
        out = users.apply() if told["state"] == "present" else users.ask()
    except MainstayError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"{error.filename or 'a file'}: {error.strerror}")
    journal("valkey_user", out.actions, module.check_mode)
    module.exit_json(changed=bool(out.actions), actions=out.actions, sessions=out.sessions, diff=out.diff)


if __name__ == "__main__":
    main()
