# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rotation of Valkey's users: those of one instance, and the administrator, who is the same on all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ansible_collections.mainstay.backend.plugins.module_utils._rotation_kinds import Call, Context, Probe, Rotating
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_logins import Place, local, probes

if TYPE_CHECKING:
    from ansible_collections.mainstay.backend.plugins.plugin_utils.types import Instance

ADMIN_KIND = "valkey_admin"
DUAL = "dual_password"


class Valkey:
    kinds: tuple[str, ...] = ("valkey_user", ADMIN_KIND)
    servers = True
    consumers = False

    def check(self, context: Context, items: Sequence[Rotating]) -> list[Call]:
        return self.stage(context, items)

    def stage(self, context: Context, items: Sequence[Rotating]) -> list[Call]:
        return _call(context, items, "present")

    def works(self, context: Context, items: Sequence[Rotating]) -> list[Probe]:
        return probes(context, items, "works", lambda item: _places(context, item), _login)

    def sessions(self, context: Context, items: Sequence[Rotating]) -> list[Call]:
        """Of a user with two passwords: connections that were opened before anybody was given the new one."""
        return _call(context, items, "sessions")

    def retire(self, context: Context, items: Sequence[Rotating]) -> list[Call]:
        """Of a user with two passwords, those connections end that were opened before anybody was given the new one."""
        return _call(context, items, "present", end=True)

    def refused(self, context: Context, items: Sequence[Rotating]) -> list[Probe]:
        return probes(context, items, "refused", lambda item: _places(context, item), _login)


ADAPTER = Valkey()


def _login(item: Rotating) -> dict[str, Any]:
    return {"kind": "valkey"}


def _instances(context: Context, item: Rotating) -> list[Instance]:
    """The instances of this host that know the user of ITEM."""
    if "valkey" not in context.servers.runs:
        return []
    known = [one for one in context.servers.instances if one.state == "present"]
    return [one for one in known if item.credential.kind == ADMIN_KIND or one.name == item.credential.target]


def _places(context: Context, item: Rotating) -> list[Place]:
    """This host's own instances; where they speak TLS, by their Unix sockets, which ask for the same password."""
    return [
        {"socket": one.socket} if one.tls.on else {"host": local(one.bind), "port": one.port}
        for one in _instances(context, item)
    ]


def _call(context: Context, items: Sequence[Rotating], state: str, end: bool = False) -> list[Call]:
    """One call for all instances of this host; none where it has nothing to do with ITEMS."""
    users: dict[str, list[dict[str, Any]]] = {}
    found: dict[str, Instance] = {}
    for item in items:
        told = _asked(item) if state == "sessions" else _users(item, end)
        for one in _instances(context, item) if told else ():
            users.setdefault(one.name, []).extend(told)
            found[one.name] = one
    if not found or context.admin is None:
        return []
    instances = [
        {"name": name, "socket": one.socket, "acl_file": dict(one.directives)["aclfile"], "users": users[name]}
        for name, one in found.items()
    ]
    login = {"login_user": context.admin.user, "login_password": context.admin.password}
    return [Call("valkey_user", {"state": state, "instances": instances, **login})]


def _users(item: Rotating, end: bool) -> list[dict[str, Any]]:
    """Every login of ITEM with the passwords that are valid now; its rights stay as they are."""
    found = []
    for name, hashes in item.issued.valkey_hashes().items():
        user: dict[str, Any] = {"name": name, "hashes": hashes, "create": False, "credential": item.credential.name}
        if end and item.credential.mode == DUAL:
            # consumers make their new sessions while they are moved: to end those made since TESTED would fail what they do
            moment = _moment(item, "TESTED")
            user.update(end_sessions=bool(moment), opened_before=moment)
        elif end:
            user["end_sessions"] = not hashes
        found.append(user)
    return found


def _asked(item: Rotating) -> list[dict[str, Any]]:
    """The login of the previous version. Two passwords of one user are told apart by when a connection was made."""
    previous = item.record.previous
    if previous is None:
        return []
    user: dict[str, Any] = {"name": item.issued.login(previous.slot), "credential": item.credential.name}
    if item.credential.mode == DUAL:
        user["opened_before"] = _moment(item, "TESTED")
    return [user]


def _moment(item: Rotating, state: str) -> str:
    """When ITEM came to STATE, by the controller's clock; '': it did not."""
    return next((str(entry["at"]) for entry in reversed(item.record.journal) if entry["state"] == state), "")
