# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Many login probes at once: in bounded time, with few connections; commands, keys, and options that are refused."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from yardstick import PATIENCE, wait_for, wall_time

sys.path.insert(0, str(Path(__file__).parent))

from probe_servers import ENOUGH, SECRET, says, serving, silent

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._credential_probe import (
    LANES,
    Limits,
    Login,
    probe,
    probe_all,
    probe_arguments,
    read_logins,
    told,
)
from ansible_collections.mainstay.backend.plugins.module_utils._probe_wire import Outcome
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_kinds import Probe


def test_fifty_probes_of_a_silent_server_cost_one_timeout_and_other_servers_none() -> None:
    """Each of its lanes asks it once; the rest of the fifty go by that."""
    asked: list[int] = []

    def mute(connection: socket.socket) -> None:
        asked.append(1)
        silent(connection)

    with serving(says(b"+OK\r\n", b"+PONG\r\n")) as port, serving(mute) as deaf:
        logins = [Login(str(at), "valkey", "works", "127.0.0.1", deaf, user="u", password="x") for at in range(50)]
        logins += [Login(f"ok{at}", "valkey", "works", "127.0.0.1", port, user="u", password="x") for at in range(5)]
        with wall_time() as took:
            found = probe_all(logins, Limits(5, 5))
    assert len(asked) <= LANES["valkey"]
    assert took.calm < 15, took.told()
    assert [item.outcome for item in found] == ["unreachable"] * 50 + ["works"] * 5


def test_no_server_gets_more_connections_than_its_lane() -> None:
    lock, now, most, turns = threading.Lock(), 0, 0, 0
    full = threading.Event()

    def ask(login: Login, limits: Limits) -> Outcome:
        nonlocal now, most, turns
        with lock:
            now, turns = now + 1, turns + 1
            most = max(most, now)
            if now == LANES["postgres"]:
                full.set()
        assert full.wait(PATIENCE), "fewer connections at once than the lane has"
        time.sleep(0.01)  # for one too many to come
        with lock:
            now -= 1
        return Outcome("works", "")

    logins = [Login(str(at), "postgres", "works", "db1", 5432) for at in range(40)]
    assert len(probe_all(logins, ENOUGH, ask)) == 40
    assert (most, turns) == (LANES["postgres"], 40)


def test_what_is_unreachable_is_tried_again_and_nothing_else() -> None:
    asked: list[str] = []

    def ask(login: Login, limits: Limits) -> Outcome:
        asked.append(login.id)
        if login.id == "late":
            return Outcome("works" if asked.count("late") > 2 else "unreachable", "")
        return Outcome("refused", "")

    logins = [Login("late", "valkey", "works", "a", 1), Login("no", "valkey", "works", "b", 1)]
    found = probe_all(logins, Limits(300, 300, 300), ask)
    assert ([item.outcome for item in found], asked.count("no")) == (["works", "refused"], 1)
    assert told(logins, found) == ["no: found refused; expected works"]


def test_a_thread_that_hangs_holds_nothing_up() -> None:
    over = threading.Event()

    def ask(login: Login, limits: Limits) -> Outcome:
        if login.id == "hangs":
            over.wait(600)
        return Outcome("works", "")

    logins = [Login("hangs", "valkey", "works", "a", 1), Login("ok", "valkey", "works", "b", 1)]
    try:
        with wall_time() as took:
            found = probe_all(logins, Limits(2, 2), ask)
    finally:
        over.set()
    assert [item.outcome for item in found] == ["unreachable", "works"]
    assert took.calm < 20, took.told()


def tries(code: str, limits: Limits = ENOUGH, **more: Any) -> Outcome:
    entry = {"id": "x", "kind": "command", "expect": "works", "command": [sys.executable, "-c", code], **more}
    (login,) = read_logins([entry], {"x": SECRET})
    return probe(login, limits)


def test_a_command_gets_the_secret_and_says_by_its_exit_code() -> None:
    right = f"import os,sys; sys.exit(0 if os.environ.get('MAINSTAY_SECRET') == '{SECRET[:4]}' + '{SECRET[4:]}' else 9)"
    assert tries(right).outcome == "works"
    assert tries(right.replace("MAINSTAY_SECRET", "TOKEN"), environment="TOKEN").outcome == "works"
    given_in = f"import os,sys; sys.exit(0 if len(sys.stdin.read()) == {len(SECRET)} and 'MAINSTAY_SECRET' not in os.environ else 9)"
    assert tries(given_in, stdin=True).outcome == "works"
    assert tries("raise SystemExit(4)", refused_exit=[4]).outcome == "refused"
    assert tries("raise SystemExit(4)").outcome == "error"
    assert tries("import os; os.kill(os.getpid(), 9)", refused_exit=[9]).outcome == "error"
    assert tries("x", command=["/no/such"]).outcome == "error"


def test_a_command_that_does_not_end_is_ended_with_its_children(tmp_path: Path) -> None:
    child, started = f"1700.{os.getpid()}", tmp_path / "started"
    code = "import pathlib, subprocess, time; "
    code += f"subprocess.Popen(['sleep', '{child}']); pathlib.Path('{started}').touch(); time.sleep(600)"
    for seconds in (1, 5, 25):
        with wall_time() as took:
            assert tries(code, Limits(1, seconds)).outcome == "unreachable"
        assert took.calm < seconds + 20, took.told()
        if started.exists():  # on a busy machine it may have been ended before it had a child
            break
    assert started.exists(), "the command did not start within 25 s"

    def running() -> str:
        return subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout

    wait_for(lambda: child not in running(), "the end of the command's child", seconds=60)


def test_a_rails_key(tmp_path: Any) -> None:
    from ansible_collections.mainstay.backend.plugins.module_utils._rails_credentials import encrypt, new_key

    key = new_key()
    path = tmp_path / "credentials.yml.enc"
    path.write_text(encrypt("a: 1\n", key))

    def opens(password: str, file: str = str(path)) -> str:
        (login,) = read_logins([{"id": "x", "kind": "rails_key", "expect": "works", "file": file}], {"x": password})
        return probe(login).outcome

    assert [opens(key), opens(new_key()), opens("short"), opens(key, "/no/such")] == [
        "works",
        "refused",
        "error",
        "error",
    ]


ENTRY = {"id": "x", "kind": "valkey", "expect": "works", "host": "db1", "user": "u"}


@pytest.mark.parametrize(
    ("change", "passwords", "says_"),
    [
        ({"kind": "ldap"}, {"x": "s"}, "probes[0].kind: found 'ldap'; expected one of valkey"),
        ({"expect": "maybe"}, {"x": "s"}, "probes[0].expect"),
        ({"host": None}, {"x": "s"}, "probes[0].host: found nothing"),
        ({"port": 70000}, {"x": "s"}, "probes[0].port: found 70000"),
        ({"user": ""}, {"x": "s"}, "probes[0].user"),
        ({}, {}, "passwords: found none for 'x'"),
        ({}, {"x": "s", "y": "t"}, "passwords: found 'y', which no probe has"),
        ({"tls": {"ca_path": "x"}}, {"x": "s"}, "probes[0].tls.ca_path: found an unknown option"),
        ({"tls": {"verify": "maybe"}}, {"x": "s"}, "probes[0].tls.verify"),
        ({"kind": "tls"}, {"x": "s"}, "probes[0].port"),
        ({"kind": "command", "command": ["try", "a-s3cret"]}, {"x": "s3cret"}, "found the secret in it"),
        ({"kind": "rails_key"}, {"x": "s"}, "probes[0].file"),
    ],
)
def test_refused_options(change: dict[str, Any], passwords: dict[str, str], says_: str) -> None:
    with pytest.raises(MainstayError) as caught:
        read_logins([{**ENTRY, **change}], passwords)
    assert says_ in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_an_id_is_used_once() -> None:
    with pytest.raises(MainstayError, match="twice"):
        read_logins([ENTRY, ENTRY], {"x": "s"})


def test_probes_of_adapters_become_the_modules_options() -> None:
    login = {"kind": "valkey", "host": "db1", "port": 6379, "user": "u", "password": SECRET}
    found = probe_arguments([Probe("c/1@db1", "c", "refused", login)])
    assert found["passwords"] == {"c/1@db1": SECRET}
    assert SECRET not in str(found["probes"]) and SECRET not in repr(read_logins(found["probes"], found["passwords"]))


def test_nothing_but_the_standard_library_is_needed() -> None:
    root = Path(__file__).parents[4] / ".build" / "collections"
    name = "ansible_collections.mainstay.backend.plugins.module_utils._credential_probe"
    code = f"import sys; sys.path.append({str(root)!r}); import {name}; print(any('site-packages' in path for path in sys.path))"
    # -S: without site-packages, as on a host with neither redis-py nor psycopg nor Ansible
    done = subprocess.run([sys.executable, "-S", "-I", "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "False\n"), done.stderr
