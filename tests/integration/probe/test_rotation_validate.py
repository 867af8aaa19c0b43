# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""key_rotation_validate on a host that the roles built: nothing is found, then each thing is broken once, and only that is found."""

from __future__ import annotations

import contextlib
import copy
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "lib"))
from yardstick import wait_for

ROOT = Path(__file__).resolve().parents[3]
#: Logs in to Valkey, and stays.
LOGGED_IN = """
import socket, time
server = socket.create_connection(("127.0.0.1", 6379))
server.sendall(b"AUTH shop_cache_b of-no-worth\\r\\n")
time.sleep(1800)
"""
#: Connects to Valkey, and does not log in. It may PING where the default user is on.
NOT_LOGGED_IN = """
import socket, sys, time
server = socket.create_connection(("127.0.0.1", 6379))
server.sendall(sys.argv[1].encode() + b"\\r\\n")
time.sleep(1800)
"""
FILE, ENV = "/run/secrets/shop/shop_db", "/etc/shop/.env"


def judged(site: Any, verbosity: int = 0, check: bool = False, **options: Any) -> Any:
    tasks = [{"name": "judge", "mainstay.backend.key_rotation_validate": {"fail_on": "never", **options}}]
    return site.host.play(tasks=tasks, variables=site.variables, verbosity=verbosity, check=check)


def found(site: Any, **options: Any) -> set[tuple[str, str, str]]:
    """(rule, place, credential) of every finding."""
    result = judged(site, **options).ok().result("judge")
    assert not result["changed"]
    return {(item["rule"], item["file"], item["variable"]) for item in result["findings"]}


def ago(**age: float) -> str:
    return (datetime.now(UTC) - timedelta(**age)).strftime("%Y-%m-%dT%H:%M:%SZ")


@contextlib.contextmanager
def store(site: Any, change: Callable[[dict[str, Any]], None]) -> Iterator[None]:
    """The store with CHANGE, for as long as that lasts."""
    before = site.store
    after = copy.deepcopy(before)
    change(after["credentials"])
    site.write_store(after)
    try:
        yield
    finally:
        site.write_store(before)


@contextlib.contextmanager
def session(site: Any, *command: str, password: str) -> Iterator[None]:
    """A program on the host that keeps a session open, with the password in its environment."""
    wrapped = ["env", f"PGPASSWORD={password}", f"REDISCLI_AUTH={password}", *command]
    process = site.host.spawn(["timeout", "1800", *wrapped])
    try:
        yield
    finally:
        process.kill()
        site.host.run("pkill -f '[t]imeout 1800'", check=False)


def test_what_the_roles_built_has_no_finding_and_is_not_changed(site: Any) -> None:
    before = site.host.run("md5sum /etc/valkey/*.acl; ls -lR --full-time /run/secrets /etc/shop; journalctl | wc -l")
    run = judged(site, fail_on="warning").ok()
    result = run.result("judge")
    assert (result["findings"], result["counts"]) == ([], {"error": 0, "warning": 0}), result["lines"]
    assert result["lines"][-1] == "secrets: no finding in 4 credentials"
    assert judged(site, check=True).ok().result("judge")["findings"] == []
    after = site.host.run("md5sum /etc/valkey/*.acl; ls -lR --full-time /run/secrets /etc/shop; journalctl | wc -l")
    assert before.splitlines()[:-1] == after.splitlines()[:-1]


def test_neither_a_secret_nor_a_verifier_is_shown_at_any_verbosity(site: Any) -> None:
    acl = site.host.run("cat /etc/valkey/*.acl")
    verifiers = [word[1:] for word in acl.split() if word.startswith("#")]
    verifiers += site.sql("SELECT rolpassword FROM pg_authid WHERE rolpassword IS NOT NULL").splitlines()
    secrets = [item["current"]["secret"] for item in site.store["credentials"].values()]
    assert len(verifiers) >= 3 and len(secrets) >= 4
    out = judged(site, verbosity=4).out
    journal = site.host.run("journalctl --no-pager -o cat")
    for text in (*secrets, *verifiers):
        assert text not in out and text not in journal


def test_a_login_that_is_not_in_use_is_open(site: Any) -> None:
    hashed = "a" * 64
    site.valkey("cache", "ACL", "SETUSER", "shop_cache_b", "on", f"#{hashed}")
    site.sql("ALTER ROLE shop_db_b LOGIN")
    try:
        assert found(site) == {
            ("old-login-open", f"valkey:{site.host.name}/cache", "shop_cache"),
            ("not-persisted", f"valkey:{site.host.name}/cache", "shop_cache"),
            ("old-login-open", f"postgres:{site.host.name}", "shop_db"),
        }
        assert found(site, only=["shop_db"]) == {("old-login-open", f"postgres:{site.host.name}", "shop_db")}
    finally:
        site.valkey("cache", "ACL", "LOAD")
        site.sql("ALTER ROLE shop_db_b NOLOGIN")
    assert found(site) == set()


def test_another_verifier_than_the_stores(site: Any) -> None:
    acl = "/etc/valkey/users-session.acl"
    site.host.run(f"cp -p {acl} /root/acl; sed -i 's/^user shop_session_a on resetpass/& #{'b' * 64}/' {acl}")
    assert site.valkey("session", "ACL", "LOAD") == "OK"
    before = site.sql("SELECT rolpassword FROM pg_authid WHERE rolname = 'shop_db_a'")
    site.sql("ALTER ROLE shop_db_a PASSWORD 'of-no-worth'")
    try:
        assert found(site) == {
            ("wrong-verifier", f"valkey:{site.host.name}/session", "shop_session"),
            ("wrong-verifier", f"postgres:{site.host.name}", "shop_db"),
            ("current-refused", f"probe:{site.host.name}", "shop_db"),
        }
    finally:
        site.host.run(f"cat /root/acl > {acl}")
        site.valkey("session", "ACL", "LOAD")
        site.sql(f"ALTER ROLE shop_db_a PASSWORD '{before}'")


def test_a_connection_that_has_not_logged_in_is_no_session(site: Any) -> None:
    """Valkey lists it as a session of `default`. Where that user is on, it is one."""
    listed = "user=default"
    with session(site, "python3", "-c", NOT_LOGGED_IN, "AUTH nobody of-no-worth", password=""):
        wait_for(lambda: listed in site.valkey("cache", "CLIENT", "LIST"), "Valkey lists the connection", pause=0.3)
        assert found(site) == set()
    wait_for(lambda: listed not in site.valkey("cache", "CLIENT", "LIST"), "the connection is gone", pause=0.3)
    site.valkey("cache", "ACL", "SETUSER", "default", "on", "nopass", "+ping")
    try:
        with session(site, "python3", "-c", NOT_LOGGED_IN, "PING", password=""):
            wait_for(lambda: listed in site.valkey("cache", "CLIENT", "LIST"), "Valkey lists the connection", pause=0.3)
            assert ("session-unknown", f"valkey:{site.host.name}/cache", "") in found(site)
    finally:
        site.valkey("cache", "ACL", "SETUSER", "default", "reset")
    wait_for(lambda: listed not in site.valkey("cache", "CLIENT", "LIST"), "the connection is gone", pause=0.3)
    assert found(site) == set()


def test_sessions_of_the_old_login(site: Any) -> None:
    site.valkey("cache", "ACL", "SETUSER", "shop_cache_b", "on", ">of-no-worth", "+@all")
    site.sql("ALTER ROLE shop_db_b LOGIN PASSWORD 'of-no-worth'")
    logged_in = ("python3", "-c", LOGGED_IN)
    sleep = ("psql", "-h", "127.0.0.1", "-U", "shop_db_b", "-d", "shop", "-c", "SELECT pg_sleep(1700)")
    try:
        with (
            session(site, *logged_in, password="of-no-worth"),
            session(site, *sleep, password="of-no-worth"),
        ):
            wait_for(
                lambda: "user=shop_cache_b" in site.valkey("cache", "CLIENT", "LIST"), "a session of Valkey", pause=0.3
            )
            active = "SELECT string_agg(usename, ' ') FROM pg_stat_activity"
            wait_for(lambda: "shop_db_b" in site.sql(active), "a session of PostgreSQL", pause=0.3)
            # the login is closed, and its sessions live on
            site.valkey("cache", "ACL", "SETUSER", "shop_cache_b", "off", "resetpass")
            site.sql("ALTER ROLE shop_db_b NOLOGIN PASSWORD NULL")
            result = judged(site).ok().result("judge")
            told = {(item["rule"], item["variable"]) for item in result["findings"]}
            assert told - {("not-persisted", "shop_cache")} == {
                ("session-of-old", "shop_cache"),
                ("session-of-old", "shop_db"),
            }
            standing = {item["user"]: item["standing"] for item in result["sessions"]}
            assert standing == {"shop_cache_b": "old", "shop_db_b": "old"}
    finally:
        site.sql("ALTER ROLE shop_db_b NOLOGIN PASSWORD NULL")
        site.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'shop_db_b'")
        site.valkey("cache", "ACL", "LOAD")
    assert found(site) == set()


@pytest.mark.parametrize(
    ("command", "rule"),
    [
        (f"chmod 0644 {FILE}", "file-mode"),
        (f"chown root {FILE}", "file-owner"),
        (f"printf stale > {FILE}", "file-stale"),
        (f"rm {FILE}", "file-missing"),
        (f"rm {FILE}; ln -s /etc/hostname {FILE}", "file-unreadable"),
        ("chmod 0755 /run/secrets/shop", "file-mode"),
    ],
)
def test_a_consumers_file_that_is_not_right(site: Any, command: str, rule: str) -> None:
    site.host.run(f"cp -p {FILE} /root/kept; {command}")
    try:
        assert {item[0] for item in found(site)} == {rule}
    finally:
        site.host.run(f"rm -f {FILE}; mv /root/kept {FILE}; chmod 0700 /run/secrets/shop")
    assert found(site) == set()


def test_an_environment_file_with_another_password(site: Any) -> None:
    site.host.run(f"cp -p {ENV} /root/kept; sed -i 's/^DATABASE_URL=.*/DATABASE_URL=postgresql:\\/\\/x/' {ENV}")
    try:
        assert found(site) == {("file-stale", ENV, "shop_db")}
    finally:
        site.host.run(f"mv /root/kept {ENV}")


def test_a_secret_in_another_file(site: Any) -> None:
    copy_of = "/run/secrets/shop/shop_session"
    site.host.run(f"cp {FILE} {FILE}.bak; mkdir -p /srv/notes; sed 's/^/db: /' {FILE} > /srv/notes/todo.txt")
    try:
        assert found(site) == {("secret-elsewhere", f"{FILE}.bak", "shop_db")}
        assert found(site, search=["/srv/notes"]) == {
            ("secret-elsewhere", f"{FILE}.bak", "shop_db"),
            ("secret-elsewhere", "/srv/notes/todo.txt", "shop_db"),
        }
        site.host.run(f"rm {FILE}.bak; cp -p {copy_of} /root/kept; cat {FILE} > {copy_of}")
        assert found(site) == {
            ("file-stale", copy_of, "shop_session"),
            ("secret-elsewhere", copy_of, "shop_db"),
        }
    finally:
        site.host.run(f"rm -rf {FILE}.bak /srv/notes; test ! -e /root/kept || mv /root/kept {copy_of}")
    assert found(site) == set()


def test_age_and_one_secret_for_two(site: Any) -> None:
    def change(credentials: dict[str, Any]) -> None:
        credentials["shop_db"]["current"]["created"] = ago(days=91)
        credentials["gone"] = {**copy.deepcopy(credentials["shop_db"]), "kind": "token"}

    place = "store:production"
    with store(site, change):
        assert found(site) == {
            ("secret-too-old", place, "shop_db"),
            ("same-secret-twice", place, "shop_db"),
            ("same-secret-twice", place, "gone"),
            ("not-declared", place, "gone"),
        }
        failed = judged(site, fail_on="error")
        assert failed.code == 2 and "secret-too-old" in failed.message


def test_a_secret_of_another_environment_and_a_store_that_does_not_open(site: Any) -> None:
    staging = site.path.with_name("staging.vault.txt")
    other = site.path.with_name("test.vault.txt")
    content = site.store
    content["credentials"] = {"shop_db": content["credentials"]["shop_db"]}
    site.write_store(content, "staging")
    other.write_text(staging.read_text()[:-20] + "00000000000000000000")
    try:
        result = judged(site).ok().result("judge")
        told = {(item["rule"], item["variable"]) for item in result["findings"]}
        assert told == {("same-secret-in-another-environment", "shop_db")}
        assert result["notes"] == ["the store of environment test cannot be opened with what was given: not compared"]
    finally:
        staging.unlink()
        other.unlink()


def rotating(state: str, **age: float) -> Callable[[dict[str, Any]], None]:
    """shop_db in STATE since AGE: the previous version was never let in on this host."""

    def change(credentials: dict[str, Any]) -> None:
        record = credentials["shop_db"]
        record["previous"] = {**record["current"], "id": "old", "slot": "b", "secret": "0" * 64}
        record["journal"] = [{"state": state, "at": ago(**age), "id": record["current"]["id"]}]

    return change


def test_an_old_secret_that_is_refused_that_works_and_of_which_nobody_knows(site: Any) -> None:
    place, probe = "store:production", f"probe:{site.host.name}"
    with store(site, rotating("RETIRED", hours=1)):
        assert found(site) == {("rotation-open", place, "shop_db")}
        site.sql(f"ALTER ROLE shop_db_b LOGIN PASSWORD '{'0' * 64}'")
        try:
            assert found(site) == {
                ("rotation-open", place, "shop_db"),
                ("old-accepted", probe, "shop_db"),
                ("old-login-open", f"postgres:{site.host.name}", "shop_db"),
            }
        finally:
            site.sql("ALTER ROLE shop_db_b NOLOGIN PASSWORD NULL")
        site.host.run("systemctl stop postgresql@17-main")
        try:
            assert found(site) == {
                ("rotation-open", place, "shop_db"),
                ("server-not-asked", f"postgres:{site.host.name}", ""),
                ("login-not-proven", probe, "shop_db"),
                ("refusal-not-proven", probe, "shop_db"),
            }
        finally:
            site.host.run("systemctl start postgresql@17-main")
    with store(site, rotating("RETIRED", days=2)):
        assert found(site) == {("rotation-stuck", place, "shop_db")}
        assert found(site, stuck_after="3d") == {("rotation-open", place, "shop_db")}


def test_a_consumer_that_does_not_run(site: Any) -> None:
    site.host.run("systemctl stop shop")
    try:
        assert found(site) == {("consumer-unhealthy", f"consumer:{site.host.name}/shop", "")}
    finally:
        site.host.run("systemctl start shop")


def test_reports_and_options_that_are_refused(site: Any, tmp_path: Any) -> None:
    sarif, junit = tmp_path / "out.sarif", tmp_path / "out.xml"
    with store(site, lambda credentials: credentials["shop_db"]["current"].update(created=ago(days=91))):
        run = judged(site, sarif=str(sarif), junit=str(junit), severities={"secret-too-old": "warning"})
    assert run.ok().result("judge")["counts"] == {"error": 0, "warning": 1}
    (result,) = json.loads(sarif.read_text())["runs"][0]["results"]
    assert (result["ruleId"], result["level"]) == ("secret-too-old", "warning")
    assert "secret-too-old" in junit.read_text()
    for options, said in (
        ({"only": ["nobody"]}, "only: found 'nobody'; expected some of backend_credentials"),
        ({"severities": {"x": "off"}}, "severities: found 'x'; expected a rule"),
        ({"stuck_after": "soon"}, "stuck_after: found 'soon'"),
        ({"fail_on": "x"}, "fail_on: found 'x'"),
    ):
        failed = judged(site, **options)
        assert failed.code and said in failed.message


def test_the_playbook_ends_with_2_where_something_is_wrong(site: Any) -> None:
    judged(site).ok()  # leaves the inventory

    def playbook(*more: str) -> tuple[int, str]:
        command = [str(ROOT / ".venv/bin/ansible-playbook"), "-i", str(site.host.work / "inventory.json")]
        environment = {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".build/collections"),
            "ANSIBLE_VAULT_PASSWORD_FILE": str(site.host.work / "vault-password"),
        }
        command += ["mainstay.backend.validate_rotation", *more]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT, check=False)
        return done.returncode, done.stdout

    code, out = playbook()
    assert code == 0 and "secrets: no finding in 4 credentials" in out, out
    site.host.run(f"chmod 0644 {FILE}")
    try:
        code, out = playbook("-e", "validate_rotation_only=shop_db,shop_cache")
        assert code == 2 and "found mode 0644; expected 0600" in out and "1 error, 0 warnings in 2 credentials" in out
        assert playbook("-e", "validate_rotation_only=shop_cache")[0] == 0
    finally:
        site.host.run(f"chmod 0600 {FILE}")
