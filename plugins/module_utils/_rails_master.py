# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rails' credentials on a host, or in a repository, brought to the master key that the secret store has now."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._rails_credentials import key_bytes
from ansible_collections.mainstay.backend.plugins.module_utils._rails_pair import Outcome, Wanted, apply
from ansible_collections.mainstay.backend.plugins.module_utils._yaml_edit import Edited


@dataclass(frozen=True)
class Pair:
    """An encrypted file, its key's file ('' where there is none), and the keys that may open it by now: the first one shall."""

    name: str
    path: str
    key_file: str = ""
    owner: str | None = None
    group: str | None = None
    keys: tuple[str, ...] = field(default=(), repr=False)


def read_pairs(items: Sequence[Mapping[str, Any]], keys: Mapping[str, Any]) -> list[Pair]:
    """Module parameters as Pairs. MainstayError: no keys for one, a path that is not absolute, or what is no key."""
    found = []
    for item in items:
        mine = keys.get(item["name"])
        if not isinstance(mine, list) or not mine or not all(isinstance(key, str) for key in mine):
            raise MainstayError(
                f"secret_keys: found none for {item['name']}; expected a list of keys, the current one first"
            )
        for key in mine:
            key_bytes(key)
        for option in ("path", "key_file"):
            if not os.path.isabs(item[option]):
                raise MainstayError(f"{option}: found {item[option]!r}; expected an absolute path")
        owner, group = item.get("owner"), item.get("group")
        found.append(Pair(item["name"], item["path"], item["key_file"], owner, group, tuple(mine)))
    return found


def bring(pair: Pair, check_mode: bool) -> Outcome:
    """The pair encrypted with the first of its keys. Where the application is not there yet, nothing; without a file, its key alone."""
    if not os.path.isdir(os.path.dirname(pair.path)):
        note = f"{pair.path}: no such folder yet, so nothing was encrypted"
        return Outcome((), Edited("", (), (), ()), (note,))
    return apply(
        Wanted(
            pair.path,
            pair.key_file,
            new_key=pair.keys[0],
            owner=_owner(pair.owner, pair.path),
            group=_owner(pair.group, pair.path),
            known=pair.keys,
        ),
        check_mode,
    )


def _owner(name: str | None, path: str) -> str | None:
    """NAME for what is made; what is there keeps its owner, who may be one that deploys."""
    return None if os.path.lexists(path) else name
