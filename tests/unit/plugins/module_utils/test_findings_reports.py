# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Findings as a table, as SARIF and as JUnit: valid whatever stands in them."""

from __future__ import annotations

import json
import string
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.mainstay.backend.plugins.module_utils._findings import (
    Finding,
    Rule,
    is_path,
    printable,
    sentences,
)
from ansible_collections.mainstay.backend.plugins.module_utils._findings_report import MOST_ROWS, report_lines, summary
from ansible_collections.mainstay.backend.plugins.module_utils._junit import junit_text
from ansible_collections.mainstay.backend.plugins.module_utils._sarif import sarif, sarif_text, uri

DATA = Path(__file__).resolve().parents[3] / "data"
SHAPE = jsonschema.Draft7Validator(
    json.loads((DATA / "sarif_shape.json").read_text(encoding="utf-8")), format_checker=jsonschema.FormatChecker()
)
RULES = {
    "late": Rule("late", "error", "Something comes late.", "Be early."),
    "loud": Rule("loud", "warning", "Something is loud.", "Be quiet."),
    "calm": Rule("calm", "warning", "Nobody broke this.", ""),
}


def finding(
    rule: str = "late", file: str = "app/.env", line: int = 3, variable: str = "A", message: str = "A is late"
) -> Finding:
    severity = RULES[rule].severity if rule in RULES else "error"
    return Finding(rule, severity, file, line, variable, message, "Be early.")


def log(*findings: Finding, **where: str) -> dict[str, Any]:
    found = json.loads(sarif_text(sarif(findings, RULES, "1.2.3", **where)))
    SHAPE.validate(found)
    return dict(found["runs"][0])


def test_sarif_has_what_code_hosts_show() -> None:
    run = log(finding(), finding("loud", line=0, variable=""), here="/repo/shop", base="/repo")
    assert run["tool"]["driver"]["name"] == "mainstay.backend"
    assert run["tool"]["driver"]["version"] == "1.2.3"
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["late", "loud", "calm"]
    assert rules[0]["help"] == {"text": "Be early."}
    assert rules[0]["fullDescription"]["text"] == "Something comes late. Be early."
    first, second = run["results"]
    assert (first["level"], second["level"]) == ("error", "warning")
    assert first["message"]["text"] == "A is late. Be early."
    place = first["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "shop/app/.env"}, "region": {"startLine": 3}}
    assert second["locations"][0]["physicalLocation"]["region"] == {"startLine": 1}
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]


def test_a_fingerprint_survives_a_moved_line_and_tells_two_findings_apart() -> None:
    before = [item["partialFingerprints"] for item in log(finding(line=3), finding(line=9))["results"]]
    after = [item["partialFingerprints"] for item in log(finding(line=4), finding(line=10))["results"]]
    assert before == after
    assert before[0] != before[1]
    assert log(finding(variable="B"))["results"][0]["partialFingerprints"] not in before


def test_what_is_no_file_has_a_logical_location() -> None:
    place = log(finding(file="unit:shop.service", line=0))["results"][0]["locations"][0]
    assert "physicalLocation" not in place
    assert place["logicalLocations"][0]["fullyQualifiedName"] == "unit:shop.service"


def test_a_rule_that_nobody_listed_is_described() -> None:
    run = log(finding("new-thing"))
    assert run["results"][0]["ruleIndex"] == 3
    assert run["tool"]["driver"]["rules"][3]["shortDescription"]["text"] == "new thing."


@pytest.mark.parametrize(
    ("path", "here", "base", "expected"),
    [
        (".env", "", "", ".env"),
        (".env", "/repo", "/repo", ".env"),
        ("./a b/.env", "/repo/x", "/repo", "x/a%20b/.env"),
        ("/repo/.env", "/repo", "/repo", ".env"),
        ("/repository/.env", "/repo", "/repo", "file:///repository/.env"),
        ("../.env", "/repo/x", "/repo/x", "file:///repo/.env"),
        ("/etc/shop/.env", "/repo", "/repo", "file:///etc/shop/.env"),
        ("/etc/ä#?%", "", "", "file:///etc/%C3%A4%23%3F%25"),
        ("a:b/.env", "/repo", "/repo", "a%3Ab/.env"),
    ],
)
def test_uris(path: str, here: str, base: str, expected: str) -> None:
    assert uri(path, here, base) == expected


def test_junit_has_a_suite_for_each_file_and_a_case_for_each_rule() -> None:
    findings = [finding(), finding(line=4), finding("loud"), finding("loud", file="b/.env")]
    top = ElementTree.fromstring(junit_text(findings, RULES, ["fine/.env", "app/.env"]))
    assert (top.get("tests"), top.get("failures"), top.get("skipped"), top.get("errors")) == ("4", "1", "2", "0")
    assert [suite.get("name") for suite in top] == ["fine/.env", "app/.env", "b/.env"]
    assert len(top[0][0]) == 0
    failure = top[1][0][0]
    assert (failure.tag, failure.get("type"), failure.get("message")) == (
        "failure",
        "error",
        "Something comes late. (2)",
    )
    assert (failure.text or "").splitlines() == ["app/.env:3: A is late. Be early.", "app/.env:4: A is late. Be early."]
    assert top[1][1][0].tag == "skipped"
    for suite in top:
        assert int(suite.get("tests", "")) == len(suite)


@pytest.mark.parametrize(("fail_on", "failures"), [("error", 1), ("never", 1), ("warning", 2)])
def test_junit_fails_what_the_run_fails_on(fail_on: str, failures: int) -> None:
    text = junit_text([finding(), finding("loud")], RULES, [], fail_on)
    assert ElementTree.fromstring(text).get("failures") == str(failures)


ANY = st.text(max_size=30) | st.binary(max_size=20).map(lambda data: data.decode("utf-8", "surrogateescape"))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.builds(finding, st.sampled_from([*RULES, "x\x00"]), ANY, st.integers(0, 9), ANY, ANY), max_size=4))
def test_names_of_any_bytes_make_valid_reports(findings: list[Finding]) -> None:
    log(*findings, here="/repo", base="/repo")
    ElementTree.fromstring(junit_text(findings, RULES, ["\x1b[31m\udcff"]).encode())
    text = "\n".join(report_lines("title", findings, 1, ["\x07\udcff"]))
    text.encode()
    assert all(char.isprintable() for char in text.replace("\n", ""))


def test_printable_writes_bytes_as_bytes() -> None:
    assert printable(b"a\xff\x1b".decode("utf-8", "surrogateescape")) == "a\\xff\\x1b"
    assert printable("ä\u2028\U0001f600\U000e0001") == "ä\\u2028\U0001f600\\U000e0001"
    assert printable(string.printable[:95]) == string.printable[:95]


def test_sentences_end_once() -> None:
    assert sentences("Found a.", "", "Do b", ".") == "Found a. Do b."


def test_paths_and_what_is_none() -> None:
    assert [is_path(text) for text in ("/a:b", "c:x", "./unit:x", "unit:x", "")] == [True, True, True, False, False]


def test_the_table_shows_errors_first_and_each_remedy_once() -> None:
    lines = report_lines("configuration", [finding("loud", line=1), finding(), finding(line=8)], 2, ["git is not here"])
    assert lines[0] == "configuration"
    assert [line.split()[0] for line in lines[3:6]] == ["error", "error", "warning"]
    assert lines[3].split()[1] == "app/.env:3"
    assert lines.count("  late: Be early.") == 1
    assert "note: git is not here" in lines
    assert lines[-1].strip() == "2 errors, 1 warning in 2 files"


def test_a_long_table_says_what_it_leaves_out() -> None:
    lines = report_lines("configuration", [finding(line=line) for line in range(MOST_ROWS + 5)], 1)
    assert any("5 more" in line for line in lines)
    assert report_lines("configuration", [], 1) == ["configuration: no finding in 1 file"]
    assert summary([finding()], 1) == "1 error, 0 warnings in 1 file"
