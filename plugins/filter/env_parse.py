# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: env_parse
short_description: Reads the text of an environment file as a given loader does
description:
  - Returns the variables that a program gets from a file, quotes, escapes, comments, expansion and all. Loaders differ in these.
  - Nothing is executed. Where dotenv of Ruby would run a command, C($(...)), it stays in the value as it is written.
  - A key that the loader leaves unset is not in the result. Only python-dotenv gives a key without a value, which is V(none) here.
  - A file that the loader refuses is an error, which tells the line and what is wrong there, and never a value.
version_added: 0.2.0
author: The mainstay.backend authors (@mainstay)
notes:
  - What it returns may be secret. Give a task that uses it C(no_log).
positional: loader
options:
  _input:
    description: The content of the file, text or bytes.
    type: raw
    required: true
  loader:
    description:
      - Who reads the file.
      - V(ruby) is dotenv 3.2, V(python) python-dotenv 1.2, V(node) dotenv 17.4 (without dotenv-expand), V(systemd) C(EnvironmentFile=) of systemd 257,
        V(compose) C(env_file) of Docker Compose 2.26, V(docker) C(docker run --env-file) 28.2.
    type: str
    required: true
    choices: [ruby, python, node, systemd, compose, docker]
  environment:
    description: The environment of the process that reads the file. A loader may take values from there.
    type: dict
    default: {}
seealso:
  - plugin: mainstay.backend.env_parse
    plugin_type: lookup
  - plugin: mainstay.backend.env_layers
    plugin_type: filter
"""

EXAMPLES = r"""
- name: The database's URL as the container gets it
  ansible.builtin.assert:
    that: (file | mainstay.backend.env_parse(loader='compose')).DATABASE_URL == (file | mainstay.backend.env_parse(loader='ruby')).DATABASE_URL
  vars:
    file: "{{ lookup('ansible.builtin.file', '.env', rstrip=false) }}"
  no_log: true
"""

RETURN = r"""
_value:
  description: The variables and their values.
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.plugin_utils.env_text import data, parse


def env_parse(content: Any, loader: Any = None, environment: Any = None) -> dict[str, str | None]:
    try:
        return parse(data(content, "input"), loader, environment)
    except MainstayError as error:
        raise AnsibleFilterError(f"env_parse: {error}") from None


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"env_parse": env_parse}
