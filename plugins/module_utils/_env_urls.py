# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""URLs of data stores as applications write them: leniently read, and where they point in one normal form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import unquote

_URL = re.compile(r"(?:jdbc:)?([A-Za-z][A-Za-z0-9+.-]{0,30})://([^/?#]*)([^?#]*)(?:\?([^#]*))?")
_VALKEY = ("redis", "rediss", "valkey", "valkeys", "unix")
_SQL = ("postgres", "postgresql", "postgis")
_PORTS = {"valkey": 6379, "postgres": 5432}
_LOOPBACK = re.compile(r"|localhost|.*\.localhost|ip6-localhost|127(\.\d{1,3}){1,3}|\[?::1\]?|0\.0\.0\.0")


@dataclass(frozen=True)
class Url:
    """`kind`: valkey, postgres or ''. `host` is lower-case, 'localhost' for every loopback, a path for a Unix socket (`port` 0 then)."""

    kind: str
    scheme: str
    host: str
    port: int
    database: str
    user: str = field(repr=False)
    password: str = field(repr=False)
    query: Mapping[str, str] = field(repr=False)

    @property
    def local(self) -> bool:
        return self.host == "localhost" or self.host.startswith("/")

    @property
    def endpoint(self) -> tuple[str, int]:
        return self.host, self.port


@lru_cache(maxsize=4096)
def read(value: str) -> Url | None:
    """VALUE as a URL, or None. A password may hold a '@' or ':' that should have been escaped."""
    match = _URL.match(value.strip()) if "://" in value else None
    if match is None:
        return None
    scheme = match[1].lower()
    base = scheme.split("+", 1)[0]
    kind = "valkey" if base in _VALKEY else "postgres" if base in _SQL else ""
    if base == "unix" and not re.search(r"redis|valkey", match[3], re.IGNORECASE):
        kind = ""  # another service's socket
    credentials, at, place = match[2].rpartition("@")
    user, colon, password = credentials.partition(":")
    query = dict(part.partition("=")[::2] for part in (match[4] or "").split("&"))
    host, port = _place(place, kind)
    path = unquote(match[3])
    socket = unquote(query.get("host", "")) if kind == "postgres" else ""
    if kind == "valkey" and not place and (base == "unix" or "unix" in scheme or "socket" in scheme):
        host, port = path, 0
    elif kind == "postgres" and host in ("", "localhost") and socket:
        host, port = (socket, 0) if socket.startswith("/") else _place(socket, kind)
    elif host.lower().startswith("%2f"):
        host, port = unquote(host), 0
    return Url(
        kind,
        scheme,
        host,
        port,
        path.lstrip("/"),
        unquote(user) if at else "",
        unquote(password if at and colon else query.get("password", "")),
        query,
    )


def normal_host(host: str) -> str:
    """HOST in lower case; 'localhost' for every name and address of the host itself."""
    found = host.strip().lower().rstrip(".")
    return "localhost" if _LOOPBACK.fullmatch(found) else found.strip("[]")


def _place(text: str, kind: str) -> tuple[str, int]:
    """Host and port of the first of HOST[:PORT],…"""
    first = text.split(",", 1)[0]
    match = re.fullmatch(r"(\[[^\]]*\]|[^:]*)(?::(\d{1,5}))?", first)
    if match is None:
        return normal_host(first), 0
    if match[1].lower().startswith("%2f"):
        return match[1], 0
    if not match[1] and kind == "":
        return "", 0
    return normal_host(match[1]), int(match[2]) if match[2] else _PORTS.get(kind, 0)
