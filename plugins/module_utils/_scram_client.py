# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The client's side of SCRAM-SHA-256 (RFC 5802, 7677): proves a password without sending it, and has the server prove that it knows it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._scram import ITERATIONS, saslprep

MECHANISM = "SCRAM-SHA-256"
#: More iterations would keep this host busy for seconds; fewer than PostgreSQL's default would let a false server guess from the proof.
MOST_ITERATIONS = 1_000_000
_FIRST = re.compile(
    r"r=([\x21-\x2b\x2d-\x7e]{1,1024}),s=([A-Za-z0-9+/=]{4,1024}),i=([1-9][0-9]{0,9})(?:,.*)?", re.DOTALL
)
_FINAL = re.compile(r"v=([A-Za-z0-9+/=]{1,128})(?:,.*)?", re.DOTALL)


class ScramError(Exception):
    """What the server sent is no SCRAM, or proves that it does not know the password's verifier. The text holds no secret."""


class ScramClient:
    """One exchange. PostgreSQL takes the user from the startup message, so that none is named here."""

    def __init__(self, password: str, nonce: str, user: str = "") -> None:
        try:
            self._password = saslprep(password).encode()
        except MainstayError:
            # as libpq does with what SASLprep forbids
            self._password = password.encode()
        self._nonce = nonce
        self._bare = f"n={user},r={nonce}"
        self._server = b""

    def first(self) -> str:
        """The first message; no channel binding."""
        return f"n,,{self._bare}"

    def final(self, told: str) -> str:
        """The proof, in answer to the server's first message TOLD."""
        match = _FIRST.fullmatch(told)
        if match is None or not match[1].startswith(self._nonce) or len(match[1]) <= len(self._nonce):
            raise ScramError("its first SCRAM message is malformed, or answers somebody else")
        count = int(match[3])
        if not ITERATIONS <= count <= MOST_ITERATIONS:
            raise ScramError(f"it asks for {count} iterations; expected {ITERATIONS} to {MOST_ITERATIONS}")
        salted = hashlib.pbkdf2_hmac("sha256", self._password, _decoded(match[2]), count)
        key = _hmac(salted, b"Client Key")
        bare = f"c=biws,r={match[1]}"
        message = f"{self._bare},{told},{bare}".encode()
        signature = _hmac(hashlib.sha256(key).digest(), message)
        proof = bytes(one ^ two for one, two in zip(key, signature, strict=True))
        self._server = _hmac(_hmac(salted, b"Server Key"), message)
        return f"{bare},p={base64.b64encode(proof).decode()}"

    def verify(self, told: str) -> None:
        """Raises where the server's final message TOLD does not prove that it knows the verifier."""
        match = _FINAL.fullmatch(told)
        if match is None or not self._server or not hmac.compare_digest(_decoded(match[1]), self._server):
            raise ScramError(
                "it does not prove that it knows the password's verifier: another server answers in its place"
            )


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ScramError("its SCRAM message is malformed") from None


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()
