# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""_folders, _restore, _boot_unit and _bundle against a real file system; systemd's part is in tests/integration/secrets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mainstay.backend.plugins.module_utils import _boot_unit, _restore
from ansible_collections.mainstay.backend.plugins.module_utils._bundle import Holder, Request, folders_of
from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._file_specs import DirectorySpec, FileSpec
from ansible_collections.mainstay.backend.plugins.module_utils._folders import (
    entries,
    filesystem,
    opened,
    remove_entry,
    remove_if_empty,
)
from ansible_collections.mainstay.backend.plugins.module_utils._sealed import prepare, read_index
from ansible_collections.mainstay.backend.plugins.module_utils._secret_folders import read_folders

MOUNTS = r"""
21 1 0:20 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
22 21 0:21 / /run rw,nosuid - tmpfs tmpfs rw,size=1k
23 22 0:22 /x /run/on\040disk rw shared:7 master:1 - ext4 /dev/sdb1 rw
24 21 0:23 / /mnt rw - ramfs none rw
25 21 0:24 / /mnt rw - xfs none rw
26 21 0:25 / /running rw - xfs none rw
junk
"""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/run", ("/run", "tmpfs")),
        ("/run/secrets/shop", ("/run", "tmpfs")),
        ("/run/on disk/x", ("/run/on disk", "ext4")),
        ("/run/on", ("/run", "tmpfs")),
        ("/running/x", ("/running", "xfs")),
        ("/mnt/x", ("/mnt", "xfs")),
        ("/etc", ("/", "ext4")),
    ],
)
def test_the_file_system_that_a_path_lies_on(path: str, expected: tuple[str, str]) -> None:
    assert filesystem(path, MOUNTS) == expected
    assert filesystem(path, "") == ("/", "")


def test_a_link_of_another_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").touch()
    (tmp_path / "own" / "link").symlink_to(tmp_path / "precious")
    (tmp_path / "own").chmod(0o777)  # so that whoever it is may have made the link, root too
    for path in (tmp_path / "own/link", tmp_path / "own/link/below"):
        with pytest.raises(MainstayError, match="found that link in it is a link, and not root's"):
            entries(str(path))
    assert remove_entry(str(tmp_path / "own/link"))
    assert (tmp_path / "precious/file").exists()
    assert not remove_entry(str(tmp_path / "own/link"))


@pytest.mark.skipif(os.geteuid() != 0, reason="root's own link needs root")
def test_roots_own_link_in_roots_own_folder_is_followed(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "file").touch()
    (tmp_path / "link").symlink_to("there")
    assert entries(str(tmp_path / "link")) == ("file",)
    (tmp_path / "turn").symlink_to("turn")
    with pytest.raises(MainstayError, match="expected the real path"):
        entries(str(tmp_path / "turn"))


def test_a_folder_goes_with_all_in_it_but_what_links_lead_to(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").touch()
    (tmp_path / "gone" / "sub").mkdir(parents=True)
    (tmp_path / "gone" / "sub" / "link").symlink_to(tmp_path / "precious")
    assert not remove_if_empty(str(tmp_path / "gone"))
    assert remove_entry(str(tmp_path / "gone"))
    assert sorted(os.listdir(tmp_path)) == ["precious"]
    assert (tmp_path / "precious/file").exists()


def test_what_is_not_there(tmp_path: Path) -> None:
    assert entries(str(tmp_path / "a/b/c")) == ()
    with opened(str(tmp_path / "a")) as handle:
        assert handle is None
    (tmp_path / "file").touch()
    with pytest.raises(MainstayError, match="file in it is no directory"):
        entries(str(tmp_path / "file" / "below"))


def bundle(folder: Path, **files: str) -> dict[str, Any]:
    own = {"uid": os.geteuid(), "gid": os.getegid()}
    return {
        "directories": [
            {"path": str(folder), "mode": 0o711, **own},
            {"path": str(folder / "own"), "mode": 0o700, **own},
        ],
        "files": [
            {"path": str(folder / "own" / name), "mode": 0o600, "content": text, **own} for name, text in files.items()
        ],
    }


def test_put_back_whole_private_and_only_what_differs(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    wanted = bundle(folder, one="h\u00e9llo\n", two="2")
    old = os.umask(0)
    try:
        assert _restore.put_back(wanted) == [str(folder / "own/one"), str(folder / "own/two")]
    finally:
        os.umask(old)
    modes = {path.name: path.stat().st_mode & 0o777 for path in (folder, folder / "own", folder / "own/one")}
    assert modes == {"secrets": 0o711, "own": 0o700, "one": 0o600}
    assert (folder / "own/one").read_text(encoding="utf-8") == "h\u00e9llo\n"
    assert _restore.put_back(wanted) == []
    (folder / "own/one").chmod(0o644)
    (folder / "own/two").write_text("3")
    assert len(_restore.put_back(wanted)) == 2
    assert sorted(os.listdir(folder / "own")) == ["one", "two"]


def test_a_link_in_a_files_place_is_replaced_and_one_in_its_folders_refused(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    (folder / "own").mkdir(parents=True)
    (tmp_path / "precious").write_text("mine")
    (folder / "own/one").symlink_to(tmp_path / "precious")
    _restore.put_back(bundle(folder, one="1"))
    assert (tmp_path / "precious").read_text() == "mine"
    assert not (folder / "own/one").is_symlink()
    (folder / "own/one").unlink()
    (folder / "own").rmdir()
    (folder / "own").symlink_to(tmp_path)
    with pytest.raises(OSError, match="own"):
        _restore.put_back(bundle(folder, one="1"))
    assert not (tmp_path / "one").exists()


def test_the_program_runs_without_this_collection(tmp_path: Path) -> None:
    """And says what it cannot open, ends with 1, and puts the others back."""
    sealed, tools = tmp_path / "sealed", tmp_path / "tools"
    (sealed / "shop").mkdir(parents=True)
    tools.mkdir()
    (tools / "systemd-creds").write_text(
        '#!/bin/sh\n[ "$2" = --name=shop.b.bundle ] || { echo wrong name >&2; exit 1; }\ncat "$4"\n'
    )
    (tools / "systemd-creds").chmod(0o755)
    (sealed / "shop" / "a.bundle").write_text("{}")
    (sealed / "shop" / "b.bundle").write_text(json.dumps(bundle(tmp_path / "run", one="hunter2")))
    (sealed / "shop" / "c.record").write_text("{}")
    program = tmp_path / "program"
    program.write_text(_boot_unit.program_text().replace(_restore.SEALED, str(sealed)))
    done = subprocess.run(
        [sys.executable, "-I", program],
        capture_output=True,
        text=True,
        env={"PATH": f"{tools}:/usr/bin:/bin"},
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "<3>shop.a.bundle: not put back: systemd-creds does not open it: wrong name. Run mainstay.backend.secrets for this host",
        "shop.b.bundle: 1 files put back",
    ]
    assert (tmp_path / "run/own/one").read_text() == "hunter2"


def test_the_texts_for_systemd() -> None:
    assert _boot_unit.boot_drop_in(["b.service", "a.service", "b.service"], ["/run"]).splitlines()[1:] == [
        "[Unit]",
        "Before=a.service",
        "Before=b.service",
    ]
    assert _boot_unit.boot_drop_in([], ["/run", "/dev/shm"]).splitlines()[1:] == [
        "[Unit]",
        "RequiresMountsFor=/dev/shm",
        "",
        "[Service]",
        "ReadWritePaths=-/dev/shm",
    ]
    assert _boot_unit.unit_drop_in({"b": "/y", "a": "/x"}).splitlines()[1:] == [
        "[Unit]",
        "RequiresMountsFor=/var/lib/mainstay/sealed",
        "",
        "[Service]",
        "LoadCredentialEncrypted=a:/x",
        "LoadCredentialEncrypted=b:/y",
    ]


def test_the_folders_between_mount_and_file_as_they_are_or_shall_be(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir(mode=0o750)
    path = tmp_path / "there" / "new" / "own" / "file"
    found = folders_of(
        [((str(path), str(tmp_path)), FileSpec(str(path), ""))],
        [
            DirectorySpec(str(path.parent), "12", "34", 0o700),
            DirectorySpec(str(tmp_path / "there"), "1", "2", 0o700, keep=True),
        ],
    )
    assert [(item["path"], item["uid"], item["gid"], item["mode"]) for item in found] == [
        (str(tmp_path / "there"), os.geteuid(), os.getegid(), 0o750),
        (str(tmp_path / "there/new"), 0, 0, 0o755),
        (str(tmp_path / "there/new/own"), 12, 34, 0o700),
    ]


def test_the_index_says_who_holds_what_and_no_secret() -> None:
    holder = Holder("shop", ("/run/s/b", "/run/s/a"), "/run/s", ("shop.service",), {"a": "hunter2"})
    text = Request("x", "secrets", (holder, Holder("none"))).index_text()
    assert json.loads(text)["holders"] == {
        "shop": {"folder": "/run/s", "files": ["/run/s/a", "/run/s/b"], "units": ["shop.service"]}
    }
    assert "hunter2" not in text + repr(holder)
    assert Request("x", "secrets", (Holder("none"),)).index_text() == ""


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"holders": {"a": 1}}', '{"holders": [1]}', "\0"])
def test_a_damaged_index_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    monkeypatch.setattr(Request, "index", str(path))
    assert read_index(Request("x", "secrets", ())) == {}


@pytest.mark.parametrize(
    "request_",
    [
        Request("../x", "secrets", ()),
        Request("x", "a/b", ()),
        Request("x", "secrets", (Holder(".x"),)),
        Request("x", "secrets", (Holder("x", units=("a/../b.service",)),)),
    ],
)
def test_names_that_lead_elsewhere_are_refused(request_: Request) -> None:
    with pytest.raises(MainstayError, match="expected letters, digits"):
        prepare(request_, [], [], check_mode=True)


@pytest.mark.parametrize(
    ("files", "secrets", "message"),
    [
        (["a"], {}, "found other names of shop than its files"),
        (["a"], {"shop": {"a": 1}}, "found other names of shop than its files"),
        (["a"], {"shop": {"a": "x"}, "jobs": {}}, "found jobs; expected only names that folders lists"),
        (["a/b"], {"shop": {"a/b": "x"}}, "expected names of files"),
        ([".a"], {"shop": {".a": "x"}}, "expected names of files"),
        (["a:b"], {"shop": {"a:b": "x"}}, "expected names of files"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(files: list[str], secrets: dict[str, Any], message: str) -> None:
    item = {
        "name": "shop",
        "path": "/run/s",
        "owner": "root",
        "group": "root",
        "source": "",
        "form": "files",
        "units": [],
    }
    with pytest.raises(MainstayError, match=message):
        read_folders([{**item, "files": files, "known": []}], secrets)


@pytest.mark.parametrize(("point", "expected"), [("files.staged", "old"), ("files.renamed", "new")])
def test_the_crash_points(tmp_path: Path, point: str, expected: str) -> None:
    (tmp_path / "file").write_text("old")
    code = (
        "from ansible_collections.mainstay.backend.plugins.module_utils._files import place\n"
        "from ansible_collections.mainstay.backend.plugins.module_utils._file_specs import FileSpec\n"
        f"place([FileSpec({str(tmp_path / 'file')!r}, 'new', '{os.geteuid()}', '{os.getegid()}')])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "MAINSTAY_CRASH": point, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        check=False,
    )
    assert done.returncode == -9, done.stderr
    assert (tmp_path / "file").read_text() == expected
    assert len(os.listdir(tmp_path)) == (2 if point == "files.staged" else 1)
