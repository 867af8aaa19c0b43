# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the secret store holds, as immutable values, and the transitions between its states. No file, no clock, no Ansible here."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._credentials import (
    MODES,
    SLOTS,
    Credential,
    Issued,
    SlotSecret,
)
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_states import RETIRING, STATES

FORMAT = 2
#: What earlier releases wrote and this one reads.
_READS = (1, 2)
OWNER = "mainstay.backend"
SALT_BYTES = 16
SECRET_BYTES = 32
#: A password of ours, a token that a third party made, or a certificate with its key in PEM.
_SECRETS = {
    "": (re.compile(r"[\x21-\x7e]{8,256}"), "8 to 256 printable ASCII characters"),
    "token": (re.compile(r"[\x20-\x7e]{1,8192}"), "1 to 8192 printable ASCII characters on one line"),
    "certificate": (re.compile(r"[\x20-\x7e\n]{64,65536}"), "PEM blocks"),
    "authority": (re.compile(r"[\x20-\x7e\n]{64,65536}"), "PEM blocks"),
}


@dataclass(frozen=True)
class Version:
    """One secret of a credential, in one of its two slots. Its repr shows neither secret nor salt."""

    id: str
    slot: str
    created: str
    secret: str = field(repr=False)
    salt: bytes = field(repr=False)
    #: What is public about it, like a certificate's `not_after`.
    notes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Record:
    """A credential in the store. `pending` and `previous` exist only while it rotates; servers let all three in."""

    name: str
    kind: str
    current: Version
    previous: Version | None = None
    pending: Version | None = None
    journal: tuple[Mapping[str, Any], ...] = ()
    mode: str = MODES[0]

    @property
    def state(self) -> str:
        """How far its rotation got, one of _rotation.STATES; '' before its first one."""
        return str(self.journal[-1]["state"]) if self.journal else ""

    def versions(self) -> tuple[Version, ...]:
        return tuple(version for version in (self.previous, self.pending, self.current) if version)


@dataclass(frozen=True)
class Contents:
    """Everything one store holds: the credentials of one environment."""

    environment: str
    records: Mapping[str, Record] = field(default_factory=dict)


def parse(text: str, environment: str, source: str) -> Contents:
    """The contents of the decrypted TEXT; SOURCE names it in messages, which never quote it."""
    try:
        data = json.loads(text)
    except ValueError:
        raise MainstayError(f"{source}: found text that is not JSON; expected a secret store of {OWNER}") from None
    if not isinstance(data, dict) or data.get("store") != OWNER or not isinstance(data.get("credentials"), dict):
        raise MainstayError(f"{source}: found something else; expected a secret store of {OWNER}")
    if data.get("format") not in _READS:
        raise MainstayError(
            f"{source}: found format {data.get('format')!r}; expected {FORMAT} or less: a newer release of {OWNER} may read it"
        )
    if data.get("environment") != environment:
        raise MainstayError(
            f"{source}: found the store of environment {data.get('environment')!r}; expected {environment!r}"
        )
    records = {str(name): _record(str(name), item, source) for name, item in data["credentials"].items()}
    return Contents(environment, records)


def dump(contents: Contents) -> str:
    """CONTENTS as text, the same at every run. `format` comes first: nothing secret stands in the first lines."""
    credentials = {name: _record_data(record) for name, record in sorted(contents.records.items())}
    return (
        json.dumps(
            {"format": FORMAT, "store": OWNER, "environment": contents.environment, "credentials": credentials},
            indent=2,
        )
        + "\n"
    )


def missing(contents: Contents, wanted: Iterable[Credential]) -> list[Credential]:
    """The WANTED credentials that the store lacks; one that is there as another kind is refused."""
    absent = []
    for credential in wanted:
        record = contents.records.get(credential.name)
        if record is None:
            absent.append(credential)
        elif record.kind != credential.kind:
            expected = f"{record.kind}, as in the secret store, or another name for the new credential"
            raise MainstayError(
                f"backend_credentials.{credential.name}.kind: found {credential.kind}; expected {expected}"
            )
        elif record.mode != credential.mode:
            expected = f"{record.mode}, as in the secret store, or another name for the new credential"
            raise MainstayError(
                f"backend_credentials.{credential.name}.mode: found {credential.mode}; expected {expected}"
            )
    return absent


#: Makes a version of a credential for a slot, at a time, beside what the store holds by then: a certificate needs its authority.
Make = Callable[[Contents, Credential, str, str], Version]


def create(contents: Contents, wanted: Iterable[Credential], now: str, make: Make) -> Contents:
    """CONTENTS with a first version, in slot a, of each WANTED credential that it lacks."""
    for credential in missing(contents, wanted):
        version = make(contents, credential, SLOTS[0], now)
        record = Record(credential.name, credential.kind, version, mode=credential.mode)
        contents = replace(contents, records={**contents.records, credential.name: record})
    return contents


def random_versions(random: Callable[[int], bytes]) -> Make:
    """Makes what is a random secret and nothing else."""
    return lambda _contents, _credential, slot, now: new_version(slot, now, random)


def new_version(slot: str, now: str, random: Callable[[int], bytes]) -> Version:
    """A fresh secret for SLOT: hexadecimal, which every loader, URL and shell reads alike."""
    return Version(random(8).hex(), slot, now, random(SECRET_BYTES).hex(), random(SALT_BYTES))


def issued(record: Record, target: str) -> Issued:
    """RECORD as servers and consumers need it: from the moment that a rotation is about to retire the previous version, without that."""
    out = record.previous if record.state in RETIRING else None
    versions = [version for version in record.versions() if version is not out]
    slots = {version.slot: SlotSecret(version.secret, version.salt) for version in versions}
    ids = {version.slot: version.id for version in versions}
    return Issued(record.name, record.kind, target, record.current.slot, slots, record.mode, ids)


def _record(name: str, data: object, source: str) -> Record:
    known = {"kind", "mode", "current", "previous", "pending", "journal"}
    if (
        not isinstance(data, dict)
        or set(data) - known
        or not isinstance(data.get("kind"), str)
        or data.get("mode", MODES[0]) not in MODES
        or not isinstance(data.get("journal", []), list)
        or not all(isinstance(item, dict) and item.get("state") in STATES for item in data.get("journal", []))
    ):
        raise _damaged(source, name)
    kind = data["kind"]
    current = _version(name, kind, data.get("current"), source)
    if current is None:
        raise _damaged(source, name)
    previous = _version(name, kind, data.get("previous"), source)
    pending = _version(name, kind, data.get("pending"), source)
    if any(other and other.slot == current.slot for other in (previous, pending)) or (previous and pending):
        raise _damaged(source, name)
    journal = tuple(data.get("journal", []))
    return Record(name, kind, current, previous, pending, journal, data.get("mode", MODES[0]))


def _version(name: str, kind: str, data: object, source: str) -> Version | None:
    if data is None:
        return None
    if not isinstance(data, dict) or not all(
        isinstance(data.get(key), str) for key in ("id", "slot", "created", "secret", "salt")
    ):
        raise _damaged(source, name)
    if data["slot"] not in SLOTS:
        raise _damaged(source, name)
    check_secret(f"{source}: found an unfit secret of {name}", kind, data["secret"])
    notes = data.get("notes", {})
    if not isinstance(notes, dict) or not all(isinstance(value, str) for value in notes.values()):
        raise _damaged(source, name)
    try:
        salt = base64.b64decode(data["salt"], validate=True)
    except (binascii.Error, ValueError):
        raise _damaged(source, name) from None
    if len(salt) < SALT_BYTES:
        raise _damaged(source, name)
    return Version(data["id"], data["slot"], data["created"], data["secret"], salt, notes)


def check_secret(found: str, kind: str, secret: str) -> None:
    """Refuses what a secret of KIND cannot be; FOUND begins the message, which does not show it."""
    pattern, expected = _SECRETS.get(kind, _SECRETS[""])
    if not pattern.fullmatch(secret):
        raise MainstayError(f"{found} (not shown); expected {expected}")


def _damaged(source: str, name: str) -> MainstayError:
    expected = "a kind, one current version, and at most one other in the other slot"
    return MainstayError(f"{source}: found a damaged credential {name}; expected {expected}")


def _record_data(record: Record) -> dict[str, Any]:
    data: dict[str, Any] = {"kind": record.kind, "mode": record.mode}
    for key in ("current", "previous", "pending"):
        version: Version | None = getattr(record, key)
        data[key] = version and {
            "id": version.id,
            "slot": version.slot,
            "created": version.created,
            "secret": version.secret,
            "salt": base64.b64encode(version.salt).decode(),
            "notes": dict(version.notes),
        }
    data["journal"] = list(record.journal)
    return data
