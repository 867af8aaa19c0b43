#!/usr/bin/python
# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: rotation_status
short_description: Lists each credential with its age, policy, state and consumers
description:
  - Prints one row a credential, from the secret store and the inventory, and who rotates at the moment. It asks no host. Use it with C(run_once).
version_added: 0.3.0
author: The mainstay.backend authors (@mainstay)
extends_documentation_fragment: [mainstay.backend.attributes.read_only, mainstay.backend.attributes.on_controller]
seealso:
  - module: mainstay.backend.key_rotation
  - module: mainstay.backend.key_rotation_validate
"""

EXAMPLES = r"""
- name: List the credentials
  mainstay.backend.rotation_status:
  register: rotation
  run_once: true

- name: Say which are due
  ansible.builtin.debug:
    msg: "{{ rotation.credentials | selectattr('due') | map(attribute='name') }}"
  run_once: true
"""

RETURN = r"""
credentials:
  description: One entry a credential.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The credential.
      type: str
      returned: always
    kind:
      description: Its kind.
      type: str
      returned: always
    age_seconds:
      description: Age of the version in use.
      type: int
      returned: always
    max_age:
      description: How old it may become, as the inventory says; empty for no limit.
      type: str
      returned: always
    state:
      description: The last state that its rotation reached; empty where it never rotated.
      type: str
      returned: always
    due:
      description: Whether the next run rotates it.
      type: bool
      returned: always
    reason:
      description: Why, or why not.
      type: str
      returned: always
    slot:
      description: The slot in use.
      type: str
      returned: always
    consumers:
      description: Who uses it.
      type: list
      elements: str
      returned: always
holder:
  description: Who rotates at the moment, for people; empty where nobody does.
  returned: success
  type: str
lines:
  description: The table, a line each.
  returned: success
  type: list
  elements: str
"""
