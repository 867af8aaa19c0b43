# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the store alone tells: age against policy, rotations that stand still, one secret in two places. Asks no host."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ansible_collections.mainstay.backend.plugins.module_utils._credentials import KINDS
from ansible_collections.mainstay.backend.plugins.module_utils._rotation import moment, parse_age, waiting
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_digest import secret_words
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_plan import age
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_states import OPEN

if TYPE_CHECKING:
    from ansible_collections.mainstay.backend.plugins.plugin_utils.types import Contents, Expected, Record

Say = Callable[[str, str, str, str], None]
#: A certificate is to be renewed before its last so many days.
SOON = timedelta(days=14)


def check(expected: Expected, say: Say) -> None:
    place = f"store:{expected.contents.environment}"
    records = expected.contents.records
    for name, credential in expected.credentials.items():
        record = records.get(name)
        if record is None:
            say("not-in-store", place, name, "found no secret")
            continue
        _check_age(record, credential.max_age, expected.now, place, say)
        _check_state(record, expected, place, say)
        _check_end(record, expected.now, place, say)
    for name, record in records.items():
        if name in expected.credentials:
            continue
        if record.kind not in KINDS:
            # what nobody declares, since the collection needs it itself: the administrator, the authority
            _check_state(record, expected, place, say)
            _check_end(record, expected.now, place, say)
        else:
            say("not-declared", place, name, "found a secret that nobody declares")
    _check_sameness(expected, place, say)


def _check_age(record: Record, policy: str, now: datetime, place: str, say: Say) -> None:
    oldest, old = parse_age(policy), now - moment(record.current.created)
    if oldest is None:
        say("no-max-age", place, record.name, f"it is {age(old)} old")
    elif old > oldest:
        say("secret-too-old", place, record.name, f"found it {age(old)} old; expected at most {policy}")


def _check_state(record: Record, expected: Expected, place: str, say: Say) -> None:
    """A rotation that rests until old tokens have ended is as it should be."""
    if record.state not in OPEN or waiting(record, expected.now):
        return
    last = record.journal[-1]
    since = expected.now - moment(str(last.get("retire_at") or last["at"]))
    if since > expected.stuck_after:
        say("rotation-stuck", place, record.name, f"its rotation has stood at {record.state} for {age(since)}")
    else:
        say("rotation-open", place, record.name, f"its rotation stands at {record.state}, since {age(since)}")


def _check_end(record: Record, now: datetime, place: str, say: Say) -> None:
    told = record.current.notes.get("not_after", "")
    try:
        end = moment(told)
    except ValueError:
        return
    if end <= now:
        say("certificate-expired", place, record.name, f"it ended at {told}")
    elif end - now <= SOON:
        say("certificate-expires-soon", place, record.name, f"it ends at {told}")


def _check_sameness(expected: Expected, place: str, say: Say) -> None:
    """Among all versions: an old secret of one that is another's current one counts too."""
    owners: dict[str, str] = {}
    for name, word in _words(expected.contents):
        other = owners.setdefault(word, name)
        if other != name:
            say("same-secret-twice", place, name, f"it is that of {other}, too")
            say("same-secret-twice", place, other, f"it is that of {name}, too")
    for environment, contents in expected.others.items():
        for name, word in _words(contents):
            if word in owners:
                told = f"it is that of {name} in {environment}, too"
                say("same-secret-in-another-environment", place, owners[word], told)


def _words(contents: Contents) -> Iterator[tuple[str, str]]:
    for name, record in contents.records.items():
        for version in record.versions():
            for word in secret_words(version.secret):
                yield name, word


def version_words(contents: Contents) -> Mapping[str, tuple[str, str]]:
    """Word -> (credential, which version: current, previous or pending)."""
    found = {}
    for name, record in contents.records.items():
        for which in ("previous", "pending", "current"):
            version = getattr(record, which)
            for word in secret_words(version.secret) if version else ():
                found[word] = (name, which)
    return found
