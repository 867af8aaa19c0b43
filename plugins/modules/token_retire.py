#!/usr/bin/python
# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: token_retire
short_description: Revokes an old token at the third party that made it
description:
  - Runs the command that the inventory declares for it, unless O(test) says that the old token is refused already.
  - The command finds the token that stays in the environment variable that O(retire) names, and the one to revoke in that name with C(_PREVIOUS)
    after it; with C(stdin), each on a line of its standard input, in that order. Exit code 0 says that it is revoked. What it prints is not kept.
  - A rotation runs it from one host, and proves afterwards by O(test) that the token is refused.
version_added: 0.3.0
author: The mainstay.backend authors (@mainstay)
extends_documentation_fragment: [mainstay.backend.attributes]
attributes:
  diff_mode:
    support: none
    description: There is nothing to show.
options:
  name:
    description: The credential, for messages.
    type: str
    required: true
  runs_on:
    description: Where the inventory wants the command to be run. The module runs it where it is itself.
    type: str
    choices: [consumers, controller]
    default: consumers
  test:
    description: The command that tries a token, as M(mainstay.backend.credential_probe) takes it - C(command), C(environment), C(stdin), C(refused_exit).
    type: dict
    required: true
  retire:
    description: The command that revokes it - C(command), C(environment), C(stdin).
    type: dict
    required: true
  current:
    description: The token that stays.
    type: str
    required: true
  previous:
    description: The token to revoke.
    type: str
    required: true
  timeout:
    description: Seconds for each command.
    type: float
    default: 60
"""

EXAMPLES = r"""
- name: Revoke the old token
  mainstay.backend.token_retire:
    name: payments
    test: {command: [/usr/local/bin/try-payments], environment: PAYMENTS, stdin: false, refused_exit: [4]}
    retire: {command: [/usr/local/bin/revoke-payments], environment: PAYMENTS, stdin: false}
    current: "{{ lookup('mainstay.backend.secret', 'payments') }}"
    previous: "{{ old_token }}"
"""

RETURN = r"""
actions:
  description: What was done, or in check mode would be.
  returned: always
  type: list
  elements: str
  sample: ["payments: revoked by /usr/local/bin/revoke-payments"]
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._token_retire import Revoke, revoke


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "runs_on": {"type": "str", "choices": ["consumers", "controller"], "default": "consumers"},
            "test": {"type": "dict", "required": True},
            "retire": {"type": "dict", "required": True},
            "current": {"type": "str", "required": True, "no_log": True},
            "previous": {"type": "str", "required": True, "no_log": True},
            "timeout": {"type": "float", "default": 60},
        },
        supports_check_mode=True,
    )
    given = module.params
    token = Revoke(given["name"], given["test"], given["retire"], given["current"], given["previous"])
    try:
        done = revoke(token, module.check_mode, given["timeout"])
    except MainstayError as error:
        module.fail_json(msg=str(error))
    except KeyError as error:
        module.fail_json(msg=f"test or retire: found no {error.args[0]}; expected command, environment and stdin")
    module.exit_json(changed=bool(done), actions=[done] if done else [])


if __name__ == "__main__":
    main()
