#!/usr/bin/python
# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: host_probe
short_description: Tells what a host is and has, in one read-only call
description:
  - Reads distribution, memory, cores, package versions, apt suites, listening ports with their units, and PostgreSQL clusters from
    C(/proc), C(/etc) and dpkg's database. Runs no command and changes nothing.
  - The roles take what they need from it instead of gathering facts. It never reads a secret.
version_added: 0.1.0
author: The mainstay.backend authors (@mainstay)
extends_documentation_fragment: [mainstay.backend.attributes.read_only]
options:
  packages:
    description: Names of the packages whose installed version to tell.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Ask the host
  mainstay.backend.host_probe:
    packages: [valkey-server, postgresql-17]
  register: host

- name: Show its memory
  ansible.builtin.debug:
    msg: "{{ host.probe.memory_bytes // 1048576 }} MiB, {{ host.probe.cores }} cores"
"""

RETURN = r"""
probe:
  description: What was found.
  returned: always
  type: dict
  contains:
    distribution:
      description: C(id), C(like), C(version) (the release as a whole number, also of a testing release; null if unknown) and C(codename).
      type: dict
      returned: always
    memory_bytes:
      description: The host's memory in bytes, or its container's limit where that is lower.
      type: int
      returned: always
    cores:
      description: Processor cores that processes may use.
      type: int
      returned: always
    container:
      description: The kind of container, or an empty text on a machine.
      type: str
      returned: always
    packages:
      description: Package name to installed version; null where it is not installed.
      type: dict
      returned: always
    apt:
      description: C(uri) and C(keyring) of the release's archive, and all enabled C(suites).
      type: dict
      returned: always
    addresses:
      description: The host's own IP addresses.
      type: list
      elements: str
      returned: always
    listeners:
      description: Listening TCP sockets, each with C(address), C(port), C(process) and systemd C(unit).
      type: list
      elements: dict
      returned: always
    clusters:
      description: PostgreSQL clusters, each with C(version), C(name), C(port), C(data_directory), C(running) and C(data_checksums).
      type: list
      elements: dict
      returned: always
    sysctl:
      description: Kernel settings that the roles care about.
      type: dict
      returned: always
    thp:
      description: The mode of transparent huge pages.
      type: str
      returned: always
    python:
      description: Version of the Python that runs modules.
      type: str
      returned: always
    systemd:
      description: Whether systemd runs the host.
      type: bool
      returned: always
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mainstay.backend.plugins.module_utils._probe import probe


def main() -> None:
    module = AnsibleModule(
        argument_spec={"packages": {"type": "list", "elements": "str", "default": []}}, supports_check_mode=True
    )
    module.exit_json(changed=False, probe=probe(module.params["packages"]))


if __name__ == "__main__":
    main()
