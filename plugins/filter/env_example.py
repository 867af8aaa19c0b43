# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: env_example
short_description: Makes .env.example out of an application's env.schema.yml
description:
  - Returns the text of a .env.example with every variable of the schema, what it is for, its type, and where it is required, in the schema's order.
  - A variable that is not sensitive has its default, or its example, as value. A sensitive one is empty, or has its default where that can be
    no secret, as a number.
  - A variable that belongs in the secrets folder or in a settings file, is deprecated, or is forbidden in O(environment) is a comment.
  - Ruby's, Python's and Node's dotenv, systemd and Docker Compose read the text alike.
version_added: 0.2.0
author: The mainstay.backend authors (@mainstay)
positional: environment
options:
  _input:
    description: The text of env.schema.yml.
    type: str
    required: true
  environment:
    description: The environment whose defaults are taken. Without it, those that hold in all.
    type: str
    default: ""
seealso:
  - plugin: mainstay.backend.env_reference
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Write .env.example
  ansible.builtin.copy:
    content: "{{ lookup('ansible.builtin.file', 'env.schema.yml') | mainstay.backend.env_example }}"
    dest: .env.example
    mode: "0644"
  delegate_to: localhost
"""

RETURN = r"""
_value:
  description: The text of .env.example.
  type: str
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._env_reference import example_file
from ansible_collections.mainstay.backend.plugins.module_utils._env_schema import read_schema


def env_example(schema: Any, environment: Any = "") -> str:
    if not isinstance(schema, str) or not isinstance(environment, str):
        raise AnsibleFilterError("env_example: found what is no text; expected schema_text | env_example(environment)")
    try:
        return example_file(read_schema(str(schema), "env.schema.yml"), str(environment))
    except MainstayError as error:
        raise AnsibleFilterError(f"env_example: {error}") from None


class FilterModule:
    def filters(self) -> dict[str, Callable[..., str]]:
        return {"env_example": env_example}
