#!/usr/bin/python
# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: rotation_step
short_description: Does one step of a rotation on a host
description:
  - Brings the host to what the secret store says of the credentials that rotate, or proves that it has come there. All credentials take one call
    for each module that the step needs. Every step can be repeated.
  - Used by the role mainstay.backend.rotation, which holds the order.
version_added: 0.3.0
author: The mainstay.backend authors (@mainstay)
extends_documentation_fragment: [mainstay.backend.attributes, mainstay.backend.attributes.on_controller]
attributes:
  check_mode:
    description: Tells what would change, and changes nothing.
  diff_mode:
    description: Shows users and their rights, never passwords or verifiers.
options:
  verb:
    description:
      - V(check) asks, without a change, everything that a later step could fail at - the servers, the logins that work now, the consumers' health.
      - V(stage) lets new versions in beside the current ones, durably.
      - V(works) logs in with the new version from everywhere it is used, or from the server where nobody uses it.
      - V(reload) reloads the consumers of this host one after another, and stops at the first that is not well afterwards.
      - V(sessions) waits until no session of an old version is left, and fails where one stays.
      - V(retire) lets the old versions in no more, durably, and ends what sessions they have.
      - V(refused) logs in with the old versions everywhere, and fails unless an authentication error is the answer.
    type: str
    required: true
    choices: [check, stage, works, reload, sessions, retire, refused]
  names:
    description: The credentials.
    type: raw
    required: true
  seconds:
    description: How long V(sessions) waits, in seconds.
    type: float
    default: 30
  end_sessions:
    description: Whether sessions that are left are no reason for V(sessions) to fail; V(retire) ends them.
    type: bool
    default: false
seealso:
  - module: mainstay.backend.key_rotation
"""

EXAMPLES = r"""
- name: Prove from every host that the old passwords are refused
  mainstay.backend.rotation_step:
    verb: refused
    names: "{{ rotation_planned.rotating }}"
"""

RETURN = r"""
actions:
  description: What changed, for people.
  returned: when something changed
  type: list
  elements: str
outcomes:
  description: What the probes found, as M(mainstay.backend.credential_probe) tells it.
  returned: for V(check), V(works) and V(refused)
  type: list
  elements: dict
sessions:
  description: Sessions of old versions that are left.
  returned: for V(sessions), when there are some
  type: list
  elements: dict
consumers:
  description: What was done to each consumer, as M(mainstay.backend.consumer_reload) tells it.
  returned: for V(reload) and V(check)
  type: list
  elements: dict
"""
