# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PostgreSQL's logins through whole rotations on a real server: both let in, the old one refused and its sessions gone, nothing in the log."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import shell

NAMES = ("shop_db", "stats_db", "db_watch", "db_copy")
#: The server tells all that it does, and forgets nothing.
TALKATIVE = {
    "log_statement": "all",
    "log_min_duration_statement": "0",
    "log_min_error_statement": "error",
    "log_connections": "on",
    "log_duration": "on",
}
KILL = """
pid=$(head -n 1 /var/lib/postgresql/*/main/postmaster.pid); kill -9 $pid; while kill -0 $pid 2>/dev/null; do sleep 0.1; done
unit=$(ls -d /etc/postgresql/*/main | sed 's,/etc/postgresql/\\(.*\\)/main,postgresql@\\1-main,'); sleep 0.5
systemctl reset-failed $unit; systemctl restart $unit; until runuser -u postgres -- psql -Atc 'SELECT 1' 2>/dev/null | grep -q 1; do sleep 0.2; done
"""


def killed() -> dict[str, Any]:
    return shell("kill -9 of the server", KILL)


def hold(backend: Any, name: str, user: str, password: str, database: str = "shop") -> dict[str, Any]:
    """A task that opens a session; /tmp/NAME says `closed` when it is over."""
    backend.host.write(f"/root/{name}.word", password)
    words = f"PGPASSWORD=$(cat /root/{name}.word) psql -XAtq -h 127.0.0.1 -U {user} -d {database}"
    text = f"rm -f /tmp/{name}; ({words} -c 'SELECT 1' -c 'SELECT pg_sleep(600)'; echo closed) >/tmp/{name} 2>&1 </dev/null &"
    return shell(f"hold {name}", f"{text} until grep -qsE '^1$|closed' /tmp/{name}; do sleep 0.1; done")


def closed(backend: Any, name: str) -> bool:
    return "closed" in backend.host.run(
        f"for n in $(seq 1000); do grep closed /tmp/{name} && break; sleep 0.3; done", check=False, seconds=600
    )


def settled(backend: Any, *names: str) -> None:
    backend.reach("DONE", *names)
    assert backend.host.play(["postgres"], variables=backend.variables).ok().changed == []


def test_a_rotation_lets_both_in_and_ends_with_the_new_one_alone(backend: Any) -> None:
    old = {name: backend.password(name) for name in NAMES}
    for key, value in TALKATIVE.items():
        backend.sql(f"ALTER SYSTEM SET {key} = '{value}'")
    backend.sql("SELECT pg_reload_conf()")
    log = "/var/log/postgresql/postgresql-*-main.log"
    size = int(backend.host.run(f"cat {log} | wc -c"))
    backend.begin(*NAMES)
    tasks = [*backend.tasks("check", "check", *NAMES, check=True), *backend.tasks("stage", "stage", *NAMES)]
    tasks += [*backend.tasks("again", "stage", *NAMES), killed(), *backend.tasks("new", "works", *NAMES)]
    tasks += [hold(backend, "shop_db", *old["shop_db"])]
    backend.reach("TESTED", *NAMES)
    tasks += backend.tasks("who", "sessions", *NAMES)
    backend.reach("CONSUMERS_OK", *NAMES)
    tasks += [*backend.tasks("retire", "retire", *NAMES), *backend.tasks("twice", "retire", *NAMES), killed()]
    tasks += [*backend.tasks("old", "refused", *NAMES), *backend.tasks("then", "works", *NAMES)]
    try:
        run = backend.play(tasks).ok()
    finally:
        for key in TALKATIVE:
            backend.sql(f"ALTER SYSTEM RESET {key}")
        backend.sql("SELECT pg_reload_conf()")
    assert run.result("check")["changed"] and run.result("stage")["changed"]
    assert not run.result("again postgres_login")["changed"] and not run.result("twice")["changed"]
    (seen,) = run.result("who")["sessions"]
    assert (seen["credential"], seen["user"], seen["database"], seen["count"]) == (
        "shop_db",
        old["shop_db"][0],
        "shop",
        1,
    )
    assert f"1 sessions of {old['shop_db'][0]} ended" in run.result("retire")["actions"]
    assert run.result("retire")["sessions"] == [] and closed(backend, "shop_db")
    told = backend.host.run(f"cat {log} | tail -c +{size + 1}")
    assert "statement: SELECT 1" in told, "the server tells all"
    assert "SCRAM-SHA-256$" not in told and "PASSWORD" not in told
    for name in NAMES:
        for version in ("current", "previous"):
            assert backend.password(name, version)[1] not in told + run.out
    assert "SCRAM-SHA-256$" not in run.out
    settled(backend, *NAMES)


@pytest.mark.parametrize(
    ("verb", "point"),
    [("stage", "before-commit"), ("stage", "committed"), ("retire", "before-commit"), ("retire", "sessions-not-ended")],
)
def test_a_run_that_dies_is_gone_on_with(backend: Any, verb: str, point: str) -> None:
    old = backend.password("shop_db")
    backend.begin("shop_db")
    tasks = []
    if verb == "retire":
        tasks += [*backend.tasks("stage", "stage", "shop_db"), hold(backend, "shop_db", *old)]
        backend.reach("CONSUMERS_OK", "shop_db")
    tasks += [*backend.tasks("dies", verb, "shop_db", crash=f"postgres.{point}")]
    tasks += [killed()] if point != "sessions-not-ended" else []
    tasks += (
        [*backend.tasks("works meanwhile", "works", "shop_db")] if verb == "retire" or point != "before-commit" else []
    )
    tasks += [*backend.tasks("goes on", verb, "shop_db"), *backend.tasks("new", "works", "shop_db")]
    if verb == "stage":
        tasks += [hold(backend, "shop_db", *old)]
        backend.reach("CONSUMERS_OK", "shop_db")
        tasks += backend.tasks("retire", "retire", "shop_db")
    tasks += backend.tasks("old", "refused", "shop_db")
    run = backend.play(tasks).ok()
    assert run.result("dies").get("failed")
    assert run.result("goes on")["changed"] == (
        point == "before-commit" or (verb, point) == ("retire", "sessions-not-ended")
    )
    assert closed(backend, "shop_db")
    backend.reach("DONE", "shop_db")


def test_a_statement_that_the_server_refuses_leaves_no_verifier_anywhere(backend: Any) -> None:
    """Refused in the middle of the transaction: nothing of it stays, and neither log nor message quotes it."""
    backend.sql("CREATE ROLE report LOGIN")
    verifier = "SCRAM-SHA-256$4096:" + "A" * 22 + "==$" + "B" * 43 + "=:" + "C" * 43 + "="
    task = {
        "name": "refused",
        "mainstay.backend.postgres_login": {
            "logins": [
                {"name": "report", "verifier": verifier},
                {"name": "report2", "owner": "nobody_like_that", "verifier": verifier},
            ]
        },
        "ignore_errors": True,
    }
    for key, value in TALKATIVE.items():
        backend.sql(f"ALTER SYSTEM SET {key} = '{value}'")
    backend.sql("SELECT pg_reload_conf()")
    try:
        run = backend.host.play(tasks=[task], verbosity=4)
        told = backend.host.run("cat /var/log/postgresql/postgresql-*-main.log; journalctl --no-pager")
        assert 'role "nobody_like_that" does not exist' in run.out
        assert "AAAAAAAA" not in run.out + told and "BBBBBBBB" not in run.out + told
        assert backend.sql("SELECT rolpassword IS NULL FROM pg_authid WHERE rolname = 'report'") == "t"
    finally:
        for key in TALKATIVE:
            backend.sql(f"ALTER SYSTEM RESET {key}")
        backend.sql("SELECT pg_reload_conf()")
        backend.sql("DROP ROLE IF EXISTS report")
