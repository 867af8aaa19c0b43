# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""SCRAM-SHA-256 verifiers as PostgreSQL stores them in pg_authid, so that the server never sees the password."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import stringprep
import unicodedata

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError

#: PostgreSQL's own default of scram_iterations, and the least that RFC 7677 allows.
ITERATIONS = 4096
MINIMUM_SALT = 16
_STORED = re.compile(r"SCRAM-SHA-256\$(\d+):([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/]{43}=):([A-Za-z0-9+/]{43}=)")
_PROHIBITED = (
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
    stringprep.in_table_a1,
)


def saslprep(text: str) -> str:
    """TEXT prepared as a stored string by RFC 4013. What the profile forbids is refused.

    PostgreSQL would use the raw bytes of such a text, other clients would not: with a refusal all agree.
    """
    mapped = "".join(
        " " if stringprep.in_table_c12(char) else char for char in text if not stringprep.in_table_b1(char)
    )
    # stringprep is defined on Unicode 3.2, and so is its normalisation.
    prepared = unicodedata.ucd_3_2_0.normalize("NFKC", mapped)
    if not prepared:
        raise MainstayError("password: found nothing; expected at least one character")
    if any(prohibited(char) for char in prepared for prohibited in _PROHIBITED):
        raise MainstayError("password: found a character that SASLprep (RFC 4013) forbids; expected printable text")
    if any(stringprep.in_table_d1(char) for char in prepared):
        ends = stringprep.in_table_d1(prepared[0]) and stringprep.in_table_d1(prepared[-1])
        if not ends or any(stringprep.in_table_d2(char) for char in prepared):
            raise MainstayError(
                "password: found a mix of writing directions that SASLprep (RFC 4013) forbids; expected one direction"
            )
    return prepared


def verifier(password: str, salt: bytes, iterations: int = ITERATIONS) -> str:
    """The verifier of PASSWORD: SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>."""
    if iterations < ITERATIONS:
        raise MainstayError(f"SCRAM iterations: found {iterations}; expected at least {ITERATIONS}")
    if len(salt) < MINIMUM_SALT:
        raise MainstayError(f"SCRAM salt: found {len(salt)} bytes; expected at least {MINIMUM_SALT}")
    salted = hashlib.pbkdf2_hmac("sha256", saslprep(password).encode(), salt, iterations)
    stored = hashlib.sha256(_hmac(salted, b"Client Key")).digest()
    server = _hmac(salted, b"Server Key")
    return f"SCRAM-SHA-256${iterations}:{_base64(salt)}${_base64(stored)}:{_base64(server)}"


def is_verifier(text: object) -> bool:
    """Whether TEXT is what PostgreSQL stores, and no password that it would store as one."""
    return isinstance(text, str) and _STORED.fullmatch(text) is not None


def matches(password: str, stored: str) -> bool:
    """Whether STORED, a verifier of any salt and iteration count, is one of PASSWORD."""
    match = _STORED.fullmatch(stored)
    if match is None:
        return False
    try:
        salt = base64.b64decode(match[2], validate=True)
        return hmac.compare_digest(verifier(password, salt, int(match[1])), stored)
    except (ValueError, MainstayError):
        return False


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
