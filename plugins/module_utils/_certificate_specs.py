# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Credentials of kind certificate, read from the inventory: for whom, by which authority, under which names, for how long."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ansible_collections.mainstay.backend.plugins.module_utils._checking import Checker, Problem

if TYPE_CHECKING:
    from ansible_collections.mainstay.backend.plugins.plugin_utils.types import Credential

#: Whose it is: a data server's, or a consumer's that shows it to one.
SERVERS = ("valkey", "postgres")
FOR = (*SERVERS, "client")
#: Every host's own names: a consumer beside the server connects to these.
LOOPBACK = ("localhost", "127.0.0.1", "::1")
_DAYS = {"d": 1, "w": 7}
_NAME = re.compile(
    r"(?:\*\.)?[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*"
)
_SUPPLIED = ("chain", "key", "ca")


@dataclass(frozen=True)
class Source:
    """PEM text, or the absolute path of a file of it on the controller. Its repr shows neither: one of them is a private key."""

    value: str = field(repr=False)

    @property
    def path(self) -> str:
        return self.value if self.value.startswith("/") else ""


def certificate_of(server: str) -> str:
    """The name of the credential that is derived for SERVER where none is declared."""
    return f"{server}_certificate"


def read_certificate(check: Checker) -> dict[str, Any]:
    """The options of a certificate, with `max_age` where its credential has none of its own: two thirds of its time."""
    if check.get("for") is None:
        check.say("for", "nothing", f"one of {', '.join(FOR)}")
    purpose = check.choice("for", FOR[0], FOR)
    own = check.choice("authority", "own", ("own", "supplied")) == "own"
    found: dict[str, Any] = {
        "for": purpose,
        "authority": "own" if own else "supplied",
        "names": _names(check, purpose),
        "common_name": check.text("common_name", "", r"[A-Za-z0-9_. -]{0,64}", "at most 64 letters, digits and _.-"),
        "key_type": check.choice("key_type", "ecdsa", ("ecdsa", "rsa")),
        "valid": 0,
        "max_age": "",
    }
    if own:
        _own(check, found)
    else:
        _supplied(check, found)
    return found


def _own(check: Checker, found: dict[str, Any]) -> None:
    for key in _SUPPLIED:
        if check.get(key) is not None:
            check.say(key, "a value (not shown), and authority own", "authority: supplied, or no such entry")
    valid = _days(check.text("valid", "90d", r"[1-9]\d{0,3}[dw]", "a time like 90d or 12w")) or 90
    if not 2 <= valid <= 825:
        check.problem("valid", check.get("valid"), "2 to 825 days: no client takes a certificate for longer")
        valid = 90
    age = check.get("max_age")
    if isinstance(age, str) and (_days(age) or 0) >= valid:
        check.problem("max_age", age, f"less than {valid}d, the time that the certificate is valid")
    found.update(valid=valid, max_age=f"{valid * 2 // 3 or 1}d")


def _supplied(check: Checker, found: dict[str, Any]) -> None:
    if check.get("valid") is not None:
        check.say("valid", "a value, and authority supplied", "no such entry: the certificate says it")
    for key in _SUPPLIED:
        value = check.get(key)
        if isinstance(value, str) and (re.match(r"\s*-----BEGIN ", value) or re.fullmatch(r"/[^\0\n]+", value)):
            found[key] = Source(str(value).strip())
        else:
            told = "nothing" if value is None else "a value that is neither (not shown)"
            check.say(key, told, "PEM text, or the absolute path of a file of it on the controller")
            found[key] = Source("")
    if found["for"] in SERVERS and not found["names"]:
        check.say("names", "nothing", "the names in the certificate by which consumers connect, like [db.example.org]")


def _names(check: Checker, purpose: str) -> tuple[str, ...]:
    names = check.strings("names", (), "a list of host names and IP addresses")
    if names and purpose == "client":
        check.problem("names", names, "no such entry: a client has a common_name")
    for name in names:
        if not is_name(name):
            check.problem("names", name, "a host name or an IP address")
    return tuple(dict.fromkeys(names))


def is_name(text: str) -> bool:
    return is_address(text) or bool(_NAME.fullmatch(text) and len(text) <= 253)


def is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _days(text: str) -> int | None:
    match = re.fullmatch(r"(\d+)([dw])", text)
    return int(match[1]) * _DAYS[match[2]] if match else None


def derived(wanted: Mapping[str, Any], servers: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The certificates that SERVERS (those with TLS) need beside the declared ones, WANTED: name -> options."""
    declared = [item for item in wanted.values() if isinstance(item, Mapping) and item.get("kind") == "certificate"]
    there = {str(item.get("for")) for item in declared}
    return {certificate_of(server): {"kind": "certificate", "for": server} for server in servers if server not in there}


def serving(credentials: Mapping[str, Credential], servers: Iterable[str], problems: list[Problem]) -> dict[str, str]:
    """Server -> the credential whose certificate it shows, for SERVERS, those with TLS."""
    found: dict[str, str] = {}
    for server in servers:
        names = [name for name, item in credentials.items() if item.options.get("for") == server]
        if len(names) > 1:
            told = f"{' and '.join(names)}, all for {server}"
            problems.append(Problem("backend_credentials", told, f"one certificate for {server}"))
        if names:
            found[server] = names[0]
    return found


def with_names(credentials: Mapping[str, Credential], names: Mapping[str, Sequence[str]]) -> dict[str, Credential]:
    """CREDENTIALS with the names of the data hosts in every certificate of our own; NAMES: server -> its hosts' names."""
    found = dict(credentials)
    for name, item in credentials.items():
        if item.options.get("for") in names and item.options["authority"] == "own":
            every = tuple(dict.fromkeys([*item.options["names"], *names[item.options["for"]], *LOOPBACK]))
            found[name] = replace(item, options={**item.options, "names": every})
    return found


def reach(credential: Credential, address: str, others: Sequence[str] = ()) -> str:
    """Where a consumer connects so that the certificate fits: ADDRESS, one of OTHERS, or the first name that was declared."""
    names = credential.options.get("names") or ()
    return next((item for item in (address, *others) if item in names), names[0] if names else address)
