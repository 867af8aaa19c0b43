# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Certificates of our own authority and supplied ones: what is made, what is refused, and what the store does with them."""

from __future__ import annotations

import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from ansible_collections.mainstay.backend.plugins.module_utils._certificate_specs import Source
from ansible_collections.mainstay.backend.plugins.module_utils._certificate_text import AUTHORITY, blocks, material
from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._credentials import Credential
from ansible_collections.mainstay.backend.plugins.module_utils._rotation import advance, begin
from ansible_collections.mainstay.backend.plugins.module_utils._store import Contents, create, dump, parse
from ansible_collections.mainstay.backend.plugins.plugin_utils.certificate_versions import (
    outdated,
    renewed,
    with_authority,
)
from ansible_collections.mainstay.backend.plugins.plugin_utils.certificates import expiry
from ansible_collections.mainstay.backend.plugins.plugin_utils.material import make_version
from ansible_collections.mainstay.backend.plugins.plugin_utils.supplied_certificates import read_supplied

NOW = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
LATER = (datetime.now(UTC) + timedelta(days=400)).strftime("%Y-%m-%dT%H:%M:%SZ")
OWN: dict[str, Any] = {"authority": "own", "common_name": "", "key_type": "ecdsa", "valid": 90}


def own(name: str, purpose: str, *names: str, **options: Any) -> Credential:
    return Credential(name, "certificate", options={**OWN, "for": purpose, "names": names, **options})


def supplied(material_text: str, *names: str, **parts: str) -> Credential:
    """What the store made for us, given back as if another authority had."""
    found = material(material_text)
    given = {"chain": found.chain, "key": found.key, "ca": found.authorities, **parts}
    sources = {part: Source(text) for part, text in given.items()}
    return Credential(
        "web", "certificate", options={"for": "valkey", "authority": "supplied", "names": names, **sources}
    )


def stored(*wanted: Credential, now: str = NOW, contents: Contents | None = None) -> Contents:
    return create(contents or Contents("production"), with_authority(list(wanted)), now, make_version)


SERVER = own("db", "valkey", "db1", "10.0.0.5", "localhost", "127.0.0.1")


def test_the_certificate_has_the_names_the_time_and_the_purpose_that_it_is_for() -> None:
    version = stored(SERVER).records["db"].current
    leaf = x509.load_pem_x509_certificate(material(version.secret).chain.encode())
    assert version.notes["names"] == "db1, localhost, 10.0.0.5, 127.0.0.1"
    assert timedelta(days=89) < expiry(leaf) - datetime.now(UTC) <= timedelta(days=90)
    usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert [item._name for item in usage] == ["serverAuth"]
    assert version.notes["serial"] == f"{leaf.serial_number:X}"


@pytest.mark.parametrize("key_type", ["ecdsa", "rsa"])
def test_openssl_takes_the_pair_and_verifies_it_strictly(tmp_path: Path, key_type: str) -> None:
    """The strict checks of Python 3.13 too: key usage and identifiers."""
    found = material(stored(own("db", "valkey", "localhost", key_type=key_type)).records["db"].current.secret)
    (tmp_path / "pair").write_text(found.key + found.chain)
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    server.load_cert_chain(tmp_path / "pair")
    client.load_verify_locations(cadata=found.authorities)
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    assert shaken(server, client, "localhost")["serialNumber"]
    with pytest.raises(ssl.SSLCertVerificationError):
        shaken(server, client, "elsewhere")


def shaken(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> dict[str, Any]:
    """A handshake in memory; what the client saw."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    here = client.wrap_bio(to_client, to_server, server_hostname=name)
    there = server.wrap_bio(to_server, to_client, server_side=True)
    done = set()
    for _turn in range(8):
        for side in (here, there):
            try:
                side.do_handshake()
                done.add(side)
            except ssl.SSLWantReadError:
                pass
    assert len(done) == 2
    return here.getpeercert() or {}


def test_a_client_certificate_serves_no_server_and_a_server_s_no_client(tmp_path: Path) -> None:
    contents = stored(SERVER, own("shop", "client", common_name="shop"))
    for name, side in (("db", ssl.PROTOCOL_TLS_SERVER), ("shop", ssl.PROTOCOL_TLS_CLIENT)):
        found = material(contents.records[name].current.secret)
        (tmp_path / name).write_text(found.key + found.chain)
        assert side
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ca = material(contents.records[AUTHORITY].current.secret).chain
    for context in (server, client):
        context.load_verify_locations(cadata=ca)
    server.verify_mode = ssl.CERT_REQUIRED
    server.load_cert_chain(tmp_path / "db")
    client.load_cert_chain(tmp_path / "shop")
    assert shaken(server, client, "localhost")
    client.load_cert_chain(tmp_path / "db")
    with pytest.raises(ssl.SSLError, match=r"(?i)purpose|certificate"):
        shaken(server, client, "localhost")


def test_a_rotation_makes_another_certificate_of_the_same_authority() -> None:
    contents = stored(SERVER)
    after = begin(contents, {"db": (SERVER, "age")}, NOW, make_version)
    old, new = after.records["db"].current, after.records["db"].pending
    assert new is not None and new.notes["serial"] != old.notes["serial"] and new.slot != old.slot
    assert material(new.secret).authorities == material(old.secret).authorities
    assert after.records[AUTHORITY] == contents.records[AUTHORITY]


def test_the_store_gives_back_what_it_was_given() -> None:
    contents = stored(SERVER)
    assert parse(dump(contents), "production", "here") == contents


def test_an_authority_that_ends_is_not_asked_any_more() -> None:
    contents = stored(SERVER)
    ended = (datetime.now(UTC) + timedelta(days=3650)).strftime("%Y-%m-%dT%H:%M:%SZ")
    with pytest.raises(MainstayError, match=r"mainstay_authority, which expires on .*; expected a younger one"):
        begin(contents, {"db": (SERVER, "age")}, ended, make_version)


def test_a_new_data_host_is_in_the_certificate_at_once_and_old_names_stay_until_a_rotation() -> None:
    contents = stored(SERVER)
    assert not outdated(contents, [SERVER], NOW)
    fewer = own("db", "valkey", "db1")
    assert not outdated(contents, [fewer], NOW)
    more = own("db", "valkey", "db1", "db2")
    assert outdated(contents, [more], NOW)
    after = renewed(contents, [more], NOW).records["db"].current
    assert set(after.notes["names"].split(", ")) == {"db1", "db2", "10.0.0.5", "localhost", "127.0.0.1"}
    assert not outdated(renewed(contents, [more], NOW), [more, fewer, SERVER], NOW)


def test_nothing_is_renewed_while_it_rotates() -> None:
    contents = begin(stored(SERVER), {"db": (SERVER, "age")}, NOW, make_version)
    more = own("db", "valkey", "db2")
    assert renewed(contents, [more], NOW) == contents
    assert renewed(advance(contents, ["db"], "STAGED", NOW), [more], NOW).records["db"].pending


def secret_of(credential: Credential, contents: Contents | None = None) -> str:
    return stored(credential, contents=contents).records[credential.name].current.secret


def test_supplied_from_files_and_from_texts(tmp_path: Path) -> None:
    secret = secret_of(SERVER)
    texts = supplied(secret, "db1", "10.0.0.5")
    for part in ("chain", "key", "ca"):
        (tmp_path / part).write_text(texts.options[part].value)
    files = supplied(secret, "db1", **{part: str(tmp_path / part) for part in ("chain", "key", "ca")})
    assert read_supplied(texts, NOW) == read_supplied(files, NOW)
    assert (
        stored(texts).records["web"].current.notes["serial"]
        == stored(SERVER, files).records["web"].current.notes["serial"]
    )
    assert AUTHORITY not in stored(texts).records
    assert "PRIVATE" not in repr(texts)


def test_what_cannot_be_used_is_refused_with_its_reason(tmp_path: Path) -> None:
    secret, other = secret_of(SERVER), secret_of(SERVER)
    assert material(secret).chain != material(other).chain
    cases = {
        r"web\.key: found the key of another certificate": supplied(secret, key=material(other).key),
        r"web\.chain: found CN=db1, which none of backend_credentials\.web\.ca signed": supplied(
            secret, ca=material(other).authorities
        ),
        r"web\.chain: found no certificate": supplied(secret, chain="-----BEGIN CERTIFICATE-----\nabcd\n"),
        r"web\.key: found no private key that can be read": supplied(
            secret, key="-----BEGIN PRIVATE KEY-----\nhunter2\n"
        ),
        r"web\.key: found /nowhere/key, which cannot be read": supplied(secret, key="/nowhere/key"),
        r"web\.names: found elsewhere; expected names that are in the certificate: db1, localhost": supplied(
            secret, "elsewhere"
        ),
        r"web\.chain: found CN=db1, which the one after it did not sign": supplied(
            secret, chain=material(secret).chain + material(other).chain
        ),
    }
    for message, credential in cases.items():
        with pytest.raises(MainstayError, match=message) as error:
            read_supplied(credential, NOW)
        assert "hunter2" not in str(error.value) and "PRIVATE" not in str(error.value)
    with pytest.raises(MainstayError, match=r"CN=db1, which expires .*; expected one that is valid for longer"):
        read_supplied(supplied(secret), LATER)


def test_a_rotation_of_a_supplied_one_wants_another_that_the_authorities_in_use_verify() -> None:
    contents = stored(SERVER)
    first, second = secret_of(SERVER, contents), secret_of(own("two", "valkey", "db1"), contents)
    here = stored(supplied(first))
    with pytest.raises(MainstayError, match=r"web\.chain: found the certificate that is in use"):
        begin(here, {"web": (supplied(first), "age")}, NOW, make_version)
    after = begin(here, {"web": (supplied(second), "age")}, NOW, make_version)
    assert after.records["web"].pending
    strange = secret_of(SERVER)
    with pytest.raises(MainstayError, match=r"the authorities in use do not verify; expected the old and the new"):
        begin(here, {"web": (supplied(strange), "age")}, NOW, make_version)
    both = material(first).authorities + material(strange).authorities
    overlap = renewed(here, [supplied(first, ca=both)], NOW)
    assert len(blocks(material(overlap.records["web"].current.secret).authorities)) == 2
    assert begin(overlap, {"web": (supplied(strange, ca=both), "age")}, NOW, make_version).records["web"].pending


def test_what_the_store_holds_is_not_shown() -> None:
    contents = stored(SERVER)
    assert "PRIVATE" not in repr(contents) and "PRIVATE" not in repr(material(contents.records["db"].current.secret))
    assert "PRIVATE" not in repr(replace(contents.records["db"].current, id="x"))
