# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Findings as SARIF 2.1.0, the form that code hosts show beside the code (OASIS standard; what GitHub asks beyond it is met too)."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from ansible_collections.mainstay.backend.plugins.module_utils._findings import (
    Finding,
    Rule,
    is_path,
    printable,
    sentences,
)

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
TOOL = "mainstay.backend"


def sarif(
    findings: Sequence[Finding], rules: Mapping[str, Rule], version: str = "", here: str = "", base: str = ""
) -> dict[str, Any]:
    """One log with one run. Relative file names are meant from HERE; files below BASE (the repository) get URIs relative to it.

    Every one of RULES is listed, broken or not, so that logs of two runs differ in their results only.
    """
    known = {**rules, **{item.rule: _unlisted(item) for item in findings if item.rule not in rules}}
    places = {name: at for at, name in enumerate(known)}
    seen: dict[str, int] = {}
    driver: dict[str, Any] = {"name": TOOL, "rules": [_descriptor(rule) for rule in known.values()]}
    if version:
        driver["version"] = version
    run = {
        "tool": {"driver": driver},
        "columnKind": "utf16CodeUnits",
        "results": [_result(item, places, seen, here, base or here) for item in findings],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def sarif_text(log: Mapping[str, Any]) -> str:
    return json.dumps(log, indent=2) + "\n"


def uri(path: str, here: str = "", base: str = "") -> str:
    """PATH as a URI: relative to BASE where it lies below, else `file:///…`; a relative PATH without HERE stays relative."""
    whole = os.path.normpath(os.path.join(here, path))
    inside = base and (whole == base or whole.startswith(base.rstrip("/") + "/"))
    if inside:
        whole = os.path.relpath(whole, base)
    text = quote(printable(whole), safe="/~")
    return f"file://{text}" if os.path.isabs(whole) else text


def _unlisted(finding: Finding) -> Rule:
    return Rule(finding.rule, finding.severity, finding.rule.replace("-", " "), finding.remedy)


def _descriptor(rule: Rule) -> dict[str, Any]:
    title, remedy = sentences(rule.title) or printable(rule.id), sentences(rule.remedy)
    return {
        "id": printable(rule.id),
        "name": printable(rule.id),
        "shortDescription": {"text": title},
        "fullDescription": {"text": f"{title} {remedy}".strip()},
        "help": {"text": remedy or title},
        "defaultConfiguration": {"level": rule.severity},
        "properties": {"problem.severity": rule.severity, "tags": ["configuration"]},
    }


def _result(item: Finding, places: Mapping[str, int], seen: dict[str, int], here: str, base: str) -> dict[str, Any]:
    """Its fingerprint is made of names only. One of the line itself, which uploaders add where there is none, would be a hash of a secret."""
    physical = is_path(item.file)
    place = uri(item.file, here, base) if physical else printable(item.file)
    identity = "\0".join((item.rule, place, printable(item.variable)))
    mark = hashlib.sha256(identity.encode()).hexdigest()[:16]
    seen[mark] = seen.get(mark, 0) + 1
    return {
        "ruleId": printable(item.rule),
        "ruleIndex": places[item.rule],
        "level": item.severity,
        "message": {"text": sentences(item.message, item.remedy) or printable(item.rule)},
        "locations": [_location(item, place, physical)] if item.file else [],
        "partialFingerprints": {"primaryLocationLineHash": f"{mark}:{seen[mark]}"},
    }


def _location(item: Finding, place: str, physical: bool) -> dict[str, Any]:
    """Of what is no file (`unit:…`, `container:…`) a logical one. A finding of a whole file is shown at its first line."""
    found: dict[str, Any] = {}
    logical = []
    if physical:
        region = {"startLine": max(item.line, 1)}
        found["physicalLocation"] = {"artifactLocation": {"uri": place}, "region": region}
    else:
        logical.append({"fullyQualifiedName": place, "kind": "resource"})
    if item.variable:
        logical.append({"name": printable(item.variable), "kind": "variable"})
    return {**found, "logicalLocations": logical} if logical else found
