# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: scram_verifier
short_description: What PostgreSQL stores of a password
description:
  - Computes the SCRAM-SHA-256 verifier of a password on the controller, SASLprep included, so that the server never sees the password.
  - The same password and salt give the same verifier, so that a task that sets it changes nothing the second time.
version_added: 0.3.0
author: The mainstay.backend authors (@mainstay)
positional: _input
options:
  _input:
    description: The password.
    type: str
    required: true
  salt:
    description: What makes verifiers of the same password differ. The login's name is right; it is no secret.
    type: str
    required: true
seealso:
  - module: mainstay.backend.postgres_login
"""

EXAMPLES = r"""
- name: Let report in with its password
  mainstay.backend.postgres_login:
    logins:
      - name: report
        verifier: "{{ report_password | mainstay.backend.scram_verifier(salt='report') }}"
"""

RETURN = r"""
_value:
  description: The verifier, as C(pg_authid) holds it.
  type: str
"""

import hashlib
from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._scram import MINIMUM_SALT, verifier


def scram_verifier(password: Any, salt: Any) -> str:
    if not isinstance(password, str) or not isinstance(salt, str) or not salt:
        raise AnsibleFilterError("scram_verifier: found no text; expected a password and a salt")
    try:
        return verifier(str(password), hashlib.sha256(salt.encode()).digest()[:MINIMUM_SALT])
    except MainstayError as error:
        raise AnsibleFilterError(f"scram_verifier: {error}") from None


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"scram_verifier": scram_verifier}
