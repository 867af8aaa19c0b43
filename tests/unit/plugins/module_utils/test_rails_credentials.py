# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import base64
import itertools
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._rails_credentials import (
    Place,
    Plain,
    decrypt,
    decrypt_bytes,
    encrypt,
    encrypt_bytes,
    key_bytes,
    key_file_of,
    marshal,
    marshal_length,
    new_key,
    place_of,
    unmarshal,
)

CASES = json.loads((Path(__file__).parents[3] / "data" / "rails_encrypted_files.json").read_text(encoding="utf-8"))[
    "cases"
]
KEY = "00112233445566778899aabbccddeeff"


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_every_file_of_rails_is_read_and_written_alike_to_the_byte(case: dict[str, Any]) -> None:
    plain = decrypt_bytes(case["file"], case["key"])
    assert plain == Plain(base64.b64decode(case["plaintext_b64"]), case["name"].endswith("-binary"))
    iv = base64.b64decode(case["file"].split("--")[1])
    assert encrypt_bytes(plain, case["key"], iv) == case["file"]
    if plain.binary:
        assert encrypt(plain.text(), case["key"], iv) == case["file"]


def test_ten_files_of_rails_are_there_in_both_forms() -> None:
    assert len(CASES) == 10
    assert {case["name"].rsplit("-", 1)[1] for case in CASES} == {"utf8", "binary"}


@pytest.mark.parametrize(
    ("number", "expected"),
    [(0, "00"), (1, "06"), (122, "7f"), (123, "017b"), (255, "01ff"), (256, "020001"), (65535, "02ffff"), (65536, "03000001"), (1 << 24, "0400000001")],
)  # fmt: skip
def test_lengths_of_marshal(number: int, expected: str) -> None:
    assert marshal_length(number).hex() == expected


@pytest.mark.parametrize("length", [0, 1, 122, 123, 255, 256, 65535, 65536])
@pytest.mark.parametrize("binary", [True, False])
def test_round_trip_at_the_edges_of_lengths(length: int, binary: bool) -> None:
    plain = Plain(b"x" * length, binary)
    assert unmarshal(marshal(plain)) == plain
    written = encrypt_bytes(plain, KEY)
    assert not written.endswith("\n")
    assert decrypt_bytes(written, KEY) == plain


@settings(deadline=None)
@given(st.text())
def test_any_text_comes_back(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    assert decrypt(encrypt(text, KEY), KEY) == text


@settings(deadline=None)
@given(st.binary(max_size=60), st.booleans())
def test_any_bytes_unmarshal_or_are_refused(data: bytes, begin: bool) -> None:
    try:
        found = unmarshal(b"\x04\x08" + data if begin else data)
    except MainstayError:
        return
    assert isinstance(found.data, bytes)


@settings(deadline=None)
@given(st.text(max_size=80))
def test_any_content_is_read_or_refused(content: str) -> None:
    with pytest.raises(MainstayError, match=r"^credentials: found"):
        decrypt(content, KEY)


def test_two_writings_differ() -> None:
    assert encrypt("a: 1\n", KEY) != encrypt("a: 1\n", KEY)


SECRET = "s3cret: value\n"
FILE = encrypt(SECRET, KEY)
DATA, IV, TAG = FILE.split("--")


def sealed(data: bytes) -> str:
    """A file that opens with KEY, whatever DATA is."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    iv = os.urandom(12)
    found = AESGCM(bytes.fromhex(KEY)).encrypt(iv, data, None)
    return "--".join(base64.b64encode(part).decode() for part in (found[:-16], iv, found[-16:]))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "no encrypted file of Rails"),
        ("s3cret", "no encrypted file of Rails"),
        (f"{DATA}--{IV}", "no encrypted file of Rails"),
        (f"{FILE}--{TAG}", "no encrypted file of Rails"),
        (f"{DATA}--{IV}--{TAG[:-4]}==", "no encrypted file of Rails"),
        (f"{DATA}--{IV[:8]}--{TAG}", "no encrypted file of Rails"),
        (f"--{IV}--{TAG}", "no encrypted file of Rails"),
        (FILE.replace("=", ""), "no encrypted file of Rails"),
        (f"{DATA}\n--{IV}--{TAG}", "no encrypted file of Rails"),
        (f"{DATA}é--{IV}--{TAG}", "no encrypted file of Rails"),
        (("B" if DATA[0] == "A" else "A") + FILE[1:], "that the key does not open"),
        (f"{DATA}--{('B' if IV[0] == 'A' else 'A') + IV[1:]}--{TAG}", "that the key does not open"),
        (f"{DATA}--{IV}--{('B' if TAG[0] == 'A' else 'A') + TAG[1:]}", "that the key does not open"),
        (encrypt(SECRET, new_key()), "that the key does not open"),
        (sealed(b"s3cret"), "no Ruby string"),
        (sealed(b"\x04\x08i\x06"), "no Ruby string"),
        (sealed(b'\x04\x08"'), "no Ruby string"),
        (sealed(b'\x04\x08"\x0bs3cre'), "no UTF-8 or binary Ruby string"),
        (sealed(b'\x04\x08"\x0bs3cret!'), "no UTF-8 or binary Ruby string"),
        (sealed(b'\x04\x08I"\x0bs3cret\x06:\rencoding"\x0eShift_JIS'), "no UTF-8 or binary Ruby string"),
        (sealed(b'\x04\x08"\xfas3cret'), "of negative length"),
        (sealed(b'\x04\x08"\x06\xff'), "that is not UTF-8"),
    ],
    ids=itertools.count(),  # the texts are encrypted anew each time
)  # fmt: skip
def test_what_is_no_file_of_this_key_is_refused_without_its_content(content: str, message: str) -> None:
    with pytest.raises(MainstayError, match=message) as told:
        decrypt(content, KEY)
    for hidden in ("s3cret", KEY, DATA):
        assert hidden not in str(told.value)


def test_white_space_around_a_file_is_no_matter() -> None:
    assert decrypt(f"\n{FILE}\r\n", f"{KEY}\n") == SECRET


def test_text_of_us_ascii_is_read() -> None:
    assert decrypt(sealed(b'\x04\x08I"\x06a\x06:\x06EF'), KEY) == "a"


@pytest.mark.parametrize(
    "key", ["", " ", KEY[:-1], KEY + "0", "z" + KEY[1:], KEY[:16] + " " + KEY[17:], "0x" + KEY[2:]]
)
def test_a_key_that_is_none_is_refused_without_being_shown(key: str) -> None:
    for function in (lambda: encrypt(SECRET, key), lambda: decrypt(FILE, key)):
        with pytest.raises(MainstayError, match=r"^key: found .*; expected 32 hexadecimal characters") as told:
            function()
        assert not key.strip() or key not in str(told.value)


def test_new_keys() -> None:
    assert new_key() != new_key()
    assert len(key_bytes(new_key())) == 16


def test_where_rails_keeps_them() -> None:
    assert key_file_of("/a/config/credentials.yml.enc") == "/a/config/master.key"
    assert key_file_of("/a/config/credentials/production.yml.enc") == "/a/config/credentials/production.key"
    own = Place("/a/config/credentials/production.yml.enc", "/a/config/credentials/production.key")
    everybody = Place("/a/config/credentials.yml.enc", "/a/config/master.key")
    assert place_of("/a", "production", True) == own
    assert place_of("/a", "production", False) == everybody
    assert place_of("/a", "", True) == everybody
    with pytest.raises(MainstayError, match=r"environment: found '\.\./x'"):
        place_of("/a", "../x", True)
