#!/usr/bin/python
# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: credential_probe
short_description: Proves from a host that secrets let somebody in, or that they are refused
description:
  - Tries every login of O(probes) from this host, all at once and in bounded time, and fails where one does not come out as expected.
  - V(refused) is only what a server says that has looked at the secret. One that is down, full, starting, not to be trusted, or closed to this
    host by C(pg_hba.conf) has refused nobody.
  - Needs nothing on the host but Python. PostgreSQL is shown a password by SCRAM-SHA-256 alone, and has to prove that it knows its verifier;
    a server that asks for the password itself, or for an MD5 of it, does not get it.
version_added: 0.3.0
author: The mainstay.backend authors (@mainstay)
extends_documentation_fragment: [mainstay.backend.attributes.read_only]
options:
  probes:
    description: The logins to try.
    type: list
    elements: dict
    required: true
    suboptions:
      id:
        description: What the outcome is called.
        type: str
        required: true
      kind:
        description:
          - What is asked. V(tls) is a handshake, V(command) a program that tries the secret, V(rails_key) a file that the secret opens.
        type: str
        choices: [valkey, postgres, command, tls, rails_key]
        required: true
      expect:
        description: The outcome that does not fail.
        type: str
        choices: [works, refused]
        default: works
      host:
        description: Name or address of the server.
        type: str
      port:
        description: Its port; without one the usual one of Valkey or PostgreSQL.
        type: int
      socket:
        description: Path of its Unix socket, in place of O(probes[].host) and O(probes[].port).
        type: path
      user:
        description: The login name, for V(valkey) and V(postgres).
        type: str
      database:
        description: The database, for V(postgres). Without one PostgreSQL takes the one called like the user.
        type: str
      replication:
        description: Logs in to PostgreSQL as a standby does.
        type: bool
        default: false
      tls:
        description:
          - TLS, with C(ca_file) (a file of this host) or C(ca) (PEM) to trust, C(server_name) where it is not the host, C(certificate) and C(key) (files of
            this host) to show, and C(verify), V(full), V(ca) or V(none). An empty mapping trusts what the host trusts. Without it there is no TLS.
        type: dict
      starttls:
        description: For V(tls), the protocol whose words come before the handshake. Valkey has none.
        type: str
        choices: [postgres]
      fingerprint:
        description: For V(tls), the SHA-256 of the certificate that the server shall present. Another one comes out as V(refused).
        type: str
      command:
        description: For V(command), the program and its arguments. Exit code 0 comes out as V(works). What it prints is not kept.
        type: list
        elements: str
      environment:
        description: For V(command), the environment variable that holds the secret.
        type: str
        default: MAINSTAY_SECRET
      stdin:
        description: For V(command), gives the secret on standard input, and not in the environment.
        type: bool
        default: false
      refused_exit:
        description: For V(command), exit codes by which it says that the secret was refused. Any other comes out as V(error).
        type: list
        elements: int
        default: []
      file:
        description: For V(rails_key), the encrypted file. It needs Python's cryptography on the host.
        type: path
  passwords:
    description: The secret of each probe, by its id.
    type: dict
    default: {}
  connect_timeout:
    description: Seconds for a connection.
    type: float
    default: 3
  timeout:
    description: Seconds for one probe.
    type: float
    default: 10
  wait:
    description: For so many seconds what is unreachable is tried again, like a server that starts.
    type: float
    default: 0
"""

EXAMPLES = r"""
- name: Prove that the old password is refused everywhere
  mainstay.backend.credential_probe:
    probes:
      - {id: cache, kind: valkey, host: db1, port: 6379, user: shop_cache_a, expect: refused}
      - {id: shop, kind: postgres, host: db1, user: shop_db_a, database: shop, expect: refused, tls: {ca_file: /etc/ssl/backend-ca.pem}}
    passwords:
      cache: "{{ old_cache_password }}"
      shop: "{{ old_shop_password }}"

- name: Prove that a token works, by a program that reads it from its environment
  mainstay.backend.credential_probe:
    probes:
      - {id: payments, kind: command, command: [/usr/local/bin/try-payments], environment: PAYMENTS_TOKEN, refused_exit: [4]}
    passwords:
      payments: "{{ token }}"
"""

RETURN = r"""
outcomes:
  description: What came of each probe, in their order.
  returned: always
  type: list
  elements: dict
  contains:
    id:
      description: Its id.
      type: str
      returned: always
    outcome:
      description: V(works), V(refused), V(unreachable) (nobody could say; another try may help) or V(error) (an answer that says neither).
      type: str
      returned: always
    said:
      description: Why, for people. No secret is in it.
      type: str
      returned: always
    expect:
      description: What was expected.
      type: str
      returned: always
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._credential_probe import (
    Limits,
    probe_all,
    read_logins,
    told,
)

PROBE: dict[str, Any] = {
    "id": {"type": "str", "required": True},
    "kind": {"type": "str", "choices": ["valkey", "postgres", "command", "tls", "rails_key"], "required": True},
    "expect": {"type": "str", "choices": ["works", "refused"], "default": "works"},
    "host": {"type": "str"},
    "port": {"type": "int"},
    "socket": {"type": "path"},
    "user": {"type": "str"},
    "database": {"type": "str"},
    "replication": {"type": "bool", "default": False},
    "tls": {"type": "dict"},
    "starttls": {"type": "str", "choices": ["postgres"]},
    "fingerprint": {"type": "str"},
    "command": {"type": "list", "elements": "str"},
    "environment": {"type": "str", "default": "MAINSTAY_SECRET"},
    "stdin": {"type": "bool", "default": False},
    "refused_exit": {"type": "list", "elements": "int", "default": []},
    "file": {"type": "path"},
}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "probes": {"type": "list", "elements": "dict", "required": True, "options": PROBE},
            "passwords": {"type": "dict", "default": {}, "no_log": True},
            "connect_timeout": {"type": "float", "default": 3},
            "timeout": {"type": "float", "default": 10},
            "wait": {"type": "float", "default": 0},
        },
        supports_check_mode=True,
    )
    given = module.params
    try:
        logins = read_logins(given["probes"], given["passwords"])
        for option in ("connect_timeout", "timeout"):
            if not 0 < given[option] <= 600:
                raise MainstayError(f"{option}: found {given[option]:g}; expected seconds up to 600")
        outcomes = probe_all(logins, Limits(given["connect_timeout"], given["timeout"], given["wait"]))
    except MainstayError as error:
        module.fail_json(msg=str(error), outcomes=[])
    found = [
        {"id": login.id, "outcome": outcome.outcome, "said": outcome.said, "expect": login.expect}
        for login, outcome in zip(logins, outcomes, strict=True)
    ]
    wrong = told(logins, outcomes)
    if wrong:
        text = "\n".join(f"- {line}" for line in wrong)
        module.fail_json(
            msg=f"{len(wrong)} of {len(logins)} logins did not come out as expected:\n{text}", outcomes=found
        )
    module.exit_json(changed=False, outcomes=found)


if __name__ == "__main__":
    main()
