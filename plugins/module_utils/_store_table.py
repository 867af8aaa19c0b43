# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the secret store holds, told without its secrets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils._credentials import ADMIN
from ansible_collections.mainstay.backend.plugins.module_utils._rotation import moment
from ansible_collections.mainstay.backend.plugins.module_utils._store import Contents, Record
from ansible_collections.mainstay.backend.plugins.module_utils._table import table

ROLES = ("current", "pending", "previous")


def entries(contents: Contents, declared: Iterable[str], now: datetime) -> list[dict[str, Any]]:
    """One mapping for each credential: name, kind, mode, state, created (of the current version), age_seconds, slots (role -> slot), declared."""
    known = set(declared)
    return [
        {
            "name": name,
            "kind": record.kind,
            "mode": record.mode,
            "state": record.state,
            "created": record.current.created,
            "age_seconds": max(0, int((now - moment(record.current.created)).total_seconds())),
            "slots": _slots(record),
            "declared": name in known,
        }
        for name, record in sorted(contents.records.items())
    ]


def lines(place: str, readers: Iterable[str], found: Iterable[Mapping[str, Any]]) -> list[str]:
    """The ENTRIES as a table, under the store's PLACE and its READERS."""
    rows = [
        (
            item["name"],
            item["kind"],
            item["state"] or "-",
            age(item["age_seconds"]),
            ", ".join(f"{role} {slot}" for role, slot in item["slots"].items()),
            "" if item["declared"] else "of this collection" if item["name"] == ADMIN else "not declared",
        )
        for item in found
    ]
    if not rows:
        return [place, "It is not there yet: the first run of playbook site makes it."]
    heads = ("credential", "kind", "state", "age", "slots", "note")
    return [*table(place, heads, rows), "", "Who can read it:", *[f"  {reader}" for reader in readers]]


def age(seconds: int) -> str:
    """SECONDS in the largest unit that fits: 90061 -> '1 d'."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def differing(one: Contents, other: Contents) -> list[str]:
    """The credentials in which two contents differ."""
    names = sorted({*one.records, *other.records})
    return [name for name in names if one.records.get(name) != other.records.get(name)]


def _slots(record: Record) -> dict[str, str]:
    return {role: getattr(record, role).slot for role in ROLES if getattr(record, role) is not None}
