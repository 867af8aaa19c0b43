# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: env_reference
short_description: Makes a reference of all variables, in Markdown, out of an application's env.schema.yml
description:
  - Returns a table of all variables with their types, limits, defaults and descriptions, and one of the rules across them.
  - Examples of sensitive variables, and their defaults where these may be secrets, are not shown.
version_added: 0.2.0
author: The mainstay.backend authors (@mainstay)
options:
  _input:
    description: The text of env.schema.yml.
    type: str
    required: true
seealso:
  - plugin: mainstay.backend.env_example
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Write the page of all variables
  ansible.builtin.copy:
    content: "# Configuration\n\n{{ lookup('ansible.builtin.file', 'env.schema.yml') | mainstay.backend.env_reference }}"
    dest: docs/configuration.md
    mode: "0644"
  delegate_to: localhost
"""

RETURN = r"""
_value:
  description: The tables.
  type: str
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._env_reference import markdown
from ansible_collections.mainstay.backend.plugins.module_utils._env_schema import read_schema


def env_reference(schema: Any) -> str:
    if not isinstance(schema, str):
        raise AnsibleFilterError("env_reference: found what is no text; expected schema_text | env_reference")
    try:
        return markdown(read_schema(str(schema), "env.schema.yml"))
    except MainstayError as error:
        raise AnsibleFilterError(f"env_reference: {error}") from None


class FilterModule:
    def filters(self) -> dict[str, Callable[..., str]]:
        return {"env_reference": env_reference}
