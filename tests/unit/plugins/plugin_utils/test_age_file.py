# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The age file: written for several people, refused where we would lock ourselves out, and clear about keys. The program age: integration/store."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pyrage
import pytest
from store_case import WANTED, Keys, add

from ansible_collections.mainstay.backend.plugins.module_utils import _age
from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.plugin_utils.store import issue_these
from ansible_collections.mainstay.backend.plugins.plugin_utils.store_age import AgeFile

Make = Callable[[str], Keys]


def ssh_key(place: Path, kind: str = "ed25519", passphrase: str = "") -> Keys:
    path = place / f"id_{kind}{len(passphrase)}"
    command = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", "anna@laptop", "-f", str(path)]
    subprocess.run(command, check=True)
    return Keys(str(path), path.with_suffix(".pub").read_text().strip())


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return str(tmp_path / "secrets")


def test_everybody_on_the_list_reads_and_writes_it_and_nobody_else(folder: str, keys: Make, tmp_path: Path) -> None:
    if shutil.which("ssh-keygen") is None:
        pytest.skip("no ssh-keygen here")
    people = [keys("anna"), keys("ben"), ssh_key(tmp_path)]
    recipients = [person.recipient for person in people]
    for number, person in enumerate(people):
        AgeFile._cache.clear()
        AgeFile(folder, "production", recipients, [person.path]).update(add(f"by_{number}"))
    for person in people:
        AgeFile._cache.clear()
        assert set(AgeFile(folder, "production", recipients, [person.path]).read().records) == {"by_0", "by_1", "by_2"}
    AgeFile._cache.clear()
    stranger = AgeFile(folder, "production", recipients, [keys("stranger").path])
    with pytest.raises(
        MainstayError, match=r"found that no identity of \S+stranger.identity opens it; expected one of its"
    ):
        stranger.read()


def test_a_list_of_files_means_the_recipients_in_them(folder: str, keys: Make, tmp_path: Path) -> None:
    mine, other = keys("mine"), keys("other")
    listed = tmp_path / "operators.txt"
    listed.write_text(f"# anna\n{mine.recipient}\n\n# ben\n{other.recipient}\n")
    AgeFile(folder, "production", [str(listed)], [mine.path]).update(add("one"))
    AgeFile._cache.clear()
    same = AgeFile(folder, "production", [other.recipient, mine.recipient], [other.path])
    same.update(add("two"))
    assert set(same.read().records) == {"one", "two"}


def test_every_identity_file_is_tried(folder: str, keys: Make) -> None:
    mine, other = keys("mine"), keys("other")
    AgeFile(folder, "production", [mine.recipient], [mine.path]).update(add("one"))
    AgeFile._cache.clear()
    assert AgeFile(folder, "production", [], [other.path, mine.path]).read().records


def test_the_identity_comes_from_the_environment_or_the_usual_place(
    folder: str, keys: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mine = keys("mine")
    AgeFile(folder, "production", [mine.recipient], [mine.path]).update(add("one"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("MAINSTAY_AGE_IDENTITY", raising=False)
    with pytest.raises(
        MainstayError, match=r"backend_store_identity: found ~/.config/mainstay/identity.txt \(No such file"
    ):
        AgeFile(folder, "production").read()
    monkeypatch.setenv("MAINSTAY_AGE_IDENTITY", mine.path)
    assert AgeFile(folder, "production").read().records
    monkeypatch.delenv("MAINSTAY_AGE_IDENTITY")
    (tmp_path / ".config/mainstay").mkdir(parents=True)
    os.rename(mine.path, tmp_path / ".config/mainstay/identity.txt")
    assert AgeFile(folder, "production").read().records


def test_a_list_without_ourselves_would_lock_us_out(folder: str, keys: Make) -> None:
    mine, other = keys("mine"), keys("other")
    locked = AgeFile(folder, "production", [other.recipient], [mine.path])
    for act in (locked.check, lambda: locked.update(add("one"))):
        with pytest.raises(
            MainstayError, match=r"found none that an identity of .* belongs to, so that we would lock ourselves"
        ):
            act()
    assert not os.path.exists(locked.path)


def test_another_list_than_it_was_written_for_stops_writes_and_not_reads(folder: str, keys: Make) -> None:
    mine, other, third = keys("mine"), keys("other"), keys("third")
    AgeFile(folder, "production", [mine.recipient, other.recipient], [mine.path]).update(add("one"))
    changed = AgeFile(folder, "production", [mine.recipient, third.recipient], [mine.path])
    before = Path(changed.path).read_bytes()
    assert set(changed.read().records) == {"one"}
    for act in (changed.check, lambda: changed.update(add("two"))):
        with pytest.raises(MainstayError) as refused:
            act()
        assert str(refused.value).startswith(
            f"backend_store_recipients: found a list that adds {_age.short(third.recipient)} and lacks {_age.short(other.recipient)}"
        )
        assert "ansible-playbook mainstay.backend.secret_store -e command=rekey" in str(refused.value)
    assert Path(changed.path).read_bytes() == before


def test_recipients_that_another_program_gave_it_are_found_out(age: AgeFile, keys: Make) -> None:
    """Its X25519 stanzas do not tell whose they are; the list inside does, and their number has to fit it."""
    age.update(add("one"))
    plain = pyrage.decrypt(Path(age.path).read_bytes(), age._keys())
    people = [pyrage.x25519.Recipient.from_str(key) for key in [*age.recipients, keys("added").recipient]]
    Path(age.path).write_bytes(pyrage.encrypt(plain, people, armored=True))
    assert set(age.read().records) == {"one"}
    with pytest.raises(MainstayError, match="differs from that of its recipients, who are not known"):
        age.update(add("two"))
    Path(age.path).write_bytes(pyrage.encrypt(plain, people[:2], armored=False))  # binary is read too
    age.update(add("two"))


def test_the_list_is_inside_and_not_beside(age: AgeFile) -> None:
    age.update(add("one"))
    assert not any(key.encode() in Path(age.path).read_bytes() for key in age.recipients)
    plain = json.loads(pyrage.decrypt(Path(age.path).read_bytes(), age._keys()))
    assert plain["recipients"] == sorted(age.recipients)


AGE1 = "age1qyywhqfj3pjk57sh5sxz0xv20c6y4t4dnv76x9ak3z37nk9tcgnqqapy9y"


@pytest.mark.parametrize(
    ("recipients", "message"),
    [
        ([], "backend_store_recipients: found none; expected at least our own"),
        (
            [AGE1[:-1] + "z"],
            f"backend_store_recipients: found '{_age.short(AGE1[:-1] + 'z')}', which has a typing error",
        ),
        (
            ["age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t"],
            "expected age1... or ssh-ed25519 ...",
        ),
        (["ssh-rsa AAAAB3NzaC1yc2EAAAADAQAB"], "expected age1... or ssh-ed25519 ..."),
        (["AGE-SECRET-KEY-1QQQQ"], r"found something that looks secret \(not shown\)"),
        (
            ["/nowhere/operators"],
            r"found /nowhere/operators \(No such file or directory\); expected a file of recipients",
        ),
        (["/dev/null"], "found /dev/null without a recipient"),
    ],
)
def test_wrong_recipients_are_refused(folder: str, keys: Make, recipients: list[str], message: str) -> None:
    store = AgeFile(folder, "production", recipients, [keys("mine").path])
    for act in (store.check, lambda: store.update(add("one"))):
        with pytest.raises(MainstayError, match=message) as refused:
            act()
        assert "QQQQ" not in str(refused.value)
    assert not os.path.exists(store.path)


def test_a_file_of_recipients_is_refused_by_line(folder: str, keys: Make, tmp_path: Path) -> None:
    mine = keys("mine")
    (tmp_path / "operators").write_text(f"{mine.recipient}\nAGE-SECRET-KEY-1QQQQ\n")
    with pytest.raises(MainstayError, match=r"operators line 2: found something that looks secret \(not shown\)"):
        AgeFile(folder, "production", [str(tmp_path / "operators")], [mine.path]).check()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_an_identity_that_others_could_read_is_refused(folder: str, keys: Make, mode: int) -> None:
    mine = keys("mine")
    os.chmod(mine.path, mode)
    with pytest.raises(MainstayError, match=f"backend_store_identity: found .* with mode {mode:04o}; expected 0600"):
        AgeFile(folder, "production", [mine.recipient], [mine.path]).read()


@pytest.mark.parametrize(
    "text", ["", "# nothing\n", "AGE-SECRET-KEY-1QQQQ\n", "-----BEGIN OPENSSH PRIVATE KEY-----\nQQQQ\n"]
)
def test_an_identity_file_without_a_good_key_is_refused_and_not_quoted(folder: str, keys: Make, text: str) -> None:
    mine = keys("mine")
    Path(mine.path).write_text(text)
    with pytest.raises(MainstayError, match=f"backend_store_identity: found {mine.path}, with") as refused:
        AgeFile(folder, "production", [mine.recipient], [mine.path]).read()
    assert "QQQQ" not in str(refused.value)


def test_an_ssh_key_with_a_passphrase_is_refused(folder: str, tmp_path: Path) -> None:
    if shutil.which("ssh-keygen") is None:
        pytest.skip("no ssh-keygen here")
    mine = ssh_key(tmp_path, passphrase="12345")
    with pytest.raises(MainstayError, match=r"a key that cannot be used .* or an unencrypted ssh-ed25519 key"):
        AgeFile(folder, "production", [mine.recipient], [mine.path]).read()


def test_reading_is_refused_before_anything_where_there_is_no_identity(folder: str) -> None:
    store = AgeFile(folder, "production", [AGE1], ["/nowhere/identity"])
    for check_mode in (False, True):
        with pytest.raises(MainstayError, match=r"backend_store_identity: found /nowhere/identity \(No such file"):
            issue_these(store, WANTED, check_mode=check_mode, make=True)
    assert not os.path.exists(folder)


def test_an_ssh_stanza_names_its_key(tmp_path: Path) -> None:
    if shutil.which("ssh-keygen") is None:
        pytest.skip("no ssh-keygen here")
    key = _age.recipient(ssh_key(tmp_path).recipient)
    assert key is not None
    data = pyrage.encrypt(b"x", [pyrage.ssh.Recipient.from_str(key)], armored=True)
    assert _age.stanzas(data) == [("ssh-ed25519", _age.ssh_tag(key))]
    assert _age.written_for(data, [key])
    assert not _age.written_for(data, [])
