# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Each type takes what its users write, refuses what an application would stumble over, and says so without the value."""

from __future__ import annotations

import base64
import ipaddress
import json
import uuid
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yardstick import cpu_time

from ansible_collections.mainstay.backend.plugins.module_utils._env_schema import Variable
from ansible_collections.mainstay.backend.plugins.module_utils._env_types import TYPES, check_value, measure

GOOD: dict[str, list[str]] = {
    "string": ["", "x", " ", "päß wörd", "a\nb", "${X}"],
    "int": ["0", "-1", "+5", "42", "123456789012345678901234567890"],
    "float": ["0", "1.5", "-0.25", ".5", "1e-3", "6.02E23", "007.5"],
    "bool": ["true", "FALSE", "1", "0", "Yes", "no", "on", "OFF"],
    "enum": ["red", "green"],
    "url": [
        "https://example.com",
        "http://localhost:3000/",
        "postgresql://shop_a:p%40ss@db.internal:5432/shop?sslmode=verify-full",
        "redis://:secret@127.0.0.1:6379/0",
        "rediss://user@[2001:db8::1]:6380",
        "redis://my_valkey:6379/1",
        "unix:///run/valkey/cache.sock",
        "sqlite3:///var/lib/shop.db",
        "postgresql:///shop?host=/run/postgresql",
        "HTTPS://EXAMPLE.COM/a?b=c#d",
        "amqp+ssl://u:p@h/%2F",
        "postgresql://u:p@db1:5432,db2:5432/shop?target_session_attrs=primary",
        "mongodb://[::1]:27017,db2/shop",
    ],
    "email": ["shop@example.com", "first.last+tag@mail.example.co.uk", "root@localhost", "o'brien@example.org"],
    "host": ["localhost", "db-1.example.com", "10.0.0.1", "::1", "2001:db8::5", "3com.com", "xn--bcher-kva.example"],
    "port": ["1", "80", "65535"],
    "ip": ["127.0.0.1", "::1", "2001:db8::1", "::ffff:192.0.2.1"],
    "duration": [
        "30s",
        "5m",
        "1h30m",
        "90d",
        "2w",
        "500ms",
        "10us",
        "1.5h",
        "PT5M",
        "P1DT12H",
        "P2W",
        "PT0.5S",
        "1d12h",
    ],
    "size": ["0", "1024", "64mb", "1GB", "10 kb", "5k"],
    "uuid": [
        "123e4567-e89b-12d3-a456-426614174000",
        "0190163D-8694-739B-AEA5-966C26F8AD91",
        "0" * 8 + "-0000-0000-0000-" + "0" * 12,
    ],
    "base64": ["QQ==", "QUI=", "QUJD", "-_-_", "QQ", "QUI", "ab+/", "-_A="],
    "hex": ["00", "deadBEEF", "ab" * 32],
    "json": ["{}", "[1, 2.5, null, true]", '"text"', "12", '{"a": {"b": ["]"]}}', "1" * 5000],
    "path": ["/", "/etc/shop/key.pem", "/a b", "/ä"],
    "list": ["", "a", "a,b", "a, b ,c"],
}
BAD: dict[str, list[str]] = {
    "int": ["", "1.0", "1_000", "0x10", " 1", "1 ", "one", "-", "010", "-007", "٣", "9" * 5000, "1\n"],
    "float": ["", "nan", "inf", "-Infinity", "1,5", "1.", "1e", "1e999", "0x1p3", "٣.٣", "1_0.5"],
    "bool": ["", "2", "y", "enabled", "truee", "true ", "nil"],
    "enum": ["", "Red", "blue", " red", "red,green"],
    "url": [
        "",
        "example.com",
        "localhost:3000",
        "//example.com",
        "https://",
        "https:///path",
        "http://exa mple.com",
        "http://example.com/ä",
        "http://example.com/%zz",
        "redis://:pa/ss@host:6379",
        "redis://:p#ss@host:6379/0",
        "postgresql://u:p@ss@host/db",
        "http://host:0",
        "http://host:65536",
        "http://host:http",
        "http://host:",
        "http://[::1",
        "http://[12]/",
        "http://256.1.1.1/",
        "http://-x.com/",
        "1http://x.com",
        "http://x.com\n",
        "file:///",
        "http://a:1,b:2/",
        "postgresql://db1:5432,/shop",
        "postgresql://db1:5432,db2:x/shop",
    ],
    "email": [
        "",
        "shop",
        "shop@",
        "@example.com",
        "a b@example.com",
        "Shop <a@example.com>",
        "a@b@c.d",
        "a..b@c.d",
        ".a@c.d",
        "a@-c.d",
        "x" * 65 + "@c.d",
    ],
    "host": [
        "",
        "a_b",
        "-a.com",
        "a-.com",
        "a..b",
        "example.com.",
        "host:80",
        "http://host",
        "256.1.1.1",
        "1.2.3",
        "x" * 64,
        "a b",
        "[::1]",
        "ä.com",
        "a." * 127 + "a",
    ],
    "port": ["", "0", "65536", "-1", "080", "80.0", "http", "٨٠", "99999999999"],
    "ip": ["", "localhost", "256.0.0.1", "1.2.3", "10.0.0.0/8", "01.2.3.4", "[::1]"],
    "duration": [
        "",
        "30",
        "1.5",
        "s",
        "5 m",
        "5M",
        "1h1h",
        "30m1h",
        "-5s",
        "P",
        "PT",
        "P1",
        "PT5",
        "5mins",
        "1e3s",
        "٣s",
    ],
    "size": ["", "-1", "1.5gb", "64 apples", "mb", "1kib", "٣mb"],
    "uuid": [
        "",
        "123e4567e89b12d3a456426614174000",
        "{123e4567-e89b-12d3-a456-426614174000}",
        "123e4567-e89b-12d3-a456-42661417400g",
    ],
    "base64": ["", "=", "====", "Q", "QUJDR", "ab+/Q", "a+_b", "Q===", "QQ=", "Q Q=", "QU\n=="],
    "hex": ["", "0", "abc", "0x12", "gg", "ab cd"],
    "json": ["", "{", "{'a': 1}", "NaN", "[1,]", "[" * 200 + "]" * 200, "[" * 100000, "{} x", "\x00"],
    "path": ["", "relative/x", "~/x", "./x", "/a\nb", "/a\0b"],
    "list": [",", "a,,b", "a,", ",a", " , "],
}
CHOICES = {"enum": ("red", "green")}


def test_every_type_has_a_good_and_a_bad_value() -> None:
    assert set(GOOD) == set(TYPES) == {*BAD, "string"}


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, values in GOOD.items() for value in values])
def test_good(kind: str, value: str) -> None:
    assert check_value(Variable("A", kind, choices=CHOICES.get(kind, ())), value) is None


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, values in BAD.items() for value in values])
def test_bad(kind: str, value: str) -> None:
    fault = check_value(Variable("A", kind, choices=CHOICES.get(kind, ())), value)
    assert fault
    assert fault.startswith(("is ", "has ", "begins "))


@pytest.mark.parametrize(
    ("variable", "good", "bad"),
    [
        (Variable("A", "int", min="1", max="10"), ["1", "10"], {"0": "is less than 1", "11": "is more than 10"}),
        (Variable("A", "float", min="0.5"), ["0.5", "7"], {"0.49": "is less than 0.5"}),
        (Variable("A", "port", min="1024"), ["1024"], {"80": "is less than 1024"}),
        (
            Variable("A", "duration", min="5m", max="1h"),
            ["300s", "PT1H", "1h"],
            {"299s": "is less than 5m", "61m": "is more than 1h"},
        ),
        (Variable("A", "size", max="64mb"), ["64mb", "64m"], {"65mb": "is more than 64mb"}),
        (
            Variable("A", min_length=2, max_length=3),
            ["ab", "äöü"],
            {"a": "has fewer than 2 characters", "abcd": "has more than 3 characters"},
        ),
        (Variable("A", min_length=1), ["a"], {"": "has fewer than 1 character"}),
        (
            Variable("A", pattern="sk_[a-z]+"),
            ["sk_a"],
            {"xsk_a": "does not match sk_[a-z]+", "sk_a\n": "does not match sk_[a-z]+"},
        ),
        (
            Variable("A", "url", schemes=("redis", "rediss")),
            ["redis://h", "REDISS://h"],
            {"http://h": "is a URL whose scheme is none of redis, rediss"},
        ),
        (
            Variable("A", "path", absolute=False),
            ["/a", "a/b", "../x"],
            {"~/x": "begins with '~', which stays as it is outside of a shell"},
        ),
        (Variable("A", "int", choices=("1", "2")), ["1"], {"3": "is none of 1, 2"}),
        (
            Variable("A", "list", items="int", max="3"),
            ["1,2", "1, 3"],
            {
                "1,x": "has an item, number 2, that is no whole number",
                "4": "has an item, number 1, that is more than 3",
            },
        ),
        (
            Variable("A", "list", items="enum", choices=("a", "b"), separator=" "),
            ["a b"],
            {"a c": "has an item, number 2, that is none of a, b"},
        ),
        (
            Variable("A", "list", items="host", separator=";", min_length=2, max_length=2),
            ["a;b"],
            {"a": "has fewer than 2 items", "": "has fewer than 2 items", "a;b;c": "has more than 2 items"},
        ),
        (
            Variable("A", "list", items="url", schemes=("https",)),
            ["https://a,https://b"],
            {"http://a": "has an item, number 1, that is a URL whose scheme is none of https"},
        ),
    ],
)
def test_options(variable: Variable, good: list[str], bad: dict[str, str]) -> None:
    assert [check_value(variable, value) for value in good] == [None] * len(good)
    assert {value: check_value(variable, value) for value in bad} == bad


@given(st.sampled_from(sorted(TYPES)), st.text(max_size=60))
def test_a_fault_never_holds_the_value(kind: str, value: str) -> None:
    marked = f"s3cr3t{value}"
    fault = check_value(
        Variable("A", kind, choices=CHOICES.get(kind, ()), pattern="" if kind in ("enum", "bool") else "x+"), marked
    )
    assert fault is None or "s3cr3t" not in fault


@given(st.data())
def test_values_of_other_libraries_are_values(data: st.DataObject) -> None:
    """What Python's own writers of a form give, the type of that form takes."""
    raw = data.draw(st.binary(min_size=1, max_size=60))
    number = data.draw(st.integers(-(10**30), 10**30))
    real = data.draw(st.floats(allow_nan=False, allow_infinity=False))
    address = data.draw(st.ip_addresses())
    password = quote(data.draw(st.text(st.characters(codec="utf-8"), max_size=20)), safe="")
    host = f"[{address}]" if isinstance(address, ipaddress.IPv6Address) else str(address)
    values = {
        "base64": [
            base64.b64encode(raw).decode(),
            base64.urlsafe_b64encode(raw).decode(),
            base64.urlsafe_b64encode(raw).decode().rstrip("="),
        ],
        "hex": [raw.hex(), raw.hex().upper()],
        "int": [str(number)],
        "float": [repr(real)],
        "ip": [str(address)],
        "host": [str(address)],
        "uuid": [str(data.draw(st.uuids())), str(uuid.uuid4())],
        "json": [
            json.dumps(data.draw(st.recursive(st.none() | st.text(max_size=5) | st.integers(), st.lists, max_leaves=5)))
        ],
        "url": [f"redis://u:{password}@{host}:6379/0"],
        "email": [data.draw(st.emails())],
    }
    for kind, texts in values.items():
        for text in texts:
            if kind == "email" and text.partition("@")[2].rpartition(".")[2].isdigit():
                continue
            assert check_value(Variable("A", kind), text) is None, (kind, text)


@pytest.mark.parametrize("kind", sorted(TYPES))
@pytest.mark.parametrize(
    "value",
    [
        "a" * 1_000_000,
        "1" * 1_000_000,
        "[" * 1_000_000,
        "," * 1_000_000,
        "a.@%:/" * 200_000,
        '"\\' * 500_000,
        "=" * 1_000_000,
    ],
)
def test_a_million_characters_take_no_time(kind: str, value: str) -> None:
    with cpu_time() as took:
        check_value(Variable("A", kind, choices=CHOICES.get(kind, ())), value)
    assert took.loops < 160, took.told()


def test_a_hundred_thousand_values_take_seconds() -> None:
    variables = [
        (Variable("A", "url", schemes=("postgresql",)), "postgresql://shop_a:0123456789abcdef@db:5432/shop"),
        (Variable("B", "int", min="1", max="64"), "5"),
        (Variable("C", pattern="sk_(test|live)_[A-Za-z0-9]+"), "sk_live_0123456789abcdef01234567"),
        (Variable("D", "hex", min_length=64), "ab" * 32),
    ]
    with cpu_time() as took:
        assert not any(check_value(variable, value) for _again in range(25_000) for variable, value in variables)
    assert took.loops < 800, took.told()  # 50 to 90 are usual


@pytest.mark.parametrize(
    ("kind", "value", "measured"),
    [
        ("int", "-5", -5),
        ("float", "1e3", 1000.0),
        ("duration", "1h30m", 5400.0),
        ("duration", "1w2d", 777600.0),
        ("duration", "PT1,5S", 1.5),
        ("duration", "1500ms", 1.5),
        ("size", "1kb", 1024),
        ("size", "1k", 1000),
        ("float", "1e999", None),
        ("string", "5", None),
    ],
)
def test_limits_compare_amounts(kind: str, value: str, measured: float | None) -> None:
    assert measure(kind, value) == measured
