# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The evaluator: for every rule of the catalogue a finding, and near misses that must stay silent."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import env_cases_loaders
import env_cases_places
import env_cases_secrets
import env_cases_values
from env_case import STRONG, Case, case, env, example, judged, options, schema

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._env_rules import COLLECTED, RELAXED, RULES
from ansible_collections.mainstay.backend.plugins.module_utils._env_schema import Variable
from ansible_collections.mainstay.backend.plugins.module_utils._env_validate import Options, Source, evaluate
from ansible_collections.mainstay.backend.plugins.module_utils._findings import ordered

CASES = {**env_cases_values.CASES, **env_cases_loaders.CASES, **env_cases_secrets.CASES, **env_cases_places.CASES}
BROKEN = [
    pytest.param(rule, item, id=f"{rule}-{number}")
    for rule, both in CASES.items()
    for number, item in enumerate(both[0])
]
NEAR = [
    pytest.param(rule, item, id=f"{rule}-{number}")
    for rule, both in CASES.items()
    for number, item in enumerate(both[1])
]


@pytest.mark.parametrize(("rule", "given"), BROKEN)
def test_found(rule: str, given: Case) -> None:
    found = judged(evaluate(given.sources, given.schema, given.options), rule)
    assert [(item.line, item.variable) for item in found] == [(given.line, given.variable)] or (
        not given.line and not given.variable and found
    )
    assert given.says in found[0].message
    assert found[0].severity == (given.severity or RULES[rule].severity)
    assert found[0].variable in found[0].message
    assert found[0].file
    assert found[0].remedy


@pytest.mark.parametrize(("rule", "given"), NEAR)
def test_a_near_miss_is_silent(rule: str, given: Case) -> None:
    assert judged(evaluate(given.sources, given.schema, given.options), rule) == []


def test_every_rule_has_a_finding_and_a_near_miss() -> None:
    assert CASES.keys() == RULES.keys() - set(COLLECTED)
    assert [rule for rule, (broken, near) in CASES.items() if not broken or not near] == []


def test_a_sound_configuration_has_no_finding() -> None:
    text = f"# the shop\nRAILS_ENV=production\nSECRET_KEY_BASE={STRONG}\nDATABASE_URL=postgresql://shop:{STRONG[::-1]}@localhost/shop\n"
    assert evaluate([env(text, mode=0o600, tracked=False, ignored=True)], None, options()) == []


def test_a_rule_can_be_changed_or_switched_off() -> None:
    given = [env("export A=b")]
    for severity in ("error", "warning"):
        found = evaluate(given, None, options(severities={"loaders-disagree": severity}))
        assert [item.severity for item in found] == [severity]
    assert evaluate(given, None, options(severities={"loaders-disagree": "off"})) == []


def test_where_nobody_else_is_at_risk_some_rules_only_warn() -> None:
    given = [env("API_KEY=changeme\nDB_PASSWORD=postgres\nCACHE_URL=redis://localhost\nSESSION_URL=redis://localhost")]
    for environment, severity in (("production", "error"), ("development", "warning")):
        found = evaluate(given, None, options(environment))
        assert {item.rule for item in found} <= set(RELAXED)
        assert {item.severity for item in found} == {severity}


def test_findings_come_by_file_and_line_errors_first() -> None:
    found = evaluate([env("B=1\nA=x\nA=$(y)\nB=2", "b.env"), env("C=1\nC=2", "a.env")], None, options())
    assert found == ordered(found)
    assert [item.file for item in found] == sorted(item.file for item in found)
    assert [item.line for item in found if item.file == "b.env"] == sorted(
        item.line for item in found if item.file == "b.env"
    )


def test_of_one_kind_no_more_are_told_than_people_read() -> None:
    found = evaluate([env("A=b\n" * 1000 + "B=$(id)\n")], None, options())
    assert len(judged(found, "duplicate-key")) == 201
    assert judged(found, "duplicate-key")[0].message == "799 more of these in the file"
    assert [item.line for item in judged(found, "command-substitution")] == [1001]


def test_a_value_is_judged_where_it_comes_from() -> None:
    """The highest layer supplies it; a lower one that it hides is not judged."""
    layers = [env("PORT=x", ".env"), env("A=1\nPORT=y", ".env.production")]
    found = evaluate(layers, schema(Variable("PORT", type="int"), Variable("A")), options())
    assert [(item.rule, item.file, item.line) for item in found] == [("wrong-type", ".env.production", 2)]


def test_what_one_loader_reads_otherwise_is_judged_for_it() -> None:
    given = schema(Variable("PORT", type="int"))
    found = judged(evaluate([env("PORT=80 # web")], given, options(loaders=("ruby", "systemd"))), "wrong-type")
    assert [item.message for item in found] == ["PORT is no whole number as systemd reads it"]


def test_an_example_only_warns_of_what_loaders_do() -> None:
    text = "A='b' # c\nB=$(id)\nC=1\nC=2\n"
    assert {item.severity for item in evaluate([env(text)], None, options())} == {"error"}
    assert {item.severity for item in evaluate([example(text)], None, options())} == {"warning"}


def test_a_line_of_a_private_key_is_no_name() -> None:
    """What one loader takes for a value's continuation is another's assignment; its "name" is a piece of the key."""
    body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC"
    text = f'A="-----BEGIN PRIVATE KEY-----\n{body}\nOTHERPIECE=\n{body}=\n-----END PRIVATE KEY-----"\nB=c\n'
    for loaders in (("ruby", "docker"), ("docker",), ("docker", "compose")):
        for one in evaluate([env(text)], schema(Variable("B")), options(loaders=loaders)):
            assert body not in str(one)
    assert "OTHERPIECE" not in str(evaluate([env(text)], None, options(loaders=("node", "docker"))))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (Options(loaders=("perl",)), "loaders: found 'perl'; expected of ruby"),
        (Options(loaders=()), "loaders: found none"),
        (Options(severities={"no-such-rule": "off"}), "severities: found 'no-such-rule'"),
        (Options(severities={"missing": "fatal"}), "severities.missing: found 'fatal'; expected error, warning or off"),
    ],
)
def test_wrong_options_are_refused(given: Options, words: str) -> None:
    with pytest.raises(MainstayError, match=words.replace("(", r"\(")):
        evaluate([], None, given)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(MainstayError, match="kind of x: found 'toml'"):
        evaluate([Source("toml", "x", b"")], None, options())


def test_cases_are_what_they_seem() -> None:
    """A case helper that dropped its options would make near misses silent for nothing."""
    assert case("A=b", loaders=("node",), environment="test").options == Options(environment="test", loaders=("node",))
