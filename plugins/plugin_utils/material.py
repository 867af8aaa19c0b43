# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Makes the versions of credentials, each kind in its way: the one `Make` that the store's transitions get on the controller."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from ansible_collections.mainstay.backend.plugins.module_utils._credentials import Credential
from ansible_collections.mainstay.backend.plugins.module_utils._store import (
    SALT_BYTES,
    Contents,
    Make,
    Version,
    new_version,
)
from ansible_collections.mainstay.backend.plugins.plugin_utils.certificate_versions import (
    authority_version,
    certificate_version,
)
from ansible_collections.mainstay.backend.plugins.plugin_utils.supplied import supplied_version


def make_version(contents: Contents, credential: Credential, slot: str, now: str) -> Version:
    """A fresh version of CREDENTIAL for SLOT, made at NOW; CONTENTS is what the store holds beside it.

    MainstayError: the kind's secret comes from elsewhere, and is not there.
    """
    return MAKERS.get(credential.kind, _password)(contents, credential, slot, now)


def _password(contents: Contents, credential: Credential, slot: str, now: str) -> Version:
    """What nobody has to know by heart: 256 random bits."""
    return new_version(slot, now, secrets.token_bytes)


def _hexadecimal(count: int) -> Make:
    """COUNT random bytes, in hexadecimal."""

    def make(contents: Contents, credential: Credential, slot: str, now: str) -> Version:
        return Version(secrets.token_hex(8), slot, now, secrets.token_hex(count), secrets.token_bytes(SALT_BYTES))

    return make


def _signing_key(contents: Contents, credential: Credential, slot: str, now: str) -> Version:
    return _hexadecimal(int(credential.options.get("bytes", 32)))(contents, credential, slot, now)


def _master_key(contents: Contents, credential: Credential, slot: str, now: str) -> Version:
    """The first one is the one that opens the application's credentials already."""
    if credential.name not in contents.records and credential.options.get("value"):
        return supplied_version(contents, credential, slot, now)
    return _hexadecimal(16)(contents, credential, slot, now)


#: Kind -> what makes it; a kind that is not named gets a random password. Rails wants 64 bytes for secret_key_base, 16 for a master key.
MAKERS: Mapping[str, Make] = {
    "signing_key": _signing_key,
    "secret_key_base": _hexadecimal(64),
    "rails_master_key": _master_key,
    "token": supplied_version,
    "authority": authority_version,
    "certificate": certificate_version,
}
