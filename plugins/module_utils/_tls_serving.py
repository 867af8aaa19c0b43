# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Makes a running server take up the certificate on its disk, and proves by handshakes that it shows it. Nothing is restarted."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._crash import crash
from ansible_collections.mainstay.backend.plugins.module_utils._deps import require
from ansible_collections.mainstay.backend.plugins.module_utils._postgres_live import connect as connect_postgres
from ansible_collections.mainstay.backend.plugins.module_utils._postgres_live import rows, said
from ansible_collections.mainstay.backend.plugins.module_utils._probe_postgres import ask_for_tls
from ansible_collections.mainstay.backend.plugins.module_utils._probe_tls import Tls, fingerprint
from ansible_collections.mainstay.backend.plugins.module_utils._probe_wire import Odd, Refused, Unreachable, Wire
from ansible_collections.mainstay.backend.plugins.module_utils._tls import CHAIN, CLIENT_AUTHORITIES, KEY, path
from ansible_collections.mainstay.backend.plugins.module_utils._tls_files import Placement
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_live import Login
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_live import connect as connect_valkey

#: A server that was told to reload does so at its next turn.
SECONDS = 10.0
_PAUSE = 0.05
_EVERY = {"0.0.0.0": "127.0.0.1", "*": "127.0.0.1", "::": "::1"}


@dataclass(frozen=True)
class Place:
    """Where a server listens with TLS on its own host. `name` is the instance's, or postgres."""

    server: str
    name: str
    host: str
    port: int

    def shown(self, trust: Placement | None = None) -> str:
        """The fingerprint of the certificate that it shows; with TRUST one that its authorities verify. '' where nobody answers with TLS.

        MainstayError: TRUST does not verify it.
        """
        tls = Tls(ca=trust.authorities, server_name=trust.name) if trust else Tls(verify="none")
        try:
            wire = Wire(self.host, self.port)
        except (Unreachable, Odd):
            return ""
        try:
            if self.server == "postgres":
                ask_for_tls(wire)
            tls.secure(wire, self.host)
            return fingerprint(wire.certificate())
        except (Unreachable, Refused):
            return ""
        except Odd as error:
            if trust:
                raise MainstayError(f"{self.name} on {self.host}:{self.port}: {error}") from None
            return ""
        finally:
            wire.close()


def places(server: str, name: str, addresses: Sequence[str], port: int) -> list[Place]:
    """Every address that SERVER listens on, those for all by their loopback one."""
    hosts = dict.fromkeys(_EVERY.get(item, item) for item in addresses)
    return [Place(server, name, host, port) for host in hosts]


def stale(found: Sequence[Place], wanted: Placement) -> bool:
    """Whether one of the places that answer shows another certificate than the wanted one."""
    return any(item.shown() not in ("", wanted.fingerprint) for item in found)


def prove(found: Sequence[Place], wanted: Placement, seconds: float = SECONDS) -> None:
    """Waits until every place shows the wanted certificate, and verifies it by its authorities and its name as consumers do."""
    until = time.monotonic() + seconds
    for item in found:
        while item.shown() != wanted.fingerprint:
            if time.monotonic() > until:
                told = f"certificate {(item.shown() or 'none')[:16]}"
                raise MainstayError(
                    f"{item.name} on {item.host}:{item.port}: found {told} {seconds:g} s after the reload; expected {wanted.fingerprint[:16]}"
                )
            time.sleep(_PAUSE)
        item.shown(wanted)


def reload_valkey(name: str, socket: str, login: Login) -> None:
    """Certificate and key in one CONFIG SET: either alone would be refused, as it does not fit the other."""
    errors = require("redis").exceptions
    client = connect_valkey(socket, login.user, login.password)
    try:
        known = client.config_get("tls-ca-cert-file").get("tls-ca-cert-file")
        pairs = {"tls-cert-file": path("valkey", CHAIN), "tls-key-file": path("valkey", KEY)}
        if known:
            pairs["tls-ca-cert-file"] = path("valkey", CLIENT_AUTHORITIES)
        client.execute_command("CONFIG", "SET", *[part for pair in pairs.items() for part in pair])
    except errors.RedisError as error:
        raise MainstayError(f"{name}: the running server refuses the certificate: {error}") from None
    finally:
        client.close()


def reload_postgres(port: int) -> None:
    """Tells the server to read its files anew; it says yes to what it then refuses, so only `prove` knows."""
    errors = require("psycopg2").Error
    try:
        with contextlib.closing(connect_postgres("postgres", port)) as connection:
            rows(connection, "SELECT pg_reload_conf()")
    except errors as error:
        raise MainstayError(f"PostgreSQL was not told to reload: {said(error)}") from None


def take_up(
    wanted: Placement, found: Sequence[Place], reload: Callable[[], None], check_mode: bool = False
) -> list[str]:
    """Places WANTED, reloads where the running server shows another certificate, proves it, and then removes what was before.

    Where the server does not take it, the link goes back to what it served. Returns what was done, one sentence each.
    """
    before = wanted.current()
    told = wanted.place(check_mode)
    if stale(found, wanted) or (told and found):
        told.append(f"{', '.join(dict.fromkeys(item.name for item in found))}: certificate reloaded")
        if not check_mode:
            _reload(wanted, found, reload, before)
    return told + wanted.tidy(check_mode)


def _reload(wanted: Placement, found: Sequence[Place], reload: Callable[[], None], before: str) -> None:
    try:
        reload()
        crash("certificate.reloaded")
        prove(found, wanted)
    except MainstayError as error:
        if not before or before == wanted.version:
            raise
        wanted.point(before)
        reload()
        raise MainstayError(f"{error}. The certificate of before was put back") from None


def placement_of(server: str, told: Mapping[str, object]) -> Placement:
    """The Placement in the parameters of a module."""
    given = told.get("certificate")
    files = {str(name): str(text) for name, text in given.items()} if isinstance(given, Mapping) else {}
    return Placement(server, files, str(told.get("certificate_name")))
