# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The credentials file and its key on disk; among others, runs that are killed between any two of their steps."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._rails_credentials import decrypt, encrypt, new_key
from ansible_collections.mainstay.backend.plugins.module_utils._rails_pair import (
    Outcome,
    Wanted,
    apply,
    next_of,
    open_pair,
    remove,
)

KEY, OTHER = "00112233445566778899aabbccddeeff", "ffeeddccbbaa99887766554433221100"
TEXT = "# kept\nname: s3cret-one\naws:\n  id: s3cret-two\n"


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """An application's folder config, with credentials and their key."""
    (tmp_path / "credentials.yml.enc").write_text(encrypt(TEXT, KEY))
    (tmp_path / "master.key").write_text(KEY)
    (tmp_path / "master.key").chmod(0o600)
    return tmp_path


def wanted(folder: Path, **options: Any) -> Wanted:
    return Wanted(str(folder / "credentials.yml.enc"), str(folder / "master.key"), **options)


def plain(folder: Path) -> str:
    """What Rails reads: the file with the key file's key."""
    return decrypt((folder / "credentials.yml.enc").read_text(), (folder / "master.key").read_text())


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def state(folder: Path) -> dict[str, tuple[bytes, int, int]]:
    return {path.name: (path.read_bytes(), path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.iterdir()}


def shown(outcome: Outcome) -> str:
    return json.dumps([change.diff() for change in outcome.changes]) + repr(outcome)


def test_both_are_made_where_nothing_is(tmp_path: Path) -> None:
    folder = tmp_path / "config" / "credentials"
    (tmp_path / "config").mkdir()
    want = Wanted(str(folder / "production.yml.enc"), str(folder / "production.key"), values={"a": {"b": "s3cret"}})
    assert [change.what for change in apply(want, True).changes] == [("created",), ("created",)]
    assert not folder.exists()
    outcome = apply(want)
    assert outcome.edited.added == ("a.b",)
    assert "s3cret" not in shown(outcome)
    assert open_pair(want.path, want.key_file).text == "a:\n  b: s3cret\n"
    assert (folder / "production.key").stat().st_mode & 0o777 == 0o600
    assert (folder / "production.yml.enc").stat().st_mode & 0o777 == 0o644
    assert not (folder / "production.yml.enc").read_text().endswith("\n")
    before = state(folder)
    assert apply(want).changes == ()
    assert state(folder) == before


def test_an_edit_touches_the_file_alone_and_shows_paths_alone(app: Path) -> None:
    before = state(app)
    outcome = apply(wanted(app, values={"aws": {"id": "s3cret-new", "more": 1}}, remove=("name",)))
    assert plain(app) == "# kept\naws:\n  id: s3cret-new\n  more: 1\n"
    assert state(app)["master.key"] == before["master.key"]
    assert outcome.changes[0].diff()["before"].splitlines()[1:] == ["aws.id", "name"]
    assert outcome.changes[0].diff()["after"].splitlines()[1:] == ["aws.more", "aws.id (another value)"]
    assert "s3cret" not in shown(outcome)
    assert KEY not in shown(outcome)


def test_check_mode_writes_nothing_and_tells_the_same(app: Path) -> None:
    before = state(app)
    for options in ({"values": {"x": 1}}, {"rekey": True}, {"new_key": OTHER}, {"mode": 0o600}):
        told = apply(wanted(app, **options), True)
        assert told.changes
        assert state(app) == before
        done = apply(wanted(app, **options))
        assert (told.actions, [item.what for item in told.changes]) == (
            done.actions,
            [item.what for item in done.changes],
        )
        before = state(app)


def test_a_new_key_opens_the_same_text(app: Path) -> None:
    outcome = apply(wanted(app, rekey=True))
    assert plain(app) == TEXT
    assert (app / "master.key").read_text() != KEY
    assert "encrypted with a new key" in outcome.actions
    assert "encrypted with a new key" in shown(outcome)
    assert (app / "master.key").stat().st_mode & 0o777 == 0o600
    assert names(app) == ["credentials.yml.enc", "master.key"]
    assert (app / "master.key").read_text() not in shown(outcome)


def test_a_given_new_key_is_taken_once(app: Path) -> None:
    assert apply(wanted(app, new_key=OTHER)).changes
    assert (app / "master.key").read_text() == OTHER
    assert plain(app) == TEXT
    assert apply(wanted(app, new_key=OTHER)).changes == ()
    assert apply(wanted(app, new_key=OTHER.upper())).edited.text == TEXT


def test_a_key_that_is_given_stays_out_of_files(app: Path) -> None:
    (app / "master.key").unlink()
    want = Wanted(str(app / "credentials.yml.enc"), key=KEY, values={"x": 1})
    apply(want)
    assert names(app) == ["credentials.yml.enc"]
    assert decrypt((app / "credentials.yml.enc").read_text(), KEY) == TEXT + "x: 1\n"
    with pytest.raises(MainstayError, match="expected new_key"):
        apply(Wanted(want.path, key=KEY, rekey=True))
    apply(Wanted(want.path, key=KEY, new_key=OTHER))
    assert apply(Wanted(want.path, key=KEY, new_key=OTHER)).changes == ()
    assert decrypt((app / "credentials.yml.enc").read_text(), OTHER) == TEXT + "x: 1\n"


def test_a_newline_that_rails_6_refuses_is_taken_away(app: Path) -> None:
    path = app / "credentials.yml.enc"
    path.write_text(path.read_text() + "\n")
    assert [change.what for change in apply(wanted(app)).changes] == [("content",)]
    assert not path.read_text().endswith("\n")
    assert apply(wanted(app)).changes == ()


def test_mode_and_key_mode_are_brought_back(app: Path) -> None:
    (app / "master.key").chmod(0o644)
    (app / "credentials.yml.enc").chmod(0o640)
    outcome = apply(wanted(app))
    assert [(change.path, change.what) for change in outcome.changes] == [(str(app / "master.key"), ("mode",))]
    apply(wanted(app, mode=0o600))
    assert (app / "credentials.yml.enc").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("wrong", "credentials.yml.enc: credentials: found content that the key does not open; expected the key"),
        ("malformed", "credentials.yml.enc: key: found 6 characters; expected 32 hexadecimal characters"),
        ("missing", "key_file: found no .*/master.key; expected the key of .*/credentials.yml.enc, or key with it"),
        (
            "link",
            "key_file: found .*/master.key, a link to (.*/shared.key); expected the file itself: give .*/shared.key",
        ),
        ("folder", "path: found .*/credentials.yml.enc, which is no file; expected a file or nothing"),
    ],
)
def test_what_cannot_be_opened_stays_as_it_is(app: Path, what: str, message: str) -> None:
    key = app / "master.key"
    if what == "link":
        key.rename(app / "shared.key")
        key.symlink_to(app / "shared.key")
    elif what == "missing":
        key.unlink()
    elif what == "folder":
        (app / "credentials.yml.enc").unlink()
        (app / "credentials.yml.enc").mkdir()
    else:
        key.write_text(OTHER if what == "wrong" else "s3cret")
    before = names(app), key.exists() and key.read_text()
    with pytest.raises(MainstayError, match=message) as told:
        apply(wanted(app, values={"x": 1}))
    assert "s3cret" not in str(told.value)
    assert OTHER not in str(told.value)
    assert (names(app), key.exists() and key.read_text()) == before


def test_removal(app: Path) -> None:
    (app / "master.next.key").write_text(OTHER)
    want = wanted(app)
    assert len(remove(want.path, want.key_file, True).changes) == 3
    assert len(names(app)) == 3
    assert len(remove(want.path, want.key_file).changes) == 3
    assert names(app) == []
    assert remove(want.path, want.key_file).changes == ()


def test_what_an_interrupted_run_left_is_completed_or_cleared(app: Path) -> None:
    path, key, waiting = app / "credentials.yml.enc", app / "master.key", app / "master.next.key"
    assert next_of(str(key)) == str(waiting)
    waiting.write_text(OTHER)  # died before the file was replaced
    assert apply(wanted(app)).changes[0].what == ("removed",)
    assert names(app) == ["credentials.yml.enc", "master.key"]
    waiting.write_text(OTHER)  # died after it
    path.write_text(encrypt(TEXT, OTHER))
    assert open_pair(str(path), str(key)).text == TEXT
    outcome = apply(wanted(app, rekey=True))
    assert key.read_text() == OTHER
    assert "completed the new key of a run that was interrupted" in outcome.actions
    waiting.write_text(third := new_key())
    path.write_text(encrypt(TEXT, third))
    apply(wanted(app, new_key=KEY))  # and another key now
    assert (key.read_text(), plain(app)) == (KEY, TEXT)
    assert names(app) == ["credentials.yml.enc", "master.key"]


CALLS = ("rename", "unlink", "fsync", "fchmod", "fchown", "open", "mkdir")


def killed_at(step: int, want: Wanted) -> bool:
    """Runs `apply` in a process that dies before its system call number STEP; whether it did."""
    child = os.fork()
    if child == 0:
        left = step

        def deadly(function: Any) -> Any:
            def call(*arguments: Any, **named: Any) -> Any:
                nonlocal left
                left -= 1
                if left < 0:
                    os._exit(9)
                return function(*arguments, **named)

            return call

        for name in CALLS:
            setattr(os, name, deadly(getattr(os, name)))
        try:
            apply(want)
        except BaseException:
            os._exit(1)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, 9)
    return code == 9


@pytest.mark.parametrize("before", ["nothing", "pair", "interrupted"])
@pytest.mark.parametrize(
    "options", [{"values": {"aws": {"id": "new"}}}, {"new_key": new_key(), "values": {"aws": {"id": "new"}}}]
)
def test_whatever_a_run_dies_at_the_file_can_be_opened_and_the_next_run_completes_it(
    tmp_path: Path, before: str, options: dict[str, Any]
) -> None:
    step, died = 0, True
    while died:
        folder = tmp_path / str(step)
        folder.mkdir()
        path, key = folder / "credentials.yml.enc", folder / "master.key"
        if before != "nothing":
            path.write_text(encrypt(TEXT, OTHER if before == "interrupted" else KEY))
            key.write_text(KEY)
        if before == "interrupted":
            (folder / "master.next.key").write_text(OTHER)
        want = wanted(folder, **options)
        died = killed_at(step, want)
        new = TEXT.replace("s3cret-two", "new") if before != "nothing" else "aws:\n  id: new\n"
        if path.exists():
            # without what the run was told: from the files alone
            assert open_pair(str(path), str(key)).text in (TEXT, new)
        apply(want)
        assert plain(folder) == new
        assert [name for name in names(folder) if not name.endswith(".mainstay")] == [
            "credentials.yml.enc",
            "master.key",
        ]
        assert key.read_text() == options.get("new_key", key.read_text())
        step += 1
    assert step > 5
