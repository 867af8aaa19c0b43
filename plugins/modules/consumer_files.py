#!/usr/bin/python
# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: consumer_files
short_description: Gives the consumers on a host their secrets or their environment file
description:
  - For every consumer of C(backend_consumers) that lives on the host, writes either the files of its credentials, by
    M(mainstay.backend.secret_files), or its C(.env) file with URLs and pool sizes. All consumers of the host take one remote call.
  - What consumers have no more is removed, of a host of group C(app) also after its last one was taken away.
  - The secrets come from the store on the controller; what the store lacks is created there, in check mode for that run only.
  - Used by the roles mainstay.backend.secrets and mainstay.backend.environment.
version_added: 0.1.0
author: The mainstay.backend authors (@mainstay)
extends_documentation_fragment: [mainstay.backend.attributes, mainstay.backend.attributes.on_controller]
attributes:
  check_mode:
    description: Tells what would change, and changes nothing, on the host and in the store.
  diff_mode:
    description: Shows names, pool sizes and URLs without their passwords; nothing of a secret file but its owner, group and mode.
options:
  part:
    description: Which files to write.
    type: str
    choices: [secrets, environment]
    required: true
"""

EXAMPLES = r"""
- name: Write the environment files of this host's consumers
  mainstay.backend.consumer_files:
    part: environment
"""

RETURN = r"""
changes:
  description: What changed, or in check mode would change.
  returned: when a consumer lives on the host
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
  returned: when a consumer lives on the host
  type: list
  elements: str
"""
