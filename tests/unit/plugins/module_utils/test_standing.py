# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest

from ansible_collections.mainstay.backend.plugins.module_utils import _standing
from ansible_collections.mainstay.backend.plugins.module_utils._table import table

INSTANCE = {
    "name": "cache",
    "purpose": "cache",
    "port": 6379,
    "url": "redis://shop_cache_a:***@127.0.0.1:6379/0",
    "live": {
        "info": {"used_memory": 1048576, "valkey_version": "8.1.1"},
        "config": {"maxmemory": "268435456", "maxmemory-policy": "allkeys-lru", "appendonly": "no", "save": ""},
    },
}
DATABASE = {
    "name": "shop",
    "port": 5432,
    "url": "postgresql://shop_db_a:***@127.0.0.1:5432/shop",
    "live": {
        "version": "17.12",
        "version_num": 170012,
        "extension": "1.1",
        "id": "019e5b7c-0000-7000-8000-000000000000",
    },
}


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"appendonly": "no", "save": ""}, "none"),
        ({"appendonly": "yes", "appendfsync": "everysec", "save": ""}, "AOF everysec"),
        ({"appendonly": "no", "save": "3600 1"}, "RDB"),
        ({"appendonly": "yes", "appendfsync": "always", "save": "60 1"}, "AOF always + RDB"),
    ],
)
def test_persistence(config: dict[str, str], expected: str) -> None:
    assert _standing.persistence(config) == expected


@pytest.mark.parametrize(
    ("number", "extension", "expected"),
    [(170012, "1.1", "uuidv7 1.1 (SQL)"), (180000, "1.1", "uuidv7 1.1 (native)"), (150000, None, "no uuidv7")],
)
def test_key_strategy(number: int, extension: str | None, expected: str) -> None:
    assert _standing.key_strategy(number, extension) == expected


def test_report_shows_each_server_with_its_masked_url() -> None:
    lines = _standing.report({"db1": {"instances": [INSTANCE], "databases": [DATABASE]}})
    text = "\n".join(lines)
    for expected in (
        "allkeys-lru",
        "1 MiB / 256 MiB",
        "8.1.1",
        "redis://shop_cache_a:***@",
        "17.12",
        "uuidv7 1.1 (SQL)",
        "019e5b7c",
    ):
        assert expected in text


def test_a_silent_server_has_a_row_of_its_own() -> None:
    instance = {key: value for key, value in INSTANCE.items() if key != "live"} | {"error": "refused"}
    lines = _standing.report({"db1": {"instances": [instance], "databases": []}})
    assert any("does not answer" in line and "refused" in line for line in lines)


def test_nothing_answered() -> None:
    assert _standing.report({"web1": {}}) == ["no host of the groups valkey and postgres answered"]


def test_table_aligns_numbers_to_the_right() -> None:
    assert table("T", ["name", "count"], [["a", 5], ["bb", 500]]) == [
        "T",
        "name  count",
        "----  -----",
        "a         5",
        "bb      500",
    ]
