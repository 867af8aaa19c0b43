# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Users of a Valkey instance: rights by purpose, passwords as SHA-256 verifiers only."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.mainstay.backend.plugins.module_utils._credentials import Credential, Issued
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_instance import Instance
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_purposes import PURPOSES

HEALTH = "health"
#: What watches and what copies an instance reads none of its keys by name. SLOWLOG GET would show commands with keys and values in them,
#: CONFIG GET the primary's password; a replica gets everything. https://valkey.io/topics/acl/ (ACL rules for Sentinel and Replicas)
PRIVILEGES = {
    "monitoring": (
        *("resetkeys", "resetchannels", "-@all", "+ping", "+info", "+slowlog|len", "+latency|latest"),
        *("+latency|history", "+latency|histogram", "+client|setname", "+client|setinfo"),
    ),
    "replication": ("resetkeys", "resetchannels", "-@all", "+ping", "+psync", "+replconf"),
}
_HASH = re.compile(r"#[0-9a-f]{64}")


@dataclass(frozen=True)
class ValkeyUser:
    """One line of an ACL file. `hashes` are SHA-256 of its passwords; none of them and `nopass` False: it cannot log in."""

    name: str
    on: bool
    hashes: tuple[str, ...]
    rules: tuple[str, ...]
    nopass: bool = False

    def line(self) -> str:
        passwords = ["nopass"] if self.nopass else ["resetpass", *[f"#{item}" for item in self.hashes]]
        return " ".join(["user", self.name, "on" if self.on else "off", *passwords, *self.rules])


def acl_users(
    instance: Instance, issued: Iterable[Issued], admin: Issued, credentials: Mapping[str, Credential]
) -> tuple[ValkeyUser, ...]:
    """Every user of INSTANCE: `default` off, `health` that may only PING, the administrator, and both slots of each of its credentials."""
    nothing = ("resetkeys", "resetchannels", "-@all")
    found = [
        ValkeyUser("default", False, (), nothing),
        ValkeyUser(HEALTH, True, (), (*nothing, "+ping"), nopass=True),
    ]
    found += _slots(admin, ("~*", "&*", "+@all"))
    for credential in sorted(issued, key=lambda item: item.name):
        if credential.kind == "valkey_user" and credential.target == instance.name and credential.name != admin.name:
            found += _slots(credential, rules(instance, credentials[credential.name].privileges))
    return tuple(found)


def rules(instance: Instance, privileges: str) -> tuple[str, ...]:
    """The rights of a user of INSTANCE with PRIVILEGES."""
    return PRIVILEGES.get(privileges) or PURPOSES[instance.purpose].rules


def _slots(credential: Issued, rules: Sequence[str]) -> list[ValkeyUser]:
    return [
        ValkeyUser(name, bool(hashes), tuple(hashes), tuple(rules))
        for name, hashes in credential.valkey_hashes().items()
    ]


def masked(text: str) -> str:
    """An ACL text without its verifiers, for people."""
    return _HASH.sub("#(verifier)", text)


def parse_acl(lines: Iterable[str]) -> dict[str, tuple[frozenset[str], str]]:
    """User name -> (its password verifiers, the rest of its line) of ACL LIST's answer, or of an ACL file."""
    found = {}
    for line in lines:
        parts = line.split()
        if len(parts) > 2 and parts[0] == "user":
            hashes = frozenset(part[1:] for part in parts[2:] if _HASH.fullmatch(part))
            found[parts[1]] = (hashes, " ".join(part for part in parts[2:] if not _HASH.fullmatch(part)))
    return found


def edited(text: str, lines: Mapping[str, Callable[[str], str]]) -> str:
    """The ACL file TEXT with the lines of some users made anew: user -> what makes it of the line that is there ('': none is)."""
    done, found = set(), []
    for line in text.splitlines():
        parts = line.split()
        if len(parts) > 1 and parts[0] == "user" and parts[1] in lines:
            done.add(parts[1])
            line = lines[parts[1]](line)
        found.append(line)
    found += [make("") for name, make in lines.items() if name not in done]
    return "".join(f"{line}\n" for line in found)


def with_passwords(rights: Iterable[str], on: bool, hashes: Iterable[str]) -> list[str]:
    """RIGHTS (the words of an ACL line behind the name) with no passwords but those of HASHES."""
    kept = [word for word in rights if word not in ("on", "off", "nopass", "resetpass") and word[:1] not in "#!<>"]
    return ["on" if on else "off", "resetpass", *[f"#{item}" for item in hashes], *kept]


def acl_differences(
    before: Mapping[str, tuple[frozenset[str], str]], after: Mapping[str, tuple[frozenset[str], str]]
) -> tuple[list[str], list[str]]:
    """What differs between two parsed ACLs as lines before and after; of passwords only that they differ."""
    old, new = [], []
    for name in sorted({*before, *after}):
        one, two = before.get(name), after.get(name)
        if one == two:
            continue
        note = " (its passwords change)" if one and two and one[0] != two[0] else ""
        if one:
            old.append(f"user {name} {one[1]}, {len(one[0])} verifiers")
        if two:
            new.append(f"user {name} {two[1]}, {len(two[0])} verifiers{note}")
    return old, new
