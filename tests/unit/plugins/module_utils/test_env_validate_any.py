# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The evaluator on any bytes: it never raises, its findings hold no piece of a value, and its time is linear."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from yardstick import cpu_time

sys.path.insert(0, str(Path(__file__).parent))
import env_cases_loaders
import env_cases_places
import env_cases_secrets
import env_cases_values
from env_case import Case

from ansible_collections.mainstay.backend.plugins.module_utils._env_loaders import LOADERS
from ansible_collections.mainstay.backend.plugins.module_utils._env_rules import FAMILIES, RULES
from ansible_collections.mainstay.backend.plugins.module_utils._env_schema import CrossRule, Schema, Variable
from ansible_collections.mainstay.backend.plugins.module_utils._env_types import TYPES
from ansible_collections.mainstay.backend.plugins.module_utils._env_validate import KINDS, Options, Source, evaluate
from ansible_collections.mainstay.backend.plugins.module_utils._findings import SEVERITIES, Finding

CASES = {**env_cases_values.CASES, **env_cases_loaders.CASES, **env_cases_secrets.CASES, **env_cases_places.CASES}
#: `make soak` asks for more.
INPUTS = int(os.environ.get("MAINSTAY_FUZZ_INPUTS", "3000")) // 10
NAMES = [
    "API_KEY",
    "DATABASE_URL",
    "CACHE_URL",
    "SESSION_URL",
    "PORT",
    "SMTP_PASSWORD",
    "LOG_LEVEL",
    "SHOP_DB",
    "PER_PAGE",
]
EVERY_TYPE = [Variable(f"V_{kind.upper()}", type=kind, choices=("a", "b") if kind == "enum" else ()) for kind in TYPES]
SCHEMA = Schema(
    {
        item.name: item
        for item in [
            *EVERY_TYPE,
            Variable("API_KEY", required=True, min_length=20, example="anexamplevalue"),
            Variable("DATABASE_URL", type="url", database="shop"),
            Variable("CACHE_URL", type="url", instance="cache"),
            Variable("SESSION_URL", type="url", instance="session"),
            Variable("PORT", type="port", min="1024"),
            Variable("SHOP_DB", source="secret", required=True),
            Variable("PER_PAGE", source="settings"),
            Variable("LOG_LEVEL", type="enum", choices=("info", "debug"), forbidden_in=("production",)),
        ]
    },
    tuple(
        CrossRule(kind, ("API_KEY", "SMTP_PASSWORD", "CACHE_URL"))
        for kind in ("distinct", "all_or_none", "at_most_one", "equal_host")
    ),
)
OPTIONS = Options(
    loaders=tuple(LOADERS),
    instances={
        "cache": {"host": "10.0.0.5", "port": 6379, "policy": "allkeys-lru"},
        "session": {"port": 6380, "purpose": "session"},
    },
    databases={"shop": {"host": "10.0.0.6"}},
    process_env={"EXT": "ext"},
)
_SYNTAX = "A|API_KEY|DATABASE_URL=|=|\n|\r|\0|'|\"|`|\\|$|${|}|$(|)|#| # |export | |\t|:-|:?|: |redis://|@|:|/|- |{|a|password: |\ufeff|>"
PIECES = st.sampled_from([*[piece.encode() for piece in _SYNTAX.split("|")], b"\xff", b"|"])
SOUP = st.lists(PIECES, max_size=40).map(b"".join)
BYTES = st.binary(max_size=120) | SOUP


def sources(data: Iterable[bytes]) -> list[Source]:
    """One of each kind, and one of another environment."""
    found = [
        Source(kind, f"a/{kind}", part, mode=0o644, owner="x", tracked=False, ignored=False)
        for kind, part in zip(KINDS, data, strict=False)
    ]
    return [
        *found,
        Source("env", "b/env", found[0].data, environment="staging"),
        Source("secret", "b/secret", found[2].data, environment="staging"),
    ]


@settings(max_examples=INPUTS, deadline=None)
@given(st.lists(BYTES, min_size=5, max_size=5), st.booleans())
@example([b"=\0\xff", b"A=${", b"\r", b"{a: ", b"\0=\0"], True)
def test_any_bytes_are_judged(data: list[bytes], with_schema: bool) -> None:
    for one in evaluate(sources(data), SCHEMA if with_schema else None, OPTIONS):
        assert one.rule in RULES
        assert one.severity in SEVERITIES
        assert 0 <= one.line <= 130
        assert one.message.isprintable()


#: Unlikely in any message: letters without a vowel, digits and signs that no word holds.
VALUE = st.text("qxzjkvQXZJKV0123456789", min_size=4, max_size=24).filter(lambda text: len(set(text)) > 2)
SIGNS = st.sampled_from(
    [
        "",
        " ",
        "#",
        " # ",
        "$",
        "${",
        "}",
        "'",
        '"',
        "`",
        "\\",
        "\\n",
        "\n",
        "=",
        ":",
        "@",
        "/",
        "$(",
        ")",
        "://",
        "?",
        "\r",
        "\t",
        ", ",
    ]
)
DIRTY = st.lists(st.tuples(VALUE, SIGNS), min_size=1, max_size=4).map(
    lambda parts: "".join(one + two for one, two in parts)
)
WRAPS = st.sampled_from(
    [
        "{}",
        "'{}'",
        '"{}"',
        "`{}`",
        "redis://u:{}@h/0",
        "postgresql://{}:{}@10.0.0.5/{}",
        "${{{}}}",
        "$({})",
        " {} # {}",
        "{}\\",
        "'{}",
        '"{}',
    ]
)
NAME = st.sampled_from([*NAMES, *[item.name for item in EVERY_TYPE], "OTHER_TOKEN", "export API_KEY"])
LINES = st.lists(st.tuples(NAME, st.sampled_from(["=", " = ", ": ", "=", "="]), WRAPS, DIRTY), min_size=1, max_size=6)


def text_of(lines: list[tuple[str, str, str, str]]) -> str:
    return "".join(
        f"{name}{sign}{wrap.replace('{{', '{').replace('}}', '}').replace('{}', value)}\n"
        for name, sign, wrap, value in lines
    )


def pieces(texts: Iterable[str]) -> set[str]:
    """Every run of four characters of every value: none of them may be in a finding. What begins a line before a '=' is a name."""
    texts = [re.sub(r"(?m)^\s*(?:export )?[\w.]+\s*[=:]", "", text) for text in texts]
    words = [word for text in texts for word in re.findall(r"[qxzjkvQXZJKV0-9]{4,}", text)]
    return {word[start : start + 4] for word in words for start in range(len(word) - 3)}


def shown(findings: list[Finding]) -> str:
    """What the findings say beyond the description's own numbers (ports, addresses, limits, modes)."""
    text = "\n".join(f"{one.variable} {one.message} {one.remedy} {one.file}" for one in findings)
    return re.sub(r"\b(?:6379|6380|1024|0644|0600|65535)\b", "", text)


@settings(max_examples=INPUTS, deadline=None)
@given(LINES, LINES, DIRTY, LINES, st.booleans(), st.booleans())
def test_no_piece_of_a_value_is_in_a_finding(
    env: list[tuple[str, str, str, str]],
    example_: list[tuple[str, str, str, str]],
    secret: str,
    yaml: list[tuple[str, str, str, str]],
    same: bool,
    with_schema: bool,
) -> None:
    one, two = text_of(env), text_of(env if same else example_)
    written = "".join(f"{name.lower()}: {value}\n" for name, _sign, _wrap, value in yaml)
    process = one.replace("\n", "\0")
    data = [item.encode() for item in (one, two, secret, written, process)]
    found = shown(evaluate(sources(data), SCHEMA if with_schema else None, OPTIONS))
    assert [piece for piece in pieces([one, two, secret, written]) if piece in found] == []


@pytest.mark.parametrize("rule", CASES)
def test_the_cases_show_no_value_either(rule: str) -> None:
    """What is written in the cases on the right of a '=', but for the names and the words of the description."""
    for given_ in CASES[rule][0]:
        told = "\n".join(
            f"{item.message} {item.remedy}" for item in evaluate(given_.sources, given_.schema, given_.options)
        )
        allowed = f"{_words(given_)} {' '.join(f'{item.title} {item.remedy}' for family in FAMILIES.values() for item in family)}"
        for source in given_.sources:
            for value in re.findall(r"[=:] ?['\"]?([^\s'\"]{6,})", source.data.decode("utf-8", "replace")):
                assert value not in told or value in allowed


def _words(given_: Case) -> str:
    return f"{[item.path for item in given_.sources]} {given_.options.instances} {given_.options.databases} {given_.schema}"


@pytest.mark.parametrize(
    "piece",
    [
        b"A=b\n",
        b"A",
        b"=",
        b"'",
        b'"\n',
        b"\\\n",
        b"${",
        b"${A:-",
        b"$(",
        b"# A=\n",
        b"a: {",
        b"- ",
        b"A=redis://u:p@",
        b"\r",
        b"A=" + b"a1" * 40 + b"\n",
    ],
)
def test_time_is_linear(piece: bytes) -> None:
    """Ten times the input takes no more than some thirty times the time (a quadratic one: a hundred)."""

    def loops(count: int) -> float:
        data = piece * count
        with cpu_time() as took:
            evaluate(sources([data] * 5), SCHEMA, OPTIONS)
        return took.loops

    small = min(loops(500), loops(500))
    assert loops(5000) < max(30 * small, 80)


@pytest.mark.parametrize(
    "line",
    [
        "CACHE_{0}_URL=redis://h/1\n",
        "DB_PASSWORD_{0}=one secret for all\n",
        "ODD_NAME_{0}=x\n",
        "A_{0}=$B\n",
        "# A_{0}=\n",
    ],
)
def test_time_is_linear_in_the_names(line: str) -> None:
    """As above, with a name of its own on every line."""

    def loops(count: int) -> float:
        data = "".join(line.format(number) for number in range(count)).encode()
        with cpu_time() as took:
            evaluate(sources([data] * 5), SCHEMA, OPTIONS)
        return took.loops

    small = min(loops(400), loops(400))
    assert loops(4000) < max(30 * small, 80)
