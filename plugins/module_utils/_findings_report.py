# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Findings for people: one table, what to do about each kind, and one line that sums up."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.mainstay.backend.plugins.module_utils._findings import Finding, counts, printable
from ansible_collections.mainstay.backend.plugins.module_utils._table import table

#: More rows than this nobody reads; the result and the reports hold them all.
MOST_ROWS = 200
HEADS = ("severity", "where", "variable", "what", "rule")


def count(number: int, noun: str) -> str:
    """2, file -> '2 files'."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def summary(findings: Sequence[Finding], files: int, noun: str = "file") -> str:
    """'2 errors, 1 warning in 3 files'; NOUN: what was looked at, where that is no file."""
    found = counts(findings)
    if not findings:
        return f"no finding in {count(files, noun)}"
    return f"{count(found['error'], 'error')}, {count(found['warning'], 'warning')} in {count(files, noun)}"


def report_lines(
    title: str, findings: Sequence[Finding], files: int, notes: Sequence[str] = (), noun: str = "file"
) -> list[str]:
    """The whole text; without findings and NOTES the summary alone."""
    lines: list[str] = []
    if findings:
        # errors first, so that what decides is not among the rows that are left out
        rows = sorted(findings, key=lambda item: item.severity != "error")[:MOST_ROWS]
        lines += [*table(title, HEADS, [_row(item) for item in rows])]
        if len(findings) > len(rows):
            lines.append(f"… and {len(findings) - len(rows)} more, in the result's findings and in the reports")
        lines += ["", "what to do", *_remedies(findings)]
    lines += [f"note: {printable(note)}" for note in notes]
    last = summary(findings, files, noun)
    return [*lines, f"\n{last}" if lines else f"{title}: {last}"]


def _row(item: Finding) -> tuple[str, ...]:
    place = f"{item.file}:{item.line}" if item.line else item.file
    return item.severity, printable(place), printable(item.variable), printable(item.message), printable(item.rule)


def _remedies(findings: Sequence[Finding]) -> list[str]:
    """Each remedy once, beside its rule."""
    remedies = list(dict.fromkeys((printable(item.rule), printable(item.remedy)) for item in findings if item.remedy))
    most = MOST_ROWS // 4
    more = [f"  … and {len(remedies) - most} more"] if len(remedies) > most else []
    return [*(f"  {rule}: {remedy}" for rule, remedy in remedies[:most]), *more]
