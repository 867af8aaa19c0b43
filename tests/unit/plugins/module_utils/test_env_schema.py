# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""env.schema.yml: what it says is read, what is wrong with it is told with its line, all at once, and a secret in it is not repeated."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yardstick import cpu_time

from ansible_collections.mainstay.backend.plugins.module_utils._env_schema import (
    CrossRule,
    Deprecation,
    Schema,
    SchemaError,
    Variable,
    read_schema,
    schema_data,
    schema_from,
)
from ansible_collections.mainstay.backend.plugins.module_utils._env_schema_options import OPTIONS
from ansible_collections.mainstay.backend.plugins.module_utils._env_types import TYPES

EXAMPLE = Path(__file__).resolve().parents[4] / "examples" / "env.schema.yml"


def problems(text: str) -> list[str]:
    try:
        read_schema(text, "s.yml")
    except SchemaError as error:
        assert str(error) == "\n".join(error.problems)
        return list(error.problems)
    return []


def variable(options: str, others: str = "") -> Variable:
    return read_schema(f"variables:\n  A: {{{options}}}\n{others}", "s.yml").variables["A"]


def test_the_example_is_a_schema() -> None:
    schema = read_schema(EXAMPLE.read_text(encoding="utf-8"), "env.schema.yml")
    assert len(schema.variables) > 20
    assert len({item.type for item in schema.variables.values()}) > 10
    assert schema.variables["ALLOWED_HOSTS"].example == "www.example.com,m.example.com"


def test_a_variable_without_options_is_an_optional_sensitive_text() -> None:
    assert variable("") == Variable("A", line=2) == read_schema("variables:\n  A:\n", "s.yml").variables["A"]
    assert variable("").sensitive


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ("type: int, min: 1, max: 0x10", None),
        ("type: int, default: 5, min: 1, max: 10", Variable("A", "int", default="5", min="1", max="10", line=2)),
        ("choices: [on, off, 010]", Variable("A", choices=("on", "off", "010"), line=2)),
        ("default: yes, sensitive: no", Variable("A", default="yes", sensitive=False, line=2)),
        ("default: ''", Variable("A", default="", line=2)),
        ("length: 32", Variable("A", min_length=32, max_length=32, line=2)),
        ("required_in: production", Variable("A", required_in=("production",), line=2)),
        ("type: bool, defaults: {test: off}", Variable("A", "bool", defaults={"test": "off"}, line=2)),
        (
            "type: list, items: int, default: [1, 2], separator: ' '",
            Variable("A", "list", items="int", default="1 2", separator=" ", line=2),
        ),
        ("type: list, default: a;b, separator: ;", Variable("A", "list", default="a;b", separator=";", line=2)),
        ("required_when: B", Variable("A", required_when={"B": ()}, line=2)),
        ("required_when: {B: 1}", Variable("A", required_when={"B": ("1",)}, line=2)),
        ("required_when: {B: [1, 2]}", Variable("A", required_when={"B": ("1", "2")}, line=2)),
        ("deprecated: B", Variable("A", deprecated=Deprecation("B"), line=2)),
        ("deprecated: true", Variable("A", deprecated=Deprecation(), line=2)),
        ("deprecated: false", Variable("A", line=2)),
        ("deprecated: No longer read.", Variable("A", deprecated=Deprecation(reason="No longer read."), line=2)),
        ("deprecated: {successor: B, removed_in: 2.0}", Variable("A", deprecated=Deprecation("B", "", "2.0"), line=2)),
        (
            "type: url, schemes: [redis], instance: cache",
            Variable("A", "url", schemes=("redis",), instance="cache", line=2),
        ),
        ("sensitive: true, defaults: {development: x}", Variable("A", defaults={"development": "x"}, line=2)),
        ("required: true, forbidden_in: test", Variable("A", required=True, forbidden_in=("test",), line=2)),
        ("default: x, required_in: [production]", Variable("A", default="x", required_in=("production",), line=2)),
    ],
)
def test_options_are_read_as_they_are_written(options: str, wanted: Variable | None) -> None:
    others = "  B: {type: int}\n" if "B" in options else ""
    if wanted is None:
        assert problems(f"variables:\n  A: {{{options}}}\n")
    else:
        assert variable(options, others) == wanted


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ("typ: int", "A.typ: found an unknown option; expected one of type, required,"),
        ("typ: int", "; did you mean type?"),
        ("type: integer", "A.type: found 'integer'; expected one of string, int,"),
        ("type: integer", "; here it is called int"),
        ("type: [int]", "A.type: found a list; expected text"),
        ("type: ", "A.type: found nothing; expected text"),
        ("required: maybe", "A.required: found 'maybe'; expected true or false"),
        ("required: 1", "A.required: found '1'; expected true or false"),
        ("sensitive: 'true'", "A.sensitive: found 'true'; expected true or false"),
        ("min_length: -1", "A.min_length: found '-1'; expected a whole number"),
        ("min_length: 1.5", "A.min_length: found '1.5'; expected a whole number"),
        ("length: 3, max_length: 4", "A.length: found it beside max_length; expected one of the two"),
        ("type: int, length: 3", "A.length: found it for the type int; expected it for string, url,"),
        ("min_length: 4, max_length: 3", "A.min_length: found 4, more than max_length, 3; expected at most max_length"),
        ("min: 1", "A.min: found it for the type string; expected it for int, float, port, duration, size only"),
        ("type: int, min: one", "A.min: found 'one'; expected a value of the type int"),
        ("type: duration, min: 1h, max: 30m", "A.min: found 1h, more than max, 30m; expected at most max"),
        ("type: enum", "A.choices: found none; expected the values that an enum may have"),
        ("type: list, items: enum", "A.choices: found none"),
        ("type: bool, choices: [true]", "A.choices: found it for the type bool"),
        ("type: enum, choices: []", "A.choices: found an empty list; expected a list of values"),
        ("type: enum, choices: [a, a]", "A.choices: found 'a' twice; expected it once"),
        ("type: enum, choices: [[a]]", "A.choices: found a list; expected a list of values"),
        (
            "type: int, choices: [1, x]",
            "A.choices: found 'x', which is no whole number; expected values that fit the variable itself",
        ),
        (
            "type: int, default: hunter2",
            "A.default: found a value that is no whole number; expected one that fits the variable itself",
        ),
        ("type: enum, choices: [a], default: hunter2", "A.default: found a value that is none of a;"),
        ("type: int, max: 3, example: 4", "A.example: found a value that is more than 3;"),
        ("type: int, defaults: {test: hunter2}", "A.defaults.test: found a value that is no whole number;"),
        (
            "type: list, items: int, default: [1, hunter2]",
            "A.default: found a value that has an item, number 2, that is no whole number",
        ),
        ("type: list, default: ['a,b']", "A.default: found a list; expected items that are values without ',' in them"),
        ("default: [hunter2]", "A.default: found a list; expected a value"),
        ("default: {hunter2: x}", "A.default: found a mapping; expected a value"),
        ("default: !vault hunter2", "A.default: found a tag; expected a value"),
        ("default: ", "A.default: found nothing; expected a value ('' for the empty text)"),
        ("default: hunter2, pattern: x", "A.default: found a value that does not match x"),
        (
            "sensitive: true, default: hunter2",
            "A.default: found a value (not shown) for a secret; expected none, or sensitive: false",
        ),
        ("source: secret, default: hunter2", "A.default: found a value (not shown) for a secret"),
        (
            "sensitive: true, defaults: {production: hunter2}",
            "A.defaults.production: found a value (not shown) for a secret; expected none but for development,",
        ),
        ("source: secret, sensitive: false", "A.sensitive: found false beside source: secret"),
        ("source: vault", "A.source: found 'vault'; expected one of env, secret, settings"),
        ("required: true, default: x", "A.required: found true beside a default"),
        (
            "required_in: [production], defaults: {production: x}",
            "A.defaults.production: found a default where it is required",
        ),
        (
            "forbidden_in: [production], defaults: {production: x}",
            "A.defaults.production: found a default where it is forbidden",
        ),
        (
            "required_in: [test], forbidden_in: [test]",
            "A.forbidden_in: found test, as in required_in; expected it in one of the two",
        ),
        ("required_in: ['a b']", "A.required_in: found 'a b'; expected names of environments, as production"),
        ("required_in: [1]", "A.required_in: found '1'; expected names of environments"),
        ("defaults: {'*': x}", "A.defaults: found '*'; expected names of environments"),
        ("defaults: x", "A.defaults: found 'x'; expected a mapping"),
        (
            "required_when: B11",
            "A.required_when: found the unknown variable B11; expected another variable of this schema; did you mean",
        ),
        ("required_when: A", "A.required_when: found itself; expected another variable"),
        (
            "required_when: {B1: x}",
            "A.required_when.B1: found a value that is no whole number; expected one that B1 can have",
        ),
        (
            "deprecated: B11",
            "A.deprecated: found the unknown variable B11; expected another variable of this schema, or a reason; did you mean",
        ),
        ("deprecated: A", "A.deprecated: found itself"),
        (
            "deprecated: {succesor: B1}",
            "A.deprecated.succesor: found an unknown option; expected one of successor, reason, removed_in; did you mean successor?",
        ),
        (
            "pattern: '('",
            "A.pattern: found no regular expression (missing ), unterminated subpattern); expected a regular expression",
        ),
        (
            "pattern: '(a)\\1'",
            r"A.pattern: found '\\1' inside of it; expected a regular expression that can be matched in linear time",
        ),
        (
            "type: bool, pattern: x",
            "A.pattern: found it for the type bool; expected it for all types but enum and bool only",
        ),
        ("schemes: [http]", "A.schemes: found it for the type string; expected it for url only"),
        ("type: url, schemes: ['http://']", "A.schemes: found 'http://'; expected schemes without '://', as https"),
        ("absolute: false", "A.absolute: found it for the type string; expected it for path only"),
        ("items: int", "A.items: found it for the type string; expected it for list only"),
        ("type: list, items: list", "A.items: found 'list'; expected one of string,"),
        ("type: list, separator: ''", "A.separator: found ''; expected text"),
        ("instance: cache", "A.instance: found it for the type string; expected it for url only"),
        ("type: url, instance: Cache", "A.instance: found 'Cache'; expected a name of lower-case letters"),
        ("type: url, instance: cache, database: shop", "A.database: found it beside instance; expected one of the two"),
        ("description: [x]", "A.description: found a list; expected text"),
        ("example: ", "A.example: found nothing; expected a value"),
        ("<<: {type: int}", "A: found a merge key (<<); expected the names written out"),
        ("? [a] : b", "A: found a list as a name; expected the names written out"),
        ("type: int, type: int", "A.type: found it a second time (first in line 3); expected it once"),
    ],
)
def test_what_is_wrong_with_a_variable(options: str, problem: str) -> None:
    found = problems(f"variables:\n  A:\n    {{{options}}}\n  B1: {{type: int}}\n  B2: {{}}\n")
    assert len(found) == 1
    assert found[0].startswith("s.yml:3: variables.") or "choices: found none" in found[0]
    assert problem in found[0]
    assert "hunter2" not in found[0]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "s.yml:1: the schema: found no variables; expected variables: and under it"),
        ("# nothing\n", "s.yml:1: the schema: found no variables"),
        ("- A\n", "s.yml:1: the schema: found a list; expected a mapping"),
        ("A=b\n", "s.yml:1: the schema: found 'A=b'; expected a mapping"),
        ("variables: []\n", "s.yml:1: variables: found a list; expected a mapping"),
        ("variables: {}\nversion: 2\n", "s.yml:2: version: found '2'; expected 1"),
        (
            "variables: {}\nrule: []\n",
            "s.yml:2: rule: found an unknown option; expected one of version, variables, rules; did you mean rules?",
        ),
        (
            "variables:\n  A: {}\n  B: {}\n  A: {}\n",
            "s.yml:4: variables.A: found it a second time (first in line 2); expected it once",
        ),
        (
            "variables:\n  A-B: {}\n",
            "s.yml:2: variables.A-B: found a name that not every loader reads; expected letters, digits and _",
        ),
        ("variables:\n  1: {}\n", "s.yml:2: variables.1: found a name that not every loader reads"),
        ("variables:\n  A: int\n", "s.yml:2: variables.A: found 'int'; expected a mapping"),
        ("variables:\n  A: {\n", "s.yml:3: the schema: found no YAML (expected"),
        (
            "variables:\n\tA: {}\n",
            "s.yml:2: the schema: found no YAML (found character '\\t' that cannot start any token)",
        ),
        ("variables:\n  A: *b\n", "s.yml:2: the schema: found no YAML (found undefined alias 'b')"),
        ("variables: {}\n---\nvariables: {}\n", "s.yml:2: the schema: found no YAML (but found another document)"),
        ("a\nb: \x07", "s.yml:2: the schema: found a character that YAML does not allow"),
        ("variables: " + "[" * 50_000, "s.yml:1: the schema: found no YAML (nested more than 20 deep)"),
        ("- " * 50_000, "s.yml:1: the schema: found no YAML (nested more than 20 deep)"),
        (
            "\n".join(" " * n + "a:" for n in range(50)),
            "s.yml:22: the schema: found no YAML (nested more than 20 deep)",
        ),
        ("x" * (1 << 21), "s.yml:1: the schema: found 2097152 characters; expected at most 1048576"),
        (
            "!!python/object/apply:os.system [x]",
            "s.yml:1: the schema: found the tag 'tag:yaml.org,2002:python/object/apply:os.system'; expected a mapping",
        ),
        (
            "variables: {A: {}, B: {}}\nrules: {distinct: [A, B]}\n",
            "s.yml:2: rules: found a mapping; expected a list of rules",
        ),
        (
            "variables: {A: {}, B: {}}\nrules:\n  - distinct: [A]\n",
            "s.yml:3: rules.0.distinct: found one variable; expected two or more",
        ),
        (
            "variables: {A: {}, B: {}}\nrules:\n  - distinct: [A, A, B]\n",
            "s.yml:3: rules.0.distinct: found 'A' twice; expected it once",
        ),
        (
            "variables: {AA: {}, B: {}}\nrules:\n  - distinct: [B, AB]\n",
            "s.yml:3: rules.0.distinct: found the unknown variable AB; expected variables of this schema",
        ),
        (
            "variables: {A: {}, B: {}}\nrules:\n  - distinct: [A, B]\n    at_most_one: [A, B]\n",
            "s.yml:3: rules.0: found distinct and at_most_one; expected one kind in each entry",
        ),
        (
            "variables: {A: {}, B: {}}\nrules:\n  - distint: [A, B]\n",
            "s.yml:3: rules.0.distint: found an unknown option; expected one of distinct, all_or_none, at_most_one, equal_host; did",
        ),
        (
            "variables: {A: {type: url}, B: {}}\nrules:\n  - equal_host: [A, B]\n",
            "s.yml:3: rules.0.equal_host: found B of type string; expected variables of type url, host or ip",
        ),
        ("variables: {A: {}, B: {}}\nrules:\n  - [A, B]\n", "s.yml:3: rules.0: found a list; expected a mapping"),
    ],
)
def test_what_is_wrong_with_a_schema(text: str, problem: str) -> None:
    found = problems(text)
    assert len(found) == 1
    assert found[0].startswith(problem)
    assert "expected" in found[0]


def test_every_problem_is_told_at_once_in_the_order_of_lines() -> None:
    text = "version: 3\nvariables:\n  A: {typ: x}\n  B: {type: int, default: x}\n  B: {}\n  C: {type: enum}\nrules:\n  - distinct: [A, Z]\n"
    found = problems(text)
    assert [item.split(": found")[0] for item in found] == [
        "s.yml:1: version",
        "s.yml:3: variables.A.typ",
        "s.yml:4: variables.B.default",
        "s.yml:5: variables.B",
        "s.yml:6: variables.C.choices",
        "s.yml:8: rules.0.distinct",
    ]


def test_an_alias_bomb_stays_small() -> None:
    rounds = "".join(f"  A{n}: {{choices: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]}}\n" for n in range(1, 30))
    with cpu_time() as took:
        found = problems("variables:\n  A0: {choices: &a0 [x, x]}\n" + rounds)
    assert took.loops < 160, took.told()
    assert len(found) == 30
    assert problems("variables: &v {A: *v}\n")
    assert problems("variables: {A: {default: &d [*d]}}\n")


def test_a_schema_full_of_mistakes_takes_no_time() -> None:
    wrong = "".join(
        f"  VARIABLE_{n}: {{required_when: UNKNOWN_{n}, deprecated: GONE_{n}, typ: x}}\n" for n in range(1_000)
    )
    with cpu_time() as took:
        assert len(problems("variables:\n" + wrong)) == 3_000
    assert took.loops < 400, took.told()


def test_an_alias_is_the_value_it_stands_for() -> None:
    schema = read_schema(
        "variables:\n  A: {required_in: &live [staging, production]}\n  B: {required_in: *live}\n", "s.yml"
    )
    assert schema.variables["B"].required_in == ("staging", "production")


def test_a_schema_goes_to_a_host_and_is_the_same_there() -> None:
    schema = read_schema(EXAMPLE.read_text(encoding="utf-8"), "x/env.schema.yml")
    assert schema_from(json.loads(json.dumps(schema_data(schema)))) == schema


NAMES = st.from_regex(r"[A-Z][A-Z0-9_]{0,8}", fullmatch=True)
TEXTS = st.text(max_size=8)
TUPLES = st.lists(TEXTS, max_size=3).map(tuple)
VARIABLES = st.builds(
    Variable,
    name=NAMES,
    type=st.sampled_from(sorted(TYPES)),
    required=st.booleans(),
    required_in=TUPLES,
    required_when=st.dictionaries(NAMES, TUPLES, max_size=2),
    default=st.none() | TEXTS,
    defaults=st.dictionaries(TEXTS, TEXTS, max_size=2),
    choices=TUPLES,
    min=st.none() | TEXTS,
    min_length=st.none() | st.integers(),
    sensitive=st.booleans(),
    deprecated=st.none() | st.builds(Deprecation, TEXTS, TEXTS, TEXTS),
    description=TEXTS,
    example=st.none() | TEXTS,
    line=st.integers(0, 9999),
)


@given(
    st.lists(VARIABLES, max_size=4, unique_by=lambda item: item.name),
    st.lists(st.builds(CrossRule, st.sampled_from(["distinct"]), TUPLES, st.integers(0, 99)), max_size=2),
)
def test_any_schema_survives_the_way(variables: list[Variable], rules: list[CrossRule]) -> None:
    schema = Schema({item.name: item for item in variables}, tuple(rules), "p")
    assert schema_from(json.loads(json.dumps(schema_data(schema)))) == schema


YAML_TEXTS = st.text(st.sampled_from("AB:{}[],&*!|>-?#'\"% \n\tx1<"), max_size=60) | st.text(max_size=40)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=4,
)


@given(YAML_TEXTS)
def test_any_text_is_a_schema_or_told_to_be_none(text: str) -> None:
    for start in ("", "variables: ", "variables:\n  A: {"):
        found = problems(start + text)
        assert all(item.startswith("s.yml:") and "\n" not in item for item in found)


@given(st.dictionaries(st.sampled_from(sorted(OPTIONS)), VALUES | st.sampled_from(sorted(TYPES)), max_size=5))
def test_any_options_are_read_or_refused(options: dict[str, object]) -> None:
    text = json.dumps({"variables": {"A": options}})
    assert all(item.startswith("s.yml:1: variables.A") for item in problems(text))
