# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Revoking a token by a command, with real programs: what they are given, what their exit codes mean, and what messages keep to themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._token_retire import Revoke, revoke

#: Where a program hangs, the time that it is given is the behaviour. The `try` before it has the same: more than it needs on a busy machine.
HANGS, ENDS = 5, 300


@pytest.fixture
def party(tmp_path: Path) -> Path:
    """A folder whose file `known` has the tokens that are taken, with programs that try and revoke one."""
    (tmp_path / "known").write_text("old\nnew\n")
    programs = {
        "try": 'grep -qx "$PAY" known || exit 4',
        "revoke": 'grep -qx "$PAY" known || exit 3; grep -vx "$PAY_PREVIOUS" known > left; mv left known; echo "$PAY"; env',
        "by-line": 'read now; read gone; test "$now" = new || exit 3; test -z "$PAY" || exit 5; echo "$now" > known',
        "fails": 'echo "$PAY_PREVIOUS" >&2; exit 7',
        "hangs": "sleep 600",
        "odd": "exit 9",
    }
    for name, text in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\ncd {tmp_path}\n{text}\n")
        (tmp_path / name).chmod(0o755)
    return tmp_path


def token(party: Path, retire: str = "revoke", test: str = "try", previous: str = "old", **options: Any) -> Revoke:
    told = {"command": [f"{party}/{test}"], "environment": "PAY", "stdin": False, "refused_exit": [4]}
    return Revoke(
        "pay",
        told,
        {"command": [f"{party}/{retire}"], "environment": "PAY", "stdin": False, **options},
        "new",
        previous,
    )


def test_it_is_revoked_once_and_only_outside_of_check_mode(party: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert revoke(token(party), True, ENDS) == "pay: would be revoked"
    assert (party / "known").read_text() == "old\nnew\n"
    assert revoke(token(party), False, ENDS) == f"pay: revoked by {party}/revoke"
    assert (party / "known").read_text() == "new\n"
    assert revoke(token(party), False, ENDS) == revoke(token(party, "fails"), False, ENDS) == ""
    assert capfd.readouterr() == ("", "")


def test_both_tokens_come_on_standard_input_where_that_is_asked(party: Path) -> None:
    revoke(token(party, "by-line", stdin=True), False, ENDS)
    assert (party / "known").read_text() == "new\n"


def test_a_test_that_says_neither_does_not_stop_it(party: Path) -> None:
    assert revoke(token(party, test="odd"), False, ENDS) == f"pay: revoked by {party}/revoke"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"retire": "fails"}, "found exit code 7 of {}/fails; expected 0: the token is revoked"),
        (
            {"retire": "nowhere"},
            "found that {}/nowhere cannot be run: No such file or directory; expected it to revoke the token",
        ),
        ({"retire": "hangs"}, "found that {}/hangs did not end within 1 s; expected it to revoke the token"),
        ({"test": "hangs"}, "found that {}/hangs did not end within 1 s; expected an answer of the third party"),
    ],
)
def test_failures_name_the_program_and_no_token(party: Path, change: dict[str, str], why: str) -> None:
    with pytest.raises(MainstayError) as failed:
        revoke(token(party, **change), False, HANGS if "hangs" in change.values() else ENDS)
    why = why.format(party).replace("within 1 s", f"within {HANGS} s")
    assert str(failed.value) == f"backend_credentials.pay.retire: {why}"
    assert "old" not in repr(token(party)) and (party / "known").read_text() == "old\nnew\n"
