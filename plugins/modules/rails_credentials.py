#!/usr/bin/python
# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: rails_credentials
short_description: Creates, edits and re-keys the encrypted credentials of a Rails application
description:
  - Works on Rails' own files, C(config/credentials.yml.enc) with C(config/master.key) and C(config/credentials/NAME.yml.enc) with
    C(config/credentials/NAME.key), to the byte as C(rails credentials:edit) writes them. Neither Ruby nor Rails is needed.
  - Values are merged into the text, whose comments and order stay. Where an edit would change anything else (a value shared by a YAML alias),
    it is refused.
  - Nothing is written where nothing changes. Each file is replaced whole.
  - A new key takes two files, which no system replaces at once. It is first kept as C(master.next.key), then the credentials are replaced,
    then the key. If the run dies in between, one of the two keys opens the file. The next run completes it; so does
    C(mv config/master.next.key config/master.key).
version_added: 0.2.0
author: The mainstay.backend authors (@mainstay)
requirements:
  - cryptography >= 38.0 (Debian package C(python3-cryptography))
  - PyYAML >= 6.0 (Debian package C(python3-yaml))
notes:
  - A new master key does not change C(secret_key_base) or any other value.
  - Without pipelining Ansible itself keeps a module's arguments in a temporary file of mode 0600 on the host while the module runs.
extends_documentation_fragment: [mainstay.backend.attributes]
attributes:
  diff_mode:
    description: Shows the key paths that are added, changed and removed; never a value.
options:
  path:
    description: The encrypted file. Give it, or O(root).
    type: path
  root:
    description: The application's folder; the file is Rails' own, the one of O(environment) where that is given.
    type: path
  environment:
    description: A Rails environment, which has credentials of its own. They replace the global ones altogether. Only with O(root).
    type: str
    default: ""
  key_file:
    description: The file with the key, of mode 0600. It is made where neither it nor the credentials exist. Without it, where Rails has it beside O(path).
    type: path
  key:
    description: The key itself, 32 hexadecimal characters, where no file on this host shall hold it. No key file is read or written then.
    type: str
  new_key:
    description: The key that shall open the file. The file is encrypted with it unless it is already.
    type: str
  rekey:
    description:
      - Makes a new key and encrypts the file with it, on every run. With O(new_key), that key, once.
      - A run that was interrupted is completed instead.
    type: bool
    default: false
  values:
    description: What shall stand in the credentials. Mappings are merged into those that are there, anything else replaces.
    type: dict
    default: {}
  remove:
    description: Key paths to take out, like V(aws.session_token). A name with a dot in it stands in double quotes.
    type: list
    elements: str
    default: []
  state:
    description: V(absent) removes the credentials and then the key file.
    type: str
    choices: [present, absent]
    default: present
  owner:
    description: Owner of both files. Without it they keep theirs; new files belong to the user who runs the module.
    type: str
  group:
    description: Group of both files. Without it they keep theirs.
    type: str
  mode:
    description: Octal mode of the encrypted file, in quotes. Without it the file keeps its own; a new one gets 0644.
    type: raw
seealso:
  - plugin: mainstay.backend.rails_credentials
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Give the application its credentials
  mainstay.backend.rails_credentials:
    root: /srv/shop
    environment: production
    owner: shop
    group: shop
    values:
      secret_key_base: "{{ lookup('mainstay.backend.secret', 'shop_secret_key_base') }}"
      aws:
        access_key_id: "{{ shop_aws_id }}"
    remove: [aws.session_token]

- name: Change the master key, for someone left
  mainstay.backend.rails_credentials:
    root: "{{ playbook_dir }}/shop"
    rekey: true
  delegate_to: localhost
"""

RETURN = r"""
path:
  description: The encrypted file.
  type: str
  returned: always
key_file:
  description: The key's file; empty where O(key) was given.
  type: str
  returned: always
key_paths:
  description: Key paths that differ, without their values.
  returned: always
  type: dict
  contains:
    added:
      description: New ones.
      type: list
      elements: str
      returned: always
    changed:
      description: Those with another value.
      type: list
      elements: str
      returned: always
    removed:
      description: Those that are gone.
      type: list
      elements: str
      returned: always
actions:
  description: What was done, or in check mode would be; one text each.
  returned: always
  type: list
  elements: str
  sample: ["/srv/shop/config/credentials.yml.enc: content", "added aws.access_key_id"]
"""

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._file_specs import octal
from ansible_collections.mainstay.backend.plugins.module_utils._rails_credentials import key_file_of, place_of
from ansible_collections.mainstay.backend.plugins.module_utils._rails_pair import Outcome, Wanted, apply, remove

ARGUMENTS: dict[str, Any] = {
    "path": {"type": "path"},
    "root": {"type": "path"},
    "environment": {"type": "str", "default": ""},
    "key_file": {"type": "path", "no_log": False},
    "key": {"type": "str", "no_log": True},
    "new_key": {"type": "str", "no_log": True},
    "rekey": {"type": "bool", "default": False, "no_log": False},
    "values": {"type": "dict", "default": {}, "no_log": True},
    "remove": {"type": "list", "elements": "str", "default": []},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "owner": {"type": "str"},
    "group": {"type": "str"},
    "mode": {"type": "raw"},
}


def wanted(given: dict[str, Any]) -> Wanted:
    """The pair that the module's parameters GIVEN describe."""
    if given["environment"] and not given["root"]:
        raise MainstayError("environment: found it without root; expected root, or path alone")
    path = given["path"] or place_of(given["root"], given["environment"], exists=True).path
    if not os.path.isabs(path):
        raise MainstayError(f"path: found {path!r}; expected an absolute path")
    return Wanted(
        path,
        "" if given["key"] else given["key_file"] or key_file_of(path),
        given["key"] or "",
        given["new_key"] or "",
        given["rekey"],
        given["values"],
        tuple(given["remove"]),
        given["owner"],
        given["group"],
        None if given["mode"] is None else octal(given["mode"], path),
    )


def outcome(want: Wanted, module: AnsibleModule) -> Outcome:
    if module.params["state"] == "absent":
        return remove(want.path, want.key_file, module.check_mode)
    return apply(want, module.check_mode)


def main() -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENTS,
        mutually_exclusive=[("path", "root"), ("key", "key_file")],
        required_one_of=[("path", "root")],
        supports_check_mode=True,
    )
    try:
        want = wanted(module.params)
        done = outcome(want, module)
    except MainstayError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        hint = "; expected a user who may do that: become" if isinstance(error, PermissionError) else ""
        module.fail_json(msg=f"{error.filename or 'a file'}: {error.strerror}{hint}")
    edited = done.edited
    module.exit_json(
        changed=bool(done.changes),
        path=want.path,
        key_file=want.key_file,
        key_paths={"added": list(edited.added), "changed": list(edited.changed), "removed": list(edited.removed)},
        actions=list(done.actions),
        diff=[change.diff() for change in done.changes],
    )


if __name__ == "__main__":
    main()
