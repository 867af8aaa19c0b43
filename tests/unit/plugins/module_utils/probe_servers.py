# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Servers that say whatever a test wants them to, for the login probes."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator

from ansible_collections.mainstay.backend.plugins.module_utils._credential_probe import (
    Limits,
    Login,
)

SECRET = "p4ssw0rd-of-no-worth"
#: Where no answer is part of what is tried.
QUICK = Limits(connect=1.0, seconds=1.0)
#: Where an answer comes, at some time: a machine that others use may be slow to give it.
ENOUGH = Limits(connect=300.0, seconds=300.0)


@contextlib.contextmanager
def serving(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server on a port of this machine; TALK has each connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _peer = server.accept()
                    threading.Thread(target=one, args=(connection,), daemon=True).start()

        def one(connection: socket.socket) -> None:
            with contextlib.suppress(OSError), connection:
                talk(connection)

        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1]


def says(*parts: bytes) -> Callable[[socket.socket], None]:
    """Sends one part after each thing that it is sent, then waits for the end."""

    def talk(connection: socket.socket) -> None:
        for part in parts:
            connection.recv(65536)
            connection.sendall(part)
        connection.recv(65536)

    return talk


def silent(connection: socket.socket) -> None:
    """Takes what comes and says nothing, until the other one leaves."""
    while connection.recv(65536):
        pass


def valkey(port: int) -> Login:
    return Login("x", "valkey", "works", "127.0.0.1", port, user="shop_cache_a", password=SECRET)


def postgres(port: int) -> Login:
    return Login("x", "postgres", "works", "127.0.0.1", port, user="shop_db_a", database="shop", password=SECRET)


def message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


def request(code: int, body: bytes = b"") -> bytes:
    return message(b"R", struct.pack("!i", code) + body)


def error(state: str, text: str = "said by the server") -> bytes:
    return message(b"E", f"SFATAL\0C{state}\0M{text}\0\0".encode())


SASL = request(10, b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0")
