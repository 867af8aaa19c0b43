# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""docs/findings.md and docs/rotation-validate.md say what the catalogues say, rule by rule."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from ansible_collections.mainstay.backend.plugins.module_utils._env_rules import COLLECTED, FAMILIES, RELAXED, RULES
from ansible_collections.mainstay.backend.plugins.module_utils._findings import SEVERITIES, Rule
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_rules import RULES as ROTATION_RULES

ROOT = Path(__file__).parents[2]
_spec = importlib.util.spec_from_file_location("rule_docs", ROOT / "scripts" / "rule_docs.py")
assert _spec and _spec.loader
rule_docs = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(rule_docs)


PAGES = {"findings.md": RULES, "rotation-validate.md": ROTATION_RULES}


@pytest.mark.parametrize(("name", "rules"), PAGES.items(), ids=str)
def test_the_page_is_current(name: str, rules: dict[str, Rule]) -> None:
    path = ROOT / "docs" / name
    text = path.read_text(encoding="utf-8")
    assert rule_docs.page(text, path) == text
    assert all(f"| `{rule}` | {rules[rule].severity}" in text for rule in rules)


@pytest.mark.parametrize(("name", "rules"), PAGES.items(), ids=str)
def test_a_page_that_is_not_current_is_noticed(name: str, rules: dict[str, Rule]) -> None:
    path, rule = ROOT / "docs" / name, next(iter(rules))
    text = path.read_text(encoding="utf-8")
    assert rule_docs.page(text.replace(f"| `{rule}` | error |", f"| `{rule}` | warning |"), path) == text
    with pytest.raises(SystemExit):
        rule_docs.page("no marks", path)


def test_every_rule_is_whole() -> None:
    for rule in RULES.values():
        assert re.fullmatch(
            r"[a-z][a-z0-9]*(-[a-z0-9]+)+|missing|empty|unknown|forbidden|deprecated|dropped|placeholder|unreadable",
            rule.id,
        )
        assert rule.severity in SEVERITIES
        assert rule.title.endswith(".") and rule.remedy.endswith(".") and "|" not in rule.title + rule.remedy
    assert sum(len(rules) for rules in FAMILIES.values()) == len(RULES)
    assert set(RELAXED) | set(COLLECTED) <= set(RULES)


def test_what_the_page_explains_are_rules() -> None:
    section = (ROOT / "docs" / "findings.md").read_text(encoding="utf-8").split("## How some are judged", 1)[1]
    named = set(re.findall(r"\*\*([a-z-]+-[a-z-]+|placeholder)\*\*", section))
    assert len(named) > 5
    assert named <= RULES.keys()
