#!/usr/bin/python
# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: server_certificate
short_description: Makes a host's Valkey instances and PostgreSQL show another certificate, without a restart
description:
  - What a rotation calls on data hosts; options are filled in on the controller.
  - Puts certificate, key and authorities into a folder of their own, checks that the pair fits, moves one link to it, reloads the servers, and
    shakes hands with each of them. It must show the new certificate, verified by its authority and name.
  - Where a server does not take it, the link goes back to what it served, and the task fails.
  - Open connections go on.
version_added: 0.3.0
author: The mainstay.backend authors (@mainstay)
requirements:
  - redis >= 4.3 (Debian package python3-redis) for Valkey
  - psycopg2 >= 2.9 (Debian package python3-psycopg2) for PostgreSQL
extends_documentation_fragment: [mainstay.backend.attributes]
attributes:
  check_mode:
    description: Says what would change without changing it. Shakes hands with the servers.
  diff_mode:
    description: Shows nothing. The sentences in RV(actions) say all.
    support: none
options:
  servers:
    description: The servers of this host that show a certificate.
    type: list
    elements: dict
    required: true
    suboptions:
      server:
        description: Which one.
        type: str
        choices: [valkey, postgres]
        required: true
      name:
        description: A name in the certificate, by which it is verified.
        type: str
        required: true
      instances:
        description: Of V(valkey), its instances.
        type: list
        elements: dict
        default: []
        suboptions:
          name:
            description: Name of the instance.
            type: str
            required: true
          socket:
            description: Its Unix socket.
            type: path
            required: true
          port:
            description: Its port with TLS.
            type: int
            required: true
          addresses:
            description: Where it listens.
            type: list
            elements: str
            required: true
      port:
        description: Of V(postgres), its port.
        type: int
        default: 5432
      addresses:
        description: Of V(postgres), where it listens.
        type: list
        elements: str
        default: []
  certificates:
    description:
      - Of each server, C(server.pem), C(server.key) and C(authorities.pem); where they are missing, the ones that are there stay. C(add_clients) has
        authorities of clients that it shall take beside those that it takes already.
    type: dict
    required: true
  user:
    description: User that administers the instances.
    type: str
    default: ''
  password:
    description: Its password, used for this call and not kept.
    type: str
    default: ''
"""

EXAMPLES = r"""
- name: Show another certificate
  mainstay.backend.server_certificate:
    servers:
      - server: postgres
        name: localhost
        addresses: [127.0.0.1]
    certificates:
      postgres:
        server.pem: "{{ chain }}"
        server.key: "{{ key }}"
        authorities.pem: "{{ ca }}"
"""

RETURN = r"""
actions:
  description: What was done, one sentence each.
  returned: always
  type: list
  elements: str
  sample: ['postgres: certificate reloaded']
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._journal import journal
from ansible_collections.mainstay.backend.plugins.module_utils._server_certificate import bring
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_live import Login

INSTANCE = {
    "name": {"type": "str", "required": True},
    "socket": {"type": "path", "required": True},
    "port": {"type": "int", "required": True},
    "addresses": {"type": "list", "elements": "str", "required": True},
}
SERVER = {
    "server": {"type": "str", "choices": ["valkey", "postgres"], "required": True},
    "name": {"type": "str", "required": True},
    "instances": {"type": "list", "elements": "dict", "default": [], "options": INSTANCE},
    "port": {"type": "int", "default": 5432},
    "addresses": {"type": "list", "elements": "str", "default": []},
}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "servers": {"type": "list", "elements": "dict", "required": True, "options": SERVER},
            "certificates": {"type": "dict", "required": True, "no_log": True},
            "user": {"type": "str", "default": ""},
            "password": {"type": "str", "default": "", "no_log": True},
        },
        supports_check_mode=True,
    )
    told = module.params
    login = Login(told["user"], told["password"])
    actions: list[str] = []
    try:
        for server in told["servers"]:
            files = told["certificates"].get(server["server"]) or {}
            actions += bring(server, files, login, module.check_mode)
    except MainstayError as error:
        module.fail_json(msg=str(error))
    journal("server_certificate", actions, module.check_mode)
    module.exit_json(changed=bool(actions), actions=actions)


if __name__ == "__main__":
    main()
