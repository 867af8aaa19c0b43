# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a kind of credential does in a rotation, by the same few verbs. An adapter says which calls and probes a host needs; it runs nothing.

All credentials of a kind are handled together, so that a host takes one remote call for each module and verb.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from ansible_collections.mainstay.backend.plugins.plugin_utils.types import Credential, Description, Issued, Record


@dataclass(frozen=True)
class Context:
    """What every verb is told. `admin` is Valkey's administrator (None: the store has none); `now` the controller's time (UTC).

    `description` has the servers that serve the consumers on the described host, `own` those that it runs itself (None: the same).
    """

    description: Description
    admin: Issued | None = field(default=None, repr=False)
    now: str = ""
    own: Description | None = None

    @property
    def servers(self) -> Description:
        """The description whose instances and cluster are the host's own; `Description.runs` says whether it has any."""
        return self.own or self.description


@dataclass(frozen=True)
class Rotating:
    """A credential in its rotation. `issued` is what is valid now; the record has the versions, the previous one too."""

    credential: Credential
    record: Record = field(repr=False)
    issued: Issued = field(repr=False)


@dataclass(frozen=True)
class Call:
    """One remote call of a module of this collection on the current host."""

    module: str
    arguments: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Probe:
    """A question that module credential_probe asks from a host: does this version let anybody in there?

    `id` is CREDENTIAL/VERSION-ID@PLACE; `expect` is `works` or `refused`. `login` is what the module's option `probes` takes for it, its secret
    under `password`.
    """

    id: str
    credential: str
    expect: str
    login: Mapping[str, Any] = field(repr=False)


class Adapter(Protocol):
    """The verbs of one or more kinds, for the host that the description is of. Each list may be empty: nothing to do there.

    `servers`: whether its effects are on the data hosts (stage, retire); `consumers`: whether consumers must have it before it is tested, so
    that staging is a round of publishing and reloading (signing keys: everybody verifies with a key before anybody signs with it).
    """

    kinds: tuple[str, ...]
    servers: bool
    consumers: bool

    def check(self, context: Context, items: Sequence[Rotating]) -> list[Call]:
        """Read-only calls (run in check mode) that fail where a later effect would."""

    def stage(self, context: Context, items: Sequence[Rotating]) -> list[Call]:
        """Lets every version in `issued` in, durably. Idempotent."""

    def works(self, context: Context, items: Sequence[Rotating]) -> list[Probe]:
        """Probes of the version that shall work: the pending one before TESTED, else the current one."""

    def sessions(self, context: Context, items: Sequence[Rotating]) -> list[Call]:
        """Calls whose results' `sessions` list who still uses the previous version: dicts of credential, user, address, count."""

    def retire(self, context: Context, items: Sequence[Rotating]) -> list[Call]:
        """Lets in nothing but what is in `issued`, durably, and ends the sessions of others. Idempotent."""

    def refused(self, context: Context, items: Sequence[Rotating]) -> list[Probe]:
        """Probes of the previous version, which must be refused with an authentication error."""
