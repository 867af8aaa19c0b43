# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Module valkey_user for a person with one Valkey that is none of this collection's: with an ACL file, and without one."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import pytest
from conftest import shell

OLD, NEW, ROOT = ("one-old-password-of-no-worth", "one-new-password-of-no-worth", "one-administrator-of-no-worth")
CONF = "port 7001\nbind 127.0.0.1\ndir /var/lib/one\nsave ''\nlogfile /var/lib/one/log\nslowlog-log-slower-than 0\nlogelevel debug\n".replace(
    "logelevel", "loglevel"
)
START = """
pkill -F /var/lib/one/pid 2>/dev/null; while pgrep -F /var/lib/one/pid >/dev/null 2>&1; do sleep 0.1; done; rm -rf /var/lib/one; mkdir -p /var/lib/one
printf '%s' "$CONF" > /var/lib/one/conf; printf '%s' "$ACL" > /var/lib/one/acl
chown -R valkey:valkey /var/lib/one; chmod 0600 /var/lib/one/acl; chgrp adm /var/lib/one/acl; chmod 0640 /var/lib/one/acl
"""
RUN = (
    "runuser -u valkey -- sh -c 'umask 022; valkey-server /var/lib/one/conf --daemonize yes --pidfile /var/lib/one/pid'"
)
RUN += " && until valkey-cli -p 7001 ping 2>&1 | grep -qE 'PONG|NOAUTH'; do sleep 0.1; done"
KILL = "pid=$(cat /var/lib/one/pid); kill -9 $pid; while kill -0 $pid 2>/dev/null; do sleep 0.1; done; "


def digest(password: str) -> str:
    return sha256(password.encode()).hexdigest()


@pytest.fixture(params=["acl file", "configuration"])
def one(backend: Any, request: Any) -> Iterator[str]:
    """Where its users are kept."""
    users = f"user default off\nuser root on #{digest(ROOT)} ~* &* +@all\nuser shop on #{digest(OLD)} ~shop:* resetchannels -@all +@read +ping\n"
    path = "/var/lib/one/acl" if request.param == "acl file" else "/var/lib/one/conf"
    conf = CONF + (f"aclfile {path}\n" if request.param == "acl file" else users)
    backend.host.run(["env", f"CONF={conf}", f"ACL={users}", "sh", "-c", START + RUN])
    yield path
    backend.host.run(f"{KILL} rm -rf /var/lib/one", check=False)


def task(name: str, *users: dict[str, Any], **more: Any) -> dict[str, Any]:
    told = {"socket": "127.0.0.1:7001", "login_user": "root", "login_password": ROOT, "users": list(users)}
    return {"name": name, "mainstay.backend.valkey_user": {**told, **more.pop("options", {})}, **more}


def ping(backend: Any, password: str, user: str = "shop") -> str:
    words = [
        "env",
        f"REDISCLI_AUTH={password}",
        "valkey-cli",
        "--no-auth-warning",
        "-p",
        "7001",
        "--user",
        user,
        "ping",
    ]
    return str(backend.host.run(words, check=False)).strip()


def test_two_passwords_then_the_new_one_alone(backend: Any, one: str) -> None:
    before, since = backend.host.run(f"stat -c %U:%G:%a {one}"), backend.host.run("date +%s").strip()
    both = {"name": "shop", "hashes": [digest(OLD), digest(NEW)]}
    alone = {"name": "shop", "hashes": [digest(NEW)], "end_sessions": True}
    tasks = [task("told", both, check_mode=True), task("both", both), task("again", both), shell("kill", KILL + RUN)]
    run = backend.host.play(tasks=tasks).ok()
    assert (
        run.result("told")["actions"][0]
        == run.result("both")["actions"][0]
        == "127.0.0.1:7001: user shop: 1 password added"
    )
    assert run.result("told")["changed"] and not run.result("again")["changed"]
    assert (ping(backend, OLD), ping(backend, NEW)) == ("PONG", "PONG")
    tasks = [
        task("alone", alone),
        shell("kill", KILL + RUN),
        task("again", alone),
        task("who", {"name": "shop"}, options={"state": "sessions"}),
    ]
    run = backend.host.play(tasks=tasks, verbosity=0).ok()
    assert run.result("alone")["changed"] and not run.result("again")["changed"]
    assert "NOAUTH" in ping(backend, OLD) and ping(backend, NEW) == "PONG"
    assert backend.host.run(f"stat -c %U:%G:%a {one}") == before, (
        "the server gave the file to itself, with its own mode"
    )
    seen = backend.host.run(f"cat /var/lib/one/log; journalctl --no-pager --since @{since}") + run.out
    for password in (OLD, NEW, ROOT):
        assert password not in seen and digest(password) not in seen
    slow = backend.host.run(
        ["env", f"REDISCLI_AUTH={ROOT}", "valkey-cli", "-p", "7001", "--user", "root", "slowlog", "get", "99"]
    )
    assert "SETUSER" not in slow or digest(NEW) not in slow


def test_rights_and_new_users(backend: Any, one: str) -> None:
    wanted = {"name": "report", "hashes": [digest(NEW)], "rules": "~report:* resetchannels -@all +@read +ping"}
    less = {**wanted, "rules": "~report:* resetchannels -@all +ping"}
    tasks = [
        task("new", wanted),
        task("same", wanted),
        task("same told", wanted, check_mode=True),
        task("less told", less, check_mode=True),
    ]
    run = backend.host.play(
        tasks=[*tasks, task("less", less), task("off", {"name": "report"}), shell("kill", KILL + RUN)]
    ).ok()
    assert run.result("new")["actions"][0] == "127.0.0.1:7001: user report created"
    assert not run.result("same")["changed"] and not run.result("same told")["changed"]
    assert run.result("less told")["changed"] and run.result("less")["actions"][0].endswith("user report: rights")
    assert "NOAUTH" in ping(backend, NEW, "report")


def test_what_cannot_be_is_refused_before_anything_changes(backend: Any, one: str) -> None:
    good = {"name": "shop", "hashes": [digest(NEW)]}
    wrong = {
        "plain": (
            [good, {"name": "x", "hashes": [NEW], "rules": "~*"}],
            "users[1].hashes: found something else (not shown)",
        ),
        "password in rules": (
            [good, {"name": "x", "rules": f"on >{NEW} ~*"}],
            "users[1].rules: found a password, on, off or reset",
        ),
        "unknown": (
            [good, {"name": "nobody", "hashes": [digest(NEW)]}],
            "found no user nobody on the server; expected it to be there, or its rules",
        ),
        "not to be made": (
            [good, {"name": "nobody", "rules": "~*", "create": False}],
            "found no user nobody on the server; expected it to be there",
        ),
        "twice": ([good, good], "users: found shop twice"),
    }
    tasks = [task(name, *users, ignore_errors=True) for name, (users, _said) in wrong.items()]
    tasks.append(task("other password", good, options={"login_password": "wrong"}, ignore_errors=True))
    run = backend.host.play(tasks=tasks).ok()
    for name, (_users, said) in wrong.items():
        assert said in run.result(name)["msg"], name
    assert NEW not in str([run.result(name)["msg"] for name in wrong])
    assert "expected a running server on 127.0.0.1:7001 that lets root in" in run.result("other password")["msg"]
    assert ping(backend, OLD) == "PONG" and "NOAUTH" in ping(backend, NEW)
