# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Credentials as the description declares them, and as the secret store issues them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from ansible_collections.mainstay.backend.plugins.module_utils._scram import verifier

SLOTS = ("a", "b")
#: The credential by which this collection administers Valkey; the store issues it beside the declared ones.
ADMIN = "mainstay_admin"


@dataclass(frozen=True)
class Credential:
    """A declared credential. `target` is the database of a postgres_role, the instance of a valkey_user."""

    name: str
    kind: str
    target: str = ""
    max_age: str = ""
    privileges: str = "owner"


@dataclass(frozen=True)
class SlotSecret:
    """The secret of one slot; `salt` belongs to its SCRAM verifier and makes it the same at every run. Its repr shows nothing."""

    password: str = field(repr=False)
    salt: bytes = field(repr=False)


@dataclass(frozen=True)
class Issued:
    """A credential with its secrets: `current` is the slot that consumers use, `slots` those that may log in at this moment."""

    name: str
    kind: str
    target: str
    current: str
    slots: Mapping[str, SlotSecret] = field(repr=False)

    @property
    def user(self) -> str:
        """The login name that consumers use now."""
        return login_name(self.name, self.current)

    @property
    def password(self) -> str:
        return self.slots[self.current].password

    def logins(self) -> list[tuple[str, SlotSecret | None]]:
        """Both login names with the secret each may use; None: it may not log in."""
        return [(login_name(self.name, slot), self.slots.get(slot)) for slot in SLOTS]

    def valkey_hashes(self) -> dict[str, list[str]]:
        """Login name -> SHA-256 of its passwords in hexadecimal, as an ACL file holds them."""
        return {user: [sha256(secret.password)] if secret else [] for user, secret in self.logins()}

    def scram_verifiers(self) -> dict[str, str | None]:
        """Login name -> SCRAM-SHA-256 verifier as pg_authid holds it; None: NOLOGIN."""
        return {user: verifier(secret.password, secret.salt) if secret else None for user, secret in self.logins()}


def login_name(credential: str, slot: str) -> str:
    return f"{credential}_{slot}"


def sha256(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()
