# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rails' master keys. Publishing one encrypts the credentials with it, both files as one (_rails_master); nothing is staged before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ansible_collections.mainstay.backend.plugins.module_utils._key_specs import rails_pair
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_kinds import Call, Context, Probe, Rotating

if TYPE_CHECKING:
    from ansible_collections.mainstay.backend.plugins.plugin_utils.types import Description, Issued

KIND = "rails_master_key"


class Rails:
    kinds: tuple[str, ...] = (KIND,)
    servers = False
    consumers = False

    def check(self, context: Context, items: Sequence[Rotating]) -> list[Call]:
        """That the key the store has opens the files here, in check mode of the module that publishes it."""
        arguments = rails_call(context.description, {item.credential.name: item.issued for item in items})
        return [Call("rails_master_key", arguments)] if arguments["pairs"] else []

    def stage(self, context: Context, items: Sequence[Rotating]) -> list[Call]:
        return []

    def works(self, context: Context, items: Sequence[Rotating]) -> list[Probe]:
        """Nothing can be opened by a key before it is encrypted with it; publishing it opens what it wrote."""
        return []

    def sessions(self, context: Context, items: Sequence[Rotating]) -> list[Call]:
        return []

    def retire(self, context: Context, items: Sequence[Rotating]) -> list[Call]:
        return []

    def refused(self, context: Context, items: Sequence[Rotating]) -> list[Probe]:
        """That the files here do not open with the previous key, and do with the current one."""
        found = []
        for item in items:
            name, record = item.credential.name, item.record
            for path in {pair["path"]: "" for pair in _pairs(context.description, name)}:
                for version, expect in ((record.previous, "refused"), (record.current, "works")):
                    if version:
                        login = {"kind": "rails_key", "file": path, "password": version.secret}
                        found.append(Probe(f"{name}/{version.id}@{path}", name, expect, login))
        return found


def rails_call(description: Description, issued: Mapping[str, Issued]) -> dict[str, Any]:
    """What module rails_master_key is told of the consumers on the described host: pairs of files, and by name the keys that may open them.

    The first of the keys is the one that shall.
    """
    pairs, keys = [], {}
    for name in [item.name for item in description.credentials.values() if item.kind == KIND and item.name in issued]:
        mine = _pairs(description, name)
        pairs += mine
        if mine:
            keys[name] = key_list(issued[name])
    return {"pairs": pairs, "secret_keys": keys}


def key_list(issued: Issued) -> list[str]:
    """The current key, then the others that are valid."""
    return [issued.password, *(item.password for slot, item in issued.slots.items() if slot != issued.current)]


def _pairs(description: Description, name: str) -> list[dict[str, str]]:
    """Two consumers of one application have one pair."""
    credential = description.credentials[name]
    found: dict[str, dict[str, str]] = {}
    for consumer in description.consumers_here():
        if name in consumer.credentials:
            path, key_file = rails_pair(credential, consumer.application.directory, description.environment)
            owner = {"owner": consumer.owner, "group": consumer.group}
            found.setdefault(path, {"name": name, "path": path, "key_file": key_file, **owner})
    return list(found.values())


ADAPTER = Rails()
