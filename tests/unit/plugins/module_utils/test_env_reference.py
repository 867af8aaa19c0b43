# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
""".env.example is read alike by every loader, and neither it nor the reference shows what may be a secret."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.mainstay.backend.plugins.module_utils._env_loaders import LOADERS, load
from ansible_collections.mainstay.backend.plugins.module_utils._env_reference import example_file, markdown
from ansible_collections.mainstay.backend.plugins.module_utils._env_schema import Schema, Variable, read_schema
from ansible_collections.mainstay.backend.plugins.module_utils._env_validate import Options, Source, evaluate

ROOT = Path(__file__).resolve().parents[4]
SHOP = read_schema((ROOT / "examples" / "env.schema.yml").read_text(encoding="utf-8"), "examples/env.schema.yml")


def schema(options: str) -> Schema:
    return read_schema(f"variables:\n  A: {{{options}}}\n  B: {{type: int}}\n", "env.schema.yml")


@pytest.mark.parametrize("loader", sorted(LOADERS))
def test_every_loader_reads_the_example_alike(loader: str) -> None:
    variables = load(example_file(SHOP).encode(), loader, {}).variables
    wanted = [name for name, item in SHOP.variables.items() if item.source == "env" and not item.deprecated]
    assert list(variables) == wanted
    assert variables["PORT"] == "3000"
    assert variables["ALLOWED_HOSTS"] == "www.example.com,m.example.com"
    assert {variables[name] for name in wanted if SHOP.variables[name].sensitive} == {""}


@pytest.mark.parametrize("environment", ["development", "staging", "production"])
def test_the_validator_has_nothing_against_it(environment: str) -> None:
    source = Source("example", ".env.example", example_file(SHOP, environment).encode())
    assert evaluate([source], SHOP, Options(environment)) == []


TEXTS = st.text(max_size=30) | st.sampled_from(
    [
        "a\\",
        "x\u2028A=b",
        "x\x85A=b",
        "x\rA=b",
        "x\x0cA=b",
        "it's",
        'say "hi"',
        "$(touch x)",
        "`x`",
        "${A}",
        "a #b",
        "é",
        "\ud800",
        "#",
        "A=b\n\nC=d \\",
    ]
)


@settings(deadline=None)
@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=4))
def test_no_text_of_a_schema_changes_what_loaders_read(texts: list[tuple[str, str]]) -> None:
    """Whatever descriptions and values hold, each loader gets each variable, with its value or empty. Docker keeps quotes, which are not in play here."""
    variables = {
        f"V{n}": Variable(f"V{n}", description=text, default=value, sensitive=False)
        for n, (text, value) in enumerate(texts)
    }
    data = example_file(Schema(variables, (), "s.yml")).encode()
    for loader in sorted(LOADERS):
        found = load(data, loader, {}).variables
        assert list(found) == list(variables)
        if loader != "docker":
            assert all(found[name] in ("", item.default) for name, item in variables.items())
            readable = [name for name, item in variables.items() if re.fullmatch(r"[ -&(-\[\]-~]*", item.default or "")]
            assert all(
                found[name] == variables[name].default
                for name in readable
                if "${" not in (variables[name].default or "")
            )


def test_values_are_those_of_the_environment() -> None:
    assert "\nAPP_HOST=localhost\n" in example_file(SHOP, "development")
    assert "\nAPP_HOST=shop.example.com\n" in example_file(SHOP, "production")
    assert "\n# Not to be set in test.\n# SENTRY_DSN=\n" in example_file(SHOP, "test")
    assert "\nSENTRY_DSN=\n" in example_file(SHOP)


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ("", "\n# string; optional\nA=\n"),
        (
            "description: 'What it is.', type: int, min: 1, default: 5, sensitive: false",
            "\n# What it is.\n# int, at least 1; optional\nA=5\n",
        ),
        ("type: int, default: 5", "\nA=5\n"),
        ("type: int, example: 5", "\nA=\n"),
        ("type: enum, choices: [a, b], default: b", "\nA=b\n"),
        ("default: hunter2", "\nA=\n"),
        ("type: url, defaults: {test: 'redis://hunter2@h'}", "\nA=\n"),
        ("example: hunter2", "\nA=\n"),
        ("example: a b, sensitive: false", "\nA='a b'\n"),
        ('default: "its", sensitive: false', "\nA=its\n"),
        (
            'default: "a\'b", sensitive: false',
            "# Its value holds what .env loaders read differently, so it is left out.\nA=\n",
        ),
        ("source: secret", "# Belongs in the secrets folder, not here.\n# A=\n"),
        ("source: settings", "# Belongs in a settings file, not here.\n# A=\n"),
        ("deprecated: B", "# Deprecated; use B.\n# A=\n"),
        ("deprecated: {reason: No use., removed_in: 3.0}", "# Deprecated: No use; removed in 3.0.\n# A=\n"),
        (
            "required_when: {B: [1, 2]}, forbidden_in: [test]",
            "# string; required where B is 1 or 2, forbidden in test\n",
        ),
        (
            "type: list, items: enum, choices: [x, y], separator: ;, min_length: 1",
            "# list of enum, separated by ';': x, y, at least 1 items; optional\n",
        ),
        ("length: 32, required: true", "# string, 32 characters; required\n"),
    ],
)
def test_what_stands_in_the_example(options: str, wanted: str) -> None:
    assert wanted in example_file(schema(options))


def test_a_name_in_small_letters_is_written() -> None:
    assert "\nhttp_proxy=\n" in example_file(read_schema("variables:\n  http_proxy: {}\n", "s.yml"))


def test_nothing_of_a_sensitive_variable_is_shown() -> None:
    found = schema("default: hunter2, defaults: {test: hunter3}, example: hunter4")
    assert "hunter" not in example_file(found) + example_file(found, "test") + markdown(found)
    assert "| not shown |" in markdown(found)
    assert "| `5` |" in markdown(schema("type: int, default: 5"))


def cells(row: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]]


@pytest.mark.parametrize(
    ("options", "at", "cell"),
    [
        ("pattern: 'a|b', sensitive: false", 1, r"string, matching `a\|b`"),
        ("description: 'x | y <script> `<T>`'", 4, r"x \| y &lt;script> `<T>` Sensitive."),
        ('description: "two\\nlines"', 4, "two lines Sensitive."),
        ("default: '`', sensitive: false", 3, "`` ` ``"),
        ("default: '', sensitive: false", 3, "(empty)"),
        ("default: x, defaults: {test: y}, sensitive: false", 3, "`x`, test: `y`"),
        ("type: enum, choices: ['*', _x_]", 1, "enum: `*`, `_x_`"),
        (
            "type: url, instance: cache, schemes: [redis, rediss], required: true",
            4,
            "Points to the Valkey instance cache. Sensitive.",
        ),
        ("type: url, schemes: [redis, rediss], required: true", 1, "url, `redis://` or `rediss://`"),
    ],
)
def test_cells_of_the_reference(options: str, at: int, cell: str) -> None:
    row = markdown(schema(options)).splitlines()[2]
    assert cells(row)[at] == cell
    assert len(cells(row)) == 5


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=4))
def test_every_variable_has_one_row_of_five_cells(texts: list[tuple[str, str]]) -> None:
    variables = {
        f"V{n}": Variable(f"V{n}", description=text, default=value, sensitive=False)
        for n, (text, value) in enumerate(texts)
    }
    rows = markdown(Schema(variables, (), "s.yml")).split("\n")[2:-1]
    assert len(rows) == len(variables)


def test_rules_stand_below_the_table() -> None:
    assert "| `SECRET_KEY_BASE`, `RAILS_MASTER_KEY` | No two of them have the same value. |\n" in markdown(SHOP)
