# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whatever an inventory holds, describe() answers with a description or with problems: it never crashes and never tells a value of `variables`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from ansible_collections.mainstay.backend.plugins.module_utils._checking import Problem
from ansible_collections.mainstay.backend.plugins.module_utils._description import Description

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "lib"))

from inventories import VARIABLES, cases, describe_case, merged, role_defaults


def paths(data: Mapping[str, Any], head: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every path of keys in DATA."""
    for key, value in data.items():
        yield (*head, str(key))
        if isinstance(value, Mapping):
            yield from paths(value, (*head, str(key)))
        elif isinstance(value, list):
            for item in value:
                if isinstance(item, Mapping):
                    yield from paths(item, (*head, str(key), "[]"))


#: Every option that the tables know, so that a new one is tried as soon as somebody writes a case for it.
KNOWN = sorted(
    {
        path
        for folder in ("wrong_inventories", "right_inventories")
        for *_unused, case in cases(folder)
        for path in paths(case.get("change") or {})
    }
    | {(name,) for name in role_defaults()}
)
WORDS = st.sampled_from(
    [
        "",
        "yes",
        "no",
        "0",
        "-1",
        "6379",
        "1e400",
        "64mb",
        "none",
        "*",
        "a\nb",
        "\0",
        "{{ x }}",
        "null",
        "::1",
        "10.0.0.0/8",
        "é" * 300,
    ]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | WORDS
JUNK = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8) | WORDS, inner, max_size=3),
    max_leaves=6,
)


def placed(path: tuple[str, ...], value: Any) -> Any:
    """VALUE at PATH, as the change of a case."""
    for key in reversed(path):
        value = [value] if key == "[]" else {key: value}
    return value


@settings(max_examples=1500, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(KNOWN), JUNK), min_size=1, max_size=3))
@example([(("postgres_hba", "[]", "method"), ["reject"])])
@example([(("backend_valkey_host",), ["db1"])])
def test_junk_never_crashes_it(changes: list[tuple[tuple[str, ...], Any]]) -> None:
    change: dict[str, Any] = {}
    for path, value in changes:
        change = merged(change, placed(path, value))
    found, problems = describe_case({"change": change})
    assert isinstance(found, Description)
    assert all(isinstance(problem, Problem) and "\n" not in str(problem) for problem in problems)


PLACES = [
    ("backend_consumers", "shop", "variables", "API_TOKEN"),
    ("backend_consumers", "shop", "settings", "password"),
    ("backend_consumers", "shop", "environment_settings", "api_token"),
    ("backend_credentials", "shop_db"),
    ("backend_credentials", "shop_db", "password"),
    ("backend_credentials", "shop_db", "value"),
    ("valkey_instances", "cache", "password"),
    ("valkey_instances", "cache", "settings", "requirepass"),
    ("valkey_instances", "cache", "settings", "user"),
    ("valkey_instances", "cache", "settings", "primaryauth"),
    ("postgres_databases", "shop", "password"),
    ("postgres_settings", "primary_conninfo"),
    ("postgres_hba", "[]", "options", "ldapbindpasswd"),
]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(PLACES), st.text(min_size=1, max_size=6), st.sampled_from(["'", "\\", "\n", "", "\0", "$"]))
def test_no_message_tells_what_stands_where_secrets_may_stand(path: tuple[str, ...], text: str, odd: str) -> None:
    secret = f"Pl4nted{odd}S3cret{text}"
    for problem in describe_case({"change": placed(path, secret)})[1]:
        assert "Pl4nted" not in str(problem) and "S3cret" not in str(problem), problem.variable


def test_the_right_inventory_is_described_whole() -> None:
    found, problems = describe_case({})
    assert problems == [] and set(VARIABLES) <= set(found.host.variables)
    assert {name for _unused, name in found.endpoints} == {"cache", "session", "cable", "shop", ""}
    assert [consumer.name for consumer in found.consumers] == ["shop"]
