# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: env_layers
short_description: What a Rails process has in its environment once dotenv-rails has loaded its files
description:
  - Takes the files of an application by name, reads those that dotenv-rails 3.2 reads in an environment, and returns the environment of the process.
  - From high to low these are the process environment, C(.env.ENVIRONMENT.local), C(.env.local) (not in V(test)), C(.env.ENVIRONMENT) and C(.env).
    The first one that sets a variable wins. Other files are not looked at.
  - A file that dotenv refuses is an error, which names the file and the line, and never a value.
version_added: 0.2.0
author: The mainstay.backend authors (@mainstay)
notes:
  - What it returns may be secret. Give a task that uses it C(no_log).
options:
  _input:
    description: File names and the contents of the files, text or bytes.
    type: dict
    required: true
  environment:
    description: The Rails environment.
    type: str
    default: development
  process_env:
    description: The environment that the process starts with. All of it is in the result.
    type: dict
    default: {}
  overwrite:
    description: Lets the files win over O(process_env), as C(Dotenv::Rails.overwrite = true) does.
    type: bool
    default: false
seealso:
  - plugin: mainstay.backend.env_parse
    plugin_type: filter
  - plugin: mainstay.backend.settings_layers
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Which database production uses
  ansible.builtin.debug:
    msg: "{{ (files | mainstay.backend.env_layers(environment='production')).DATABASE_NAME }}"
  vars:
    files:
      .env: "{{ lookup('ansible.builtin.file', '.env') }}"
      .env.production: "{{ lookup('ansible.builtin.file', '.env.production') }}"
"""

RETURN = r"""
_value:
  description: The variables of the process and their values.
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._env_layers import env_layers as layered
from ansible_collections.mainstay.backend.plugins.plugin_utils.env_text import environment_name, files, variables


def env_layers(
    contents: Any, environment: Any = "development", process_env: Any = None, overwrite: bool = False
) -> dict[str, str]:
    try:
        process = variables(process_env, "process_env")
        return layered(files(contents, "input"), environment_name(environment), process, bool(overwrite))
    except MainstayError as error:
        raise AnsibleFilterError(f"env_layers: {error}") from None


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"env_layers": env_layers}
