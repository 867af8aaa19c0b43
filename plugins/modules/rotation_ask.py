#!/usr/bin/python
# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: rotation_ask
short_description: Takes new tokens from the keyboard into the secret store
description:
  - Asks for the value of each token on the terminal, without showing it, and keeps it in the secret store and nowhere else. No variable,
    argument or result has it.
  - A token that the store lacks gets it as its first value. Otherwise its rotation begins with it, and the role mainstay.backend.rotation takes
    it on. One that was typed in before and not tested yet is replaced; with the value in use its rotation is given up.
  - Refused are a value that is empty, a placeholder, or more than one line, and a run without a terminal.
  - Use it with C(run_once).
version_added: 0.3.0
author: The mainstay.backend authors (@mainstay)
extends_documentation_fragment: [mainstay.backend.attributes, mainstay.backend.attributes.on_controller]
attributes:
  check_mode:
    description: Says for which tokens it would ask.
  diff_mode:
    support: none
    description: There is nothing that may be shown.
options:
  names:
    description: Credentials of kind C(token) in C(backend_credentials), a list or names with commas.
    type: raw
    required: true
seealso:
  - module: mainstay.backend.key_rotation
"""

EXAMPLES = r"""
- name: Type in the new token of the payment service
  mainstay.backend.rotation_ask:
    names: [payments]
  run_once: true
"""

RETURN = r"""
actions:
  description: What was done, or in check mode would be; one text for each token.
  returned: always
  type: list
  elements: str
  sample: ["payments: a new value waits in the secret store for its rotation"]
"""
