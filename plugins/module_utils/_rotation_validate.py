# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Judges secrets and their rotation: what the store says against what a host showed. Pure; findings never hold a value."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils import (
    _rotation_checks_files,
    _rotation_checks_servers,
    _rotation_checks_store,
)
from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError, shown
from ansible_collections.mainstay.backend.plugins.module_utils._credentials import Credential, Issued
from ansible_collections.mainstay.backend.plugins.module_utils._findings import SEVERITIES, Finding, ordered
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_rules import RULES
from ansible_collections.mainstay.backend.plugins.module_utils._store import Contents


@dataclass(frozen=True)
class Evidence:
    """What the module key_rotation_validate returned from host `host`, in its forms. `place` of a probe is that host."""

    host: str
    instances: Sequence[Mapping[str, Any]] = ()
    cluster: Mapping[str, Any] | None = None
    files: Sequence[Mapping[str, Any]] = ()
    outcomes: Sequence[Mapping[str, Any]] = ()
    consumers: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class Expected:
    """What is right. `credentials` are those that any host declares; `issued` those of the host's servers and consumers, as the store has them.

    `files`: path -> {owner, group, mode, state, credential, folder}; `texts`: path -> the whole content of a secret's file;
    `lines`: path -> (variable, its credential, whole line) of an environment file. `probes`: probe id -> (credential, expect).
    `others`: environment -> its contents. `key` is that of the digests. `whole`: also what is no host's own, the store itself.
    """

    credentials: Mapping[str, Credential]
    contents: Contents = field(repr=False)
    issued: Mapping[str, Issued] = field(repr=False)
    now: datetime
    key: str = field(default="", repr=False)
    files: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict, repr=False)
    lines: Mapping[str, Sequence[tuple[str, str, str]]] = field(default_factory=dict, repr=False)
    probes: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    others: Mapping[str, Contents] = field(default_factory=dict, repr=False)
    whole: bool = True
    only: Collection[str] = ()
    stuck_after: timedelta = timedelta(days=1)
    severities: Mapping[str, str] = field(default_factory=dict)


class Findings:
    """Collects findings: their severity as it is set, and of the credentials that are asked for."""

    def __init__(self, expected: Expected) -> None:
        self._expected = expected
        self.found: list[Finding] = []

    def say(self, rule: str, place: str, credential: str, message: str) -> None:
        expected = self._expected
        severity = expected.severities.get(rule, RULES[rule].severity)
        if severity == "off" or (expected.only and credential not in expected.only):
            return
        self.found.append(Finding(rule, severity, place, 0, credential, message, RULES[rule].remedy))


def evaluate(expected: Expected, evidence: Evidence) -> list[Finding]:
    """Everything that is wrong. MainstayError only where the options make no sense."""
    check_severities(expected.severities)
    findings = Findings(expected)
    if expected.whole:
        _rotation_checks_store.check(expected, findings.say)
    _rotation_checks_servers.check(expected, evidence, findings.say)
    _rotation_checks_files.check(expected, evidence, findings.say)
    return ordered(findings.found)


def check_severities(severities: Mapping[str, str]) -> None:
    for rule, severity in severities.items():
        if rule not in RULES:
            raise MainstayError(f"severities: found {shown(rule)}; expected a rule: {', '.join(RULES)}")
        if severity not in (*SEVERITIES, "off"):
            raise MainstayError(f"severities.{rule}: found {shown(severity)}; expected error, warning or off")
