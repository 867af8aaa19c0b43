#!/usr/bin/python
# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: secret_store
short_description: Lists, shows, re-keys and restores the secret store on the controller
description:
  - Works on the encrypted store that C(backend_store), C(backend_store_dir) and C(backend_environment) name. Runs on the controller and asks no host.
  - Playbook C(mainstay.backend.secret_store) runs it, with the options as extra variables.
  - Prints a table, or what it did. No output, result, callback or log file holds the value of a secret, also not with O(command=show).
  - O(command=rekey) and O(command=restore) take the lock of a rotation, so that none runs meanwhile.
version_added: 0.3.0
author: The mainstay.backend authors (@mainstay)
attributes:
  check_mode:
    description: Tells what would change, and changes nothing.
    support: full
  diff_mode:
    description: Shows for whom the store is written, before and after.
    support: full
  action:
    description: Runs on the controller.
    support: full
options:
  command:
    description:
      - V(list) tells each credential's name, kind, state, age and slots, and who can read the store.
      - V(show) gives the secret of O(credential), to O(show_to) or to the terminal.
      - V(rekey) writes the store as the inventory says - with the other back end (C(backend_store)), for other recipients (C(backend_store_recipients)), or
        with another vault password (C(backend_store_vault_id), with the old and the new one given as C(--vault-id)). The copy of the file before is
        written for the new readers too.
      - V(restore) puts back the file before the last write, which lies beside the store with C(~) at its end. The damaged one is kept, ending in C(.bak).
    type: str
    choices: [list, show, rekey, restore]
    required: true
  credential:
    description: For O(command=show) the credential's name.
    type: str
    default: ""
  version:
    description: For O(command=show) which of its versions.
    type: str
    choices: [current, pending, previous]
    default: current
  show_to:
    description: For O(command=show) the path on the controller of a file that is not there yet; it is made with mode 0600.
    type: path
    default: ""
  reveal:
    description:
      - For O(command=show) without O(show_to), prints the secret at the terminal that ansible-playbook was started from, past callbacks, log files and
        pipes. Refused where there is no terminal, and under ansible-runner and AWX, which record theirs.
    type: bool
    default: false
  force:
    description: For O(command=restore), does it also where the store opens, or others can open it; what was written last is lost.
    type: bool
    default: false
  unlock:
    description: Takes the lock of a rotation also from a holder on another machine, which may be alive.
    type: bool
    default: false
seealso:
  - plugin: mainstay.backend.secret
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: List the credentials of the store
  mainstay.backend.secret_store:
    command: list

- name: Write one secret into a file for its owner only
  mainstay.backend.secret_store:
    command: show
    credential: shop_db
    show_to: ~/shop_db.txt

- name: Write the store for the recipients that the inventory names now
  mainstay.backend.secret_store:
    command: rekey

- name: Put back the store before the last write
  mainstay.backend.secret_store:
    command: restore
"""

RETURN = r"""
path:
  description: The store's file; with O(command=show) and O(show_to) the file that was written.
  returned: success
  type: str
credentials:
  description:
    - For O(command=list) one mapping each - C(name), C(kind), C(mode), C(state) (the last of its rotation, empty before the first), C(created)
      (UTC), C(age_seconds), C(slots) (C(current), C(pending), C(previous) to slot) and C(declared).
  returned: success
  type: list
  elements: dict
readers:
  description: For O(command=list) who can read the store - recipients, or the vault id.
  returned: success
  type: list
  elements: str
actions:
  description: What was done, or would be; for the other commands.
  returned: success
  type: list
  elements: str
lines:
  description: What was printed, a line each.
  returned: success
  type: list
  elements: str
"""
