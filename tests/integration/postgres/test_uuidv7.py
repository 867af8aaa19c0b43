# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The extension uuidv7 on PostgreSQL 13, 15, 17 and 18: valid, ordered, in time, upgraded, and carried from 13 and 17 to 18."""

from __future__ import annotations

import itertools
import json
import subprocess
import time
import uuid
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

VECTORS = json.loads((Path(__file__).resolve().parents[2] / "data/uuid_rfc9562.json").read_text())["vectors"]


def milliseconds(found: str) -> int:
    return uuid.UUID(found).int >> 80


def test_ids_are_valid_ordered_and_in_time(everywhere: Any) -> None:
    before = time.time_ns() // 10**6
    rows = everywhere.sql("SELECT uuidv7() FROM generate_series(1, 20000)", database="shop").split()
    after = time.time_ns() // 10**6
    assert all((uuid.UUID(row).version, uuid.UUID(row).variant) == (7, uuid.RFC_4122) for row in rows)
    assert before - 5 <= milliseconds(rows[0]) <= milliseconds(rows[-1]) <= after + 5
    assert len(set(rows)) == len(rows)
    # The upper half: 48 bits of milliseconds, the version, and 12 bits below the millisecond. Ids of one microsecond may be in any order.
    steps = [
        uuid.UUID(later).int // 2**64 - uuid.UUID(earlier).int // 2**64 for earlier, later in itertools.pairwise(rows)
    ]
    assert min(steps) >= 0
    if everywhere.version >= 18:
        assert rows == sorted(rows)


def test_default_of_a_table_and_its_index_order(everywhere: Any) -> None:
    said = everywhere.as_login(
        "shop_db_a",
        "CREATE TEMP TABLE t (id uuid PRIMARY KEY DEFAULT uuidv7(), n int GENERATED ALWAYS AS IDENTITY);"
        "INSERT INTO t SELECT FROM generate_series(1, 5000);"
        "SELECT count(*) FROM (SELECT n, lag(n) OVER (ORDER BY id) AS last FROM t) x WHERE n < last",
    )
    assert said[0] == 0
    assert int(said[1].splitlines()[-1]) <= 5, "ids of one microsecond alone may be out of order"


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["id"] for vector in VECTORS])
def test_timestamp_of_the_vectors_of_rfc_9562(everywhere: Any, vector: dict[str, Any]) -> None:
    found = everywhere.sql(f"SELECT extract(epoch FROM uuidv7_timestamp('{vector['uuid']}')) * 1000", database="shop")
    assert (float(found) if found else None) == (vector["unix_ms"] if vector["version"] == 7 else None)


@pytest.mark.parametrize(("shift", "years"), [("-30 years", -30), ("-56 years", -56), ("1 day", 0), ("200 years", 200)])
def test_shifted_ids_have_the_shifted_time(everywhere: Any, shift: str, years: int) -> None:
    first, last = f"now() + '{shift}'::interval", f"clock_timestamp() + '{shift}'::interval"
    query = f"SELECT id, extract(epoch FROM uuidv7_timestamp(id) - ({first})), extract(epoch FROM ({last}) - uuidv7_timestamp(id))"
    query += f" FROM (SELECT uuidv7('{shift}'::interval) AS id OFFSET 0) x"
    found, since, until = everywhere.sql(query, database="shop").split("|")
    assert uuid.UUID(found).version == 7
    # made after the query began and before it ended, but for what is below a millisecond
    assert float(since) > -0.005 and float(until) > -0.005, (since, until)
    assert abs(milliseconds(found) / 1000 / 31556952 + 1970 - datetime.now().year - years) < 1.1


@pytest.mark.parametrize("shift", ["-60 years", "9000 years", "100000 years"])
def test_times_that_no_id_can_have_are_an_error(everywhere: Any, shift: str) -> None:
    code, said = everywhere.as_login("shop_db_a", f"SELECT uuidv7('{shift}'::interval)")
    assert code != 0
    assert "ERROR" in said


@pytest.mark.parametrize(
    ("instant", "bound"),
    [
        ("'2022-02-22 14:22:22-05'", "017f22e2-79b0-7000-8000-000000000000"),
        ("'2022-02-22 14:22:22.000999-05'", "017f22e2-79b0-7000-8000-000000000000"),
        ("'2022-02-22 14:22:22.001-05'", "017f22e2-79b1-7000-8000-000000000000"),
        ("'1970-01-01 00:00:00+00'", "00000000-0000-7000-8000-000000000000"),
        ("'1960-01-01'", "00000000-0000-7000-8000-000000000000"),
        ("'-infinity'", "00000000-0000-7000-8000-000000000000"),
        ("'infinity'", "ffffffff-ffff-7000-8000-000000000000"),
        ("NULL", ""),
    ],
)
def test_lower_bound(everywhere: Any, instant: str, bound: str) -> None:
    assert everywhere.sql(f"SELECT uuidv7_lower_bound({instant}::timestamptz)", database="shop") == bound


def test_lower_bound_divides_ids_by_time_and_uses_the_index(everywhere: Any) -> None:
    query = """
      CREATE TEMP TABLE t (id uuid PRIMARY KEY);
      INSERT INTO t SELECT uuidv7(n * '1 minute'::interval) FROM generate_series(-500, 500) n;
      ANALYZE t;
      SELECT count(*) FILTER (WHERE (id >= uuidv7_lower_bound(now())) <> (uuidv7_timestamp(id) >= date_trunc('milliseconds', now()))) FROM t;
      EXPLAIN SELECT id FROM t WHERE id >= uuidv7_lower_bound(now() + '490 minutes') AND id < uuidv7_lower_bound('2200-01-01')"""
    code, said = everywhere.as_login("shop_db_a", query)
    assert code == 0, said
    assert said.splitlines()[0] == "0"
    assert "Index Cond" in said


def test_a_hostile_schema_cannot_get_in_between(everywhere: Any) -> None:
    """Functions of the same name that come first in the caller's search_path are not called."""
    query = """
      CREATE SCHEMA hostile;
      CREATE FUNCTION hostile.gen_random_uuid() RETURNS uuid LANGUAGE sql AS $$ SELECT '00000000-0000-4000-8000-000000000000'::uuid $$;
      CREATE FUNCTION hostile.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS $$ SELECT 'epoch'::timestamptz $$;
      SET search_path = hostile, pg_catalog, public;
      SELECT clock_timestamp() = 'epoch', public.uuidv7_timestamp(public.uuidv7()) > '2020-01-01'"""
    code, said = everywhere.as_login("shop_db_a", f"BEGIN;{query};ROLLBACK")
    assert (code, said) == (0, "t|t")


def test_the_owner_installs_upgrades_and_drops_it(anywhere: Any) -> None:
    """Without a superuser: the role becomes the owner at login, and 1.0 is upgraded to 1.1 by the role's next run."""
    steps = "DROP EXTENSION uuidv7; CREATE EXTENSION uuidv7 VERSION '1.0'"
    assert anywhere.as_login("shop_db_a", steps)[0] == 0
    code, said = anywhere.as_login("shop_db_a", "SELECT uuidv7_lower_bound(now())")
    assert code != 0
    assert "does not exist" in said
    run = anywhere.apply().ok().result("Create roles")
    assert run["actions"] == ["upgraded extension uuidv7 1.1 in shop"]
    assert run["diff"][0]["before"] == "version: 1.0\n"
    rows = anywhere.sql(
        "SELECT extversion, pg_get_userbyid(extowner) FROM pg_extension WHERE extname = 'uuidv7'", database="shop"
    )
    assert rows == "1.1|shop_owner"
    assert anywhere.as_login("shop_db_a", "SELECT uuidv7_lower_bound(now()) < uuidv7()") == (0, "t")


def test_upgraded_and_fresh_are_the_same(everywhere: Any) -> None:
    query = """SELECT string_agg(pg_get_functiondef(p.oid), '' ORDER BY p.oid::regprocedure::text) FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid
               JOIN pg_extension e ON e.oid = d.refobjid AND d.deptype = 'e' WHERE e.extname = 'uuidv7'"""
    everywhere.as_login(
        "shop_db_a", "DROP EXTENSION uuidv7; CREATE EXTENSION uuidv7 VERSION '1.0'; ALTER EXTENSION uuidv7 UPDATE"
    )
    upgraded = everywhere.sql(query, database="shop")
    everywhere.as_login("shop_db_a", "DROP EXTENSION uuidv7; CREATE EXTENSION uuidv7")
    assert everywhere.sql(query, database="shop") == upgraded
    assert upgraded.count("CREATE OR REPLACE FUNCTION") == 4


def test_18_calls_the_native_function(postgres_on: Callable[[int], Any]) -> None:
    plan = postgres_on(14).sql("EXPLAIN VERBOSE SELECT public.uuidv7() FROM pg_class", database="shop")
    assert "Output: uuidv7()" in plan


@pytest.mark.parametrize("release", [11, 13], ids=["13", "17"])
def test_dump_restores_into_18(postgres_on: Callable[[int], Any], release: int) -> None:
    old, new = postgres_on(release), postgres_on(14)
    table = """CREATE TABLE moved (id uuid PRIMARY KEY DEFAULT uuidv7(), n int);
               INSERT INTO moved (n) SELECT generate_series(1, 1000);
               CREATE VIEW recent AS SELECT * FROM moved WHERE id >= uuidv7_lower_bound(now() - '1 day'::interval)"""
    assert old.as_login("shop_db_a", table)[0] == 0
    before = old.sql("SELECT md5(string_agg(id::text || n, ',' ORDER BY id)) FROM moved", database="shop")
    new.sql("CREATE DATABASE moved OWNER shop_owner TEMPLATE template0")
    try:
        dumped = subprocess.run(
            ["docker", "exec", "-u", "postgres", old.host.name, "pg_dump", "shop"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert "DEFAULT public.uuidv7()" in dumped
        assert "CREATE EXTENSION IF NOT EXISTS uuidv7 WITH SCHEMA public" in dumped
        new.host.run(
            ["runuser", "-u", "postgres", "--", "psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-d", "moved"], text=dumped
        )
        assert new.sql("SELECT md5(string_agg(id::text || n, ',' ORDER BY id)) FROM moved", database="moved") == before
        newest = new.sql("INSERT INTO moved (n) VALUES (0) RETURNING id", database="moved")
        assert new.sql(f"SELECT bool_and(id <= '{newest}') FROM moved", database="moved") == "t"
        assert new.sql("SELECT count(*) FROM recent", database="moved") == "1001"
    finally:
        old.as_login("shop_db_a", "DROP VIEW IF EXISTS recent; DROP TABLE IF EXISTS moved")
        new.sql("DROP DATABASE IF EXISTS moved")
