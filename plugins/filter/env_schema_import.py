# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: env_schema_import
short_description: Makes env.schema.yml out of a .env.schema in @env-spec form
description:
  - Returns the text of an env.schema.yml with the variables of a C(.env.schema) as varlock and other tools of @env-spec read it, in its order,
    with its comments as descriptions.
  - What has no counterpart stands in the result as a comment C(not imported) with its line, and is warned of. That is so for values that functions
    make, for values of variables that are marked as sensitive, for files that the schema imports, and for what a tool does with a variable beyond
    checking it.
version_added: 0.2.0
author: The mainstay.backend authors (@mainstay)
options:
  _input:
    description: The text of the C(.env.schema).
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Take over a schema
  ansible.builtin.copy:
    content: "{{ lookup('ansible.builtin.file', '.env.schema') | mainstay.backend.env_schema_import }}"
    dest: env.schema.yml
    mode: "0644"
  delegate_to: localhost
"""

RETURN = r"""
_value:
  description: The text of env.schema.yml.
  type: str
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible.utils.display import Display

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._env_spec import import_env_spec


def env_schema_import(text: Any) -> str:
    if not isinstance(text, str):
        raise AnsibleFilterError("env_schema_import: found what is no text; expected text | env_schema_import")
    try:
        found = import_env_spec(str(text), ".env.schema")
    except MainstayError as error:
        raise AnsibleFilterError(f"env_schema_import: {error}") from None
    for note in found.notes:
        Display().warning(f".env.schema:{note.line}: not imported: {note.text}")
    return found.text


class FilterModule:
    def filters(self) -> dict[str, Callable[..., str]]:
        return {"env_schema_import": env_schema_import}
