#!/usr/bin/python
# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: backend_status
short_description: Asks every Valkey instance and database of a host what stands, in one read-only call
description:
  - Asks each instance for its memory, eviction policy and persistence, and each database for its version, key strategy and a fresh id.
  - As a task it takes no options. Everything below is filled in on the controller from the inventory and the secret store.
  - It fails where a declared server does not answer, except in check mode.
version_added: 0.1.0
author: The mainstay.backend authors (@mainstay)
extends_documentation_fragment: [mainstay.backend.attributes.read_only]
attributes:
  check_mode:
    description: Runs the same in check mode, and does not fail there when a server is not up yet.
options:
  instances:
    description: The instances of this host. Filled in on the controller.
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
  databases:
    description: Names of the databases of this host. Filled in on the controller.
    type: list
    elements: str
    default: []
  port:
    description: PostgreSQL's port. Filled in on the controller.
    type: int
    default: 5432
"""

EXAMPLES = r"""
- name: Ask the servers
  mainstay.backend.backend_status:
  register: standing
"""

RETURN = r"""
instances:
  description: What each instance said, under C(live) as C(info) and C(config), or why it did not, under C(error). URLs are masked.
  returned: always
  type: list
  elements: dict
databases:
  description: What each database said, under C(live) as C(version), C(version_num), C(extension) and C(id), or C(error). URLs are masked.
  returned: always
  type: list
  elements: dict
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._deps import require
from ansible_collections.mainstay.backend.plugins.module_utils._postgres_live import connect as connect_postgres
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_live import connect as connect_valkey

INFO = ("used_memory", "valkey_version", "uptime_in_seconds", "evicted_keys", "connected_clients", "loading")
CONFIG = ("maxmemory", "maxmemory-policy", "appendonly", "appendfsync", "save", "maxclients")


def ask_instance(socket: str, user: str, password: str) -> dict[str, Any]:
    client = connect_valkey(socket, user, password)
    try:
        pipe = client.pipeline(transaction=False)
        pipe.info()
        pipe.config_get(*CONFIG)
        info, config = pipe.execute()
        return {"info": {key: info[key] for key in INFO if key in info}, "config": config}
    finally:
        client.close()


def ask_database(name: str, port: int) -> dict[str, Any]:
    connection = connect_postgres(name, port)
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT current_setting('server_version'), current_setting('server_version_num')::int, extversion, quote_ident(nspname)"
                " FROM (VALUES (1)) AS always LEFT JOIN (pg_extension JOIN pg_namespace n ON n.oid = extnamespace) ON extname = 'uuidv7'"
            )
            version, number, extension, schema = cursor.fetchone()
            fresh = None
            if extension is not None:
                cursor.execute(f"SELECT {schema}.uuidv7()::text")
                fresh = cursor.fetchone()[0]
        return {"version": version.split()[0], "version_num": number, "extension": extension, "id": fresh}
    finally:
        connection.close()


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "instances": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {"name": {"type": "str", "required": True}, "socket": {"type": "path", "required": True}},
            },
            "user": {"type": "str", "default": ""},
            "password": {"type": "str", "default": "", "no_log": True},
            "databases": {"type": "list", "elements": "str", "default": []},
            "port": {"type": "int", "default": 5432},
        },
        supports_check_mode=True,
    )
    told = module.params
    instances, databases, silent = [], [], []
    errors: tuple[type[Exception], ...] = (MainstayError, OSError)
    for library, present in (("redis", told["instances"]), ("psycopg2", told["databases"])):
        try:
            if present:
                found = require(library)
                errors += (found.RedisError,) if library == "redis" else (found.Error,)
        except MainstayError as error:
            silent.append(str(error))
    for item in told["instances"]:
        try:
            instances.append(
                {"name": item["name"], "live": ask_instance(item["socket"], told["user"], told["password"])}
            )
        except errors as error:
            instances.append({"name": item["name"], "error": str(error)})
            silent.append(f"Valkey instance {item['name']} does not answer: {error}")
    for name in told["databases"]:
        try:
            databases.append({"name": name, "live": ask_database(name, told["port"])})
        except errors as error:
            databases.append({"name": name, "error": str(error).strip()})
            silent.append(f"database {name} does not answer: {str(error).strip()}")
    result = {"changed": False, "instances": instances, "databases": databases}
    if silent and not module.check_mode:
        module.fail_json(
            msg="not everything that is declared stands:\n" + "\n".join(f"- {line}" for line in silent), **result
        )
    module.exit_json(**result)


if __name__ == "__main__":
    main()
