#!/usr/bin/python
# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: postgres_login
short_description: Changes the passwords of PostgreSQL logins by verifier, and ends the sessions of those who may log in no more
description:
  - Brings the named logins to their SCRAM verifiers, all in one transaction. Other roles are left alone.
  - The server never sees a password, and what is sent stays out of its log, its statistics and C(pg_stat_activity).
  - A login without a verifier may not log in and has no password. With O(logins[].end_sessions) its open sessions are ended, in every database
    and those of replication too, and the module waits until none is left.
  - Runs on the server's host as root, and connects over the Unix socket as C(postgres).
version_added: 0.3.0
author: The mainstay.backend authors (@mainstay)
requirements:
  - psycopg2 >= 2.9 (Debian package python3-psycopg2)
extends_documentation_fragment: [mainstay.backend.attributes]
attributes:
  diff_mode:
    description: Shows roles before and after. Of a password only that it changes.
options:
  state:
    description: V(sessions) only asks who is connected as the named logins.
    type: str
    choices: [present, sessions]
    default: present
  port:
    description: The cluster's port.
    type: int
    default: 5432
  logins:
    description: The logins.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the login.
        type: str
        required: true
      verifier:
        description: Its SCRAM-SHA-256 verifier, as C(pg_authid) holds it. Without one it may not log in.
        type: str
      owner:
        description: The role that it becomes at login, and that owns what it makes.
        type: str
      privileges:
        description:
          - V(owner) acts as O(logins[].owner), V(monitoring) reads the server's statistics, V(replication) copies the whole cluster.
          - Where neither this nor O(logins[].owner) is given, what the login is stays as it is; a new one is a plain login.
        type: str
        choices: [owner, monitoring, replication]
      settings:
        description: Parameters that its sessions begin with.
        type: dict
      connection_limit:
        description: How many connections it may hold; V(-1) is no limit.
        type: int
      create:
        description: Makes a login that is not there. V(false) refuses it.
        type: bool
        default: true
      end_sessions:
        description: Ends its open sessions, after the change is committed.
        type: bool
        default: false
      credential:
        description: Comes back with its sessions.
        type: str
        default: ''
notes:
  - C(VALID UNTIL) is taken away from a login that has it, since it would end on a day of its own.
seealso:
  - module: mainstay.backend.postgres_databases
  - plugin: mainstay.backend.scram_verifier
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Let in report_b beside report_a
  mainstay.backend.postgres_login:
    logins:
      - name: report_b
        verifier: "{{ report_b_password | mainstay.backend.scram_verifier(salt='report_b') }}"
        owner: report_owner

- name: report_a no more, and none of its sessions
  mainstay.backend.postgres_login:
    logins:
      - name: report_a
        end_sessions: true

- name: Who is connected as report_a?
  mainstay.backend.postgres_login:
    state: sessions
    logins: [{name: report_a}]
"""

RETURN = r"""
actions:
  description: What was done, or would be done in check mode.
  returned: always
  type: list
  elements: str
  sample: [changed role report_a, 3 sessions of report_a ended]
sessions:
  description: Who is connected as one of the named logins, in the end.
  returned: always
  type: list
  elements: dict
  contains:
    credential:
      description: What O(logins[].credential) said.
      type: str
      returned: always
    user:
      description: Name of the login.
      type: str
      returned: always
    database:
      description: The database, or C(replication).
      type: str
      returned: always
    address:
      description: Where the sessions come from. Empty for the Unix socket.
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
from ansible_collections.mainstay.backend.plugins.module_utils._deps import require
from ansible_collections.mainstay.backend.plugins.module_utils._journal import journal
from ansible_collections.mainstay.backend.plugins.module_utils._postgres_live import said
from ansible_collections.mainstay.backend.plugins.module_utils._postgres_login import (
    apply,
    patiently,
    read_logins,
    sessions,
)
from ansible_collections.mainstay.backend.plugins.module_utils._postgres_roles import PRIVILEGES

LOGIN: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "verifier": {"type": "str", "no_log": True},
    "owner": {"type": "str"},
    "privileges": {"type": "str", "choices": list(PRIVILEGES)},
    "settings": {"type": "dict"},
    "connection_limit": {"type": "int"},
    "create": {"type": "bool", "default": True},
    "end_sessions": {"type": "bool", "default": False},
    "credential": {"type": "str", "default": ""},
}


def result(told: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    logins = read_logins(told["logins"])
    cluster = patiently(told["port"])
    try:
        steps, ended = apply(cluster, logins, check_mode) if told["state"] == "present" else ([], [])
        actions = [*[step.text for step in steps], *ended]
        return {
            "changed": bool(actions),
            "actions": actions,
            "sessions": sessions(cluster, logins),
            "diff": [step.diff() for step in steps],
        }
    finally:
        cluster.close()


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "sessions"], "default": "present"},
            "port": {"type": "int", "default": 5432},
            "logins": {"type": "list", "elements": "dict", "required": True, "options": LOGIN},
        },
        supports_check_mode=True,
    )
    try:
        errors = require("psycopg2").Error
    except MainstayError as error:
        module.fail_json(msg=str(error))
    try:
        found = result(module.params, module.check_mode)
    except MainstayError as error:
        module.fail_json(msg=str(error))
    except errors as error:
        module.fail_json(msg=f"PostgreSQL refused: {said(error)}")
    journal("postgres_login", found["actions"], module.check_mode)
    module.exit_json(**found)


if __name__ == "__main__":
    main()
