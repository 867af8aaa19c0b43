# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The validation of secrets: what is right has no finding, and each rule is broken by one change and by nothing less."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from rotation_cases import CACHE, CASES, DB, FILE, KEY, OLD, SECRETS, Case, version

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._credentials import sha256
from ansible_collections.mainstay.backend.plugins.module_utils._findings import SEVERITIES, Finding
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_checks_servers import session_rows
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_digest import (
    digest,
    word_digest,
    words,
)
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_evidence import look_at
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_rules import FAMILIES, RULES

PEM = "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n-----BEGIN CERTIFICATE-----\nsame\n-----END CERTIFICATE-----\n"
#: What else the change of a rule breaks.
BESIDE = {"same-secret-twice": {"not-declared": 1}}
TIMES = {"same-secret-twice": 2}


def rules(found: list[Finding]) -> dict[str, int]:
    return {item.rule: sum(other.rule == item.rule for other in found) for item in found}


def test_what_is_right_has_no_finding() -> None:
    assert Case().findings() == []


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_is_broken_by_its_case_alone(rule: str) -> None:
    breaks, near = CASES[rule]
    found = Case().findings(breaks)
    assert rules(found) == {rule: TIMES.get(rule, 1), **BESIDE.get(rule, {})}
    mine = [item for item in found if item.rule == rule]
    assert all(item.remedy == RULES[rule].remedy and item.severity == RULES[rule].severity for item in mine)
    assert rule not in rules(Case().findings(near))


@pytest.mark.parametrize("rule", RULES)
def test_no_finding_holds_a_secret_or_a_digest(rule: str) -> None:
    told_ = json.dumps([item.data() for item in Case().findings(CASES[rule][0])])
    assert not [secret for secret in (*SECRETS.values(), OLD) if secret in told_ or sha256(secret) in told_]
    expected, evidence = Case().made(CASES[rule][0])
    assert SECRETS["shop_db"] not in repr(expected) and KEY not in repr(expected)
    assert SECRETS["shop_db"] not in json.dumps([evidence.instances, evidence.cluster, evidence.files])


def test_rules_can_be_switched_off_and_turned() -> None:
    breaks = CASES["session-unknown"][0]

    def with_severity(severity: str) -> Callable[[Case], None]:
        return lambda case: breaks(case) or case.expected.update(severities={"session-unknown": severity})

    assert Case().findings(with_severity("off")) == []
    assert [item.severity for item in Case().findings(with_severity("error"))] == ["error"]
    for wrong in ({"no-such-rule": "off"}, {"session-unknown": "loud"}):
        with pytest.raises(MainstayError, match="severities"):
            Case().findings(lambda case, wrong=wrong: case.expected.update(severities=wrong))


def test_only_what_is_asked_for() -> None:
    def breaks(case: Case) -> None:
        CASES["file-stale"][0](case)
        CASES["login-missing"][0](case)
        case.expected["only"] = ["shop_cache"]

    assert rules(Case().findings(breaks)) == {"login-missing": 1}


def test_the_store_is_judged_with_one_host_alone() -> None:
    def breaks(case: Case) -> None:
        CASES["secret-too-old"][0](case)
        case.expected["whole"] = False

    assert Case().findings(breaks) == []


@pytest.mark.parametrize("state", ["GENERATED", "STAGED", "TESTED", "PUBLISHED", "RELOADED"])
def test_while_both_versions_are_valid_the_other_login_may_be_used(state: str) -> None:
    def rotates(case: Case) -> None:
        case.rotating(state, timedelta())
        case.cluster["sessions"].append({"user": "shop_db_b", "address": "10.0.0.6", "count": 1})

    assert rules(Case().findings(rotates)) == {"rotation-open": 1}
    rows = session_rows(*Case().made(rotates))
    assert {row["user"]: row["standing"] for row in rows} == {
        "shop_cache_a": "current",
        "shop_db_a": "current",
        "shop_db_b": "valid",
    }


@pytest.mark.parametrize("state", ["CONSUMERS_OK", "RETIRED", "REFUSED"])
def test_from_the_moment_of_retiring_it_may_not(state: str) -> None:
    def rotates(case: Case) -> None:
        case.rotating(state, timedelta())
        case.cluster["sessions"].append({"user": "shop_db_b", "address": "10.0.0.6", "count": 1})
        case.role("shop_db_b", on=True, digests=[digest(KEY, "old")])

    assert rules(Case().findings(rotates)) == {"rotation-open": 1, "session-of-old": 1, "old-login-open": 1}


def test_an_old_version_in_a_file_is_told_as_such_and_once() -> None:
    def stale(case: Case) -> None:
        case.rotating("RELOADED", timedelta())
        case.show(FILE, OLD)

    found = [item for item in Case().findings(stale) if item.rule != "rotation-open"]
    assert [(item.rule, item.message) for item in found] == [("file-stale", "it holds the previous version")]


def test_a_second_password_of_a_user_is_found() -> None:
    def second(case: Case) -> None:
        has = case.cache["users"]["shop_cache_a"]["digests"]
        case.user("shop_cache_a", digests=sorted([*has, digest(KEY, "b" * 64)]))

    (found,) = Case().findings(second)
    assert (found.rule, found.message) == ("wrong-verifier", "shop_cache_a has 1 more")


def test_of_a_certificate_its_private_key_counts_and_nothing_public() -> None:
    def copied(text: str) -> Callable[[Case], None]:
        def change(case: Case) -> None:
            case.record("shop_cache", current=version(PEM.format("c2VjcmV0")))
            case.expected["credentials"] = {"shop_db": DB, "shop_cache": replace(CACHE, kind="certificate")}
            case.evidence["instances"] = []
            case.show("/srv/x.pem", text)

        return change

    assert Case().findings(copied(PEM.format("b3RoZXI="))) == []
    assert rules(Case().findings(copied(PEM.format("c2Vj\ncmV0")))) == {"secret-elsewhere": 1}


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "export PASSWORD={}\n",
        "PASSWORD='{}'",
        "url: redis://shop:{}@db1:6379/0",
        '{{"password": "{}"}}',
        "mysql -p{} ; x",
    ],
)
def test_a_secret_is_found_in_any_form_of_file(text: str) -> None:
    secret = "p-" + "a1b2" * 8
    assert (secret in words(text.format(secret))) == ("-p{}" not in text)
    assert "100%pure+x y" in words("redis://u:100%25pure%2Bx%20y@h/0")


def test_what_a_host_shows_of_files(tmp_path: Any) -> None:
    (tmp_path / "a").write_text("secret-of-no-worth\n")
    os.chmod(tmp_path / "a", 0o640)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "binary").write_bytes(bytes(range(256)))
    found = {item["path"]: item for item in look_at([str(tmp_path / "none"), str(tmp_path)], [str(tmp_path)], KEY)}
    kinds = {os.path.relpath(path, tmp_path): item["kind"] for path, item in found.items()}
    assert kinds == {
        "none": "missing",
        ".": "folder",
        "a": "file",
        "pipe": "other",
        "link": "link",
        "inner/binary": "file",
    }
    first = found[str(tmp_path / "a")]
    assert (first["mode"], first["digest"]) == ("0640", digest(KEY, "secret-of-no-worth\n"))
    assert word_digest(KEY, "secret-of-no-worth") in first["words"] and str(os.getuid()) in first["owner"]
    assert "secret-of-no-worth" not in json.dumps(found)


def test_the_catalogue_is_whole() -> None:
    assert set(CASES) == set(RULES) and sum(map(len, FAMILIES.values())) == len(RULES)
    for rule in RULES.values():
        assert rule.severity in SEVERITIES and rule.title.endswith(".") and rule.remedy.endswith(".")
        assert "|" not in rule.title + rule.remedy and "-" in rule.id
