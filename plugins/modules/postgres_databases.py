#!/usr/bin/python
# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: postgres_databases
short_description: Brings all roles and databases of a PostgreSQL cluster to their description in one call
description:
  - As a task it takes no options. Everything below is filled in on the controller from C(postgres_databases), C(backend_credentials) and the
    secret store.
  - Each database has an owner that cannot log in. Each credential has two login slots, C(NAME_a) and C(NAME_b), members of the owner that
    become it at login, so that what one slot makes the other can use.
  - The server gets SCRAM verifiers, never passwords. It is compared with what it holds, and what is sent stays out of its log and statistics.
  - Databases are closed to everyone but their logins. Trusted extensions are installed and upgraded by the owner, others by the superuser.
  - Roles and databases that are not declared are left alone.
version_added: 0.1.0
author: The mainstay.backend authors (@mainstay)
requirements:
  - psycopg2 >= 2.9 (Debian package python3-psycopg2)
extends_documentation_fragment: [mainstay.backend.attributes]
attributes:
  check_mode:
    description: Says what would change without changing it, on a host without PostgreSQL too.
  diff_mode:
    description: Shows roles and databases before and after. Of a password only that it changes.
options:
  port:
    description: The cluster's port. Filled in on the controller.
    type: int
    default: 5432
  logins:
    description: Login slots. Filled in on the controller.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the login.
        type: str
        required: true
      owner:
        description: The role that it becomes. Only with O(logins[].privileges=owner).
        type: str
        default: ''
      privileges:
        description:
          - V(owner) acts as the owner of a database, V(monitoring) reads the server's statistics, V(replication) copies the whole cluster.
        type: str
        choices: [owner, monitoring, replication]
        default: owner
        version_added: 0.3.0
      settings:
        description: Parameters that its sessions begin with.
        type: dict
        default: {}
      connection_limit:
        description: How many connections it may hold; V(-1) is no limit.
        type: int
        default: -1
  verifiers:
    description: Login to SCRAM verifier; null means that it may not log in. Filled in on the controller.
    type: dict
    default: {}
  databases:
    description: Databases. Filled in on the controller.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the database.
        type: str
        required: true
      owner:
        description: Its owner, a role that cannot log in.
        type: str
        required: true
      encoding:
        description: Its encoding.
        type: str
        default: UTF8
      locale:
        description: Its locale.
        type: str
        default: C.UTF-8
      extensions:
        description: Extensions in it.
        type: list
        elements: str
        default: []
      monitored:
        description: Whether C(pg_monitor), whose members are the logins that monitor, may connect to it.
        type: bool
        default: false
        version_added: 0.3.0
seealso:
  - module: mainstay.backend.postgres_cluster
"""

EXAMPLES = r"""
- name: Create roles and databases
  mainstay.backend.postgres_databases:
"""

RETURN = r"""
actions:
  description: What was done, or would be done in check mode.
  returned: always
  type: list
  elements: str
  sample: [created role shop_owner, created database shop, installed extension uuidv7 1.1 in shop]
"""

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._deps import require
from ansible_collections.mainstay.backend.plugins.module_utils._journal import journal
from ansible_collections.mainstay.backend.plugins.module_utils._postgres_live import SOCKET, said
from ansible_collections.mainstay.backend.plugins.module_utils._postgres_roles import (
    PRIVILEGES,
    Database,
    Extension,
    Role,
    Step,
    plan,
)
from ansible_collections.mainstay.backend.plugins.module_utils._postgres_server import (
    opened,
    wanted_databases,
    wanted_roles,
)

LOGIN = {
    "name": {"type": "str", "required": True},
    "owner": {"type": "str", "default": ""},
    "privileges": {"type": "str", "choices": list(PRIVILEGES), "default": "owner"},
    "settings": {"type": "dict", "default": {}},
    "connection_limit": {"type": "int", "default": -1},
}
DATABASE = {
    "name": {"type": "str", "required": True},
    "owner": {"type": "str", "required": True},
    "encoding": {"type": "str", "default": "UTF8"},
    "locale": {"type": "str", "default": "C.UTF-8"},
    "extensions": {"type": "list", "elements": "str", "default": []},
    "monitored": {"type": "bool", "default": False},
}


def apply(port: int, roles: list[Role], databases: list[Database], check_mode: bool, reachable: bool) -> list[Step]:
    """The steps that were taken, or in check mode would be; afterwards nothing must be left to do."""
    if check_mode and not (reachable and os.path.exists(f"{SOCKET}/.s.PGSQL.{port}")):
        names = {name for database in databases for name in database.extensions}
        return plan(roles, databases, {}, {}, {name: Extension(name, "", True) for name in names}, 0)
    with opened(port) as cluster:
        steps = cluster.plan(roles, databases)
        if not check_mode and steps:
            cluster.run(steps)
            left = cluster.plan(roles, databases)
            if left:
                raise MainstayError(f"PostgreSQL did not keep what was done: {'; '.join(step.text for step in left)}")
    return steps


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "port": {"type": "int", "default": 5432},
            "logins": {"type": "list", "elements": "dict", "default": [], "options": LOGIN},
            "verifiers": {"type": "dict", "default": {}, "no_log": True},
            "databases": {"type": "list", "elements": "dict", "default": [], "options": DATABASE},
        },
        supports_check_mode=True,
    )
    told: dict[str, Any] = module.params
    owners = list(dict.fromkeys(item["owner"] for item in told["databases"]))
    roles = wanted_roles(owners, told["logins"], told["verifiers"])
    try:
        library = require("psycopg2")
    except MainstayError as error:
        if not module.check_mode:
            module.fail_json(msg=str(error))
        library = None  # its package is among those that check mode has not installed
    failures = (MainstayError, library.Error) if library else (MainstayError,)
    try:
        steps = apply(told["port"], roles, wanted_databases(told["databases"]), module.check_mode, library is not None)
    except failures as error:
        text = str(error) if isinstance(error, MainstayError) else f"PostgreSQL refused: {said(error)}"
        module.fail_json(msg=text)
    actions = [step.text for step in steps]
    journal("postgres_databases", actions, module.check_mode)
    module.exit_json(changed=bool(steps), actions=actions, diff=[step.diff() for step in steps])


if __name__ == "__main__":
    main()
