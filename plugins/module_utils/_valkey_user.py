# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Users of running Valkey instances as they shall be: pure. What differs, the one command that closes the gap, and who uses them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_acl import with_passwords

#: User -> (its password verifiers, the rest of its line), as _valkey_acl.parse_acl reads it.
Acl = Mapping[str, tuple[frozenset[str], str]]
_HASH = re.compile(r"[0-9a-f]{64}")
TIME = "%Y-%m-%dT%H:%M:%SZ"
_NAME = re.compile(r"[^\s\x00]{1,255}")
#: What is no right: passwords and whether the user is on have options of their own.
_NO_RIGHT = re.compile(r"[#!<>].*|on|off|reset|resetpass|nopass", re.IGNORECASE)
_FLAGS = {"on", "off", "nopass", "sanitize-payload", "resetkeys", "resetchannels", "-@all"}
_SPELT = {"allkeys": "~*", "allchannels": "&*", "allcommands": "+@all", "nocommands": "-@all"}


@dataclass(frozen=True)
class WantedUser:
    """A user as it shall be. `hashes` are the SHA-256 of all its passwords; `rules` None leaves its rights as they are.

    `opened_before`: of its sessions only those count that were opened before that time, in seconds since 1970 (None: all).
    """

    name: str
    on: bool
    hashes: tuple[str, ...] = field(repr=False)
    rules: str | None = None
    create: bool = True
    end_sessions: bool = False
    opened_before: int | None = None
    credential: str = ""

    def command(self) -> list[str]:
        """ACL SETUSER's arguments: one command, so that no moment knows half of it."""
        if self.rules is None:
            return [self.name, *with_passwords((), self.on, self.hashes)]
        return [self.name, "reset", *with_passwords((), self.on, self.hashes), *self.rules.split()]

    def line(self, before: str) -> str:
        """The user's line of an ACL file; BEFORE is the one that is there."""
        rights = before.split()[2:] if self.rules is None else self.rules.split()
        return " ".join(["user", self.name, *with_passwords(rights, self.on, self.hashes)])


@dataclass(frozen=True)
class Target:
    """An instance and those of its users that the task names. `socket` is a path or HOST:PORT; `acl_file` '' is the server's to write."""

    name: str
    socket: str
    users: tuple[WantedUser, ...]
    acl_file: str = ""


def read_user(where: str, item: Mapping[str, Any]) -> WantedUser:
    """The user of a task's ITEM; MainstayError names what is wrong and shows no hash."""
    name, hashes, rules = str(item["name"]), list(item.get("hashes") or ()), item.get("rules")
    if not _NAME.fullmatch(name):
        raise MainstayError(f"{where}.name: found {name!r}; expected a name without white space")
    for value in hashes:
        if not _HASH.fullmatch(str(value)):
            expected = "a SHA-256 in 64 hexadecimal digits, like {{ password | ansible.builtin.hash('sha256') }}"
            raise MainstayError(f"{where}.hashes: found something else (not shown); expected {expected}")
    if rules is not None and any(_NO_RIGHT.fullmatch(word) for word in str(rules).split()):
        raise MainstayError(
            f"{where}.rules: found a password, on, off or reset; expected rights alone, like '~* +@read'"
        )
    on = item.get("enabled")
    return WantedUser(
        name,
        bool(hashes) if on is None else bool(on),
        tuple(dict.fromkeys(hashes)),
        None if rules is None else " ".join(str(rules).split()),
        bool(item.get("create", True)),
        bool(item.get("end_sessions")),
        _seconds(where, str(item.get("opened_before") or "")),
        str(item.get("credential") or ""),
    )


def _seconds(where: str, text: str) -> int | None:
    try:
        return int(datetime.strptime(text, TIME).replace(tzinfo=UTC).timestamp()) if text else None
    except ValueError:
        raise MainstayError(
            f"{where}.opened_before: found {text!r}; expected a time like 2026-11-22T12:00:00Z"
        ) from None


def check_users(target: Target, acl: Acl) -> None:
    """Refuses users that are not there and that nothing is said of but their passwords."""
    for user in target.users:
        if user.name not in acl and (not user.create or user.rules is None):
            expected = "it to be there" if not user.create else "it to be there, or its rules"
            raise MainstayError(f"{target.name}: found no user {user.name} on the server; expected {expected}")


def differs(user: WantedUser, acl: Acl) -> bool:
    """Whether the server's USER is another one. Rights are compared word by word: the server tells them in its own spelling."""
    if user.name not in acl:
        return True
    hashes, rest = acl[user.name]
    words = rest.split()
    if hashes != set(user.hashes) or ("on" in words) != user.on or "nopass" in words:
        return True
    return user.rules is not None and _spelt(user.rules) != _spelt(rest)


def _spelt(rules: str) -> set[str]:
    """The words of RULES that grant or take something, as the server spells them."""
    return {_SPELT.get(word, word) for word in rules.split()} - _FLAGS


def foreseen(user: WantedUser, acl: Acl) -> tuple[frozenset[str], str]:
    """What ACL LIST is going to tell of USER, for check mode."""
    rest = acl[user.name][1].split() if user.name in acl else []
    kept = [word for word in rest if word not in ("on", "off", "nopass")] if user.rules is None else user.rules.split()
    return frozenset(user.hashes), " ".join(["on" if user.on else "off", *kept])


def action(user: WantedUser, acl: Acl) -> str:
    """What happens to USER, in words."""
    if user.name not in acl:
        return f"user {user.name} created"
    hashes, rest = acl[user.name]
    told = []
    if ("on" in rest.split()) != user.on:
        told.append("may log in" if user.on else "may not log in")
    if "nopass" in rest.split():
        told.append("needs a password")
    new, old = len(set(user.hashes) - hashes), len(hashes - set(user.hashes))
    told += [f"{new} password{'s' * (new > 1)} added"] if new else []
    told += [f"{old} password{'s' * (old > 1)} removed"] if old else []
    return f"user {user.name}: {', '.join(told) or 'rights'}"


def using(user: WantedUser, clients: Iterable[Mapping[str, Any]], own: str, now: float) -> list[Mapping[str, Any]]:
    """Those of CLIENTS (CLIENT LIST at the time NOW) that are sessions of USER; OWN is the id of this connection."""
    return [
        client
        for client in clients
        if client.get("user") == user.name
        and str(client.get("id")) != own
        and (user.opened_before is None or int(now) - int(client.get("age") or 0) < user.opened_before)
    ]


def sessions(instance: str, user: WantedUser, clients: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """CLIENTS by their address, without its port; '' is a Unix socket."""
    addresses = Counter(_address(str(client.get("addr") or "")) for client in clients)
    who = {"instance": instance, "credential": user.credential, "user": user.name}
    return [{**who, "address": address, "count": count} for address, count in sorted(addresses.items())]


def _address(addr: str) -> str:
    return "" if addr.startswith("/") else addr.rpartition(":")[0].strip("[]")


def read_target(where: str, item: Mapping[str, Any]) -> Target:
    """The instance of a task's ITEM and its users; WHERE begins the messages."""
    socket = str(item["socket"])
    if not re.fullmatch(r"/[^\x00]+|(?:\[[0-9a-fA-F:]+\]|[^\s:/]+):\d{1,5}", socket):
        raise MainstayError(f"{where}socket: found {socket!r}; expected the path of a Unix socket, or HOST:PORT")
    users = tuple(read_user(f"{where}users[{index}]", user) for index, user in enumerate(item["users"]))
    twice = [user.name for index, user in enumerate(users) if user.name in [other.name for other in users[:index]]]
    if twice:
        raise MainstayError(f"{where}users: found {twice[0]} twice; expected each user once")
    return Target(str(item["name"]), socket, users, str(item.get("acl_file") or ""))
