#!/usr/bin/python
# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: env_file
short_description: Sets and removes variables in a .env file that every declared loader then reads alike
description:
  - Sets and removes variables in a new or an existing C(.env) file. Other lines stay byte for byte, with their order, comments and empty lines.
  - A changed variable keeps its place, and its trailing comment where all loaders take one; otherwise the comment moves to a line above.
    An C(export) stays where all loaders take it. Of several assignments of a variable the last one stays, since it is the one that counts.
  - Before anything is written, the parsers of all O(loaders) read the new file. It is refused unless each of them gives exactly the values of
    O(variables), and for every other variable what it gave before.
  - The file is replaced whole. No value is shown in output, in a diff, in a message or in the system log.
version_added: 0.2.0
author: The mainstay.backend authors (@mainstay)
notes:
  - Without pipelining Ansible itself keeps a module's arguments, and so O(variables), in a temporary file of mode 0600 on the host while
    the module runs. Turn pipelining on to avoid that, and do not set C(ANSIBLE_KEEP_REMOTE_FILES).
attributes:
  check_mode:
    description: Tells what would change, and changes nothing.
    support: full
  diff_mode:
    description: Shows the lines before and after, with values and comments hidden. URLs are shown without their passwords.
    support: full
options:
  path:
    description: Absolute path of the file, which must not be a symbolic link.
    type: path
    required: true
  variables:
    description:
      - Name to value of what shall be set. A value is text or a whole number.
      - A value that some of O(loaders) would read differently, in whichever quotes, is refused.
    type: dict
    default: {}
  remove:
    description: Names of variables that shall not be in the file.
    type: list
    elements: str
    default: []
  loaders:
    description: The programs that read this file, V(ruby), V(python) and V(node) for the dotenv of each.
    type: list
    elements: str
    choices: [ruby, python, node, systemd, compose, docker]
    default: [ruby, python, node, systemd, compose]
  create:
    description: Makes a file that is not there. Without it, that is an error.
    type: bool
    default: true
  owner:
    description: Owner, who must exist. By default the present one; of a new file, the user who runs the module.
    type: str
  group:
    description: Group, which must exist. By default the present one; of a new file, that of the user who runs the module.
    type: str
  mode:
    description: Octal mode in quotes.
    type: raw
    default: "0600"
seealso:
  - module: mainstay.backend.env_validate
  - module: mainstay.backend.files
"""

EXAMPLES = r"""
- name: Give the shop its mail server, and take the old one away
  mainstay.backend.env_file:
    path: /srv/shop/.env
    variables:
      SMTP_URL: "{{ lookup('mainstay.backend.secret', 'shop_smtp') }}"
      SMTP_TIMEOUT: 5
    remove: [MAIL_HOST, MAIL_PASSWORD]
    owner: shop
    group: shop

- name: A file that only Compose and Node read
  mainstay.backend.env_file:
    path: /srv/web/.env
    variables:
      GREETING: "It's open"
    loaders: [compose, node]
"""

RETURN = r"""
changes:
  description: What changed, or in check mode would change.
  returned: always
  type: list
  elements: dict
  contains:
    path:
      description: The file.
      type: str
      returned: always
    what:
      description: Some of V(created), V(content), V(owner), V(group), V(mode).
      type: list
      elements: str
      returned: always
actions:
  description: The same for people, and what was done to each variable.
  returned: always
  type: list
  elements: str
  sample: ["SMTP_URL: added", "MAIL_HOST: removed", "/srv/shop/.env: content"]
"""

import contextlib
import grp
import os
import pwd
import stat
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._env_edit import (
    check_removed,
    edited,
    mask,
    wanted_values,
)
from ansible_collections.mainstay.backend.plugins.module_utils._env_loaders import LOADERS
from ansible_collections.mainstay.backend.plugins.module_utils._file_specs import FileSpec, octal
from ansible_collections.mainstay.backend.plugins.module_utils._files import place

#: Ansible replaces every secret text in what a module returns. Texts this short would turn up in names and even in `changed`.
SHORTEST_SECRET = 6


def hide_values(module: AnsibleModule) -> None:
    """Takes the values out of what the module returns about its own call, so that nothing is left to be found there."""
    module.params["variables"] = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
    module.no_log_values = {text for text in module.no_log_values if len(text) >= SHORTEST_SECRET}


def present(path: str) -> tuple[bytes, os.stat_result] | None:
    """The content and the attributes of the file at PATH, None where there is none. A link is refused: its owner could point it anywhere."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        if os.path.islink(path):
            raise MainstayError(f"path: found that {path} is a symbolic link; expected a file or nothing") from None
        raise error
    with os.fdopen(handle, "rb") as stream:
        found = os.fstat(stream.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise MainstayError(f"path: found that {path} is not a file; expected a file or nothing")
        return stream.read(), found


def user_name(uid: int) -> str:
    with contextlib.suppress(KeyError):
        return pwd.getpwuid(uid).pw_name
    return str(uid)


def group_name(gid: int) -> str:
    with contextlib.suppress(KeyError):
        return grp.getgrgid(gid).gr_name
    return str(gid)


def bring(module: AnsibleModule, values: dict[str, str]) -> dict[str, Any]:
    """Brings the file to what the parameters say, and returns the result."""
    parameters = module.params
    path, loaders, removed = parameters["path"], parameters["loaders"], parameters["remove"]
    found = present(path)
    if found is None and not parameters["create"]:
        raise MainstayError(f"path: found no file {path}; expected one, since create is false")
    if found is None and not values:
        return {"changed": False, "changes": [], "actions": []}
    try:
        text = found[0].decode() if found else ""
    except UnicodeDecodeError:
        raise MainstayError(f"path: found a byte in {path} that is not UTF-8; expected a file that is") from None
    edit = edited(text, values, removed, loaders)
    spec = FileSpec(
        path=path,
        content=edit.text,
        owner=parameters["owner"] or user_name(found[1].st_uid if found else os.geteuid()),
        group=parameters["group"] or group_name(found[1].st_gid if found else os.getegid()),
        mode=octal(parameters["mode"], path),
        secret=True,
        mask=mask({*values, *removed}, loaders),
    )
    changes = place([spec], check_mode=module.check_mode)
    return {
        "changed": bool(changes),
        "changes": [{"path": change.path, "what": list(change.what)} for change in changes],
        "actions": [
            *[f"{name}: {what}" for name, what in edit.done],
            *[f"{change.path}: {', '.join(change.what)}" for change in changes],
        ],
        "diff": [change.diff() for change in changes],
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "variables": {"type": "dict", "no_log": True, "default": {}},
            "remove": {"type": "list", "elements": "str", "default": []},
            "loaders": {
                "type": "list",
                "elements": "str",
                "choices": list(LOADERS),
                "default": ["ruby", "python", "node", "systemd", "compose"],
            },
            "create": {"type": "bool", "default": True},
            "owner": {"type": "str"},
            "group": {"type": "str"},
            "mode": {"type": "raw", "default": "0600"},
        },
        supports_check_mode=True,
    )
    given = module.params["variables"]
    hide_values(module)
    try:
        values = wanted_values(given)
        check_removed(module.params["remove"], values)
        if not module.params["loaders"]:
            raise MainstayError(f"loaders: found none; expected at least one of {', '.join(LOADERS)}")
        result = bring(module, values)
    except MainstayError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        hint = "; expected a user who may do that: become" if isinstance(error, PermissionError) else ""
        module.fail_json(msg=f"{error.filename or 'a file'}: {error.strerror}{hint}")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
