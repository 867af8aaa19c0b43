# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: rails_decrypt
short_description: Decrypts the content of a Rails credentials file
description:
  - Returns the text in a file that Rails, or C(mainstay.backend.rails_encrypt), wrote. White space around the content does not matter.
  - To read single values, use C(mainstay.backend.rails_credentials).
version_added: 0.2.0
author: The mainstay.backend authors (@mainstay)
notes:
  - What it returns is secret. Give a task that uses it C(no_log).
positional: key
options:
  _input:
    description: The content of the encrypted file.
    type: str
    required: true
  key:
    description: The key, 32 hexadecimal characters.
    type: str
    required: true
seealso:
  - plugin: mainstay.backend.rails_encrypt
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Read all of the credentials
  ansible.builtin.set_fact:
    shop_credentials: "{{ lookup('ansible.builtin.file', 'config/credentials.yml.enc') | mainstay.backend.rails_decrypt(shop_master_key) | from_yaml }}"
  no_log: true
"""

RETURN = r"""
_value:
  description: The decrypted text.
  type: str
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._rails_credentials import decrypt


def rails_decrypt(content: Any, key: Any) -> str:
    if not isinstance(content, str) or not isinstance(key, str):
        raise AnsibleFilterError("rails_decrypt: found what is no text; expected file_content | rails_decrypt(key)")
    try:
        return decrypt(str(content), str(key))
    except MainstayError as error:
        raise AnsibleFilterError(f"rails_decrypt: {error}") from None


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"rails_decrypt": rails_decrypt}
