#!/usr/bin/python
# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: postgres_cluster
short_description: Brings a host's PostgreSQL cluster to its description in one call
description:
  - As a task it takes no options. Everything below is rendered and derived on the controller from C(postgres_*) and the host's probe
    (M(mainstay.backend.preflight) runs before it).
  - Owns the cluster C(main) of one version. These are its settings in C(conf.d/mainstay.conf), C(pg_hba.conf), a drop-in that hardens its
    unit, the files of the extension C(uuidv7), and the defaults for clusters to come.
  - The server's own binary reads the candidate settings first. What it refuses never replaces a working file.
  - Asks the running server what it runs with. What ALTER SYSTEM set of a declared parameter is taken back, and other files that override
    one are named in an error.
  - Reloads where that is enough and restarts only for what is read at a start. Where the server does not come up, the previous files are
    put back and the task fails with the server's own words.
  - A cluster without data checksums is refused with the command that switches them on, unless O(data_checksums=false).
version_added: 0.1.0
author: The mainstay.backend authors (@mainstay)
requirements:
  - psycopg2 >= 2.9 (Debian package python3-psycopg2)
extends_documentation_fragment: [mainstay.backend.attributes]
attributes:
  check_mode:
    description: Says what would change without changing it, on a host without PostgreSQL too.
  diff_mode:
    description: Shows files and the running server's settings before and after.
options:
  version:
    description: Major version of PostgreSQL. Filled in on the controller.
    type: int
  port:
    description: The cluster's port. Filled in on the controller.
    type: int
    default: 5432
  settings:
    description: Parameter to value as the server shall run them. Filled in on the controller.
    type: dict
    default: {}
  configuration:
    description: Content of C(conf.d/mainstay.conf). Filled in on the controller.
    type: str
    default: ''
  hba:
    description: Content of C(pg_hba.conf). Filled in on the controller.
    type: str
    default: ''
  unit:
    description: Content of the drop-in for the cluster's unit. Filled in on the controller.
    type: str
    default: ''
  createcluster:
    description: Defaults for clusters to come. Filled in on the controller.
    type: str
    default: ''
  extension:
    description: Files of the extension C(uuidv7), name to content. Filled in on the controller.
    type: dict
    default: {}
  data_checksums:
    description: Whether the cluster must have data checksums. Filled in on the controller.
    type: bool
    default: true
  certificate:
    description: Files of the certificate that is served, name to PEM. Filled in on the controller.
    type: dict
    default: {}
  certificate_name:
    description: A name in the certificate, by which it is verified. Filled in on the controller.
    type: str
    default: ''
seealso:
  - module: mainstay.backend.postgres_databases
"""

EXAMPLES = r"""
- name: Check the description
  mainstay.backend.preflight:
    roles: [postgres]

- name: Run the cluster
  mainstay.backend.postgres_cluster:
"""

RETURN = r"""
actions:
  description: What was done and why, or would be done in check mode.
  returned: always
  type: list
  elements: str
  sample: ['restarted postgresql@17-main.service: shared_buffers (128MB runs) needs it']
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._journal import journal
from ansible_collections.mainstay.backend.plugins.module_utils._postgres_cluster import apply
from ansible_collections.mainstay.backend.plugins.module_utils._postgres_layout import Wanted


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "version": {"type": "int"},
            "port": {"type": "int", "default": 5432},
            "settings": {"type": "dict", "default": {}},
            "configuration": {"type": "str", "default": ""},
            "hba": {"type": "str", "default": ""},
            "unit": {"type": "str", "default": ""},
            "createcluster": {"type": "str", "default": ""},
            "extension": {"type": "dict", "default": {}},
            "data_checksums": {"type": "bool", "default": True},
            "certificate": {"type": "dict", "default": {}, "no_log": True},
            "certificate_name": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    try:
        outcome = apply(Wanted(**module.params), module.check_mode)
    except MainstayError as error:
        module.fail_json(msg=str(error))
    journal("postgres_cluster", outcome.actions, module.check_mode)
    module.exit_json(changed=outcome.changed, actions=outcome.actions, diff=outcome.diff)


if __name__ == "__main__":
    main()
