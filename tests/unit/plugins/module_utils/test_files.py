# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""_files against a real file system: atomic, validated, secret-safe."""

from __future__ import annotations

import grp
import os
import pwd
import time
from pathlib import Path

import pytest

from ansible_collections.mainstay.backend.plugins.module_utils import _files
from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._file_specs import (
    DirectorySpec,
    FileSpec,
    directory_specs,
    file_specs,
)
from ansible_collections.mainstay.backend.plugins.module_utils._files import place

ME = pwd.getpwuid(os.geteuid()).pw_name
US = grp.getgrgid(os.getegid()).gr_name


def spec(path: Path, content: str | None, **options: object) -> FileSpec:
    return FileSpec(**{"path": str(path), "content": content, "owner": ME, "group": US, **options})  # type: ignore[arg-type]


def folder(path: Path, **options: object) -> DirectorySpec:
    return DirectorySpec(**{"path": str(path), "owner": ME, "group": US, **options})  # type: ignore[arg-type]


def test_created_then_unchanged(tmp_path: Path) -> None:
    wanted = [spec(tmp_path / "d" / "a", "one\n", mode=0o640)], [folder(tmp_path / "d", mode=0o750)]
    assert [change.what for change in place(*wanted)] == [("created",), ("created",)]
    assert (tmp_path / "d" / "a").read_text() == "one\n"
    assert ((tmp_path / "d" / "a").stat().st_mode & 0o777, (tmp_path / "d").stat().st_mode & 0o777) == (0o640, 0o750)
    assert place(*wanted) == []


def test_parents_are_0755_whatever_the_umask(tmp_path: Path) -> None:
    old = os.umask(0o077)
    try:
        place([], [folder(tmp_path / "a" / "b" / "c", mode=0o700)])
    finally:
        os.umask(old)
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("a", "a/b", "a/b/c")] == [0o755, 0o755, 0o700]


def test_check_mode_tells_the_same_and_changes_nothing(tmp_path: Path) -> None:
    wanted = [spec(tmp_path / "d" / "a", "one\n")], [folder(tmp_path / "d")]
    told = place(*wanted, check_mode=True)
    assert list(tmp_path.iterdir()) == []
    assert told == place(*wanted)


def test_content_and_mode_are_told_apart_and_shown(tmp_path: Path) -> None:
    place([spec(tmp_path / "a", "one\n")])
    changes = place([spec(tmp_path / "a", "two\n", mode=0o600)])
    assert changes[0].what == ("content", "mode")
    assert (changes[0].before.splitlines()[1:], changes[0].after.splitlines()[1:]) == (["one"], ["two"])


def test_a_secret_is_in_no_diff(tmp_path: Path) -> None:
    first = place([spec(tmp_path / "a", "hunter1", secret=True, mode=0o600)])
    second = place([spec(tmp_path / "a", "hunter2", secret=True, mode=0o600)])
    third = place([spec(tmp_path / "a", None, secret=True)])
    assert "hunter" not in repr([first, second, third])
    assert second[0].before != second[0].after


def test_one_refused_candidate_leaves_every_old_file(tmp_path: Path) -> None:
    place([spec(tmp_path / "a", "old\n"), spec(tmp_path / "b", "old\n")])
    wanted = [spec(tmp_path / "a", "new\n"), spec(tmp_path / "b", "bad\n", validate=("grep", "-q", "new", "%s"))]
    with pytest.raises(MainstayError, match=rf"{tmp_path}/b was not replaced: grep refused it \(exit 1\)"):
        place(wanted)
    assert ((tmp_path / "a").read_text(), (tmp_path / "b").read_text()) == ("old\n", "old\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_the_output_of_a_secrets_validation_is_hidden(tmp_path: Path) -> None:
    with pytest.raises(MainstayError, match="output hidden") as refused:
        place([spec(tmp_path / "a", "hunter", secret=True, validate=("sh", "-c", "cat %s; exit 3"))])
    assert "hunter" not in str(refused.value)


def test_unknown_owners_are_refused_before_anything_changes(tmp_path: Path) -> None:
    with pytest.raises(MainstayError, match=r"backend_consumers\.shop\.owner: found 'nobody-here'"):
        place(
            [spec(tmp_path / "a", "x"), spec(tmp_path / "b", "x", owner="nobody-here", source="backend_consumers.shop")]
        )
    with pytest.raises(MainstayError, match=r"group of .*/b: found 'none-here'"):
        place([spec(tmp_path / "a", "x"), spec(tmp_path / "b", "x", group="none-here")])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", ["relative", "/tmp/../etc/x", "/tmp/x/"])
def test_paths_must_be_plain_and_absolute(path: str) -> None:
    with pytest.raises(MainstayError, match="absolute path"):
        place([FileSpec(path, "x")])


def test_a_path_named_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MainstayError, match="twice"):
        place([spec(tmp_path / "a", "x"), spec(tmp_path / "a", "y")])


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MainstayError, match="found no directory"):
        place([spec(tmp_path / "a", "x"), spec(tmp_path / "d" / "b", "x")])
    assert list(tmp_path.iterdir()) == []


def test_a_link_is_replaced_and_never_written_through(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("mine\n")
    (tmp_path / "a").symlink_to(tmp_path / "target")
    place([spec(tmp_path / "a", "new\n")])
    assert (tmp_path / "target").read_text() == "mine\n"
    assert not (tmp_path / "a").is_symlink()


def test_a_directory_in_the_place_of_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(MainstayError, match="not a file"):
        place([spec(tmp_path / "a", "x")])
    (tmp_path / "f").touch()
    with pytest.raises(MainstayError, match="not a directory"):
        place([], [folder(tmp_path / "f")])


def test_a_kept_directory_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir(mode=0o711)
    assert place([], [folder(tmp_path / "d", mode=0o755, keep=True)]) == []
    assert (tmp_path / "d").stat().st_mode & 0o777 == 0o711


def test_what_a_dead_run_left_is_cleared_and_what_a_live_one_has_is_not(tmp_path: Path) -> None:
    old, young, other = (tmp_path / name for name in (".a.x1.mainstay", ".a.x2.mainstay", ".ab.x3.mainstay"))
    for path in (old, young, other):
        path.write_text("secret")
    past = time.time() - _files.STALE_SECONDS - 5
    os.utime(old, (past, past))
    os.utime(other, (past, past))
    place([spec(tmp_path / "a", "x")])
    assert (old.exists(), young.exists(), other.exists()) == (False, True, True)


def test_a_crash_before_any_rename_leaves_the_old_and_no_other_name(tmp_path: Path) -> None:
    """The process dies when all candidates are staged: what stands is the old file; after the last rename, the new one."""
    place([spec(tmp_path / "a", "old\n")])
    child = os.fork()
    if child == 0:
        place([spec(tmp_path / "a", "new\n")], before=lambda changes: os._exit(9))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert (tmp_path / "a").read_text() == "old\n"
    place([spec(tmp_path / "a", "new\n")])
    assert (tmp_path / "a").read_text() == "new\n"


@pytest.mark.parametrize("mode", [416, "rw", "9", "", "064000", None, "07777 "])
def test_modes_must_be_octal_text(mode: object) -> None:
    if mode in ("", None):
        assert file_specs([{"path": "/a", "mode": mode}])[0].mode == 0o644
        return
    with pytest.raises(MainstayError, match="octal text in quotes"):
        file_specs([{"path": "/a", "mode": mode}])
    with pytest.raises(MainstayError, match="octal text in quotes"):
        directory_specs([{"path": "/a", "mode": mode}])


@pytest.mark.parametrize(
    ("mode", "bits"), [("0640", 0o640), ("640", 0o640), ("0o640", 0o640), ("2750", 0o2750), ("04755", 0o4755)]
)
def test_spellings_of_a_mode(mode: str, bits: int) -> None:
    assert file_specs([{"path": "/a", "mode": mode}])[0].mode == bits
