# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Credentials as the description declares them, and as the secret store issues them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils._scram import verifier

SLOTS = ("a", "b")
#: The credential by which this collection administers Valkey; the store issues it beside the declared ones.
ADMIN = "mainstay_admin"


@dataclass(frozen=True)
class Kind:
    """What a kind of credential is. `target` is the option that names its server's part; `privileges` what it may be for, the default first.

    `logs_in`: it is a login of a server, in two slots. `usual`: a consumer that names no credentials gets it. `early`: consumers must know a
    new version before anybody uses it.
    """

    name: str
    target: str = ""
    privileges: tuple[str, ...] = ()
    logs_in: bool = False
    usual: bool = True
    early: bool = False


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("postgres_role", "database", ("owner", "monitoring", "replication"), logs_in=True),
        Kind("valkey_user", "instance", ("purpose", "monitoring", "replication"), logs_in=True),
        Kind("signing_key", early=True),
        Kind("secret_key_base", early=True),
        Kind("token"),
        Kind("rails_master_key"),
        Kind("certificate", usual=False),
    )
}
#: How a valkey_user passes from one secret to the next: two users in turn, or one user that has both passwords meanwhile.
MODES = ("two_slots", "dual_password")


@dataclass(frozen=True)
class Credential:
    """A declared credential. `target` is the database of a postgres_role, the instance of a valkey_user.

    `options` are those that only its kind has, checked and with their defaults filled in.
    """

    name: str
    kind: str
    target: str = ""
    max_age: str = ""
    privileges: str = ""
    mode: str = "two_slots"
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def usual(self) -> bool:
        """Whether a consumer that names no credentials gets it: what an application needs, not what watches or copies a server."""
        kind = KINDS.get(self.kind)
        return kind is None or (kind.usual and self.privileges in ("", *kind.privileges[:1]))


@dataclass(frozen=True)
class SlotSecret:
    """The secret of one slot; `salt` belongs to its SCRAM verifier and makes it the same at every run. Its repr shows nothing."""

    password: str = field(repr=False)
    salt: bytes = field(repr=False)


@dataclass(frozen=True)
class Issued:
    """A credential with its secrets: `current` is the slot that consumers use, `slots` those that are valid at this moment.

    `ids` are the versions' public names by slot: a signing key's key id.
    """

    name: str
    kind: str
    target: str
    current: str
    slots: Mapping[str, SlotSecret] = field(repr=False)
    mode: str = "two_slots"
    ids: Mapping[str, str] = field(default_factory=dict)

    @property
    def user(self) -> str:
        """The login name that consumers use now."""
        return self.login(self.current)

    @property
    def password(self) -> str:
        return self.slots[self.current].password

    def login(self, slot: str) -> str:
        """The login name of SLOT; with two passwords for one user both slots have the same."""
        return self.name if self.mode == "dual_password" else login_name(self.name, slot)

    def logins(self) -> list[tuple[str, SlotSecret | None]]:
        """Both login names with the secret each may use; None: it may not log in."""
        return [(login_name(self.name, slot), self.slots.get(slot)) for slot in SLOTS]

    def valkey_hashes(self) -> dict[str, list[str]]:
        """Login name -> SHA-256 of its passwords in hexadecimal, as an ACL file holds them."""
        found: dict[str, list[str]] = {}
        for slot in SLOTS:
            secret = self.slots.get(slot)
            found.setdefault(self.login(slot), []).extend([sha256(secret.password)] if secret else [])
        return found

    def scram_verifiers(self) -> dict[str, str | None]:
        """Login name -> SCRAM-SHA-256 verifier as pg_authid holds it; None: NOLOGIN."""
        return {user: verifier(secret.password, secret.salt) if secret else None for user, secret in self.logins()}


def login_name(credential: str, slot: str) -> str:
    return f"{credential}_{slot}"


def sha256(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()
