# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.mainstay.backend.plugins.module_utils._checking import (
    Checker,
    Problem,
    format_size,
    parse_size,
    shown,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        # valkey.conf: "1k => 1000 bytes, 1kb => 1024 bytes, … units are case insensitive"
        ("1k", 1000),
        ("1kb", 1024),
        ("5M", 5_000_000),
        ("256mb", 256 * 1024**2),
        ("1GB", 1024**3),
        ("42", 42),
        (42, 42),
        ("", None),
        ("1 gib", None),
        ("-1mb", None),
        ("1.5gb", None),
        (True, None),
        (None, None),
        (1.5, None),
    ],
)
def test_parse_size(value: object, expected: int | None) -> None:
    assert parse_size(value) == expected


@pytest.mark.parametrize(
    ("count", "expected"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (268435456, "256 MiB"), (2**40, "1 TiB")]
)
def test_format_size(count: int, expected: str) -> None:
    assert format_size(count) == expected


def read(method: str, value: object, *arguments: Any) -> tuple[Any, list[str]]:
    problems: list[Problem] = []
    found = getattr(Checker("v", {"k": value}, problems), method)("k", *arguments)
    return found, [str(problem) for problem in problems]


@pytest.mark.parametrize(
    ("method", "value", "arguments", "expected"),
    [
        ("integer", "12", (5, 1, 20), 12),
        ("boolean", "yes", (False,), True),
        ("boolean", "off", (True,), False),
        ("choice", "b", ("a", ["a", "b"]), "b"),
        ("size", "1mb", ("2mb",), 1024**2),
        ("networks", ["10.0.0.5"], ([],), ("10.0.0.5/32",)),
        ("networks", ["10.0.0.0/8", "::1"], ([],), ("10.0.0.0/8", "::1/128")),
        ("addresses", ["::1", "0.0.0.0"], ([],), ("::1", "0.0.0.0")),
        ("strings", None, (["a"],), ("a",)),
        ("path_", "/etc/shop/.env", ("/x",), "/etc/shop/.env"),
        ("mapping", {1: 2}, (), {"1": 2}),
    ],
)
def test_right_values_are_read(method: str, value: object, arguments: tuple[Any, ...], expected: object) -> None:
    assert read(method, value, *arguments) == (expected, [])


@pytest.mark.parametrize(
    ("method", "value", "arguments", "message"),
    [
        ("integer", 0, (5, 1, 20), "v.k: found 0; expected a whole number from 1 to 20"),
        ("integer", True, (5, 1, 20), "v.k: found true; expected a whole number from 1 to 20"),
        ("integer", "3.5", (5, 1, 20), "v.k: found '3.5'; expected a whole number from 1 to 20"),
        ("boolean", "maybe", (True,), "v.k: found 'maybe'; expected true or false"),
        ("choice", "c", ("a", ["a", "b"]), "v.k: found 'c'; expected one of a, b"),
        ("size", "lots", ("2mb",), "v.k: found 'lots'; expected a size of at least 1 B, like 256mb"),
        (
            "networks",
            ["10.0.0.1/8"],
            ([],),
            "v.k: found '10.0.0.1/8'; expected a network in CIDR form without host bits, like 10.0.0.0/24",
        ),
        (
            "addresses",
            ["localhost"],
            ([],),
            "v.k: found 'localhost'; expected an IP address of this host, like 127.0.0.1 (0.0.0.0 for all)",
        ),
        ("strings", "a", ([],), "v.k: found 'a'; expected a list of texts"),
        (
            "path_",
            "/etc/../x",
            ("/x",),
            "v.k: found '/etc/../x'; expected an absolute path without spaces, quotes, '..', '$' or '%'",
        ),
        ("mapping", [1, 2], (), "v.k: found a list of 2; expected a mapping"),
    ],
)
def test_wrong_values_are_named(method: str, value: object, arguments: tuple[Any, ...], message: str) -> None:
    assert read(method, value, *arguments)[1] == [message]


def test_unread_keys_are_unknown_options() -> None:
    problems: list[Problem] = []
    check = Checker("v", {"port": 1, "prot": 2}, problems)
    check.get("port")
    check.done()
    assert [str(problem) for problem in problems] == ["v.prot: found an unknown option; expected one of port"]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text() | st.floats(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_junk_is_shown_short_and_on_one_line(value: object) -> None:
    text = shown(value)
    assert len(text) <= 80 and "\n" not in text
    for method, arguments in (
        ("integer", (1, 0, 9)),
        ("size", ("1mb",)),
        ("networks", ([],)),
        ("path_", ("/x",)),
        ("mapping", ()),
    ):
        read(method, value, *arguments)
