# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""pg_hba.conf as data: who may log in to what, from where, and how. Anything weaker than SCRAM over a network is refused."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.mainstay.backend.plugins.module_utils._checking import Checker, Problem, shown
from ansible_collections.mainstay.backend.plugins.module_utils._tls import ServerTls

NO_TLS = ServerTls()
TYPES = ("local", "host", "hostssl", "hostnossl", "hostgssenc")
METHODS = {"local": ("peer", "scram-sha-256", "reject"), "host": ("scram-sha-256", "cert", "gss", "reject")}
OPTIONS = ("clientcert", "clientname", "map", "include_realm", "krb_realm")
_KEYWORDS = {"database": ("all", "sameuser", "samerole", "replication"), "user": ("all",)}
_WEAK = {
    "trust": "lets everyone in without a password",
    "md5": "accepts md5 hashes",
    "password": "sends the password in clear text",
    "ident": "believes what the client's machine says",
    "ldap": "sends the password in clear text",
    "pam": "sends the password in clear text",
    "radius": "sends the password in clear text",
}
LOOPBACK = ("127.0.0.1/32", "::1/128")


@dataclass(frozen=True)
class HbaEntry:
    """One line of pg_hba.conf."""

    kind: str
    databases: tuple[str, ...]
    users: tuple[str, ...]
    address: str
    method: str
    options: Mapping[str, str] = field(default_factory=dict)

    def line(self) -> str:
        """The line as pg_hba.conf holds it; names are quoted, so that none is taken for a keyword."""
        databases = ",".join(_quoted(name, "database") for name in self.databases)
        users = ",".join(_quoted(name, "user") for name in self.users)
        options = "".join(f' {name}="{value}"' for name, value in sorted(self.options.items()))
        return f"{self.kind:<7} {databases:<23} {users:<31} {self.address:<23} {self.method}{options}".rstrip()


def _quoted(name: str, what: str) -> str:
    if name in _KEYWORDS[what]:
        return name
    return f'+"{name[1:]}"' if name.startswith("+") else f'"{name}"'


def read_hba(value: object, problems: list[Problem], name: str = "postgres_hba") -> tuple[HbaEntry, ...]:
    """The entries of VALUE, a list of mappings."""
    if value in (None, ""):
        return ()
    if isinstance(value, (str, Mapping)) or not isinstance(value, Sequence):
        problems.append(
            Problem(name, shown(value), "a list of entries, like {database: shop, user: report, address: 10.0.0.0/24}")
        )
        return ()
    entries = [_entry(Checker(f"{name}[{index}]", item, problems)) for index, item in enumerate(value)]
    return tuple(entry for entry in entries if entry is not None)


def _entry(check: Checker) -> HbaEntry | None:
    before = len(check.problems)
    if not check.data and len(check.problems) == before:
        check.say("", "an empty entry", "a mapping, like {database: shop, user: report, address: 10.0.0.0/24}")
    kind = check.choice("type", "host", TYPES)
    databases, users = _names(check, "database"), _names(check, "user")
    method = _method(check, kind)
    address = _address(check, kind)
    options = {}
    for key, value in check.mapping("options").items():
        # Neither is shown: what stands here may be a password of another method
        if key not in OPTIONS:
            check.say(f"options.{key}", "an unknown option (value not shown)", f"one of {', '.join(OPTIONS)}")
        elif not re.fullmatch(r"[A-Za-z0-9_.@/-]+", str(value)):
            check.say(f"options.{key}", "a value that is not plain (not shown)", "letters, digits and _.@/- only")
        options[key] = str(value)
    check.done()
    return HbaEntry(kind, databases, users, address, method, options) if len(check.problems) == before else None


def _names(check: Checker, key: str) -> tuple[str, ...]:
    value = check.get(key)
    items = [value] if isinstance(value, str) else value
    expected = f"a name, a list of names, or {' or '.join(_KEYWORDS[key])}"
    if not isinstance(items, Sequence) or not items:
        check.problem(key, value, expected)
        return ()
    for item in items:
        if not isinstance(item, str) or not re.fullmatch(r"\+?[A-Za-z_][A-Za-z0-9_$-]{0,62}", item):
            check.problem(key, item, expected)
            return ()
    return tuple(str(item) for item in items)


def _method(check: Checker, kind: str) -> str:
    method = check.get("method", "peer" if kind == "local" else "scram-sha-256")
    allowed = METHODS["local" if kind == "local" else "host"]
    if not isinstance(method, str):
        check.problem("method", method, f"one of {', '.join(allowed)}")
        return ""
    if method in _WEAK and method not in allowed:
        check.say("method", f"{method}, which {_WEAK[method]}", f"one of {', '.join(allowed)}")
    elif method not in allowed:
        check.problem("method", method, f"one of {', '.join(allowed)}")
    elif method == "cert" and kind != "hostssl":
        check.say("method", f"cert with type {kind}", "type hostssl, the only one with certificates")
    elif method == "gss" and kind == "hostnossl":
        check.say("method", f"gss with type {kind}", "type host, hostssl or hostgssenc")
    return str(method)


def _address(check: Checker, kind: str) -> str:
    value = check.get("address", "")
    if kind == "local":
        if value:
            check.problem("address", value, "no address: type local is the Unix socket")
        return ""
    if value in ("samehost", "samenet"):
        return str(value)
    try:
        return str(ipaddress.ip_network(value))
    except ValueError:
        check.problem(
            "address", value or None, "a network in CIDR form without host bits, like 10.0.0.0/24, samehost or samenet"
        )
        return ""


def hba_entries(
    extra: Sequence[HbaEntry],
    clients: Sequence[str],
    logins: Mapping[str, Sequence[str]],
    tls: ServerTls = NO_TLS,
) -> list[HbaEntry]:
    """All entries in their order: the administrator's own socket first, then EXTRA, then each database's LOGINS from CLIENTS.

    With TLS required no entry of a network fits a connection in clear. A client's certificate is checked against its authority; its name is
    not compared with the login's, which alternates, and which has its own password.
    """
    kind = "hostssl" if tls.level == "required" or tls.clients == "required" else "host"
    options = {"clientcert": "verify-ca"} if tls.on and tls.clients == "required" else {}
    found = [
        HbaEntry("local", ("all",), ("postgres",), "", "peer"),
        HbaEntry("local", ("replication",), ("postgres",), "", "peer"),
        *extra,
    ]
    for database, users in sorted(logins.items()):
        if not users:
            continue
        found.append(HbaEntry("local", (database,), tuple(users), "", "scram-sha-256"))
        for network in dict.fromkeys([*LOOPBACK, *clients]):
            found.append(HbaEntry(kind, (database,), tuple(users), network, "scram-sha-256", options))
    return found
