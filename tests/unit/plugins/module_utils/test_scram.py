# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""SCRAM-SHA-256 verifiers against the vectors of RFC 7677 and RFC 4013."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._scram import matches, saslprep, verifier

SALT = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
# RFC 7677, section 3: the exchange of user 'user' with password 'pencil'
MESSAGE = (
    b"n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
    b"s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
)
PROOF = base64.b64decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
SIGNATURE = "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


def keys(stored: str) -> tuple[bytes, bytes]:
    first, _unused, second = stored.rpartition("$")[2].partition(":")
    return base64.b64decode(first), base64.b64decode(second)


def test_the_verifier_proves_the_exchange_of_rfc_7677() -> None:
    found = verifier("pencil", SALT)
    assert found.startswith("SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$")
    stored_key, server_key = keys(found)
    client_signature = hmac.new(stored_key, MESSAGE, hashlib.sha256).digest()
    client_key = bytes(a ^ b for a, b in zip(PROOF, client_signature, strict=True))
    assert hashlib.sha256(client_key).digest() == stored_key
    assert base64.b64encode(hmac.new(server_key, MESSAGE, hashlib.sha256).digest()).decode() == SIGNATURE


@pytest.mark.parametrize(
    ("given", "prepared"),
    [
        ("I\u00adX", "IX"),
        ("user", "user"),
        ("USER", "USER"),
        ("\u00aa", "a"),
        ("\u2168", "IX"),
        ("a\u00a0b", "a b"),
        ("\u0627\u0628", "\u0627\u0628"),
    ],
)
def test_saslprep_of_rfc_4013(given: str, prepared: str) -> None:
    assert saslprep(given) == prepared


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("\u0007", "forbids"),
        ("a\nb", "forbids"),
        ("\u06271", "writing directions"),
        ("", "nothing"),
        ("\u00ad", "nothing"),
        ("\ue000", "forbids"),
        ("\U0001f600", "forbids"),  # unassigned in Unicode 3.2, on which stringprep stands
    ],
)
def test_what_the_profile_forbids_is_refused_without_showing_it(given: str, why: str) -> None:
    with pytest.raises(MainstayError, match=why) as refused:
        verifier(given, SALT)
    assert not given or given not in str(refused.value)


def test_weak_parameters_are_refused() -> None:
    with pytest.raises(MainstayError, match="found 8 bytes; expected at least 16"):
        verifier("pencil", b"8 bytes!")
    with pytest.raises(MainstayError, match="found 1000; expected at least 4096"):
        verifier("pencil", SALT, 1000)


def test_matches_reads_any_verifier_of_the_password() -> None:
    assert matches("pencil", verifier("pencil", SALT, 5000))
    assert not matches("pencils", verifier("pencil", SALT))
    assert not matches("pencil", "md5" + "0" * 32)
    assert not matches("pencil", "SCRAM-SHA-256$4096:!$:")
