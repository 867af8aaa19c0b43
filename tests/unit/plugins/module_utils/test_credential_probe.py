# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The login probes against servers that say whatever they like: always an outcome, in time, and never the password."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from yardstick import PATIENCE, cpu_time, wait_for, wall_time

sys.path.insert(0, str(Path(__file__).parent))

from probe_servers import ENOUGH, QUICK, SASL, SECRET, error, message, postgres, request, says, serving, silent, valkey

from ansible_collections.mainstay.backend.plugins.module_utils._credential_probe import (
    OUTCOMES,
    Limits,
    Login,
    probe,
    read_logins,
)
from ansible_collections.mainstay.backend.plugins.module_utils._probe_valkey import command
from ansible_collections.mainstay.backend.plugins.module_utils._probe_wire import MOST_BYTES, Outcome
from ansible_collections.mainstay.backend.plugins.module_utils._scram_client import ScramClient, ScramError


def test_commands_are_framed_by_length() -> None:
    assert command("AUTH", "a b", "ü\r\n") == b"*3\r\n$4\r\nAUTH\r\n$3\r\na b\r\n$4\r\n\xc3\xbc\r\n\r\n"


@pytest.mark.parametrize(
    ("answers", "outcome", "said"),
    [
        ([b"+OK\r\n", b"+PONG\r\n"], "works", "logged in"),
        ([b"+OK\r\n", b"-NOPERM this user has no permissions\r\n"], "works", "NOPERM"),
        ([b"-WRONGPASS invalid username-password pair or user is disabled.\r\n"], "refused", "WRONGPASS"),
        ([b"!11\r\nWRONGPASS x\r\n"], "refused", "WRONGPASS"),
        ([b"-NOAUTH Authentication required.\r\n"], "error", "NOAUTH"),
        ([b"+OK\r\n", b"-LOADING Valkey is loading the dataset in memory\r\n"], "unreachable", "loading"),
        ([b"-LOADING Valkey is loading the dataset in memory\r\n"], "unreachable", "loading"),
        ([b"-ERR max number of clients reached\r\n"], "unreachable", "maxclients"),
        ([b"-DENIED Valkey is running in protected mode\r\n"], "error", "protected mode"),
        ([b"-ERR unknown command 'AUTH', with args beginning with: '" + SECRET.encode() + b"'\r\n"], "error", "ERR"),
        ([b"-" + SECRET.encode() + b"\r\n"], "error", "ERR"),
        ([b"+" + SECRET.encode() + b"\r\n"], "error", "something else"),
        ([b"%1\r\n+server\r\n+x\r\n"], "error", "no answer to a login"),
        ([b"HTTP/1.1 400 Bad Request\r\n"], "error", "another protocol"),
        ([b"\x15\x03\x01\x00\x02\x02\x0a\r\n"], "error", "perhaps TLS"),
        ([b"!99999999\r\n"], "error", "another protocol"),
    ],
)
def test_what_valkey_answers(answers: list[bytes], outcome: str, said: str) -> None:
    with serving(says(*answers)) as port:
        found = probe(valkey(port), ENOUGH)
    assert (found.outcome, said in found.said, SECRET in found.said) == (outcome, True, False), found


@pytest.mark.parametrize(
    ("answers", "outcome", "said"),
    [
        ([error("57P03", "the database system is starting up")], "unreachable", "57P03: the database"),
        ([error("53300", "sorry, too many clients already")], "unreachable", "53300"),
        ([error("28000", "no pg_hba.conf entry for host")], "error", "before it asked"),
        ([error("28P01")], "error", "before it asked"),
        ([SASL, error("28P01", "password authentication failed")], "refused", "28P01"),
        ([SASL, error("28000", 'role "x" is not permitted to log in')], "refused", "not permitted"),
        ([SASL, error("3D000", 'database "shop" does not exist')], "error", "3D000"),
        ([SASL, error("57P01", "terminating connection")], "unreachable", "57P01"),
        ([SASL, error("", "")], "error", "without a code"),
        ([request(3)], "error", "asks for the password itself"),
        ([request(5, b"salt")], "error", "asks for an MD5"),
        ([request(0) + message(b"Z", b"I")], "error", "without asking for a password"),
        ([message(b"Z", b"I")], "error", "without asking for a password"),
        ([SASL, request(0) + message(b"Z", b"I")], "error", "another server answers"),
        ([request(10, b"SCRAM-SHA-256-PLUS\0\0")], "error", "offers no SCRAM-SHA-256"),
        ([request(11, b"r=x,s=eHh4,i=4096")], "error", "something unknown"),
        ([SASL, request(11, b"r=x,s=eHh4,i=4096")], "error", "malformed"),
        ([SASL + SASL], "error", "offers no SCRAM"),
        ([message(b"X", b"")], "error", "another protocol"),
        ([b"R\x7f\xff\xff\xff"], "error", "another protocol"),
        ([b"HTTP/1.1 400 Bad Request\r\n"], "error", "another protocol"),
        ([message(b"S", b"a\0b\0") * 300], "error", "without end"),
    ],
)
def test_what_postgres_answers(answers: list[bytes], outcome: str, said: str) -> None:
    with serving(says(*answers)) as port:
        found = probe(postgres(port), ENOUGH)
    assert (found.outcome, said in found.said) == (outcome, True), found


@pytest.mark.parametrize("answer", [request(3), request(5, b"salt")], ids=["cleartext", "md5"])
def test_a_server_that_asks_for_the_password_gets_nothing(answer: bytes) -> None:
    heard, ended = bytearray(), threading.Event()

    def talk(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(answer)
        with contextlib.suppress(ConnectionError):
            while data := connection.recv(65536):
                heard.extend(data)
        ended.set()

    with serving(talk) as port:
        assert probe(postgres(port), ENOUGH).outcome == "error"
        assert ended.wait(PATIENCE), "the probe never ended its connection"
    assert not heard


def test_scram_as_rfc_7677_has_it() -> None:
    client = ScramClient("pencil", "rOprNGfwEbeRWgbNEkqO", "user")
    assert client.first() == "n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
    first = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    assert client.final(first).endswith(",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
    with pytest.raises(ScramError, match="another server"):
        client.verify("v=AAAATRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")
    client.verify("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")


@pytest.mark.parametrize(
    "first",
    [
        "r=nonce,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        "r=other1,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        "r=nonce1,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=1",
        "r=nonce1,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=2147483647",
        "r=nonce1,s=====,i=4096",
        "m=x,r=nonce1,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        "",
    ],
)
def test_a_false_server_learns_nothing_from_the_proof_and_costs_no_time(first: str) -> None:
    with cpu_time() as took, pytest.raises(ScramError):
        ScramClient(SECRET, "nonce").final(first)
    assert took.loops < 40, took.told()


def fed(data: bytes) -> Callable[[socket.socket], None]:
    def talk(connection: socket.socket) -> None:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass

    return talk


_WORDS = [b"+OK\r\n", b"-WRONGPASS\r\n", b"!5\r\n", b"\r\n", b"R", b"E", b"Z", b"N", b"\0\0\0\x08", b"\0\0\0\x0a"]
_MESSAGES = [SASL, request(0), request(11, b"r=,s=,i="), request(12, b"v="), error("28P01"), message(b"Z", b"I")]
_PIECES = st.sampled_from([*_WORDS, *_MESSAGES])
_HOSTILE = st.lists(st.one_of(_PIECES, st.binary(max_size=40)), max_size=12).map(b"".join)


def test_whatever_a_server_sends_there_is_an_outcome_and_no_login() -> None:
    slowest = 0.0

    @settings(deadline=None, max_examples=150)
    @given(_HOSTILE, st.sampled_from([valkey, postgres]))
    def judge(data: bytes, kind: Callable[[int], Login]) -> None:
        nonlocal slowest
        with serving(fed(data)) as port:
            began = time.monotonic()
            found = probe(kind(port), QUICK)
            slowest = max(slowest, time.monotonic() - began)
        assert found.outcome in OUTCOMES and found.said and found.said.isprintable()
        assert "itself failed" not in found.said and SECRET not in found.said
        # only Valkey's own two words, one after the other, are a login
        assert found.outcome != "works" or (kind is valkey and data.startswith(b"+OK\r\n"))

    with wall_time() as took:
        judge()
    assert slowest < 10 * took.slowness, f"the slowest took {slowest:.1f} s; all: {took.told()}"


@pytest.mark.parametrize("kind", [valkey, postgres])
@pytest.mark.parametrize("data", [b"+" * 65536, message(b"N", b"x" * 32000), b"\0" * 4096])
def test_endless_data_is_bounded(kind: Callable[[int], Login], data: bytes) -> None:
    sent = 0

    def talk(connection: socket.socket) -> None:
        nonlocal sent
        while True:
            connection.sendall(data)
            sent += len(data)

    with serving(talk) as port:
        found = probe(kind(port), ENOUGH)
    assert found.outcome == "error"
    # what the kernel's buffers took of it aside
    assert sent < MOST_BYTES + (16 << 20)


@pytest.mark.parametrize("kind", [valkey, postgres])
def test_a_server_that_trickles_is_given_up_in_time(kind: Callable[[int], Login]) -> None:
    def talk(connection: socket.socket) -> None:
        # 300 s: a probe that takes each byte for a reason to wait on would wait so long
        for _turn in range(6000):
            connection.sendall(b"+")
            time.sleep(0.05)

    with serving(talk) as port:
        with wall_time() as took:
            found = probe(kind(port), Limits(1.0, 0.6))
        assert found.outcome in ("unreachable", "error")
        assert took.calm < 5, took.told()


def test_a_server_that_says_nothing_or_leaves_is_unreachable() -> None:
    with serving(silent) as port:
        assert probe(valkey(port), Limits(60.0, 0.3)) == Outcome("unreachable", "no answer within 0.3 s", True)
    with serving(lambda connection: None) as port:
        assert probe(postgres(port), ENOUGH).outcome == "unreachable"


def test_nobody_there_and_no_such_name() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert probe(valkey(port), ENOUGH) == Outcome("unreachable", "connection refused", True)
    assert probe(Login("x", "valkey", "works", "no-such-host.invalid", 1, user="u", password="x"), QUICK).outcome in (
        "unreachable",
    )
    assert probe(Login("x", "valkey", "works", "a" * 300, 1, user="u", password="x"), ENOUGH).outcome == "error"


def test_tls_offered_to_plain_servers_sends_no_password() -> None:
    heard, ended = bytearray(), 0

    def talk(connection: socket.socket) -> None:
        nonlocal ended
        heard.extend(connection.recv(65536))
        connection.sendall(b"N")
        with contextlib.suppress(ConnectionError):
            while data := connection.recv(65536):
                heard.extend(data)
        ended += 1

    given_tls: Mapping[str, Any] = {"verify": "none"}
    with serving(talk) as port:
        entry = {"id": "x", "kind": "postgres", "expect": "works", "host": "127.0.0.1", "port": port, "user": "u"}
        (login,) = read_logins([{**entry, "tls": given_tls}], {"x": SECRET})
        assert probe(login, ENOUGH) == Outcome("error", "it offers no TLS; nothing was sent")
        assert len(heard) == 8
        (login,) = read_logins([{**entry, "kind": "valkey", "tls": given_tls}], {"x": SECRET})
        assert probe(login, QUICK).outcome in ("error", "unreachable")
        wait_for(lambda: ended == 2, "both probes ended their connections")
    assert SECRET.encode() not in heard
