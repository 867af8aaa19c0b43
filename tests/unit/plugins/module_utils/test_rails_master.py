# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rails' pairs of files brought to the store's key: only by keys of the store, completed after a kill, and nothing made where nothing is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._rails_credentials import decrypt, encrypt
from ansible_collections.mainstay.backend.plugins.module_utils._rails_master import Pair, bring, read_pairs
from ansible_collections.mainstay.backend.plugins.module_utils._rails_pair import Wanted, apply

ROOT = Path(__file__).resolve().parents[4]
OLD, NEW, FOREIGN = "0" * 31 + "1", "0" * 31 + "2", "0" * 31 + "3"
TEXT = "secret: s3cret-one\n"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "credentials.yml.enc").write_text(encrypt(TEXT, OLD))
    (folder / "master.key").write_text(OLD)
    (folder / "master.key").chmod(0o600)
    return folder


def pair(folder: Path, *keys: str) -> Pair:
    return Pair("master", str(folder / "credentials.yml.enc"), str(folder / "master.key"), None, None, keys)


def key_of(folder: Path) -> str:
    """The key file's key, which opens the file."""
    key = (folder / "master.key").read_text()
    assert decrypt((folder / "credentials.yml.enc").read_text(), key) == TEXT
    return key


def test_nothing_is_written_before_the_new_key_is_the_current_one(config: Path) -> None:
    before = {path.name: path.read_bytes() for path in config.iterdir()}
    for keys in ((OLD,), (OLD, NEW)):
        assert bring(pair(config, *keys), False).changes == ()
    assert {path.name: path.read_bytes() for path in config.iterdir()} == before


def test_both_files_change_once_and_check_mode_changes_nothing(config: Path) -> None:
    told = bring(pair(config, NEW, OLD), True)
    assert key_of(config) == OLD and len(told.changes) == 2
    done = bring(pair(config, NEW, OLD), False)
    assert done.actions == told.actions and key_of(config) == NEW
    assert (config / "master.key").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in config.iterdir()) == ["credentials.yml.enc", "master.key"]
    assert bring(pair(config, NEW, OLD), False).changes == bring(pair(config, NEW), False).changes == ()
    assert "s3cret" not in repr(done) + str([change.diff() for change in done.changes]) and NEW not in repr(done)


def test_a_key_that_the_store_does_not_know_is_not_taken_over(config: Path) -> None:
    (config / "credentials.yml.enc").write_text(encrypt(TEXT, FOREIGN))
    (config / "master.key").write_text(FOREIGN)
    with pytest.raises(MainstayError, match="found that another key opens it than the secret store has") as refused:
        bring(pair(config, NEW, OLD), False)
    assert FOREIGN not in str(refused.value) and key_of(config) == FOREIGN


def test_a_file_that_an_old_commit_brought_back_is_refused_by_name(config: Path) -> None:
    (config / "master.key").write_text(NEW)
    with pytest.raises(MainstayError, match=r"credentials\.yml\.enc: .*found content that the key does not open"):
        bring(pair(config, NEW), False)


def test_a_lost_or_wrong_key_file_is_put_right(config: Path) -> None:
    (config / "master.key").unlink()
    assert bring(pair(config, OLD), False).changes and key_of(config) == OLD
    (config / "master.key").write_text("rubbish")
    bring(pair(config, NEW, OLD), False)
    assert key_of(config) == NEW


def test_without_an_application_nothing_and_without_a_file_the_key_alone(tmp_path: Path) -> None:
    done = bring(pair(tmp_path / "config", NEW), False)
    assert (done.changes, list(tmp_path.iterdir())) == ((), [])
    assert done.actions == (f"{tmp_path}/config/credentials.yml.enc: no such folder yet, so nothing was encrypted",)
    (tmp_path / "config").mkdir()
    bring(pair(tmp_path / "config", NEW), False)
    assert [path.name for path in (tmp_path / "config").iterdir()] == ["master.key"]
    assert bring(pair(tmp_path / "config", NEW), False).changes == ()


def test_a_repository_has_no_key_file(config: Path) -> None:
    (config / "master.key").unlink()
    want = Wanted(str(config / "credentials.yml.enc"), new_key=NEW, known=(NEW, OLD))
    assert len(apply(want).changes) == 1 and apply(want).changes == ()
    assert decrypt((config / "credentials.yml.enc").read_text(), NEW) == TEXT
    assert [path.name for path in config.iterdir()] == ["credentials.yml.enc"]


def test_killed_half_way_the_next_run_completes_it(config: Path) -> None:
    """The crash point of the chaos tests: the file is the new key's, the key file still has the old one."""
    code = (
        "import sys; from pathlib import Path;"
        "from ansible_collections.mainstay.backend.plugins.module_utils._rails_master import Pair, bring;"
        "folder = Path(sys.argv[1]);"
        "bring(Pair('m', str(folder / 'credentials.yml.enc'), str(folder / 'master.key'), None, None, tuple(sys.argv[2:])), False)"
    )
    environment = {**os.environ, "MAINSTAY_CRASH": "rails.half", "PYTHONPATH": str(ROOT / ".build/collections")}
    done = subprocess.run([sys.executable, "-c", code, str(config), NEW, OLD], env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    assert (config / "master.key").read_text() == OLD
    assert decrypt((config / "credentials.yml.enc").read_text(), NEW) == TEXT
    bring(pair(config, NEW, OLD), False)
    assert key_of(config) == NEW
    assert sorted(path.name for path in config.iterdir()) == ["credentials.yml.enc", "master.key"]


@pytest.mark.parametrize(
    ("item", "keys", "why"),
    [
        ({}, {}, "secret_keys: found none for m"),
        ({}, {"m": []}, "secret_keys: found none for m"),
        ({}, {"m": "x"}, "secret_keys: found none for m"),
        ({}, {"m": ["hunter2"]}, "key: found 7 characters"),
        ({"path": "a.yml.enc"}, {"m": [OLD]}, "path: found 'a.yml.enc'; expected an absolute path"),
        ({"key_file": ""}, {"m": [OLD]}, "key_file: found ''; expected an absolute path"),
    ],
)
def test_wrong_options(item: dict[str, str], keys: dict[str, Any], why: str) -> None:
    with pytest.raises(MainstayError) as refused:
        read_pairs([{"name": "m", "path": "/a.yml.enc", "key_file": "/a.key", **item}], keys)
    assert str(refused.value).startswith(why) and "hunter2" not in str(refused.value)
