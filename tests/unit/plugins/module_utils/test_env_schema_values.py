# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a schema asks of a set of values."""

from __future__ import annotations

import pytest

from ansible_collections.mainstay.backend.plugins.module_utils._env_schema import (
    CrossRule,
    Schema,
    Variable,
    read_schema,
)
from ansible_collections.mainstay.backend.plugins.module_utils._env_schema_values import (
    check_rules,
    is_secret,
    requirement,
    with_defaults,
)
from ansible_collections.mainstay.backend.plugins.module_utils._env_validate import Options, Source, evaluate


@pytest.mark.parametrize(
    ("variable", "values", "environment", "state", "why"),
    [
        (Variable("A"), {}, "production", "optional", ""),
        (Variable("A", required=True), {}, "test", "required", ""),
        (Variable("A", required_in=("production",)), {}, "production", "required", "in production"),
        (Variable("A", required_in=("production",)), {}, "test", "optional", ""),
        (Variable("A", forbidden_in=("test",)), {}, "test", "forbidden", "in test"),
        (Variable("A", required=True, forbidden_in=("test",)), {}, "test", "forbidden", "in test"),
        (Variable("A", required=True, forbidden_in=("test",)), {}, "production", "required", ""),
        (Variable("A", required_when={"B": ()}), {"B": "x"}, "test", "required", "because B is set"),
        (Variable("A", required_when={"B": ()}), {"B": ""}, "test", "optional", ""),
        (Variable("A", required_when={"B": ()}), {"B": None}, "test", "optional", ""),
        (Variable("A", required_when={"B": ("x", "y")}), {"B": "y"}, "test", "required", "because B is x or y"),
        (Variable("A", required_when={"B": ("x",)}), {"B": "y"}, "test", "optional", ""),
        (
            Variable("A", required_when={"B": ("x",), "C": ()}),
            {"B": "y", "C": "1"},
            "test",
            "required",
            "because C is set",
        ),
    ],
)
def test_requirement(variable: Variable, values: dict[str, str | None], environment: str, state: str, why: str) -> None:
    assert requirement(variable, values, environment) == (state, why)


@pytest.mark.parametrize(
    ("kind", "values", "fault"),
    [
        ("distinct", {"A": "s3", "B": "s4", "C": "s5"}, ""),
        ("distinct", {"A": "s3", "B": "s3"}, "A and B have one value and must differ"),
        ("distinct", {"A": "s3", "B": "s3", "C": "s3"}, "A, B and C have one value and must differ"),
        ("distinct", {"A": "", "B": "", "C": None}, ""),
        ("all_or_none", {}, ""),
        ("all_or_none", {"A": "s3", "B": "s3", "C": "s3"}, ""),
        ("all_or_none", {"A": "", "B": "", "C": ""}, ""),
        ("all_or_none", {"A": "s3", "B": ""}, "B and C are not set, but A is: set all of them or none"),
        ("all_or_none", {"A": "s3", "B": "s4"}, "C is not set, but A and B are: set all of them or none"),
        ("at_most_one", {"A": "s3"}, ""),
        ("at_most_one", {"A": "s3", "C": "s3"}, "A and C are set; at most one of them may be"),
        ("equal_host", {"A": "redis://u:s3@h:1/0", "B": "http://H:2", "C": "h"}, ""),
        ("equal_host", {"A": "redis://[::1]:1", "B": "redis://[0:0::1]:2", "C": "::1"}, ""),
        ("equal_host", {"A": "redis://h", "B": "redis://g"}, "A and B name different hosts and must name one"),
        ("equal_host", {"A": "redis://h", "B": "redis://s3@"}, ""),
        ("equal_host", {"A": "redis://h"}, ""),
    ],
)
def test_rules(kind: str, values: dict[str, str | None], fault: str) -> None:
    rule = CrossRule(kind, ("A", "B", "C"), 9)
    found = check_rules(Schema({}, (rule,)), values)
    assert found == ([(rule, fault)] if fault else [])
    assert "s3" not in fault


def test_defaults_fill_in_but_do_not_begin_anything() -> None:
    text = "variables: {A: {}, B: {default: b}, C: {}}\nrules: [{all_or_none: [A, B]}, {at_most_one: [B, C]}, {distinct: [B, C]}]\n"
    schema = read_schema(text, "s.yml")
    assert check_rules(schema, {}) == check_rules(schema, {"A": "x"}) == check_rules(schema, {"C": "x"}) == []
    assert [rule.kind for rule, _unused in check_rules(schema, {"C": "b"})] == ["distinct"]
    assert [rule.kind for rule, _unused in check_rules(schema, {"B": "x"})] == ["all_or_none"]
    assert [rule.kind for rule, _unused in check_rules(schema, {"A": "a", "B": "x", "C": "c"})] == ["at_most_one"]


def test_what_is_required_is_missing_in_spite_of_a_default() -> None:
    text = "variables: {A: {default: x, required_in: [production]}, B: {default: 'on', type: bool}, C: {required_when: {B: true}}}\n"
    schema = read_schema(text, "s.yml")
    source = Source("env", ".env", b"X=y\n")
    found = {(item.rule, item.variable) for item in evaluate([source], schema, Options("production"))}
    assert {("missing", "A"), ("missing", "C")} <= found
    assert ("missing", "B") not in found


def test_defaults_stand_in_for_what_is_not_set() -> None:
    schema = read_schema(
        "variables:\n  A: {default: x, defaults: {test: y}}\n  B: {default: ''}\n  C: {}\n  D: {default: d}\n", "s.yml"
    )
    assert with_defaults(schema, {"A": "", "C": None, "D": "z", "E": "e"}, "test") == {"A": "y", "D": "z", "E": "e"}
    assert with_defaults(schema, {}, "production") == {"A": "x", "D": "d"}


@pytest.mark.parametrize(
    ("variable", "secret"),
    [
        (Variable("A"), True),
        (Variable("A", "url"), True),
        (Variable("A", "hex", source="secret"), True),
        (Variable("A", "int"), False),
        (Variable("A", "bool"), False),
        (Variable("A", sensitive=False), False),
        (Variable("A", default="x"), False),
        (Variable("A", defaults={"development": "x"}), True),
        (Variable("A", choices=("x", "y")), False),
        (Variable("A", source="settings"), False),
    ],
)
def test_what_is_a_secret(variable: Variable, secret: bool) -> None:
    assert is_secret(variable) == secret
