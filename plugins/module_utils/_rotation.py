# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The journal of a rotation and the store's transitions: pure, each applied to what the store holds at that moment.

A rotation only goes forward, and never makes a third secret: what is pending is taken up again. All credentials that rotate in a run pass
through each state together, with one write of the store.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._credentials import SLOTS, Credential
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_states import OPEN, STATES, reached
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_supply import KINDS as SUPPLIED
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_supply import Supply, reason_of
from ansible_collections.mainstay.backend.plugins.module_utils._store import Contents, Make, Record

_TIME = "%Y-%m-%dT%H:%M:%SZ"
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True)
class Planned:
    """What a run does with a credential. `state` is where its rotation stands, `due` whether a new one begins, `reason` why (or why not).

    `waits_until`: until then its rotation rests.
    """

    name: str
    state: str
    due: bool
    reason: str
    age: timedelta
    waits_until: datetime | None = None

    @property
    def rotates(self) -> bool:
        return self.due or (self.state in OPEN and self.waits_until is None)


def parse_age(text: str) -> timedelta | None:
    """`90d`, `12w`, `24h` or `15m`; None for no age."""
    match = re.fullmatch(r"(\d+)([mhdw])", text)
    return timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else None


def moment(text: str) -> datetime:
    return datetime.strptime(text, _TIME).replace(tzinfo=UTC)


def told(when: datetime) -> str:
    return when.astimezone(UTC).strftime(_TIME)


def resting(record: Record) -> bool:
    """Whether RECORD's rotation has come to where it waits, be its time over or not."""
    return record.state == "RELOADED" and "retire_at" in record.journal[-1]


def waiting(record: Record, now: datetime) -> datetime | None:
    """Until when RECORD's rotation rests in RELOADED: consumers sign with the new key, and what the old one signed is still about."""
    until = moment(str(record.journal[-1]["retire_at"])) if resting(record) else None
    return until if until and until > now else None


def plan(
    credentials: Mapping[str, Credential],
    contents: Contents,
    now: datetime,
    only: Sequence[str] = (),
    force: bool = False,
    supplies: Mapping[str, Supply] | None = None,
) -> list[Planned]:
    """One entry for each of CREDENTIALS that the store knows, in their order.

    ONLY limits what begins, and what goes on; FORCE makes due what is not old enough. SUPPLIES: what the sources of tokens have. MainstayError:
    ONLY names an unknown one.
    """
    unknown = [name for name in only if name not in credentials]
    if unknown:
        raise MainstayError(
            f"rotation_only: found {', '.join(unknown)}; expected some of backend_credentials: {', '.join(credentials)}"
        )
    found = []
    for name, credential in credentials.items():
        record = contents.records.get(name)
        if record is not None and (not only or name in only):
            found.append(_planned(credential, record, now, force, (supplies or {}).get(name)))
    return found


def _planned(
    credential: Credential, record: Record, now: datetime, force: bool, supply: Supply | None = None
) -> Planned:
    age = now - moment(record.current.created)
    until = waiting(record, now)
    if until:
        reason = f"waits until {told(until)}: what the previous key signed is valid until then"
        return Planned(record.name, record.state, False, reason, age, until)
    if record.state in OPEN:
        reason = supply.reason if supply else f"goes on after {record.state}"
        return Planned(record.name, record.state, False, reason, age)
    due, reason = _due(credential, age, force)
    if credential.kind in SUPPLIED or credential.options.get("authority") == "supplied":
        due, reason = reason_of(supply, reason, due)
    return Planned(record.name, record.state, due, reason, age)


def _due(credential: Credential, age: timedelta, force: bool) -> tuple[bool, str]:
    oldest = parse_age(credential.max_age)
    if force:
        return True, "rotation_force"
    if oldest is not None and age >= oldest:
        return True, f"older than max_age {credential.max_age}"
    return False, f"younger than max_age {credential.max_age}" if oldest else "no max_age"


def begin(contents: Contents, due: Mapping[str, tuple[Credential, str]], now: str, make: Make) -> Contents:
    """GENERATED for the DUE credentials (name -> (credential, reason)) that do not rotate yet: a pending version in the other slot."""
    for name, (credential, reason) in due.items():
        record = contents.records[name]
        if record.state in OPEN:
            continue
        slot = SLOTS[1 - SLOTS.index(record.current.slot)]
        version = make(contents, credential, slot, now)
        entry = {"state": "GENERATED", "at": now, "id": version.id, "reason": reason}
        if credential.options.get("token_lifetime"):
            # by the credential as it is now: tokens were signed under this rule
            entry["lifetime"] = str(credential.options["token_lifetime"])
        contents = _with(contents, replace(record, pending=version, previous=None, journal=(entry,)))
    return contents


def advance(contents: Contents, names: Iterable[str], state: str, now: str) -> Contents:
    """Those of NAMES that rotate come to STATE; who is further, or waits, stays. At TESTED the pending version becomes the current one.

    MainstayError: one of them has not reached the state before.
    """
    for name in names:
        record = contents.records[name]
        if record.state not in OPEN or reached(record.state, state) or waiting(record, moment(now)):
            continue
        if resting(record) and reached(state, "RETIRED"):
            continue  # its time ended within this run: a later one takes it on
        if STATES.index(record.state) != STATES.index(state) - 1:
            before = STATES[STATES.index(state) - 1]
            raise MainstayError(f"rotation of {name}: found state {record.state}; expected {before} before {state}")
        entry = {"state": state, "at": now, "id": str(record.journal[-1]["id"])}
        lifetime = parse_age(str(record.journal[0].get("lifetime", "")))
        if state == "RELOADED" and lifetime:
            entry["retire_at"] = told(moment(now) + lifetime)
        changed = replace(record, journal=(*record.journal, entry))
        if state == "TESTED" and record.pending:
            changed = replace(changed, current=record.pending, previous=record.current, pending=None)
        if state == "DONE":
            changed = replace(
                changed, previous=None, journal=({**record.journal[0], **entry, "began": _began(record)},)
            )
        contents = _with(contents, changed)
    return contents


def retire_now(contents: Contents, names: Iterable[str], now: str) -> Contents:
    """Ends the waiting of those of NAMES that wait: their previous key leaked, and what it signed shall be refused."""
    for name in names:
        record = contents.records.get(name)
        if record and waiting(record, moment(now)):
            entry = {**record.journal[-1], "retire_at": now, "waiting": "ended by hand"}
            contents = _with(contents, replace(record, journal=(*record.journal[:-1], entry)))
    return contents


def rotating(contents: Contents, names: Iterable[str], now: datetime | None = None) -> dict[str, Record]:
    """Those of NAMES whose rotation goes on, with their records; with NOW, without those that wait."""
    return {
        name: contents.records[name]
        for name in names
        if name in contents.records
        and contents.records[name].state in OPEN
        and not (now and waiting(contents.records[name], now))
    }


def _began(record: Record) -> str:
    return str(record.journal[0]["at"])


def _with(contents: Contents, record: Record) -> Contents:
    return replace(contents, records={**contents.records, record.name: record})
