# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Keys that consumers sign with and verify by: signing_key and secret_key_base.

Nothing is done on servers. Staging and retiring are rounds of publishing: everybody verifies with a key before anybody signs with it, and as
long as what it signed is valid. What a consumer was given is proven on its host, by looking for the key in what it reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ansible_collections.mainstay.backend.plugins.module_utils._rotation_kinds import Call, Context, Probe, Rotating
from ansible_collections.mainstay.backend.plugins.module_utils._secret_files import KEYS_FILE

if TYPE_CHECKING:
    from ansible_collections.mainstay.backend.plugins.plugin_utils.types import Consumer, Version

#: Ends with 0 where the key on its standard input stands in one of the files, with 1 where in none, with 2 where a file is missing.
_SEARCH = ("grep", "-qF", "-f", "-")


class Keys:
    kinds: tuple[str, ...] = ("signing_key", "secret_key_base")
    servers = False
    consumers = True

    def check(self, context: Context, items: Sequence[Rotating]) -> list[Call]:
        return []

    def stage(self, context: Context, items: Sequence[Rotating]) -> list[Call]:
        return []

    def works(self, context: Context, items: Sequence[Rotating]) -> list[Probe]:
        """That every consumer here has been given the pending key, before anybody signs with it."""
        found = []
        for item in items:
            if item.record.state == "STAGED" and item.record.pending:
                for consumer in _users(context, item):
                    for path in _rings(context, consumer, item):
                        found.append(_probe(item, item.record.pending, [path], path, "works"))
        return found

    def sessions(self, context: Context, items: Sequence[Rotating]) -> list[Call]:
        return []

    def retire(self, context: Context, items: Sequence[Rotating]) -> list[Call]:
        return []

    def refused(self, context: Context, items: Sequence[Rotating]) -> list[Probe]:
        """That no consumer here reads the previous key any more."""
        found = []
        for item in items:
            if item.record.previous:
                for consumer in _users(context, item):
                    paths = _rings(context, consumer, item)
                    if consumer.secrets_as != "credentials":
                        paths.append(f"{consumer.secrets_dir}/{item.credential.name}")
                    found.append(_probe(item, item.record.previous, paths, consumer.name, "refused"))
        return found


def _users(context: Context, item: Rotating) -> list[Consumer]:
    return [one for one in context.description.consumers_here() if item.credential.name in one.credentials]


def _rings(context: Context, consumer: Consumer, item: Rotating) -> list[str]:
    """The files in which CONSUMER finds every key that is valid."""
    layer = f".{context.description.environment}" if consumer.layers else ""
    files = (
        [] if consumer.secrets_as == "credentials" else [f"{consumer.secrets_dir}/{item.credential.name}{KEYS_FILE}"]
    )
    return [*files, consumer.env_file + layer]


def _probe(item: Rotating, version: Version, paths: Sequence[str], place: str, expect: str) -> Probe:
    login = {
        "kind": "command",
        "command": [*_SEARCH, *paths],
        "stdin": True,
        "refused_exit": [1],
        "password": version.secret,
    }
    return Probe(f"{item.credential.name}/{version.id}@{place}", item.credential.name, expect, login)


ADAPTER = Keys()
