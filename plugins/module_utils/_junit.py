# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Findings as JUnit XML, which every CI system shows: a suite for each file, in it a test case for each rule that is broken there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from ansible_collections.mainstay.backend.plugins.module_utils._findings import (
    Finding,
    Rule,
    fails,
    printable,
    sentences,
)


def junit_text(
    findings: Sequence[Finding], rules: Mapping[str, Rule], files: Iterable[str] = (), fail_on: str = "error"
) -> str:
    """The whole document. Of FILES those without a finding get one case that passes.

    Errors are failures; warnings too with FAIL_ON `warning`, and are shown as skipped otherwise: JUnit knows no other word for them.
    """
    suites: dict[str, dict[str, list[Finding]]] = {name: {} for name in files}
    for item in findings:
        suites.setdefault(item.file, {}).setdefault(item.rule, []).append(item)
    level = "error" if fail_on == "never" else fail_on
    top = Element("testsuites", name="mainstay.backend")
    totals = [0, 0, 0]
    for name, broken in suites.items():
        totals = [one + two for one, two in zip(totals, _suite(top, name, broken, rules, level), strict=True)]
    _count(top, totals)
    indent(top)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(top, encoding="unicode") + "\n"


def _suite(
    top: Element, name: str, broken: Mapping[str, Sequence[Finding]], rules: Mapping[str, Rule], level: str
) -> list[int]:
    """Adds the suite of one file; how many tests, failures and skipped ones it has."""
    shown = printable(name) or "all files"
    suite = SubElement(top, "testsuite", name=shown)
    failures = skipped = 0
    for rule, items in broken.items():
        case = SubElement(suite, "testcase", classname=shown, name=printable(rule))
        failed = fails(items, level)
        failures, skipped = failures + failed, skipped + (not failed)
        title = rules[rule].title if rule in rules else rule.replace("-", " ")
        found = SubElement(case, "failure" if failed else "skipped", message=f"{sentences(title)} ({len(items)})")
        if failed:
            found.set("type", "error" if any(item.severity == "error" for item in items) else "warning")
        found.text = "\n".join(printable(_line(item)) for item in items)
    if not broken:
        SubElement(suite, "testcase", classname=shown, name="no finding")
    found_here = [max(len(broken), 1), failures, skipped]
    _count(suite, found_here)
    return found_here


def _line(item: Finding) -> str:
    place = f"{item.file}:{item.line}" if item.line else item.file
    variable = "" if item.variable in item.message else item.variable
    return ": ".join(part for part in (place, variable, sentences(item.message, item.remedy)) if part)


def _count(element: Element, numbers: Sequence[int]) -> None:
    for key, number in zip(("tests", "failures", "skipped"), numbers, strict=True):
        element.set(key, str(number))
    element.set("errors", "0")
