# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The versions of certificates in the secret store: the first, the next of a rotation, and one whose server got another name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ansible_collections.mainstay.backend.plugins.module_utils._certificate_specs import SERVERS
from ansible_collections.mainstay.backend.plugins.module_utils._certificate_text import AUTHORITY, Material, material
from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._credentials import SLOTS, Credential
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_states import OPEN
from ansible_collections.mainstay.backend.plugins.module_utils._store import Contents, Record, Version
from ansible_collections.mainstay.backend.plugins.plugin_utils.certificates import (
    authority_of,
    make_authority,
    make_certificate,
    version_of,
)
from ansible_collections.mainstay.backend.plugins.plugin_utils.supplied_certificates import read_supplied, verifies


def authority_version(contents: Contents, credential: Credential, slot: str, now: str) -> Version:
    return make_authority(contents, credential, slot, now)


def certificate_version(contents: Contents, credential: Credential, slot: str, now: str) -> Version:
    """A fresh certificate of our own authority; of a supplied one what its files hold by now, which must not be the one in use."""
    if credential.options["authority"] == "own":
        return version_of(make_certificate(credential, authority_of(contents, credential), now), slot, now)
    made = read_supplied(credential, now)
    record = contents.records.get(credential.name)
    if record is not None:
        _check_successor(credential, material(record.current.secret), made)
    return version_of(made, slot, now)


def _check_successor(credential: Credential, current: Material, made: Material) -> None:
    where = f"backend_credentials.{credential.name}"
    if made.fingerprint == current.fingerprint:
        raise MainstayError(
            f"{where}.chain: found the certificate that is in use; expected a new one before a rotation"
        )
    if not verifies(made.chain, current.authorities):
        expected = f"the old and the new authority together in {where}.ca, and the site playbook run with that before the rotation"
        raise MainstayError(f"{where}.chain: found one that the authorities in use do not verify; expected {expected}")


def with_authority(wanted: list[Credential]) -> list[Credential]:
    """WANTED with the authority before what it signs."""
    own = any(item.kind == "certificate" and item.options.get("authority") == "own" for item in wanted)
    return [Credential(AUTHORITY, "authority"), *wanted] if own else wanted


def check_supplied(wanted: Iterable[Credential], now: str) -> None:
    """Refuses what somebody else made and nobody could use, before anything is changed."""
    for credential in wanted:
        if credential.options.get("authority") == "supplied":
            read_supplied(credential, now)


def outdated(contents: Contents, wanted: Iterable[Credential], now: str) -> bool:
    """Whether `renewed` would change anything."""
    items = [(item, contents.records.get(item.name)) for item in wanted if item.kind == "certificate"]
    return any(record and record.state not in OPEN and _stale(item, record, now) for item, record in items)


def renewed(contents: Contents, wanted: Iterable[Credential], now: str) -> Contents:
    """CONTENTS with the certificates whose names or authorities no longer do replaced. Not while they rotate.

    No consumer notices: all of them trust the authority, and none the certificate itself.
    """
    for credential in wanted:
        record = contents.records.get(credential.name)
        if record is None or credential.kind != "certificate" or record.state in OPEN:
            continue
        if _stale(credential, record, now):
            changed = replace(record, current=_renewed(contents, credential, record, now), previous=None, pending=None)
            contents = replace(contents, records={**contents.records, credential.name: changed})
    return contents


def _stale(credential: Credential, record: Record, now: str) -> bool:
    """Its own certificate lacks a name; of a supplied one that is in use still, the authorities are other ones by now."""
    told = credential.options
    if told["authority"] == "supplied":
        made, before = read_supplied(credential, now), material(record.current.secret)
        return made.fingerprint == before.fingerprint and made.authorities != before.authorities
    return told["for"] in SERVERS and not set(told["names"]) <= set(_known(record))


def _known(record: Record) -> list[str]:
    return [item for item in record.current.notes.get("names", "").split(", ") if item]


def _renewed(contents: Contents, credential: Credential, record: Record, now: str) -> Version:
    current = record.current
    if credential.options["authority"] == "supplied":
        authorities = read_supplied(credential, now).authorities
        return replace(current, secret=replace(material(current.secret), authorities=authorities).text())
    # the names of before stay until the next rotation: another host may see other ones of them
    made = make_certificate(credential, authority_of(contents, credential), now, _known(record))
    return version_of(made, SLOTS[1 - SLOTS.index(current.slot)], now)
