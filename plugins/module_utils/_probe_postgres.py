# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether PostgreSQL lets a role in, by its protocol 3.0 and SCRAM-SHA-256. Standard library only.

A server that asks for the password itself, or for an MD5 of it, does not get it. Refused is what the server says about the login after it
has looked at the password; a line of pg_hba.conf that is missing says nothing of it.
"""

from __future__ import annotations

import secrets
import struct
from collections.abc import Iterator

from ansible_collections.mainstay.backend.plugins.module_utils._findings import printable
from ansible_collections.mainstay.backend.plugins.module_utils._probe_wire import (
    Odd,
    Outcome,
    Refused,
    Unreachable,
    Wire,
)
from ansible_collections.mainstay.backend.plugins.module_utils._scram_client import MECHANISM, ScramClient, ScramError

_SSL_REQUEST = struct.pack("!ii", 8, 80877103)
_PROTOCOL = 196608
_MOST_MESSAGE = 1 << 15
_MOST_MESSAGES = 200
_TOLD = 160
#: SQLSTATEs (or their class) of a server that cannot say at the moment: too many connections, no memory, starting, going down.
_LATER = ("53", "57P", "58", "08")
_REFUSALS = ("28P01", "28000")
_METHODS = {2: "Kerberos V5", 3: "the password itself", 5: "an MD5 of the password", 7: "GSSAPI", 9: "SSPI"}


def ask_for_tls(wire: Wire) -> None:
    """The question with which this protocol goes over to TLS; the handshake follows."""
    wire.send(_SSL_REQUEST)
    answer = wire.take(1)
    if answer == b"N":
        raise Odd("it offers no TLS; nothing was sent")
    if answer != b"S":
        raise Odd("it speaks another protocol than PostgreSQL's; nothing was sent")


def probe_postgres(wire: Wire, user: str, password: str, database: str, replication: bool = False) -> Outcome:
    """Logs in up to the server's ReadyForQuery and leaves again."""
    options = {"user": user, "database": database, "application_name": "mainstay.backend"}
    if replication:
        options.update(replication="true")
    wire.send(_startup(options))
    exchange = Exchange(password)
    for kind, body in _messages(wire):
        if kind == b"R":
            wire.send(exchange.answer(body))
        elif kind == b"E":
            raise _error(body, exchange.begun)
        elif kind == b"Z":
            exchange.check()
            wire.send(b"X" + struct.pack("!i", 4))
            return Outcome("works", "logged in")
        elif kind not in b"SKNv":
            raise Odd("it speaks another protocol than PostgreSQL's")
    raise Odd("it sends messages without end")


class Exchange:
    """The authentication requests of one login and what is answered."""

    def __init__(self, password: str) -> None:
        self._client = ScramClient(password, secrets.token_urlsafe(24))
        self.begun = self._proven = self._admitted = False

    def answer(self, body: bytes) -> bytes:
        """What goes back, empty for nothing; Odd for what is not answered."""
        code = int.from_bytes(body[:4], "big") if len(body) >= 4 else -1
        text = body[4:].decode("utf-8", "replace")
        try:
            if code == 10:
                return self._begin(text)
            if code == 11 and self.begun:
                return _packed(self._client.final(text).encode())
            if code == 12 and self.begun:
                self._client.verify(text)
                self._proven = True
                return b""
        except ScramError as error:
            raise Odd(str(error)) from None
        if code == 0:
            self._admitted = True
            self.check()
            return b""
        asked = _METHODS.get(code)
        raise Odd(
            f"it asks for {asked}, which it does not get; expected {MECHANISM}"
            if asked
            else "it asks for something unknown"
        )

    def check(self) -> None:
        """A server that lets in without having been shown the password says nothing about it."""
        if not self.begun:
            raise Odd("it lets this login in without asking for a password (trust, peer or cert in pg_hba.conf)")
        if not (self._proven and self._admitted):
            raise Odd(
                "it lets in without proving that it knows the password's verifier: another server answers in its place"
            )

    def _begin(self, text: str) -> bytes:
        if self.begun or MECHANISM not in text.split("\0"):
            raise Odd(f"it offers no {MECHANISM}")
        self.begun = True
        first = self._client.first().encode()
        return _packed(MECHANISM.encode() + b"\0" + struct.pack("!i", len(first)) + first)


def _startup(options: dict[str, str]) -> bytes:
    if any("\0" in value for value in options.values()):
        raise Odd("found a NUL in the user or the database; nothing was sent")
    words = b"".join(f"{key}\0{value}\0".encode() for key, value in options.items() if value) + b"\0"
    return struct.pack("!ii", len(words) + 8, _PROTOCOL) + words


def _packed(data: bytes) -> bytes:
    return b"p" + struct.pack("!i", len(data) + 4) + data


def _messages(wire: Wire) -> Iterator[tuple[bytes, bytes]]:
    for _number in range(_MOST_MESSAGES):
        kind = wire.take(1)
        length = int.from_bytes(wire.take(4), "big")
        if not 4 <= length <= _MOST_MESSAGE:
            raise Odd("it speaks another protocol than PostgreSQL's")
        yield kind, wire.take(length - 4)


def _error(body: bytes, begun: bool) -> Exception:
    """The exception for an ErrorResponse. Its text may be shown: the server never had the password."""
    fields = {part[:1]: part[1:].decode("utf-8", "replace") for part in body.split(b"\0") if part}
    state = printable(fields.get(b"C", ""))[:5]
    message = printable(fields.get(b"M", ""))[:_TOLD]
    told = f"{state}: {message}" if state else "an error without a code"
    if state in _REFUSALS and begun:
        return Refused(told)
    if state in _REFUSALS:
        return Odd(f"{told} (said before it asked for a password)")
    return Unreachable(told) if state.startswith(_LATER) else Odd(told)
