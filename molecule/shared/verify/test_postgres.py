# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What PostgreSQL promises, asked over the network as the application, and as its superuser where only that one is told."""

from __future__ import annotations

import re

import psycopg
import pytest
from backend import Backend, until

RELEASES = {"12": 15, "13": 17, "forky": 18, "14": 18}


def test_it_is_the_releases_own_version(backend: Backend) -> None:
    with backend.database() as connection:
        found = connection.info.server_version // 10000
    release = backend.host.check_output(". /etc/os-release; echo ${VERSION_ID:-$VERSION_CODENAME}").strip()
    assert found == RELEASES[release]


def test_pages_carry_checksums_and_passwords_are_scram_only(backend: Backend) -> None:
    assert backend.superuser("SHOW data_checksums") == "on"
    assert backend.superuser("SHOW password_encryption") == "scram-sha-256"
    assert (
        backend.superuser(
            "SELECT count(*) FROM pg_authid WHERE rolpassword IS NOT NULL AND rolpassword NOT LIKE 'SCRAM-SHA-256$%'"
        )
        == "0"
    )
    methods = backend.superuser("SELECT DISTINCT auth_method FROM pg_hba_file_rules WHERE type <> 'local'").split()
    assert set(methods) <= {"scram-sha-256", "reject"} and "scram-sha-256" in methods
    assert (
        backend.superuser(
            "SELECT count(*) FROM pg_hba_file_rules WHERE error IS NOT NULL OR auth_method IN ('trust', 'password', 'md5')"
        )
        == "0"
    )


def test_what_one_slot_creates_belongs_to_the_owner_and_the_other_slot_can_use_it(backend: Backend) -> None:
    login = str(backend.url("database").username)
    other = login[:-1] + "b"
    with backend.database() as connection:
        connection.execute("CREATE TABLE verify_owned (id uuid PRIMARY KEY DEFAULT uuidv7(), note text)")
        connection.execute("INSERT INTO verify_owned (note) VALUES ('one')")
        row = connection.execute("SELECT tableowner FROM pg_tables WHERE tablename = 'verify_owned'").fetchone()
    database = backend.url("database").path[1:]
    try:
        assert row is not None and row[0] != login and row[0] + "_" not in login
        as_other = f"SET SESSION AUTHORIZATION {other}; INSERT INTO verify_owned (note) VALUES ('two'); ALTER TABLE verify_owned ADD more int;"
        # A session authorisation does not bring a role's settings with it; a login does.
        settings = f"SELECT unnest(setconfig) AS setting FROM pg_db_role_setting JOIN pg_roles r ON r.oid = setrole WHERE rolname = '{other}'"
        role = backend.superuser(f"SELECT setting FROM ({settings}) t WHERE setting LIKE 'role=%'")
        assert role == f"role={row[0]}"
        backend.superuser(as_other, database)
        assert backend.superuser("SELECT count(*) FROM verify_owned", database) == "2"
    finally:
        with backend.database() as connection:
            connection.execute("DROP TABLE IF EXISTS verify_owned")


def test_the_owner_cannot_log_in(backend: Backend) -> None:
    assert backend.superuser("SELECT count(*) FROM pg_roles WHERE rolname LIKE '%\\_owner' AND rolcanlogin") == "0"
    assert backend.superuser("SELECT count(*) FROM pg_roles WHERE rolcanlogin AND rolname LIKE '%\\_b'") == "0"


def test_a_login_has_its_timeouts(backend: Backend) -> None:
    with backend.database() as connection:
        for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
            row = connection.execute(f"SELECT setting::int FROM pg_settings WHERE name = '{name}'").fetchone()  # type: ignore[call-overload]
            assert row is not None and row[0] > 0, name


def test_a_lock_is_not_waited_for_without_end(backend: Backend) -> None:
    with backend.database() as holder, backend.database() as waiter:
        holder.execute("CREATE TEMPORARY TABLE verify_lock ()")
        holder.execute("SELECT pg_advisory_xact_lock(4711)")
        with pytest.raises((psycopg.errors.LockNotAvailable, psycopg.errors.QueryCanceled)):
            waiter.execute("SELECT pg_advisory_xact_lock(4711)")


def test_the_application_gets_the_connections_it_was_promised(backend: Backend) -> None:
    """Its pool, twice: while a deploy overlaps."""
    size = int(backend.env["DATABASE_POOL"]) * 2
    connections = []
    try:
        for _unused in range(size):
            connections.append(backend.database())
        assert all(connection.execute("SELECT 1").fetchone() == (1,) for connection in connections)
    finally:
        for connection in connections:
            connection.close()


def test_committed_work_survives_kill_9(backend: Backend) -> None:
    with backend.database() as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS verify_kept (n int)")
        connection.execute("INSERT INTO verify_kept VALUES (42)")
    version = backend.superuser("SELECT split_part(current_setting('server_version'), '.', 1)").strip()
    unit = f"postgresql@{re.sub('[^0-9].*', '', version)}-main"
    backend.host.check_output(f"kill -9 {backend.main_pid(unit)}")

    def kept() -> bool:
        with backend.database() as again:
            return again.execute("SELECT n FROM verify_kept").fetchone() == (42,)

    if backend.host.run(f"systemctl show -P Restart {unit}").stdout.strip() == "no":
        backend.host.check_output(f"systemctl restart {unit}")
    until(kept, "PostgreSQL has what was committed")
    with backend.database() as connection:
        connection.execute("DROP TABLE verify_kept")


def test_the_hardened_unit_scores_better_than_the_shipped_one(backend: Backend) -> None:
    (unit,) = [
        line.split()[0]
        for line in backend.host.check_output("systemctl list-units --plain --no-legend 'postgresql@*'").splitlines()
    ]
    text = backend.host.run(f"systemd-analyze security --no-pager {unit}").stdout
    score = re.search(r"Overall exposure level for \S+: ([0-9.]+)", text)
    assert score and float(score[1]) <= 3.0, score and score[1]
