# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rails' encrypted files, byte for byte: `b64(ciphertext)--b64(iv)--b64(tag)`, AES-128-GCM over a Ruby string in Marshal form.

Compared with files that ActiveSupport 6.1 wrote (tests/data/rails_encrypted_files.json). No message here quotes a file, a key or a plaintext.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import secrets
from dataclasses import dataclass, field

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._deps import require

KEY_BYTES = 16
IV_BYTES = 12
TAG_BYTES = 16
#: What Marshal puts before a string, and after one that knows its encoding (E: true is UTF-8, false US-ASCII).
VERSION = b"\x04\x08"
STRING = b'"'
WITH_VARIABLES = b"I"
ENCODINGS = {b"\x06:\x06ET": "utf-8", b"\x06:\x06EF": "ascii"}
#: Marshal writes a length in at most four bytes; Ruby itself reads no longer ones.
LENGTH_BYTES = 4
WRONG_KEY = (
    "found content that the key does not open; expected the key it was encrypted with, and a file that nobody changed"
)


@dataclass(frozen=True)
class Plain:
    """A decrypted file. `binary` tells the Marshal form: what `credentials:edit` writes is binary. The repr shows no content."""

    data: bytes = field(repr=False)
    binary: bool

    def text(self) -> str:
        try:
            return self.data.decode()
        except UnicodeDecodeError:
            raise MainstayError("credentials: found text that is not UTF-8; expected YAML in UTF-8") from None


@dataclass(frozen=True)
class Place:
    """Where an application keeps its credentials and their key."""

    path: str
    key_file: str


def new_key() -> str:
    """A key as Rails makes it: 32 hexadecimal characters."""
    return secrets.token_hex(KEY_BYTES)


def key_bytes(key: str) -> bytes:
    """The 16 bytes of KEY, which may be surrounded by white space as in a key file."""
    found = key.strip()
    if not re.fullmatch(r"[0-9a-fA-F]{32}", found):
        what = "nothing" if not found else f"{len(found)} characters" if len(found) != 32 else "other characters"
        raise MainstayError(
            f"key: found {what}; expected {2 * KEY_BYTES} hexadecimal characters, as Rails' key files hold"
        )
    return bytes.fromhex(found)


def marshal_length(number: int) -> bytes:
    """NUMBER as Ruby's Marshal writes a length."""
    if number == 0:
        return b"\0"
    if number <= 122:
        return bytes([number + 5])
    count = (number.bit_length() + 7) // 8
    if count > LENGTH_BYTES:
        raise MainstayError("credentials: found a text of 4 GiB or more; expected a shorter one")
    return bytes([count]) + number.to_bytes(count, "little")


def marshal(plain: Plain) -> bytes:
    """PLAIN as Ruby's Marshal.dump writes a string."""
    body = STRING + marshal_length(len(plain.data)) + plain.data
    if plain.binary:
        return VERSION + body
    return VERSION + WITH_VARIABLES + body + next(iter(ENCODINGS))


def unmarshal(data: bytes) -> Plain:
    """The one string in DATA, in either form."""
    start = len(VERSION)
    binary = data[start : start + 1] != WITH_VARIABLES
    start += not binary
    if data[: len(VERSION)] != VERSION or data[start : start + 1] != STRING or len(data) < start + 2:
        raise MainstayError("credentials: found no Ruby string after decryption; expected a file that Rails wrote")
    length, first = data[start + 1], start + 2
    if length == 0 or 6 <= length <= 127:
        length = max(0, length - 5)
    elif length <= LENGTH_BYTES:
        first, length = first + length, int.from_bytes(data[first : first + length], "little")
    else:
        raise MainstayError("credentials: found a Ruby string of negative length; expected a file that Rails wrote")
    content, rest = data[first : first + length], data[first + length :]
    if len(content) != length or (rest if binary else rest not in ENCODINGS):
        raise MainstayError("credentials: found no UTF-8 or binary Ruby string; expected a file that Rails wrote")
    return Plain(content, binary)


def encrypt_bytes(plain: Plain, key: str, iv: bytes | None = None) -> str:
    """PLAIN as Rails' file holds it. IV is for tests: one that is used twice with a key gives the plaintext away."""
    require("cryptography")
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(IV_BYTES) if iv is None else iv
    sealed = AESGCM(key_bytes(key)).encrypt(nonce, marshal(plain), None)
    parts = (sealed[:-TAG_BYTES], nonce, sealed[-TAG_BYTES:])
    return "--".join(base64.b64encode(part).decode("ascii") for part in parts)


def decrypt_bytes(content: str, key: str) -> Plain:
    """What Rails' file CONTENT holds. White space around it is left out, though Rails before 7 refuses a trailing newline."""
    require("cryptography")
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    secret = key_bytes(key)
    parts = content.strip().split("--")
    try:
        sealed, nonce, tag = (base64.b64decode(part.encode("ascii"), validate=True) for part in parts)
    except (ValueError, binascii.Error):
        sealed = nonce = tag = b""
    if not sealed or len(nonce) != IV_BYTES or len(tag) != TAG_BYTES:
        raise MainstayError(
            "credentials: found no encrypted file of Rails; expected three base64 texts with -- between them"
        )
    try:
        return unmarshal(AESGCM(secret).decrypt(nonce, sealed + tag, None))
    except InvalidTag:
        raise MainstayError(f"credentials: {WRONG_KEY}") from None


def encrypt(text: str, key: str, iv: bytes | None = None) -> str:
    """TEXT as `rails credentials:edit` writes it (a binary Ruby string), without a newline at the end."""
    return encrypt_bytes(Plain(text.encode(), True), key, iv)


def decrypt(content: str, key: str) -> str:
    """The text in CONTENT, in whichever form Rails wrote it."""
    return decrypt_bytes(content, key).text()


def key_file_of(path: str) -> str:
    """Where Rails looks for the key of the encrypted file PATH: credentials.yml.enc has master.key, NAME.yml.enc has NAME.key."""
    folder, name = os.path.split(path)
    stem = name.removesuffix(".enc").removesuffix(".yml")
    return os.path.join(folder, "master.key" if name == "credentials.yml.enc" else f"{stem}.key")


def place_of(root: str, environment: str, exists: bool) -> Place:
    """The credentials of the Rails application in ROOT. EXISTS: whether the environment's own file is there.

    Where it is, it replaces the global file altogether, as Rails does it; both with their keys.
    """
    if environment and not re.fullmatch(r"[A-Za-z0-9_-]+", environment):
        raise MainstayError(
            f"environment: found {environment!r}; expected the name of a Rails environment, like production"
        )
    own = os.path.join(root, "config", "credentials", f"{environment}.yml.enc")
    path = own if environment and exists else os.path.join(root, "config", "credentials.yml.enc")
    return Place(path, key_file_of(path))
