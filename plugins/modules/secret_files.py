#!/usr/bin/python
# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: secret_files
short_description: Gives programs their secrets, each in a folder with nothing else in it, there again after a reboot
description:
  - Brings each program's folder (mode 0700) to exactly the files that it shall have (0600), and removes everything else in it. Links are removed,
    never followed. A folder that was not this module's and holds something else is refused.
  - What lies in memory (tmpfs, as C(/run)) is encrypted for this host alone with C(systemd-creds), by its TPM or its host key as systemd picks, below
    C(/var/lib/mainstay/sealed); C(mainstay-secrets.service) puts it back at boot, before ordinary units start.
  - Units of systemd can get their secrets as credentials instead, by a drop-in with C(LoadCredentialEncrypted=).
  - What an earlier call for the same scope put in place, and this one does not name, is removed.
version_added: 0.3.0
author: The mainstay.backend authors (@mainstay)
notes:
  - Without systemd or C(systemd-creds) the files are put in place all the same, with a warning that a reboot takes them from memory.
  - Without pipelining Ansible itself keeps a module's arguments, and so O(secrets), in a temporary file of mode 0600 on the host while
    the module runs. Turn pipelining on to avoid that, and do not set C(ANSIBLE_KEEP_REMOTE_FILES).
extends_documentation_fragment: [mainstay.backend.attributes]
attributes:
  diff_mode:
    description: Shows units and drop-ins; nothing of a secret file but its owner, group and mode.
options:
  scope:
    description: Whose secrets these are, like an application's name and environment; what belongs to other scopes is not touched.
    type: str
    required: true
  sealed:
    description: Whether files in memory are kept on disk, encrypted, to be put back at boot.
    type: bool
    default: true
  folders:
    description: One for each program.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The program's name.
        type: str
        required: true
      path:
        description: Absolute path of its folder.
        type: path
        required: true
      owner:
        description: Owner, who must exist.
        type: str
        default: root
      group:
        description: Group, which must exist.
        type: str
        default: root
      source:
        description: The inventory variable that the owner and the group come from, for messages.
        type: str
        default: ""
      form:
        description: Whether it gets its secrets as V(files) in its folder, as systemd's V(credentials) of its O(folders[].units), or V(both).
        type: str
        choices: [files, credentials, both]
        default: files
      units:
        description: Its units of systemd. They start after the files are there.
        type: list
        elements: str
        default: []
      files:
        description: Names of its files, or credentials; their content is in O(secrets).
        type: list
        elements: str
        default: []
      known:
        description: Further names that a folder may hold when this module first meets it.
        type: list
        elements: str
        default: []
  secrets:
    description: Name of a program to a mapping of file name to content.
    type: dict
    default: {}
seealso:
  - module: mainstay.backend.files
  - module: mainstay.backend.consumer_files
"""

EXAMPLES = r"""
- name: Give a program its password
  mainstay.backend.secret_files:
    scope: shop-production
    folders:
      - name: shop
        path: /run/secrets/shop
        owner: www-data
        group: www-data
        files: [shop_db]
        units: [shop.service]
    secrets:
      shop:
        shop_db: "{{ lookup('mainstay.backend.secret', 'shop_db') }}"
"""

RETURN = r"""
changes:
  description: What changed, or in check mode would change.
  returned: always
  type: list
  elements: dict
  contains:
    path:
      description: The file, directory or unit.
      type: str
      returned: always
    what:
      description: Some of V(created), V(content), V(owner), V(group), V(mode), V(removed), V(started).
      type: list
      elements: str
      returned: always
actions:
  description: The same for people, one text for each path.
  returned: always
  type: list
  elements: str
  sample: ["/run/secrets/shop/shop_db: content, mode"]
notes:
  description: What a user should know, like what a reboot would take. They are warnings, too.
  returned: always
  type: list
  elements: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._journal import journal
from ansible_collections.mainstay.backend.plugins.module_utils._secret_folders import publish, read_folders
from ansible_collections.mainstay.backend.plugins.module_utils._secret_options import FORMS

FOLDER: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "path": {"type": "path", "required": True},
    "owner": {"type": "str", "default": "root"},
    "group": {"type": "str", "default": "root"},
    "source": {"type": "str", "default": ""},
    "form": {"type": "str", "choices": list(FORMS), "default": "files"},
    "units": {"type": "list", "elements": "str", "default": []},
    "files": {"type": "list", "elements": "str", "default": []},
    "known": {"type": "list", "elements": "str", "default": []},
}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "scope": {"type": "str", "required": True},
            "sealed": {"type": "bool", "default": True},
            "folders": {"type": "list", "elements": "dict", "options": FOLDER, "default": []},
            "secrets": {"type": "dict", "no_log": True, "default": {}},
        },
        supports_check_mode=True,
    )
    given = module.params
    try:
        folders = read_folders(given["folders"], given["secrets"])
        done = publish(folders, given["scope"], given["sealed"], module.check_mode)
    except MainstayError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        hint = "; expected a user who may do that: become" if isinstance(error, PermissionError) else ""
        module.fail_json(msg=f"{error.filename or 'a file'}: {error.strerror}{hint}")
    for text in done.warnings:
        module.warn(text)
    actions = [f"{change.path}: {', '.join(change.what)}" for change in done.changes]
    journal("secret_files", actions, module.check_mode)
    module.exit_json(
        changed=bool(done.changes),
        changes=[{"path": change.path, "what": list(change.what)} for change in done.changes],
        actions=actions,
        notes=done.warnings,
        diff=[change.diff() for change in done.changes],
    )


if __name__ == "__main__":
    main()
