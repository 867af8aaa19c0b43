# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Findings: what a validation says, in the one form that all validations of this collection share. A finding never holds a value."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

SEVERITIES = ("error", "warning")
FAIL_ON = ("error", "warning", "never")
_NO_PATH = re.compile(r"[a-z]{2,}:")


@dataclass(frozen=True)
class Rule:
    """One thing that a validation looks for. `title` says what is wrong in a few words, `remedy` what to do by default."""

    id: str
    severity: str
    title: str
    remedy: str


@dataclass(frozen=True)
class Finding:
    """One place where a rule is broken. `line` is 1-based, 0 where no line is meant; `variable` may be empty.

    `file` is a path, or what is no file as `KIND:NAME`, like `unit:shop.service`.
    """

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


def catalogue(families: Mapping[str, Sequence[Rule]], marked: Collection[str] = ()) -> str:
    """Rules as Markdown, one table for each family; those of MARKED get a (1) beside their severity."""
    parts = []
    for family, rules in families.items():
        rows = []
        for rule in rules:
            severity = f"{rule.severity} (1)" if rule.id in marked else rule.severity
            rows.append(f"| `{rule.id}` | {severity} | {rule.title} | {rule.remedy} |")
        head = ["| rule | severity | what is wrong | what to do |", "|---|---|---|---|"]
        parts.append("\n".join([f"### {family}", "", *head, *rows]))
    return "\n\n".join(parts) + "\n"


def is_path(file: str) -> bool:
    """Whether a finding's FILE is a path. One that begins like `unit:` has to be written `./unit:…`."""
    return bool(file) and not _NO_PATH.match(file)


def printable(text: str) -> str:
    """TEXT with every character that a terminal, JSON or XML could stumble over written as an escape: names may hold any bytes."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escape(ord(char)) for char in text)


def sentences(*parts: str) -> str:
    """PARTS as sentences of one printable line, each with one full stop."""
    return " ".join(printable(part).rstrip(". ") + "." for part in parts if part.strip(". "))


def _escape(code: int) -> str:
    """A byte that is no UTF-8 (a lone surrogate in Python's texts) as that byte."""
    if 0xDC80 <= code <= 0xDCFF:
        code -= 0xDC00
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
