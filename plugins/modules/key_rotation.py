#!/usr/bin/python
# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: key_rotation
short_description: The plan, the lock and the journal of a rotation
description:
  - Says which credentials rotate and why, holds the lock of the run, and takes the secret store from state to state. It asks no host;
    M(mainstay.backend.rotation_step) does what a state means on the hosts.
  - The store says at every moment which versions are valid, and everything else converges to it - from V(GENERATED) on servers let the pending version in,
    from V(TESTED) on it is the current one and consumers get it, after V(CONSUMERS_OK) the previous one is let in no more, at V(DONE) it is forgotten.
    So what a state asks for is durable before its effect, and a run that was killed is simply run again. A pending version is taken up again; a
    third one is never made.
  - Used by the role mainstay.backend.rotation. Use it with C(run_once).
version_added: 0.3.0
author: The mainstay.backend authors (@mainstay)
extends_documentation_fragment: [mainstay.backend.attributes, mainstay.backend.attributes.on_controller]
attributes:
  check_mode:
    description: V(PLANNED) says what would rotate and whether the inventory's part of the preconditions holds, and takes no lock. Other states are refused.
  diff_mode:
    support: none
    description: There is nothing of a secret to show.
options:
  state:
    description: The state that was reached. V(PLANNED) makes the plan and takes the lock, V(DONE) gives it back.
    type: str
    required: true
    choices: [PLANNED, GENERATED, STAGED, TESTED, PUBLISHED, RELOADED, CONSUMERS_OK, RETIRED, REFUSED, DONE]
  names:
    description: What RV(rotating) said of state V(PLANNED) - credential to the reason why it is due, or nothing where its rotation goes on.
    type: dict
    default: {}
  only:
    description: The credentials to look at, for V(PLANNED). Empty for all.
    type: list
    elements: str
    default: []
  force:
    description: Whether credentials rotate that are not old enough, for V(PLANNED).
    type: bool
    default: false
  unlock:
    description: Whether the lock is taken from a run on another machine, for V(PLANNED). One of this machine that died is succeeded in any case.
    type: bool
    default: false
  retire_now:
    description: Keys that wait until what their previous version signed is over, and shall wait no more, for V(PLANNED). A list or names with commas.
    type: raw
    default: []
  serial:
    description: How many hosts of consumers are moved at the same time - a number, a percentage or a list of them.
    type: raw
    default: 1
  hooks:
    description: Task files to run before and after states, for V(PLANNED), which refuses unknown states and files that are not there.
    type: dict
    default: {}
seealso:
  - module: mainstay.backend.rotation_step
  - module: mainstay.backend.rotation_status
  - module: mainstay.backend.key_rotation_validate
"""

EXAMPLES = r"""
- name: Say what rotates and why, and take the lock
  mainstay.backend.key_rotation:
    state: PLANNED
    only: [shop_db]
    force: true
  register: rotation_planned
  run_once: true

- name: Make the new secrets
  mainstay.backend.key_rotation:
    state: GENERATED
    names: "{{ rotation_planned.rotating }}"
  run_once: true
"""

RETURN = r"""
rotating:
  description: The credentials that rotate in this run, each with the reason why it is due; empty where its rotation goes on.
  returned: for state V(PLANNED)
  type: dict
moved:
  description: The hosts of the consumers that are moved.
  returned: for state V(PLANNED)
  type: list
  elements: str
steps:
  description: The task files of the role mainstay.backend.rotation in their order, O(hooks) among them, each with its state; none in check mode.
  returned: for state V(PLANNED)
  type: list
  elements: dict
batch_steps:
  description: The same for one batch of the consumers' hosts.
  returned: for state V(PLANNED)
  type: list
  elements: dict
lines:
  description: The plan as a table, a line each.
  returned: for state V(PLANNED)
  type: list
  elements: str
round:
  description: The credentials of which consumers have to be given something anew now.
  returned: for the other states
  type: list
  elements: str
batches:
  description: The hosts of their consumers, as many at a time as O(serial) says.
  returned: for the other states
  type: list
  elements: list
actions:
  description: Which credential came to which state.
  returned: for the other states
  type: list
  elements: str
"""
