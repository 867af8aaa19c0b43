# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the adapters of logins share: which version is asked for, and from where. Pure.

A consumer's host asks every server that its consumers connect to, as they do; a data host asks its own, so that every node is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ansible_collections.mainstay.backend.plugins.module_utils._credentials import KINDS
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_kinds import Context, Probe, Rotating
from ansible_collections.mainstay.backend.plugins.module_utils._tls_consumer import files_for

if TYPE_CHECKING:
    from ansible_collections.mainstay.backend.plugins.plugin_utils.types import Endpoint, Version

#: Where a login is asked for: options of credential_probe (host and port, or socket; tls).
Place = Mapping[str, Any]


def trial(item: Rotating) -> Version:
    """The version that shall work."""
    return item.record.pending or item.record.current


def probes(
    context: Context,
    items: Sequence[Rotating],
    expect: str,
    own: Callable[[Rotating], Sequence[Place]],
    login: Callable[[Rotating], Mapping[str, Any]],
) -> list[Probe]:
    """Probes of ITEMS, one a place. OWN tells the places of an item on this host's own servers; LOGIN the options that no place has."""
    found: dict[str, Probe] = {}
    for item in items:
        version = item.record.previous if expect == "refused" else trial(item)
        if version is None:
            continue
        for place in [*own(item), *_consumers(context, item)]:
            at = place.get("socket") or _named(str(place["host"]), int(place["port"]))
            name = f"{item.credential.name}/{version.id}@{at}"
            who = {"user": item.issued.login(version.slot), "password": version.secret}
            found.setdefault(name, Probe(name, item.credential.name, expect, {**login(item), **place, **who}))
    return list(found.values())


def _named(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _consumers(context: Context, item: Rotating) -> Iterator[Place]:
    """Where the consumers on this host find the server of ITEM, and how they trust it."""
    target = KINDS[item.credential.kind].target if item.credential.kind in KINDS else ""
    endpoint: Endpoint | None = context.description.endpoints.get((target, item.credential.target))
    for consumer in context.description.consumers_here():
        if endpoint is not None and item.credential.name in consumer.credentials:
            place: dict[str, Any] = {"host": endpoint.host, "port": endpoint.port}
            if endpoint.tls:
                files = files_for(context.description, consumer, endpoint)
                names = {"ca": "ca_file", "cert": "certificate", "key": "key"}
                place["tls"] = {names[part]: path for part, path in files.items()}
            yield place


def local(addresses: Sequence[str]) -> str:
    """Under which of the ADDRESSES that a server listens on its own host reaches it."""
    if not addresses or any(item in ("127.0.0.1", "0.0.0.0", "*", "localhost") for item in addresses):
        return "127.0.0.1"
    return "::1" if "::" in addresses else addresses[0]
