# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Playbook token at a real terminal: what is typed reaches the store, and nothing else."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from ansible_collections.mainstay.backend.plugins.module_utils import _store

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "lib"))
from yardstick import wait_for

ROOT = Path(__file__).resolve().parents[3]
FIRST, SECOND, THIRD = "sk_prod_11aa22bb33cc44dd", "sk_prod_55ee66ff77aa88bb", "sk_prod_99cc00dd11ee22ff"
PROMPT = b"New value of token pay"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    variables = {
        "backend_app": "shop",
        "backend_credentials": {
            "pay": {"kind": "token", "value": "ask"},
            "db": {"kind": "signing_key", "token_lifetime": "1h"},
        },
        "ansible_connection": "local",
    }
    inventory = {"app": {"hosts": {"here": variables}}}
    (tmp_path / "inventory.json").write_text(json.dumps(inventory))
    (tmp_path / "vault-password").write_text("of no worth outside this test\n")
    return tmp_path


def command(work: Path, ask: str = "pay") -> tuple[list[str], dict[str, str]]:
    words = [
        str(ROOT / ".venv/bin/ansible-playbook"),
        "-vvvv",
        "-i",
        str(work / "inventory.json"),
        "mainstay.backend.token",
    ]
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".build/collections"),
        "ANSIBLE_VAULT_PASSWORD_FILE": str(work / "vault-password"),
        "ANSIBLE_LOG_PATH": str(work / "log"),
        "ANSIBLE_LOCAL_TEMP": str(work / "tmp"),
        "TERM": "xterm",
    }
    return [*words, "-e", f"rotation_ask={ask}"], environment


def waits_for_keys(child: int, terminal: int) -> bool:
    """Whether the terminal shows nothing that is typed and the program sleeps: looked at ten times in a second. What is typed before that is
    thrown away. A program that is only kept waiting by others is not asleep."""
    for _look in range(10):
        if (
            termios.tcgetattr(terminal)[3] & termios.ECHO
            or Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0] != "S"
        ):
            return False
        time.sleep(0.1)
    return True


def typed(work: Path, text: str) -> tuple[int, str]:
    """(exit code, everything on the terminal) of the playbook, where TEXT is typed at its prompt."""
    words, environment = command(work)
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(work)
        os.execve(words[0], words, environment)
    out, sent, until = b"", False, time.monotonic() + 900
    while time.monotonic() < until:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            data = os.read(terminal, 65536)
        except OSError:
            break
        if not data:
            break
        out += data
        if PROMPT in out and not sent:
            wait_for(
                lambda: waits_for_keys(child, terminal), "the program waits for what is typed, and does not show it"
            )
            os.write(terminal, text.encode() + b"\r")
            sent = True
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.close(terminal)
    return code, out.decode("utf-8", "replace")


def stored(work: Path) -> _store.Record | None:
    paths = list((work / "secrets").glob("*.vault.txt"))
    if not paths:
        return None
    words = [ROOT / ".venv/bin/ansible-vault", "view", paths[0], "--vault-password-file", work / "vault-password"]
    text = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    return _store.parse(text, "production", "store").records.get("pay")


def traces(work: Path, secret: str) -> list[str]:
    return [str(path) for path in work.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]


def test_what_is_typed_in_is_in_the_store_and_nowhere_else(work: Path) -> None:
    code, out = typed(work, FIRST)
    assert code == 0, out[-3000:]
    record = stored(work)
    assert record and record.current.secret == FIRST and not record.pending
    assert "pay: its first value is in the secret store" in out
    code, again = typed(work, SECOND)
    record = stored(work)
    assert code == 0 and record and record.pending and record.pending.secret == SECOND
    assert "pay: a new value waits in the secret store for its rotation" in again
    code, third = typed(work, THIRD)
    record = stored(work)
    assert code == 0 and record and record.pending and record.pending.secret == THIRD
    for secret in (FIRST, SECOND, THIRD):
        assert secret not in out + again + third
        assert traces(work, secret) == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "found nothing typed in for pay; expected its value"),
        ("changeme", "found pay with a placeholder"),
        ("it's sk_prod_99cc00dd11ee22ff", "found pay with a single quote in it"),
    ],
)
def test_what_cannot_be_a_token_is_refused(work: Path, text: str, why: str) -> None:
    code, out = typed(work, text)
    assert code != 0 and why in " ".join(out.split())
    assert stored(work) is None and (not text or text not in out)


def test_without_a_terminal_and_for_what_is_no_token_it_says_what_to_do(work: Path) -> None:
    for ask, why in (
        (
            "pay",
            "found nothing to type pay into; expected a terminal; without one let `value` of the credential name a file or a variable",
        ),
        ("db", "found 'db'; expected some of the tokens: pay"),
    ):
        words, environment = command(work, ask)
        done = subprocess.run(
            words, cwd=work, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        assert done.returncode != 0 and why in " ".join((done.stdout + done.stderr).split())
