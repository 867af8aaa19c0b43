# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tokens that a third party makes: tested, and revoked there, by commands that the inventory declares. Without them nothing is proven."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ansible_collections.mainstay.backend.plugins.module_utils._rotation_kinds import Call, Context, Probe, Rotating

if TYPE_CHECKING:
    from ansible_collections.mainstay.backend.plugins.plugin_utils.types import Version


class Token:
    kinds: tuple[str, ...] = ("token",)
    servers = False
    consumers = False

    def check(self, context: Context, items: Sequence[Rotating]) -> list[Call]:
        return []

    def stage(self, context: Context, items: Sequence[Rotating]) -> list[Call]:
        return []

    def works(self, context: Context, items: Sequence[Rotating]) -> list[Probe]:
        """That the third party takes the pending one. The current one may be why it is rotated: it is not asked for."""
        return [
            _probe(item, item.record.pending, "works")
            for item in items
            if item.record.state == "STAGED" and item.record.pending and _here(context, item, "test")
        ]

    def sessions(self, context: Context, items: Sequence[Rotating]) -> list[Call]:
        return []

    def retire(self, context: Context, items: Sequence[Rotating]) -> list[Call]:
        """Revokes the previous one at the third party, from one host, unless it is refused already."""
        return [
            Call("token_retire", arguments)
            for arguments in retire_calls(context, items)
            if arguments["runs_on"] == "consumers"
        ]

    def refused(self, context: Context, items: Sequence[Rotating]) -> list[Probe]:
        return [
            _probe(item, item.record.previous, "refused")
            for item in items
            if item.record.previous and item.credential.options.get("retire") and _here(context, item, "test")
        ]


def retire_calls(context: Context, items: Sequence[Rotating]) -> list[dict[str, Any]]:
    """What module token_retire is told for those of ITEMS that are revoked from the current host, or (`runs_on`: controller) beside it."""
    found = []
    for item in items:
        options, previous = item.credential.options, item.record.previous
        if previous and options.get("retire") and first_host(context, item) == context.description.host.name:
            found.append(
                {
                    "name": item.credential.name,
                    "runs_on": options["retire"]["runs_on"],
                    "test": _command(options["test"]),
                    "retire": _command(options["retire"]),
                    "current": item.record.current.secret,
                    "previous": previous.secret,
                }
            )
    return found


def unproven(items: Sequence[Rotating]) -> list[str]:
    """What a rotation of ITEMS could not prove, for people."""
    told = []
    for item in [item for item in items if item.credential.kind == "token"]:
        name, options = item.credential.name, item.credential.options
        if not options.get("test"):
            told.append(f"{name}: not proven that the new token works, since it declares no test")
        if not options.get("retire"):
            told.append(
                f"{name}: not proven that the old token is refused, since it declares no retire: only the third party can revoke it"
            )
    return told


def first_host(context: Context, item: Rotating) -> str:
    """The one host from which (or beside which) is asked what is asked once."""
    users = [one for one in context.description.consumers if item.credential.name in one.credentials]
    return users[0].hosts[0] if users else next(iter(context.description.hosts), "")


def _here(context: Context, item: Rotating, key: str) -> bool:
    """Whether the command KEY is run for the current host: on every host of its consumers, or once on the controller."""
    command = item.credential.options.get(key)
    if not command:
        return False
    if command["runs_on"] == "controller":
        return first_host(context, item) == context.description.host.name
    return any(item.credential.name in one.credentials for one in context.description.consumers_here())


def _probe(item: Rotating, version: Version, expect: str) -> Probe:
    test = item.credential.options["test"]
    login = {"kind": "command", **_command(test), "runs_on": test["runs_on"], "password": version.secret}
    return Probe(f"{item.credential.name}/{version.id}@{test['command'][0]}", item.credential.name, expect, login)


def _command(given: Mapping[str, Any]) -> dict[str, Any]:
    """As module credential_probe takes a command."""
    found = {"command": given["command"], "environment": given["environment"], "stdin": given["stdin"]}
    return {**found, "refused_exit": given["refused"]} if "refused" in given else found


ADAPTER = Token()
