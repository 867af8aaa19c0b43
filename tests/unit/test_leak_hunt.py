# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The hunt for leaked secrets finds what is planted: a search that cannot find proves nothing."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

LEAKS = Path(__file__).resolve().parents[1] / "leaks"
sys.path.insert(0, str(LEAKS))

from hunt import Needles, search, search_command, search_file  # noqa: E402
from store import spellings, verifiers  # noqa: E402

from ansible_collections.mainstay.backend.plugins.module_utils._scram import verifier  # noqa: E402
from ansible_collections.mainstay.backend.plugins.module_utils._store import Version  # noqa: E402

SECRET = "5f0c" * 16
VERSION = Version("1", "a", "2026-01-01T00:00:00Z", SECRET, b"0123456789abcdef")
NEEDLES = {**spellings("shop_db_a", VERSION), **verifiers("shop_db_a", VERSION)}


def test_every_spelling_of_a_secret_is_found() -> None:
    texts = {
        "password of shop_db_a": SECRET,
        "password of shop_db_a in base64": base64.b64encode(f"{SECRET} and more".encode()).decode(),
        "SHA-256 of shop_db_a": f"user shop_db_a on #{hashlib.sha256(SECRET.encode()).hexdigest()}",
    }
    for label, text in texts.items():
        assert label in search(NEEDLES, [f"some text {text} more".encode()])
    scram = search(NEEDLES, [f"ALTER ROLE shop_db_a PASSWORD '{verifier(SECRET, VERSION.salt)}'".encode()])
    assert scram == {"SCRAM Client Key of shop_db_a", "SCRAM Server Key of shop_db_a"}
    assert search(NEEDLES, [b"nothing of it"]) == set()


@pytest.mark.parametrize("cut", [1, 30, 63])
def test_a_secret_across_the_border_of_two_chunks_is_found(cut: int) -> None:
    chunks = [b"before " + SECRET[:cut].encode(), SECRET[cut:].encode() + b" after"]
    assert search(NEEDLES, chunks) == {"password of shop_db_a"}


def test_a_line_of_a_private_key_is_found() -> None:
    lines = [hashlib.sha256(bytes([number])).hexdigest() for number in range(3)]
    pem = "-----BEGIN PRIVATE KEY-----\n" + "\n".join(lines) + "\n-----END PRIVATE KEY-----\n"
    needles = spellings("shop_tls_a", Version("1", "a", "", pem, b""))
    assert search(needles, [lines[1].encode()]) == {"line 1 of the key of shop_tls_a"}


def test_a_test_that_fails_does_not_show_what_it_searched_for() -> None:
    """pytest prints the values of a failing test's fixtures."""
    needles = Needles({"password of shop": b"0123456789abcdef01234567"})
    needles |= {"another": b"89abcdef0123456701234567"}
    assert (repr(needles), str(needles), f"{needles}") == ("Needles(2, not shown)",) * 3


def test_a_command_that_fails_is_not_clean() -> None:
    with pytest.raises(RuntimeError):
        search_command(NEEDLES, "false")


def test_the_sampler_sees_command_lines_and_environments(tmp_path: Path) -> None:
    samples = tmp_path / "samples"
    script = "import sys; sys.stdin.read()"  # until this test has seen enough
    with subprocess.Popen(
        [sys.executable, "-c", script, "planted-argument"],
        env={"PLANTED": SECRET},
        stdin=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        command = [sys.executable, LEAKS / "sampler.py", samples, "2", str(process.pid)]
        subprocess.run(command, check=True, timeout=300)
    assert search_file(NEEDLES, samples) == {"password of shop_db_a"}
    text = samples.read_text()
    assert "planted-argument" in text and "sampler.py" not in text
