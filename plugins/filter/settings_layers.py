# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: settings_layers
short_description: The settings of a Rails application as the config gem puts them together
description:
  - Takes the settings files of an application by name, below C(config/), and returns the settings that version 5 of the gem C(config) makes of those
    that it reads in an environment.
  - From low to high these are C(settings.yml), C(settings/ENVIRONMENT.yml), C(environments/ENVIRONMENT.yml), C(settings.local.yml) (not in V(test)),
    C(settings/ENVIRONMENT.local.yml), C(environments/ENVIRONMENT.local.yml), and, with O(use_env), the process environment.
    Mappings are merged key by key; a list replaces a list. Other files are not looked at.
  - YAML is read as Ruby reads it, where that differs from Ansible. V(010) is 8, V(1,000) is 1000, V(12:30) is 45000. A symbol comes as its name,
    and a date as it is written.
version_added: 0.2.0
author: The mainstay.backend authors (@mainstay)
notes:
  - What it returns may be secret. Give a task that uses it C(no_log).
  - A file with ERB in it is refused, for no Ruby runs here. YAML tags that make Ruby objects have no effect.
options:
  _input:
    description: File names and the contents of the files, text or bytes.
    type: dict
    required: true
  environment:
    description: The Rails environment.
    type: str
    default: development
  use_env:
    description: Takes settings from O(process_env) too, as C(Config.use_env) does.
    type: bool
    default: false
  process_env:
    description: The environment of the process.
    type: dict
    default: {}
  env_prefix:
    description: What the names of those variables begin with.
    type: str
    default: Settings
  env_separator:
    description: What stands between the parts of their names.
    type: str
    default: "."
  env_converter:
    description: What happens to the parts of their names.
    type: str
    choices: [downcase, ""]
    default: downcase
  env_parse_values:
    description: Makes numbers and booleans of what looks like one to Ruby. V(010) is 8 then, too.
    type: bool
    default: true
  env_parse_arrays:
    description: Makes lists of variables whose last parts are V(0), V(1) and so on.
    type: bool
    default: false
seealso:
  - plugin: mainstay.backend.env_layers
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Which port the application serves in production
  ansible.builtin.debug:
    msg: "{{ (files | mainstay.backend.settings_layers(environment='production')).server.port }}"
  vars:
    files:
      settings.yml: "{{ lookup('ansible.builtin.file', 'config/settings.yml') }}"
      settings/production.yml: "{{ lookup('ansible.builtin.file', 'config/settings/production.yml') }}"
"""

RETURN = r"""
_value:
  description: The settings.
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._settings_layers import EnvSource, setting_files
from ansible_collections.mainstay.backend.plugins.module_utils._settings_layers import settings_layers as layered
from ansible_collections.mainstay.backend.plugins.plugin_utils.env_text import environment_name, files, variables
from ansible_collections.mainstay.backend.plugins.plugin_utils.settings_yaml import read_settings


def settings_layers(
    contents: Any,
    environment: Any = "development",
    use_env: bool = False,
    process_env: Any = None,
    env_prefix: str = "Settings",
    env_separator: str = ".",
    env_converter: str | None = "downcase",
    env_parse_values: bool = True,
    env_parse_arrays: bool = False,
) -> dict[str, Any]:
    try:
        name = environment_name(environment)
        given = files(contents, "input")
        parsed = {file: _read(file, given[file]) for file in setting_files(name) if file in given}
        source = EnvSource(
            str(env_prefix),
            str(env_separator),
            str(env_converter or ""),
            bool(env_parse_values),
            bool(env_parse_arrays),
        )
        return layered(parsed, name, variables(process_env, "process_env"), source if use_env else None)
    except MainstayError as error:
        raise AnsibleFilterError(f"settings_layers: {error}") from None


def _read(name: str, content: bytes) -> Any:
    try:
        return read_settings(name, content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise MainstayError(f"{name}: found a byte that is not UTF-8; expected YAML") from None


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"settings_layers": settings_layers}
