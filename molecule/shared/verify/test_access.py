# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who may do what, and from where: asked of the servers, over the network."""

from __future__ import annotations

import re
import socket
from typing import Any

import psycopg
import pytest
import redis
from backend import INSTANCES, ONCE, Backend, until

every_instance = pytest.mark.parametrize("instance", INSTANCES)

FORBIDDEN: list[list[str]] = [
    ["CONFIG", "GET", "*"],
    ["CONFIG", "SET", "maxmemory", "0"],
    ["CONFIG", "REWRITE"],
    ["FLUSHALL"],
    ["KEYS", "*"],
    ["ACL", "LIST"],
    ["ACL", "SETUSER", "verify", "on"],
    ["MONITOR"],
    ["SHUTDOWN", "NOSAVE"],
    ["REPLICAOF", "127.0.0.1", "6379"],
    ["MODULE", "LIST"],
    ["SAVE"],
    ["BGREWRITEAOF"],
    ["CLIENT", "LIST"],
    ["CLIENT", "KILL", "TYPE", "normal"],
    ["SWAPDB", "0", "1"],
    ["SYNC"],
]


@every_instance
def test_valkey_refuses_who_gives_no_password(backend: Backend, instance: str) -> None:
    with pytest.raises(redis.exceptions.AuthenticationError, match="Authentication required"):
        backend.connect(instance, user=None, password=None, protocol=2, **ONCE).get("verify")


@every_instance
def test_valkey_refuses_a_wrong_password(backend: Backend, instance: str) -> None:
    with pytest.raises(redis.exceptions.AuthenticationError, match="invalid username-password pair"):
        backend.connect(instance, password="wrong", **ONCE).ping()


@every_instance
@pytest.mark.parametrize("user", ["default", "nobody", "root"])
def test_valkey_refuses_a_wrong_user(backend: Backend, instance: str, user: str) -> None:
    with pytest.raises(redis.exceptions.AuthenticationError, match="invalid username-password pair"):
        backend.connect(instance, user=user, **ONCE).ping()


@every_instance
def test_valkey_refuses_another_instances_user(backend: Backend, instance: str) -> None:
    other = backend.url("cache" if instance != "cache" else "session")
    with pytest.raises(redis.exceptions.AuthenticationError, match="invalid username-password pair"):
        backend.connect(instance, user=other.username, password=other.password, **ONCE).ping()


@every_instance
def test_valkey_refuses_the_unused_slot_with_any_password(backend: Backend, instance: str) -> None:
    user = str(backend.url(instance).username)
    assert user.endswith("_a")
    for password in (backend.url(instance).password, "", "nopass"):
        with pytest.raises(redis.exceptions.AuthenticationError):
            backend.connect(instance, user=user[:-1] + "b", password=password, **ONCE).ping()


@every_instance
@pytest.mark.parametrize("command", FORBIDDEN, ids=" ".join)
def test_valkey_refuses_its_application_what_only_an_administrator_needs(
    backend: Backend, instance: str, command: list[str]
) -> None:
    with pytest.raises(redis.exceptions.NoPermissionError):
        backend.client(instance).execute_command(*command)


@pytest.mark.parametrize("instance", ["session", "cable"])
def test_valkey_lets_nobody_empty_what_must_not_be_lost(backend: Backend, instance: str) -> None:
    with pytest.raises(redis.exceptions.NoPermissionError):
        backend.client(instance).flushdb()


@every_instance
def test_valkey_offers_nobody_its_debugging_commands(backend: Backend, instance: str) -> None:
    """Not even the administrator: who wants them must change the configuration and restart."""
    for client in (backend.client(instance), backend.admin(instance)):
        with pytest.raises(redis.exceptions.ResponseError, match=r"enable-debug-command|no permissions"):
            client.execute_command("DEBUG", "SLEEP", "0")


@every_instance
def test_the_health_user_may_ping_and_nothing_else(backend: Backend, instance: str) -> None:
    # A bare connection: a client's own greetings (CLIENT SETINFO, HELLO) are more than this user may send.
    with socket.create_connection(("127.0.0.1", backend.port(f"127.0.0.1:{backend.url(instance).port}")), 10) as wire:
        lines = wire.makefile("rwb")

        def ask(command: str) -> str:
            lines.write(command.encode() + b"\r\n")
            lines.flush()
            return str(lines.readline().decode()).strip()

        assert ask("AUTH health anything") == "+OK"
        assert ask("PING") == "+PONG"
        for command in (
            "GET a",
            "SET a 1",
            "INFO",
            "CONFIG GET port",
            "ACL WHOAMI",
            "SUBSCRIBE a",
            "CLIENT LIST",
            "FLUSHALL",
            "EVAL 1 0",
        ):
            assert ask(command).startswith("-NOPERM"), command


@every_instance
def test_only_valkey_and_root_reach_the_socket(host: Any, instance: str) -> None:
    folder, wire = host.file(f"/run/valkey-{instance}"), host.file(f"/run/valkey-{instance}/valkey.sock")
    assert (wire.user, wire.mode & 0o077) == ("valkey", 0) or (folder.user, folder.mode & 0o007, wire.mode & 0o007) == (
        "valkey",
        0,
        0,
    )


def listening(host: Any) -> set[tuple[str, int]]:
    """(address, port) of each listening TCP socket."""
    pairs = (line.split()[3].rpartition(":") for line in host.check_output("ss -Hltn").splitlines())
    return {(re.sub(r"[\[\]]|%.*", "", address), int(port)) for address, _unused, port in pairs}


def test_nothing_listens_beyond_the_declared_addresses(host: Any, backend: Backend) -> None:
    ports = {backend.url(name).port for name in (*INSTANCES, "database")}
    found = listening(host)
    assert {port for _unused, port in found} == ports
    assert {address for address, _unused in found} <= {"127.0.0.1", "::1"}, found


def test_no_server_answers_on_the_hosts_outer_address(host: Any, backend: Backend) -> None:
    """Tried from the host, and from the controller where its network reaches there. A listener of ours shows that the try can succeed."""
    outer = host.check_output("hostname -I").split()
    probe = "import socket,sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 20)"
    host.check_output("systemd-run --quiet --collect --unit=verify-listener python3 -m http.server 18080")
    try:
        until(
            lambda: (outer[0], 18080) in listening(host) or ("0.0.0.0", 18080) in listening(host),
            "the listener is up",
        )
        tries = [lambda port: host.run(f"python3 -c '{probe}' {outer[0]} {port}").rc == 0]
        if connects(outer[0], 18080):
            tries.append(lambda port: connects(outer[0], port))
        for reaches in tries:
            assert reaches(18080)
            assert [name for name in (*INSTANCES, "database") if reaches(backend.url(name).port)] == []
    finally:
        host.run("systemctl stop verify-listener")


def connects(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), 20).close()
    except OSError:
        return False
    return True


def test_postgres_refuses_who_gives_no_password_or_a_wrong_one(backend: Backend) -> None:
    with pytest.raises(psycopg.OperationalError, match="no password supplied"):
        backend.database(password=None)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        backend.database(password="wrong")


def test_postgres_refuses_wrong_users_and_the_unused_slot(backend: Backend) -> None:
    login = str(backend.url("database").username)
    assert login.endswith("_a")
    for user in (login[:-1] + "b", "postgres", "nobody", login.removesuffix("_db_a") + "_owner"):
        with pytest.raises(
            psycopg.OperationalError,
            match=r"authentication failed|not permitted to log in|no pg_hba.conf entry|rejects connection",
        ):
            backend.database(user=user)


def test_postgres_refuses_its_application_other_databases_and_the_servers_own_things(backend: Backend) -> None:
    for name in ("postgres", "template1"):
        with pytest.raises(
            psycopg.OperationalError, match=r"permission denied for database|no pg_hba.conf entry|rejects connection"
        ):
            backend.database(name=name)
    for sql in (
        "ALTER SYSTEM SET work_mem = '1MB'",
        "SELECT rolpassword FROM pg_authid",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "CREATE ROLE verify",
        "SELECT pg_read_file('/etc/passwd')",
        "CREATE EXTENSION file_fdw",
    ):
        with backend.database(autocommit=True) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(sql)  # type: ignore[call-overload]
