#!/usr/bin/python
# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: server_packages
short_description: Installs what the servers of a host need, in one call, and none where nothing is missing
description:
  - Takes what is missing from what M(mainstay.backend.preflight) found, and has M(mainstay.backend.packages) install it, together with what must be
    there before - how PostgreSQL's package shall create its cluster, and on Debian 12 the backports that hold Valkey.
  - The roles call it for themselves. A play that runs several of them calls it once before, so that apt runs once.
version_added: 0.2.0
author: The mainstay.backend authors (@mainstay)
attributes:
  check_mode:
    description: Tells what would be installed, as M(mainstay.backend.packages) does.
    support: full
  diff_mode:
    description: Shows the files, and the packages with their versions.
    support: full
options:
  roles:
    description:
      - The roles of this collection whose packages to install.
      - When it is empty, the host's groups (V(valkey), V(postgres)) tell, and of those only what C(--tags) and C(--skip-tags) select by
        the role's name.
    type: list
    elements: str
    default: []
seealso:
  - module: mainstay.backend.packages
  - module: mainstay.backend.preflight
"""

EXAMPLES = r"""
- name: Check the description
  mainstay.backend.preflight:

- name: Install what both servers need
  mainstay.backend.server_packages:
"""

RETURN = r"""
actions:
  description: What was done, or would be done in check mode.
  returned: when a package was missing
  type: list
  elements: str
"""
