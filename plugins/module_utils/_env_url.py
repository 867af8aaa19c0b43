# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hosts and URLs in configuration: what is wrong with them for those who connect by them (RFC 3986, as Ruby's URI reads it)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence

_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_SERVICE = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,40})://([^/?#]*)([^?#]*)(?:\?([^#]*))?(?:#(.*))?", re.DOTALL)
_UNSAFE = re.compile(r"[^A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]")
_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
#: What such a URL names lies on the machine itself; the host may be missing.
_LOCAL = re.compile(r"file|unix|sqlite3?|(?:[a-z0-9]+\+)?unix|[a-z0-9]+\+socket|socket")
_BY_QUERY = ("postgres", "postgresql")
#: Such a URL may name several hosts with commas between.
_SEVERAL = re.compile(r"postgres(?:ql)?|mongodb|(?:[a-z0-9]+\+)?sentinels?|kafka|amqps?")


def _address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def host_fault(value: str) -> str | None:
    """What is wrong with VALUE as a host's name or address, as `check_value` says it."""
    if _named(value, _LABEL) or _address(value):
        return None
    if re.fullmatch(r"[^:/]+:[0-9]+", value):
        return "is a host with a port; only the host belongs here"
    return "is no host name or IP address"


def _named(value: str, label: re.Pattern[str]) -> bool:
    """A name whose last label is a number is none: it would be taken for an address."""
    labels = value.split(".") if len(value) <= 253 else []
    return bool(labels) and not labels[-1].isdigit() and all(label.fullmatch(part) for part in labels)


def url_fault(value: str, schemes: Sequence[str] = ()) -> str | None:
    """What is wrong with VALUE as a URL of one of SCHEMES (none given: of any), as `check_value` says it."""
    match = _URL.fullmatch(value)
    if not match:
        return "is no URL, scheme://host…"
    scheme = match[1].lower()
    if schemes and scheme not in [item.lower() for item in schemes]:
        return f"is a URL whose scheme is none of {', '.join(schemes)}"
    if _UNSAFE.search(value) or _PERCENT.search(value):
        return "is a URL with a character in it that must be percent-encoded"
    return _authority_fault(scheme, match[2], match[3] or "", match[4] or "")


def url_host(value: str) -> str:
    """The host (the first of several) that VALUE, a URL or a host's name alone, points to, in one spelling; '' where it names none."""
    match = _URL.fullmatch(value)
    endpoint = match[2].rpartition("@")[2].partition(",")[0] if match else value
    bracketed = re.match(r"\[([^\]]*)\]", endpoint)
    host = bracketed[1] if bracketed else endpoint.partition(":")[0] if match else endpoint
    return str(ipaddress.ip_address(host)) if _address(host) else host.lower()


def _authority_fault(scheme: str, authority: str, path: str, query: str) -> str | None:
    if authority.count("@") > 1:
        return "is a URL whose user or password has an '@' that must be percent-encoded"
    endpoint = authority.rpartition("@")[2]
    if not endpoint:
        elsewhere = (_LOCAL.fullmatch(scheme) and len(path) > 1) or (
            scheme in _BY_QUERY and re.search(r"(?:^|&)host=.", query)
        )
        return None if elsewhere else "is a URL without a host"
    endpoints = endpoint.split(",", 20) if _SEVERAL.fullmatch(scheme) else [endpoint]
    return next((fault for fault in map(_endpoint_fault, endpoints) if fault), None)


def _endpoint_fault(endpoint: str) -> str | None:
    """What is wrong with HOST or HOST:PORT within a URL."""
    bracketed = re.fullmatch(r"\[([0-9A-Fa-f:.]+)\](?::(.*))?", endpoint)
    host, colon, port = endpoint.partition(":")
    if bracketed:
        host, port, colon = bracketed[1], bracketed[2] or "", ":" if bracketed[2] is not None else ""
    if colon and not (re.fullmatch(r"[1-9][0-9]{0,4}", port) and int(port) <= 65535):
        return (
            "is a URL whose port is no number from 1 to 65535 (a '/', '?' or '#' in a password must be percent-encoded)"
        )
    if not host:
        return "is a URL without a host"
    if bracketed:
        return None if ":" in host and _address(host) else "is a URL whose host is no IPv6 address"
    return None if _named(host, _SERVICE) or _address(host) else "is a URL whose host is no host name or IP address"
