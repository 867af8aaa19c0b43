#!/usr/bin/python
# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight
short_description: Refuses an inventory that contradicts itself, before anything is changed
description:
  - Reads the whole description (C(backend_*), C(valkey_*), C(postgres_*)) of this host and of the hosts it works with, asks the host
    once per run what it is (M(mainstay.backend.host_probe)), and fails with every problem it finds, each with the variable, what was
    found there and what would be right.
  - Every role begins with it. It changes nothing.
version_added: 0.1.0
author: The mainstay.backend authors (@mainstay)
extends_documentation_fragment: [mainstay.backend.attributes.read_only]
options:
  roles:
    description:
      - The roles of this collection that are about to run on this host.
      - When it is empty, the host's groups (V(valkey), V(postgres)) tell.
    type: list
    elements: str
    default: []
seealso:
  - module: mainstay.backend.host_probe
"""

EXAMPLES = r"""
- name: Check the whole description
  mainstay.backend.preflight:

- name: Check what a role is about to do on a host outside the usual groups
  mainstay.backend.preflight:
    roles: [valkey]
"""

RETURN = r"""
missing_packages:
  description: Packages that the roles need and the host has not.
  returned: success
  type: list
  elements: str
release:
  description: The host's distribution, as M(mainstay.backend.host_probe) tells it.
  returned: success
  type: dict
apt:
  description: The archive and suites of the host, as M(mainstay.backend.host_probe) tells them.
  returned: success
  type: dict
postgres_version:
  description: The major version of PostgreSQL that C(postgres_version) or the release asks for.
  returned: success
  type: int
"""
