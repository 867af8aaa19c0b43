# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a consumer finds of a credential: the files in its secrets_dir and the variables in its environment that are no URLs.

Of keys that are handed on (signing_key, secret_key_base) every version that is valid at the moment is published: one signs, the others only
verify. The names of files and variables are the same at every moment of a rotation.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ansible_collections.mainstay.backend.plugins.module_utils._credentials import KINDS
from ansible_collections.mainstay.backend.plugins.module_utils._tls_consumer import certificate_files

if TYPE_CHECKING:
    from ansible_collections.mainstay.backend.plugins.plugin_utils.types import Credential, Issued

#: What stands after a key's name in the file and in the variable that hold all valid versions, and after the variable of its key id.
KEYS_FILE, KEYS, KEY_ID = ".keys", "_KEYS", "_ID"


def key_ring(issued: Issued) -> list[tuple[str, str]]:
    """(key id, key) of every valid version, the one that signs first."""
    slots = sorted(issued.slots, key=lambda slot: slot != issued.current)
    return [(issued.ids[slot], issued.slots[slot].password) for slot in slots]


def files_of(credential: Credential, issued: Issued) -> dict[str, str]:
    """File name in secrets_dir -> its whole content. A Rails master key lies beside the file that it opens, and nowhere else."""
    if credential.kind == "rails_master_key":
        return {}
    if credential.kind == "certificate":
        return certificate_files(credential, issued)
    found = {credential.name: issued.password}
    if KINDS[credential.kind].early:
        ring = [
            {"kid": kid, "key": key, "use": "verify" if number else "sign"}
            for number, (kid, key) in enumerate(key_ring(issued))
        ]
        found[credential.name + KEYS_FILE] = json.dumps(ring)
    return found


def variables_of(credential: Credential, issued: Issued) -> dict[str, str]:
    """Variable -> value, for kinds that have no URL."""
    names = variable_names(credential)
    if credential.kind == "token":
        return {names[0]: issued.password}
    if KINDS[credential.kind].early:
        ring = key_ring(issued)
        keys = ",".join(f"{kid}:{key}" for kid, key in ring)
        return dict(zip(names, (issued.password, keys, ring[0][0]), strict=False))
    return {}


def variable_names(credential: Credential) -> list[str]:
    """The names of `variables_of`, in its order. What Rails signs names no key id."""
    variable = str(credential.options.get("variable", ""))
    if credential.kind == "signing_key":
        return [variable, variable + KEYS, variable + KEY_ID]
    if credential.kind == "secret_key_base":
        return [variable, variable + KEYS]
    return [variable] if credential.kind == "token" else []
