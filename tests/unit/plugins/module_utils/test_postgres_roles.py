# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The plan that brings roles and databases from what the server says to what they shall be; and drift of settings."""

from __future__ import annotations

import pytest

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._postgres_drift import (
    Live,
    Override,
    differences,
    drift,
)
from ansible_collections.mainstay.backend.plugins.module_utils._postgres_live import literal, quoted, subject
from ansible_collections.mainstay.backend.plugins.module_utils._postgres_roles import (
    Database,
    Extension,
    Role,
    plan,
    role_step,
)

VERIFIER = "SCRAM-SHA-256$4096:c2FsdA==$c3RvcmVk:c2VydmVy"
OWNER = Role("shop_owner")
LOGIN = Role(
    "shop_db_a", login=True, verifier=VERIFIER, member_of=frozenset({"shop_owner"}), settings={"role": "shop_owner"}
)
UUIDV7 = {"uuidv7": Extension("uuidv7", "1.1", trusted=True)}
SHOP = Database("shop", "shop_owner", extensions={"uuidv7": Extension("uuidv7", "")})
STANDS = Database(
    "shop",
    "shop_owner",
    extensions={"uuidv7": Extension("uuidv7", "1.1", owner="shop_owner")},
    schema_owner="pg_database_owner",
)


def test_from_nothing_owners_come_first_and_databases_last() -> None:
    steps = plan([LOGIN, OWNER], [SHOP], {}, {}, UUIDV7, 170000)
    assert [step.text for step in steps] == [
        "created role shop_owner",
        "created role shop_db_a",
        "created database shop",
        "closed database shop to everyone but its logins",
        "installed extension uuidv7 1.1 in shop",
    ]
    assert [statement for step in steps for statement in step.statements] == [
        'CREATE ROLE "shop_owner"',
        'CREATE ROLE "shop_db_a"',
        f"ALTER ROLE \"shop_db_a\" WITH LOGIN PASSWORD '{VERIFIER}'",
        'GRANT "shop_owner" TO "shop_db_a" WITH INHERIT TRUE, SET TRUE',
        'ALTER ROLE "shop_db_a" SET "role" = \'shop_owner\'',
        "CREATE DATABASE \"shop\" OWNER \"shop_owner\" ENCODING 'UTF8' LOCALE 'C.UTF-8' TEMPLATE template0",
        'REVOKE ALL ON DATABASE "shop" FROM PUBLIC',
        'SET LOCAL ROLE "shop_owner"',
        'CREATE EXTENSION "uuidv7" SCHEMA public',
        "RESET ROLE",
    ]
    assert [step.alone for step in steps] == [False, False, True, False, False]
    assert [step.database for step in steps] == ["", "", "", "", "shop"]


def test_nothing_to_do_where_all_is_as_it_shall_be() -> None:
    assert (
        plan([LOGIN, OWNER], [SHOP], {"shop_owner": OWNER, "shop_db_a": LOGIN}, {"shop": STANDS}, UUIDV7, 170000) == []
    )


def test_no_verifier_is_in_a_diff_or_a_repr() -> None:
    for found in (None, Role("shop_db_a", login=True, verifier="SCRAM-SHA-256$4096:b2xk$b2xk:b2xk")):
        step = role_step(found, LOGIN, 170000)
        assert step is not None
        assert VERIFIER in " ".join(step.statements)
        assert "c2FsdA" not in repr(step) + str(step.diff()) + repr(LOGIN)
    assert step is not None
    assert "password: (changes)" in step.after


def test_a_slot_without_a_verifier_loses_its_login_and_its_password() -> None:
    spare = Role("shop_db_a", member_of=LOGIN.member_of, settings=LOGIN.settings)
    step = role_step(LOGIN, spare, 170000)
    assert step is not None
    assert step.statements == ('ALTER ROLE "shop_db_a" WITH NOLOGIN PASSWORD NULL',)


@pytest.mark.parametrize("power", ["superuser", "createdb", "createrole", "replication", "bypassrls"])
def test_powers_are_taken_away(power: str) -> None:
    step = role_step(Role(**{**LOGIN.__dict__, "powers": frozenset({power})}), LOGIN, 170000)
    assert step is not None
    assert step.statements == (f'ALTER ROLE "shop_db_a" WITH NO{power.upper()}',)
    assert f"{power}: yes" in step.before


def test_settings_and_memberships_of_others_are_left_alone() -> None:
    found = Role(
        **{
            **LOGIN.__dict__,
            "settings": {"role": "shop_owner", "search_path": "x"},
            "member_of": frozenset({"shop_owner", "pg_monitor"}),
        }
    )
    assert role_step(found, LOGIN, 170000) is None


def test_15_knows_no_options_of_a_membership() -> None:
    step = role_step(Role(**{**LOGIN.__dict__, "member_of": frozenset()}), LOGIN, 150000)
    assert step is not None
    assert step.statements == ('GRANT "shop_owner" TO "shop_db_a"',)


@pytest.mark.parametrize(
    ("known", "has", "statements"),
    [
        (
            UUIDV7["uuidv7"],
            Extension("uuidv7", "1.0", owner="shop_owner"),
            ['SET LOCAL ROLE "shop_owner"', 'ALTER EXTENSION "uuidv7" UPDATE', "RESET ROLE"],
        ),
        (UUIDV7["uuidv7"], Extension("uuidv7", "1.0", owner="postgres"), ['ALTER EXTENSION "uuidv7" UPDATE']),
        (Extension("uuidv7", "1.1", trusted=False), None, ['CREATE EXTENSION "uuidv7" SCHEMA public']),
    ],
)
def test_extensions_by_the_owner_where_the_server_lets_it(
    known: Extension, has: Extension | None, statements: list[str]
) -> None:
    found = Database(**{**STANDS.__dict__, "extensions": {"uuidv7": has} if has else {}})
    steps = plan([], [SHOP], {}, {"shop": found}, {"uuidv7": known}, 170000)
    assert [list(step.statements) for step in steps] == [statements]


def test_an_extension_that_the_server_does_not_have() -> None:
    with pytest.raises(
        MainstayError, match=r"postgres_databases\.shop\.extensions: found 'uuidv7', which the server does not have"
    ):
        plan([], [SHOP], {}, {"shop": Database("shop", "shop_owner")}, {}, 170000)


@pytest.mark.parametrize(("option", "value"), [("locale", "de_DE.UTF-8"), ("encoding", "LATIN1")])
def test_what_a_database_keeps_for_life(option: str, value: str) -> None:
    with pytest.raises(MainstayError, match=f"postgres_databases.shop.{option}: found"):
        plan([], [SHOP], {}, {"shop": Database(**{**STANDS.__dict__, option: value})}, UUIDV7, 170000)


def test_spellings_of_a_locale_are_the_same() -> None:
    assert plan([], [SHOP], {}, {"shop": Database(**{**STANDS.__dict__, "locale": "C.utf8"})}, UUIDV7, 170000) == []


def test_names_and_texts_are_quoted() -> None:
    assert quoted('a"b') == '"a""b"'
    assert literal("it's") == "'it''s'"


@pytest.mark.parametrize("statement", [f"ALTER ROLE \"x\" WITH LOGIN PASSWORD '{VERIFIER}'", f"SELECT '{VERIFIER}'"])
def test_a_message_shows_no_literal(statement: str) -> None:
    assert "SCRAM" not in subject(statement)


def live(name: str, setting: str, **options: object) -> Live:
    told = {
        "shown": setting,
        "unit": "",
        "kind": "string",
        "context": "sighup",
        "source": "configuration file",
        **options,
    }
    return Live(name, setting, **told)  # type: ignore[arg-type]


def test_equal_values_are_no_drift_however_they_are_spelt() -> None:
    running = {
        "work_mem": live("work_mem", "4096", unit="kB", kind="integer"),
        "jit": live("jit", "off", kind="bool"),
        "wal_compression": live("wal_compression", "pglz", kind="enum", values=("pglz", "on", "off")),
        "random_page_cost": live("random_page_cost", "1.1", kind="real"),
    }
    wanted = {
        "work_mem": "4MB",
        "jit": "false",
        "wal_compression": "pglz",
        "random_page_cost": "1.10",
        "other.name": "x",
    }
    assert differences(running, wanted) == []


def test_drift_says_where_a_value_comes_from() -> None:
    auto = "/var/lib/postgresql/17/main/postgresql.auto.conf"
    running = {"work_mem": live("work_mem", "1024", shown="1MB", unit="kB", kind="integer", file=auto, line=3)}
    assert drift(differences(running, {"work_mem": "4MB"}))["before"] == f"work_mem = 1MB  # {auto} line 3\n"
    assert Override("work_mem", "1MB", auto, 3).by_alter_system
    assert not Override("work_mem", "1MB", "/etc/postgresql/17/main/conf.d/zz.conf", 1).by_alter_system


def test_what_this_session_has_of_its_own_is_no_drift() -> None:
    running = {"statement_timeout": live("statement_timeout", "1000", unit="ms", kind="integer", source="client")}
    assert differences(running, {"statement_timeout": "30s"}) == []
