# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Findings: what a validation says, in the one form that all validations of this collection share. A finding never holds a value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

SEVERITIES = ("error", "warning")
FAIL_ON = ("error", "warning", "never")


@dataclass(frozen=True)
class Rule:
    """One thing that a validation looks for. `title` says what is wrong in a few words, `remedy` what to do by default."""

    id: str
    severity: str
    title: str
    remedy: str


@dataclass(frozen=True)
class Finding:
    """One place where a rule is broken. `line` is 1-based, 0 where no line is meant; `variable` may be empty."""

    rule: str
    severity: str
    file: str
    line: int
    variable: str
    message: str
    remedy: str

    def data(self) -> dict[str, str | int]:
        return asdict(self)


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """Without repetition, by file, line, and then errors first."""
    return sorted(
        dict.fromkeys(findings),
        key=lambda item: (
            item.file,
            item.line,
            SEVERITIES.index(item.severity),
            item.rule,
            item.variable,
            item.message,
        ),
    )


def counts(findings: Sequence[Finding]) -> dict[str, int]:
    return {severity: sum(item.severity == severity for item in findings) for severity in SEVERITIES}


def fails(findings: Sequence[Finding], fail_on: str) -> bool:
    """Whether FINDINGS are reason to fail: any error for `error`, any finding for `warning`, nothing for `never`."""
    found: Mapping[str, int] = counts(findings)
    return bool(found["error"] and fail_on != "never") or bool(found["warning"] and fail_on == "warning")
