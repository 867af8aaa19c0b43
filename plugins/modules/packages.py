#!/usr/bin/python
# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: packages
short_description: Installs missing Debian packages without starting their services, in one call
description:
  - Puts files in place that apt or the packages read while they are installed, fetches the package lists, and installs what is missing, without
    recommended packages, in one run of C(apt-get). A package that is installed is left at its version.
  - No service is started meanwhile, so that a server's first start is the one with its own configuration. A C(policy-rc.d) of the host's
    own is set aside for that time; one that a killed run left behind denies nothing.
  - A source whose lists cannot be fetched is a warning as long as the packages come from another.
version_added: 0.2.0
author: The mainstay.backend authors (@mainstay)
attributes:
  check_mode:
    description: Fetches no package lists. Where those of the host know the packages, C(apt-get) simulates, and what it would refuse fails the task.
    support: full
  diff_mode:
    description: Shows the files, and the packages with their versions.
    support: full
options:
  names:
    description: Names of the packages that shall be there.
    type: list
    elements: str
    required: true
  update:
    description: Whether to fetch the package lists before something is installed.
    type: bool
    default: true
  files:
    description: Files to put in place first, owned by root and readable for all. They are written only where a package is missing.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Where the file lies. Its folder is made.
        type: path
        required: true
      content:
        description: What it holds.
        type: str
        required: true
seealso:
  - module: mainstay.backend.server_packages
"""

EXAMPLES = r"""
- name: Install a client and a library
  mainstay.backend.packages:
    names: [postgresql-client, python3-psycopg2]
"""

RETURN = r"""
versions:
  description: Package name to the version that is installed; null where it is not (in check mode).
  returned: success
  type: dict
actions:
  description: What was done, or would be done in check mode.
  returned: success
  type: list
  elements: str
  sample: [installed valkey-server 8.1.1+dfsg1-3]
"""

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mainstay.backend.plugins.module_utils._apt import install, missing
from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._file_specs import DirectorySpec, FileSpec
from ansible_collections.mainstay.backend.plugins.module_utils._files import place

FILE = {"path": {"type": "path", "required": True}, "content": {"type": "str", "required": True}}


def run(told: dict[str, Any], check_mode: bool) -> tuple[dict[str, Any], list[str]]:
    """The result, and what to warn of."""
    files = [FileSpec(item["path"], item["content"]) for item in told["files"]] if missing(told["names"]) else []
    folders = [DirectorySpec(path, keep=True) for path in sorted({os.path.dirname(spec.path) for spec in files})]
    changes = place(files, folders, check_mode)
    done = install(told["names"], told["update"], check_mode)
    before = "".join(f"{name}: missing\n" for name in done.missing)
    after = "".join(f"{name}: {done.versions[name] or 'installed'}\n" for name in done.missing)
    shown = {"before_header": "packages", "after_header": "packages", "before": before, "after": after}
    result = {
        "changed": bool(changes or done.missing),
        "versions": done.versions,
        "actions": [f"{change.path}: {', '.join(change.what)}" for change in changes] + done.actions,
        "diff": [change.diff() for change in changes] + [shown] * bool(done.missing),
    }
    return result, done.warnings


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "names": {"type": "list", "elements": "str", "required": True},
            "update": {"type": "bool", "default": True},
            "files": {"type": "list", "elements": "dict", "default": [], "options": FILE},
        },
        supports_check_mode=True,
    )
    try:
        result, warnings = run(module.params, module.check_mode)
    except MainstayError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        hint = "; expected a user who may do that: become" if isinstance(error, PermissionError) else ""
        module.fail_json(msg=f"{error.filename or 'a file'}: {error.strerror}{hint}")
    for text in warnings:
        module.warn(text)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
