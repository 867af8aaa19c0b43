#!/usr/bin/python
# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: rails_master_key
short_description: Encrypts the credentials of Rails applications with the key that is valid now
description:
  - Brings pairs of an encrypted file and its key's file to the first of the keys given. The others may open the file by now, and no key but
    these - another one that happens to lie there is not taken over.
  - The two files are replaced as M(mainstay.backend.rails_credentials) does it. Whatever the module dies at, one of the keys opens the file,
    and the next run completes it.
  - Where the application is not deployed yet, nothing is done. Where it has no encrypted file, the key's file is written alone.
  - Role P(mainstay.backend.secrets#role) and the rotation run it for credentials of kind C(rails_master_key). The values in the file stay as they are.
version_added: 0.3.0
author: The mainstay.backend authors (@mainstay)
requirements:
  - cryptography >= 38.0 (Debian package C(python3-cryptography))
extends_documentation_fragment: [mainstay.backend.attributes]
attributes:
  diff_mode:
    description: Shows which files are encrypted anew; never a key or a value.
options:
  pairs:
    description: The files.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The credential, whose keys are those of this name in O(secret_keys).
        type: str
        required: true
      path:
        description: The encrypted file.
        type: path
        required: true
      key_file:
        description: The file of its key, of mode 0600.
        type: path
        required: true
      owner:
        description: Owner of what is made. What is there keeps its own.
        type: str
      group:
        description: Group of what is made.
        type: str
  secret_keys:
    description: Name to the keys that may open the file, 32 hexadecimal characters each. The first one is the one that shall.
    type: dict
    required: true
seealso:
  - module: mainstay.backend.rails_credentials
"""

EXAMPLES = r"""
- name: Encrypt the shop's credentials with the key of the secret store
  mainstay.backend.rails_master_key:
    pairs:
      - name: shop_master
        path: /srv/shop/config/credentials.yml.enc
        key_file: /srv/shop/config/master.key
        owner: shop
        group: shop
    secret_keys:
      shop_master: ["{{ lookup('mainstay.backend.secret', 'shop_master') }}"]
"""

RETURN = r"""
actions:
  description: What was done, or in check mode would be; one text each.
  returned: always
  type: list
  elements: str
  sample: ["/srv/shop/config/credentials.yml.enc: content", "encrypted with a new key"]
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._rails_master import bring, read_pairs

PAIR: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "path": {"type": "path", "required": True},
    "key_file": {"type": "path", "required": True, "no_log": False},
    "owner": {"type": "str"},
    "group": {"type": "str"},
}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "pairs": {"type": "list", "elements": "dict", "required": True, "options": PAIR},
            "secret_keys": {"type": "dict", "required": True, "no_log": True},
        },
        supports_check_mode=True,
    )
    actions: list[str] = []
    changes: list[Any] = []
    try:
        for pair in read_pairs(module.params["pairs"], module.params["secret_keys"]):
            done = bring(pair, module.check_mode)
            changes += done.changes
            actions += done.actions
    except MainstayError as error:
        module.fail_json(msg=str(error), actions=actions)
    except OSError as error:
        hint = "; expected a user who may do that: become" if isinstance(error, PermissionError) else ""
        module.fail_json(msg=f"{error.filename or 'a file'}: {error.strerror}{hint}", actions=actions)
    module.exit_json(changed=bool(changes), actions=actions, diff=[change.diff() for change in changes])


if __name__ == "__main__":
    main()
