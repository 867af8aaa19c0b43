# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rotation of what somebody else makes: it is due when its source has another value, whatever its age, and a wrong value can be replaced."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._credentials import Credential
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_states import OPEN
from ansible_collections.mainstay.backend.plugins.module_utils._store import Contents, Record, Version

#: Kinds whose new value we do not make.
KINDS = ("token",)
#: States in which the pending version is nobody's yet but the store's.
REPLACEABLE = ("GENERATED", "STAGED")


@dataclass(frozen=True)
class Supply:
    """Whether the source has a value that is not taken up yet, and how it stands, for people."""

    new: bool
    reason: str


def compared(record: Record, value: str) -> Supply:
    """What VALUE, the source's, means for RECORD."""
    if record.state in OPEN and record.state not in REPLACEABLE:
        return Supply(False, f"goes on after {record.state}")
    if record.state in REPLACEABLE and record.pending:
        if value == record.pending.secret:
            return Supply(False, f"goes on after {record.state}")
        if value == record.current.secret:
            return Supply(True, "given up: its source has the current value again")
        return Supply(True, f"goes on after {record.state}, with another new value")
    if value == record.current.secret:
        return Supply(False, "its source has no new value")
    return Supply(True, "its source has a new value")


def reason_of(supply: Supply | None, why: str, rotates: bool) -> tuple[bool, str]:
    """(due, reason) of what is supplied, where WHY tells how it stands by age or force, and ROTATES whether it would rotate by that."""
    if supply and supply.new:
        return True, supply.reason
    reason = supply.reason if supply else "when its source has a new value"
    return False, f"{why}, but {reason}" if rotates else reason


def replaced(contents: Contents, credential: Credential, version: Version, now: str) -> Contents:
    """A pending version that nobody has been given yet becomes VERSION; where that is the current value, the rotation is given up."""
    record = contents.records[credential.name]
    if record.state not in REPLACEABLE or record.pending is None:
        if record.state in OPEN:
            expected = "one that is not tested yet, or none: run rotate_secrets to its end first"
            raise MainstayError(f"rotation of {record.name}: found state {record.state}; expected {expected}")
        return contents
    if version.secret == record.current.secret:
        entry = {"state": "DONE", "at": now, "id": record.current.id, "reason": "given up before it was tested"}
        changed = replace(record, pending=None, journal=(entry,))
    else:
        entry = {**record.journal[0], "state": "GENERATED", "at": now, "id": version.id}
        changed = replace(record, pending=replace(version, slot=record.pending.slot), journal=(entry,))
    return replace(contents, records={**contents.records, record.name: changed})
