# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The ids: RFC 9562 version 7, in order, their time right, and the extension installable by who owns a database."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from backend import Backend


def seconds_of(value: uuid.UUID) -> float:
    """The time in a version 7 id: its first 48 bits are milliseconds."""
    return (value.int >> 80) / 1000


def one(backend: Backend, sql: str) -> object:
    with backend.database() as connection:
        row = connection.execute(sql).fetchone()  # type: ignore[call-overload]
    assert row is not None
    return row[0]


def test_ids_are_valid_version_7_of_rfc_9562(backend: Backend) -> None:
    with backend.database() as connection:
        ids = [row[0] for row in connection.execute("SELECT uuidv7() FROM generate_series(1, 5000)")]
    assert all(isinstance(item, uuid.UUID) and item.version == 7 and item.variant == uuid.RFC_4122 for item in ids)
    assert len(set(ids)) == 5000
    # 62 random bits in each: every one of them takes both values among 5000 ids
    both = [(1 << bit) for bit in range(62)]
    assert all(len({item.int & mask for item in ids}) == 2 for mask in both)


def test_ids_are_ordered_within_a_backend(backend: Backend) -> None:
    made = "SELECT n, uuidv7() AS id FROM generate_series(1, 100000) n"
    pairs = f"SELECT id, lag(id) OVER (ORDER BY n) AS before FROM ({made}) s"
    assert one(backend, f"SELECT count(*) FROM ({pairs}) t WHERE id <= before") == 0


def test_an_ids_time_is_right(backend: Backend) -> None:
    before = time.time()
    value = one(backend, "SELECT uuidv7()")
    after = time.time()
    assert isinstance(value, uuid.UUID)
    # The host's clock is the controller's: one machine.
    assert before - 0.01 <= seconds_of(value) <= after + 0.01
    sql = "SELECT clock_timestamp() AS before, uuidv7_timestamp(uuidv7()) AS told, clock_timestamp() AS after"
    assert one(backend, f"SELECT told >= date_trunc('milliseconds', before) AND told <= after FROM ({sql}) t") is True


def test_a_shifted_id_has_the_shifted_time(backend: Backend) -> None:
    before = time.time()
    value = one(backend, "SELECT uuidv7(interval '-1 day')")
    after = time.time()
    assert isinstance(value, uuid.UUID) and value.version == 7
    assert before - 0.01 <= seconds_of(value) + 86400 <= after + 0.01


@pytest.mark.parametrize(
    "text", ["2022-02-22T19:22:22+00:00", "1970-01-01T00:00:00+00:00", "2262-04-11T23:47:16+00:00"]
)
def test_the_lower_bound_is_the_smallest_id_of_its_instant(backend: Backend, text: str) -> None:
    value = one(backend, f"SELECT uuidv7_lower_bound('{text}')")
    assert isinstance(value, uuid.UUID)
    milliseconds = int(datetime.fromisoformat(text).timestamp() * 1000)
    assert str(value) == str(uuid.UUID(int=(milliseconds << 80) | (7 << 76) | (2 << 62)))
    assert one(backend, f"SELECT uuidv7_timestamp('{value}') = '{text}'") is True


def test_a_range_by_time_finds_what_was_made_in_it(backend: Backend) -> None:
    with backend.database() as connection:
        connection.execute("CREATE TEMPORARY TABLE made (id uuid DEFAULT uuidv7())")
        connection.execute("INSERT INTO made SELECT uuidv7(interval '-2 hours') FROM generate_series(1, 10)")
        connection.execute("INSERT INTO made SELECT FROM generate_series(1, 5)")
        start = datetime.now(UTC) - timedelta(hours=1)
        row = connection.execute("SELECT count(*) FROM made WHERE id >= uuidv7_lower_bound(%s)", [start]).fetchone()
    assert row == (5,)


def test_an_id_of_another_version_has_no_time(backend: Backend) -> None:
    assert one(backend, "SELECT uuidv7_timestamp(gen_random_uuid()) IS NULL") is True
    assert (
        one(backend, "SELECT uuidv7_timestamp('1ec9414c-232a-6b00-b3c8-9f6bdeced846') IS NULL") is True
    )  # version 6 of RFC 9562


def test_rfc_9562_vector_reads_back(backend: Backend) -> None:
    sql = "SELECT uuidv7_timestamp('017f22e2-79b0-7cc3-98c4-dc0c0c07398f') = '2022-02-22T19:22:22+00:00'"
    assert one(backend, sql) is True


def test_an_owner_who_is_no_superuser_can_install_the_extension(backend: Backend) -> None:
    owner = backend.superuser(
        "SELECT rolname FROM pg_roles WHERE rolname LIKE '%\\_owner' AND NOT rolsuper AND NOT rolcanlogin LIMIT 1"
    )
    assert owner
    backend.superuser(f"CREATE DATABASE verify_fresh OWNER {owner}")
    try:
        backend.superuser(f"SET SESSION AUTHORIZATION {owner}; CREATE EXTENSION uuidv7;", "verify_fresh")
        assert backend.superuser("SELECT substr(uuidv7()::text, 15, 1)", "verify_fresh") == "7"
        assert (
            backend.superuser("SELECT extowner::regrole FROM pg_extension WHERE extname = 'uuidv7'", "verify_fresh")
            == owner
        )
    finally:
        backend.superuser("DROP DATABASE verify_fresh WITH (FORCE)")


def test_default_uuidv7_is_the_one_spelling(backend: Backend) -> None:
    with backend.database() as connection:
        connection.execute("CREATE TEMPORARY TABLE keyed (id uuid PRIMARY KEY DEFAULT uuidv7(), note text)")
        rows = connection.execute("INSERT INTO keyed (note) VALUES ('a'), ('b'), ('c') RETURNING id").fetchall()
    assert [row[0].version for row in rows] == [7, 7, 7] and rows == sorted(rows)
