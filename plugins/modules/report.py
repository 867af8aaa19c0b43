#!/usr/bin/python
# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: report
short_description: Shows what stands on all hosts of the play, as tables
description:
  - Prints one row an instance (purpose, port, eviction, persistence, memory used and its limit, URL) and one row a database (version,
    key strategy, a fresh id, URL) from what M(mainstay.backend.backend_status) returned on every host. Passwords are masked.
  - Then the connection budget, one row for each consumer of a server - hosts x processes x pool, twice while a deploy overlaps - and their sum against
    C(max_connections) or C(maxclients).
  - Runs on the controller and asks no host. Use it with C(run_once).
version_added: 0.1.0
author: The mainstay.backend authors (@mainstay)
extends_documentation_fragment: [mainstay.backend.attributes.read_only]
options:
  standing:
    description: Name of the variable in which M(mainstay.backend.backend_status) was registered.
    type: str
    default: backend_standing
  parts:
    description:
      - Which tables. V(connections) needs no answers of servers, only the inventory.
    type: list
    elements: str
    choices: [standing, connections]
    default: [standing, connections]
seealso:
  - module: mainstay.backend.backend_status
"""

EXAMPLES = r"""
- name: Ask the servers
  mainstay.backend.backend_status:
  register: backend_standing

- name: Show what stands
  mainstay.backend.report:
  run_once: true

- name: Show how many connections the consumers may open
  mainstay.backend.report:
    parts: [connections]
  run_once: true
"""

RETURN = r"""
lines:
  description: The tables, a line each.
  returned: success
  type: list
  elements: str
"""
