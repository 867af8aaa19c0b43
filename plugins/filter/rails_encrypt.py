# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: rails_encrypt
short_description: Encrypts a text as a Rails credentials file
description:
  - Returns the content of a file as C(rails credentials:edit) writes it, without a newline at its end, which Rails before 7 refuses to read.
  - It differs each time. To edit a file that is there, use M(mainstay.backend.rails_credentials), which writes only where something changes.
version_added: 0.2.0
author: The mainstay.backend authors (@mainstay)
positional: key
options:
  _input:
    description: The text, for credentials YAML.
    type: str
    required: true
  key:
    description: The key, 32 hexadecimal characters.
    type: str
    required: true
seealso:
  - plugin: mainstay.backend.rails_decrypt
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Write another encrypted file that the application reads
  ansible.builtin.copy:
    content: "{{ {'token': shop_token} | to_nice_yaml | mainstay.backend.rails_encrypt(shop_master_key) }}"
    dest: /srv/shop/config/partner.yml.enc
    mode: "0644"
"""

RETURN = r"""
_value:
  description: What the encrypted file holds.
  type: str
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._rails_credentials import encrypt


def rails_encrypt(text: Any, key: Any) -> str:
    if not isinstance(text, str) or not isinstance(key, str):
        raise AnsibleFilterError("rails_encrypt: found what is no text; expected text | rails_encrypt(key)")
    try:
        return encrypt(str(text), str(key))
    except (MainstayError, UnicodeError) as error:
        told = str(error) if isinstance(error, MainstayError) else "found text that is not Unicode; expected text"
        raise AnsibleFilterError(f"rails_encrypt: {told}") from None


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"rails_encrypt": rails_encrypt}
