#!/usr/bin/python
# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: files
short_description: Puts many whole files and directories in place in one call
description:
  - Brings each file to its content, owner, group and mode. All candidates are written beside their targets with their final owner and mode,
    and validated, before the first one replaces anything; each is then renamed over its target. A failure leaves every old file as it was.
  - Content of secret files goes into O(secrets), which no output, diff or system log shows.
version_added: 0.1.0
author: The mainstay.backend authors (@mainstay)
notes:
  - Without pipelining Ansible itself keeps a module's arguments, and so O(secrets), in a temporary file of mode 0600 on the host while
    the module runs. Turn pipelining on to avoid that, and do not set C(ANSIBLE_KEEP_REMOTE_FILES).
extends_documentation_fragment: [mainstay.backend.attributes]
attributes:
  diff_mode:
    description: Shows before and after of every file that is not secret.
options:
  files:
    description: The files.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Absolute path of the file.
        type: path
        required: true
      state:
        description: Whether the file shall exist.
        type: str
        choices: [present, absent]
        default: present
      content:
        description: The whole content. A secret file has its content in O(secrets) instead.
        type: str
      block:
        description:
          - Instead of a content, lines that the file shall have between two marks, C(# BEGIN mainstay.backend) and C(# END mainstay.backend).
            Its other lines stay, and so do the owner, the group and the mode of a file that is there.
        type: list
        elements: str
      owner:
        description: Owner, who must exist.
        type: str
        default: root
      group:
        description: Group, which must exist.
        type: str
        default: root
      mode:
        description: Octal mode in quotes.
        type: raw
        default: "0644"
      secret:
        description: Keeps the content out of the diff and the validation's output out of messages. Implied where O(secrets) has the content.
        type: bool
        default: false
      shown_variables:
        description:
          - The file is a C(.env) file, and a diff may show the names in it, URLs without their passwords, and the values of these variables.
        type: list
        elements: str
      validate:
        description: Command and arguments; C(%s) in them stands for the candidate's path. It must exit 0, or nothing at all is replaced.
        type: list
        elements: str
        default: []
      source:
        description: The inventory variable that the owner and the group come from, for messages.
        type: str
        default: ""
  secrets:
    description: Path to content, of the secret files among O(files).
    type: dict
    default: {}
  directories:
    description: Directories, made before the files. Missing parents are made too (root, 0755).
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Absolute path of the directory.
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
      mode:
        description: Octal mode in quotes.
        type: raw
        default: "0755"
      keep:
        description: Leaves a directory that is there already as it is.
        type: bool
        default: false
      source:
        description: The inventory variable that the owner and the group come from, for messages.
        type: str
        default: ""
  kept:
    description:
      - Secret files that shall be there again after a reboot, where they lie in memory (tmpfs). They are encrypted for this host alone with
        C(systemd-creds) below C(/var/lib/mainstay/sealed), and C(mainstay-secrets.service) puts them back before ordinary units start.
      - What an earlier call for the same scope and part kept, and this one does not name, is removed.
    type: dict
    version_added: 0.3.0
    suboptions:
      scope:
        description: Whose files these are; calls for other scopes are not touched.
        type: str
        required: true
      part:
        description: Which of the scope's files these are.
        type: str
        required: true
      sealed:
        description: Whether they may be kept on disk, encrypted.
        type: bool
        default: true
      holders:
        description: Who has which of them.
        type: list
        elements: dict
        default: []
        suboptions:
          name:
            description: The holder's name.
            type: str
            required: true
          files:
            description: Paths, all of them among O(files).
            type: list
            elements: path
            default: []
          units:
            description: Units of systemd that start after them.
            type: list
            elements: str
            default: []
seealso:
  - module: mainstay.backend.templates
  - module: mainstay.backend.secret_files
"""

EXAMPLES = r"""
- name: Put a configuration and a password in place
  mainstay.backend.files:
    directories:
      - path: /etc/shop
    files:
      - path: /etc/shop/shop.conf
        content: "port = 3000\n"
      - path: /etc/shop/password
        owner: www-data
        group: www-data
        mode: "0600"
    secrets:
      /etc/shop/password: "{{ lookup('mainstay.backend.secret', 'shop_db') }}"
"""

RETURN = r"""
changes:
  description: What changed, or in check mode would change.
  returned: always
  type: list
  elements: dict
  contains:
    path:
      description: The file or directory.
      type: str
      returned: always
    what:
      description: Some of V(created), V(content), V(owner), V(group), V(mode), V(removed).
      type: list
      elements: str
      returned: always
actions:
  description: The same for people, one text for each path.
  returned: always
  type: list
  elements: str
  sample: ["/etc/shop/shop.conf: content, mode"]
"""

import contextlib
import os
import stat
from dataclasses import replace
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mainstay.backend.plugins.module_utils._bundle import Holder, Request
from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._dotenv import masker
from ansible_collections.mainstay.backend.plugins.module_utils._file_specs import (
    Change,
    DirectorySpec,
    FileSpec,
    directory_specs,
    file_specs,
)
from ansible_collections.mainstay.backend.plugins.module_utils._files import place
from ansible_collections.mainstay.backend.plugins.module_utils._ignore import with_block
from ansible_collections.mainstay.backend.plugins.module_utils._journal import journal
from ansible_collections.mainstay.backend.plugins.module_utils._sealed import alone, prepare

OWNERSHIP: dict[str, Any] = {
    "path": {"type": "path", "required": True},
    "owner": {"type": "str", "default": "root"},
    "group": {"type": "str", "default": "root"},
    "source": {"type": "str", "default": ""},
}
FILE: dict[str, Any] = {
    **OWNERSHIP,
    "mode": {"type": "raw", "default": "0644"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "content": {"type": "str"},
    "block": {"type": "list", "elements": "str"},
    "secret": {"type": "bool", "default": False},
    "shown_variables": {"type": "list", "elements": "str"},
    "validate": {"type": "list", "elements": "str", "default": []},
}
DIRECTORY: dict[str, Any] = {
    **OWNERSHIP,
    "mode": {"type": "raw", "default": "0755"},
    "keep": {"type": "bool", "default": False},
}
KEPT: dict[str, Any] = {
    "scope": {"type": "str", "required": True},
    "part": {"type": "str", "required": True},
    "sealed": {"type": "bool", "default": True},
    "holders": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "files": {"type": "list", "elements": "path", "default": []},
            "units": {"type": "list", "elements": "str", "default": []},
        },
    },
}


def specs(parameters: dict[str, Any]) -> list[FileSpec]:
    """The files with the content of the secret ones put in. A secret content is a parameter of its own, with no_log at the top level:

    of a list's no_log suboption, Ansible writes a text of several lines to the host's system log.
    """
    secrets, items = dict(parameters["secrets"]), parameters["files"]
    found = []
    for item, spec in zip(items, file_specs(items), strict=True):
        secret = spec.secret or spec.path in secrets
        if item["block"] and item["state"] == "present":
            spec = with_lines(spec, item["block"])
        content = secrets.pop(spec.path, spec.content)
        if item["state"] == "present" and not isinstance(content, str):
            raise MainstayError(f"files: found no content of {spec.path}; expected it in content, or in secrets")
        mask = masker(item["shown_variables"]) if item["shown_variables"] is not None else None
        found.append(replace(spec, content=content if item["state"] == "present" else None, secret=secret, mask=mask))
    if secrets:
        raise MainstayError(f"secrets: found {', '.join(sorted(secrets))}; expected only paths that files lists")
    return found


def with_lines(spec: FileSpec, block: list[str]) -> FileSpec:
    """SPEC with the content of the file that is there and BLOCK in it; what else the file is, it stays."""
    try:
        with os.fdopen(os.open(spec.path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as handle:
            found, text = os.fstat(handle.fileno()), handle.read().decode()
    except (FileNotFoundError, NotADirectoryError):
        return replace(spec, content=with_block("", block))
    except UnicodeDecodeError:
        raise MainstayError(f"{spec.path}: found bytes that are not UTF-8; expected text") from None
    return replace(
        spec,
        content=with_block(text, block),
        owner=str(found.st_uid),
        group=str(found.st_gid),
        mode=stat.S_IMODE(found.st_mode),
    )


def put(
    files: list[FileSpec], directories: list[DirectorySpec], kept: dict[str, Any] | None, check_mode: bool
) -> tuple[list[Change], list[str]]:
    """What changed, and warnings."""
    if not kept:
        return place(files, directories, check_mode), []
    holders = [Holder(item["name"], tuple(item["files"]), units=tuple(item["units"])) for item in kept["holders"]]
    missing = {path for item in holders for path in item.files} - {
        spec.path for spec in files if spec.content is not None
    }
    if missing:
        raise MainstayError(f"kept: found {', '.join(sorted(missing))}; expected only paths that files lists")
    request = Request(kept["scope"], kept["part"], tuple(holders), kept["sealed"])
    with contextlib.nullcontext() if check_mode else alone():
        sealing = prepare(request, files, directories, check_mode)
        changes = place([*files, *sealing.specs], [*directories, *sealing.directories], check_mode)
        changes += sealing.finish(changes)
    return changes, sealing.warnings


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "files": {"type": "list", "elements": "dict", "options": FILE, "default": []},
            "secrets": {"type": "dict", "no_log": True, "default": {}},
            "directories": {"type": "list", "elements": "dict", "options": DIRECTORY, "default": []},
            "kept": {"type": "dict", "options": KEPT},
        },
        supports_check_mode=True,
    )
    try:
        directories = directory_specs(module.params["directories"])
        changes, warnings = put(specs(module.params), directories, module.params["kept"], module.check_mode)
    except MainstayError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        hint = "; expected a user who may do that: become" if isinstance(error, PermissionError) else ""
        module.fail_json(msg=f"{error.filename or 'a file'}: {error.strerror}{hint}")
    actions = [f"{change.path}: {', '.join(change.what)}" for change in changes]
    journal("files", actions, module.check_mode)
    for text in warnings:
        module.warn(text)
    module.exit_json(
        changed=bool(changes),
        changes=[{"path": change.path, "what": list(change.what)} for change in changes],
        actions=actions,
        diff=[change.diff() for change in changes],
    )


if __name__ == "__main__":
    main()
