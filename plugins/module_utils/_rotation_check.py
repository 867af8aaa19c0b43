# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a rotation can begin or go on: what the logins said, whatever the journal believes. Pure.

The old version works, or the new one, or both: each of them is a way on. Where neither works nothing is made or changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from ansible_collections.mainstay.backend.plugins.module_utils._rotation_kinds import Adapter, Context, Probe, Rotating


def questions(context: Context, work: Iterable[tuple[Adapter, Sequence[Rotating]]]) -> list[Probe]:
    """Probes of the current version of every credential, and of the pending one of those that have one."""
    found = []
    for adapter, items in work:
        current = [replace(item, record=replace(item.record, pending=None)) for item in items]
        pending = [item for item in items if item.record.pending]
        found += [*adapter.works(context, current), *(adapter.works(context, pending) if pending else [])]
    return list({probe.id: probe for probe in found}.values())


def refusals(asked: Sequence[Probe], outcomes: Sequence[Mapping[str, str]]) -> list[str]:
    """Why the rotation cannot go on, a line for each credential; empty where it can. OUTCOMES: {id, outcome, said} of each probe."""
    told = {str(item["id"]): item for item in outcomes}
    found = []
    for name in dict.fromkeys(probe.credential for probe in asked):
        versions: dict[str, list[Mapping[str, str]]] = {}
        for probe in asked:
            if probe.credential == name:
                version = probe.id.split("@", 1)[0]
                versions.setdefault(version, []).append(told.get(probe.id, {"id": probe.id, "outcome": "not asked"}))
        if any(all(item["outcome"] == "works" for item in items) for items in versions.values()):
            continue
        wrong = [item for items in versions.values() for item in items if item["outcome"] != "works"]
        why = "; ".join(f"{item['id']}: {item['outcome']}{_said(item)}" for item in wrong)
        found.append(f"{name}: found no version that works everywhere ({why}); expected the one in use to work")
    return found


def _said(item: Mapping[str, str]) -> str:
    return f" ({item['said']})" if item.get("said") else ""
