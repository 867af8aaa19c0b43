# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Logins, owners, databases: what the slots can do, what the server holds, and that no verifier is seen anywhere."""

from __future__ import annotations

import re
from typing import Any

import pytest


def test_the_current_slot_logs_in_as_the_owner(anywhere: Any) -> None:
    code, said = anywhere.as_login(
        "shop_db_a", "SELECT session_user, current_user, current_setting('statement_timeout')"
    )
    assert (code, said) == (0, "shop_db_a|shop_owner|30s")


@pytest.mark.parametrize(
    ("user", "password", "database", "said"),
    [
        ("shop_db_a", "wrong", "shop", "password authentication failed"),
        ("shop_db_b", "wrong", "shop", "password authentication failed"),
        ("shop_owner", "wrong", "shop", "no pg_hba.conf entry"),
        ("postgres", "wrong", "shop", "no pg_hba.conf entry"),
        ("shop_db_a", None, "postgres", "no pg_hba.conf entry"),
        ("shop_db_a", None, "template1", "no pg_hba.conf entry"),
    ],
)
def test_everyone_else_is_refused(anywhere: Any, user: str, password: str | None, database: str, said: str) -> None:
    code, told = anywhere.as_login(user, "SELECT 1", password=password, database=database)
    assert code != 0
    assert said in told


def test_the_server_holds_verifiers_and_the_spare_slot_nothing(anywhere: Any) -> None:
    query = "SELECT rolname, rolcanlogin, left(coalesce(rolpassword, ''), 14), rolsuper OR rolcreatedb OR rolcreaterole FROM pg_authid"
    rows = anywhere.sql(f"{query} WHERE rolname LIKE 'shop%' ORDER BY 1").splitlines()
    assert rows == ["shop_db_a|t|SCRAM-SHA-256$|f", "shop_db_b|f||f", "shop_owner|f||f"]


def test_the_database_is_closed_to_everyone(anywhere: Any) -> None:
    query = (
        "SELECT has_database_privilege('public', 'shop', 'CONNECT'), has_database_privilege('public', 'shop', 'TEMP')"
    )
    assert anywhere.sql(query) == "f|f"
    assert anywhere.sql("SELECT has_schema_privilege('public', 'public', 'CREATE')", database="shop") == "f"


def test_what_one_slot_makes_the_other_uses(anywhere: Any) -> None:
    try:
        assert (
            anywhere.as_login(
                "shop_db_a",
                "CREATE TABLE flip (id uuid PRIMARY KEY DEFAULT uuidv7(), n int); INSERT INTO flip (n) VALUES (1)",
            )[0]
            == 0
        )
        anywhere.sql("ALTER ROLE shop_db_b LOGIN PASSWORD 'for this test'")
        code, said = anywhere.as_login(
            "shop_db_b",
            "ALTER TABLE flip ADD m int; UPDATE flip SET m = n; SELECT m FROM flip",
            password="for this test",
        )
        assert (code, said) == (0, "1")
        assert (
            anywhere.sql("SELECT tableowner FROM pg_tables WHERE tablename = 'flip'", database="shop") == "shop_owner"
        )
        run = anywhere.apply().ok().result("Create roles")
        assert run["actions"] == ["changed role shop_db_b"], "the spare slot that can log in is drift"
        assert run["diff"][0]["before"].startswith("login: yes\npassword: set\n")
        assert run["diff"][0]["after"].startswith("login: no\npassword: none\n")
    finally:
        anywhere.as_login("shop_db_a", "DROP TABLE IF EXISTS flip")
    assert anywhere.as_login("shop_db_b", "SELECT 1", password="for this test")[0] != 0


def test_reset_all_and_discard_all_keep_the_owner(server: Any) -> None:
    code, said = server.as_login("shop_db_a", "RESET ALL; SELECT current_user")
    assert (code, said) == (0, "shop_owner")
    code, said = server.as_login("shop_db_a", "RESET ROLE; SELECT current_user")
    assert said == "shop_owner"


def test_drift_of_roles_and_databases_is_repaired(server: Any) -> None:
    for statement in (
        "ALTER ROLE shop_db_a SUPERUSER VALID UNTIL '2030-01-01' CONNECTION LIMIT 3",
        "ALTER ROLE shop_db_a SET statement_timeout = '1h'",
        "ALTER ROLE shop_db_a RESET role",
        "REVOKE shop_owner FROM shop_db_b",
        "GRANT CONNECT ON DATABASE shop TO PUBLIC",
        "ALTER DATABASE shop OWNER TO postgres",
    ):
        server.sql(statement)
    server.sql("GRANT CREATE ON SCHEMA public TO PUBLIC", database="shop")
    foreseen = server.apply(check=True).ok().result("Create roles")
    found = server.apply().ok().result("Create roles")
    assert found["actions"] == foreseen["actions"]
    assert found["diff"] == foreseen["diff"]
    assert found["actions"] == [
        "changed role shop_db_a",
        "changed role shop_db_b",
        "changed the owner of database shop",
        "closed schema public of database shop",
    ]
    assert "superuser: yes" in found["diff"][0]["before"]
    assert server.sql("SELECT rolsuper, rolconnlimit FROM pg_roles WHERE rolname = 'shop_db_a'") == "f|-1"
    assert server.apply().ok().changed == []


def test_a_lost_password_comes_back_and_no_verifier_is_seen(server: Any) -> None:
    """With the server told to log and count everything; the hunt looks for the verifier and for the password."""
    loud = {
        "log_statement": "all",
        "log_min_duration_statement": 0,
        "log_min_error_statement": "debug5",
        "log_connections": True,
        "shared_preload_libraries": "pg_stat_statements",
        "pg_stat_statements.track": "all",
    }
    server.apply(loud).ok()
    server.sql("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    server.sql("ALTER ROLE shop_db_a PASSWORD NULL")
    size = server.log_size()
    run = server.apply(loud, verbosity=4)
    assert run.code == 0, run.out[-3000:]
    password = server.secrets()["shop_db"]
    verifier = server.sql("SELECT rolpassword FROM pg_authid WHERE rolname = 'shop_db_a'")
    assert verifier.startswith("SCRAM-SHA-256$4096:")
    places = {
        "output": run.out,
        "server log": server.logged_since(size),
        "journal": server.host.run("journalctl --no-pager --all"),
        "statistics": server.sql("SELECT string_agg(query, ' ') FROM pg_stat_statements"),
    }
    for secret in (password, verifier, *re.split(r"[$:]", verifier)[2:]):
        assert [name for name, text in places.items() if secret in text] == []
    assert "password: (changes)" in run.out or "password: set" in run.out
    assert server.as_login("shop_db_a", "SELECT 1") == (0, "1")
    server.sql("DROP EXTENSION pg_stat_statements")


def test_a_refused_statement_shows_no_verifier(server: Any) -> None:
    """The server refuses in the middle of the transaction: the error names what it said, nothing of what was sent, and nothing stays."""
    server.sql("ALTER ROLE shop_db_a PASSWORD NULL")
    server.sql("CREATE ROLE other_owner SUPERUSER")
    size = server.log_size()
    broken = {"shop": {"owner": "other_owner", "extensions": ["uuidv7", "no_such_extension"]}}
    run = server.apply(postgres_databases=broken, verbosity=4)
    assert run.code != 0
    assert "no_such_extension" in run.out
    assert server.sql("SELECT rolpassword IS NULL FROM pg_authid WHERE rolname = 'shop_db_a'") == "t"
    assert "SCRAM-SHA-256$" not in run.out + server.logged_since(size)
    server.sql("DROP ROLE other_owner")


def test_several_databases_extensions_and_credentials_in_one_call(server: Any) -> None:
    databases = {
        "shop": {},
        "stats": {
            "extensions": ["uuidv7", "pg_trgm", "pg_stat_statements"],
            "statement_timeout": "5min",
            "connection_limit": 9,
        },
    }
    told = {
        "backend_credentials": {"reports": {"kind": "postgres_role", "database": "stats"}},
        "postgres_databases": databases,
    }
    try:
        server.apply(**told).ok()
        assert server.apply(**told).ok().changed == []
        code, said = server.as_login(
            "reports_a", "SELECT current_user, current_setting('statement_timeout')", database="stats"
        )
        assert (code, said) == (0, "stats_owner|5min")
        assert server.as_login("reports_a", "SELECT 1", database="shop")[0] != 0
        rows = server.sql(
            "SELECT extname, pg_get_userbyid(extowner) FROM pg_extension WHERE extname <> 'plpgsql' ORDER BY 1",
            database="stats",
        )
        assert rows.splitlines() == ["pg_stat_statements|postgres", "pg_trgm|stats_owner", "uuidv7|stats_owner"]
        assert server.sql("SELECT rolconnlimit FROM pg_roles WHERE rolname = 'stats_db_a'") == "9"
    finally:
        server.apply().ok()
        server.sql("DROP DATABASE IF EXISTS stats")
        server.sql("DROP ROLE IF EXISTS reports_a, reports_b, stats_db_a, stats_db_b, stats_owner")


def test_another_locale_of_a_database_that_is_there_is_refused(server: Any) -> None:
    run = server.apply(postgres_databases={"shop": {"locale": "POSIX"}})
    assert run.code != 0
    assert "postgres_databases.shop.locale: found 'POSIX', and the database has 'C.UTF-8'" in run.message


def test_clients_of_other_networks_and_entries_of_ones_own(server: Any) -> None:
    entries = [{"database": "shop", "user": "shop_db_a", "address": "127.0.0.1/32", "method": "reject"}]
    server.apply(postgres_hba=entries, postgres_clients=["10.1.0.0/16"]).ok()
    code, said = server.as_login("shop_db_a", "SELECT 1")
    assert code != 0
    assert "pg_hba.conf rejects connection" in said
    assert server.sql("SELECT count(*) FROM pg_hba_file_rules WHERE address = '10.1.0.0'") == "1"
