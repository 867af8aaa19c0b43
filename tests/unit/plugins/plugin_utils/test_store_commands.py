# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Re-keying, moving to the other back end and restoring: what they do, what they refuse, and that they can be broken off anywhere."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from store_case import Keys, Processes, add, listing

from ansible_collections.mainstay.backend.plugins.module_utils import _crash
from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.plugin_utils.store_age import AgeFile
from ansible_collections.mainstay.backend.plugins.plugin_utils.store_commands import Outcome, rekey, restore
from ansible_collections.mainstay.backend.plugins.plugin_utils.store_file import FileStore
from ansible_collections.mainstay.backend.plugins.plugin_utils.store_vault import VaultFile

Make = Callable[[str], Keys]
Give = Callable[..., None]


def files(store: FileStore) -> dict[str, bytes]:
    """Path -> content of everything but the lock."""
    FileStore._cache.clear()
    return {name: Path(store.directory, name).read_bytes() for name in listing(store) if not name.endswith(".lock")}


def twice(store: FileStore, others: list[FileStore]) -> Outcome:
    """Re-keys in check mode, then really, then again: the first tells what the second does, the third does nothing."""
    before = files(store)
    told = rekey(store, others, check_mode=True)
    assert files(store) == before
    done = rekey(store, others, check_mode=False)
    assert told == done
    FileStore._cache.clear()
    after = files(store)
    assert not rekey(store, others, check_mode=False).changed
    assert files(store) == after
    return done


def test_a_new_operator_is_let_in_and_a_former_one_is_not(age: AgeFile, keys: Make) -> None:
    age.update(add("one"))
    age.update(add("two"))
    contents, mine, former, new = age.read(), age.identities, age.recipients[1], keys("new")
    changed = AgeFile(age.directory, "production", [age.recipients[0], new.recipient], mine)
    done = twice(changed, [])
    assert done.changed
    assert former in done.before
    assert former not in done.after
    assert new.recipient in done.after
    FileStore._cache.clear()
    assert AgeFile(age.directory, "production", identities=[new.path]).read() == contents
    other = str(Path(mine[0]).with_name("other.identity"))
    for path in (changed.path, changed.backup):
        Path(changed.path).write_bytes(Path(path).read_bytes())
        FileStore._cache.clear()
        with pytest.raises(MainstayError, match=r"no identity of .* opens it"):
            AgeFile(age.directory, "production", identities=[other]).read()


def test_re_keying_refuses_to_lock_ourselves_out(age: AgeFile, keys: Make) -> None:
    age.update(add("one"))
    before = files(age)
    with pytest.raises(MainstayError, match="lock ourselves out"):
        rekey(AgeFile(age.directory, "production", [keys("new").recipient], age.identities), [], check_mode=False)
    assert files(age) == before


def test_a_new_vault_password_takes_the_place_of_the_old_one(vault: VaultFile, passwords: Give) -> None:
    vault.update(add("one"))
    vault.update(add("two"))
    contents = vault.read()
    passwords(old="correct horse", new="battery staple")
    FileStore._cache.clear()
    done = twice(VaultFile(vault.directory, "production", "new"), [])
    assert (done.before[1], done.after[1]) == ("vault id old", "vault id new")
    passwords(new="battery staple")
    FileStore._cache.clear()
    assert vault.read() == contents
    vault.update(add("three"))
    assert Path(vault.path).read_bytes().startswith(b"$ANSIBLE_VAULT;1.2;AES256;new\n")
    for path in (vault.path, vault.backup):
        Path(vault.path).write_bytes(Path(path).read_bytes())
        passwords(default="correct horse")
        FileStore._cache.clear()
        with pytest.raises(MainstayError, match="no given vault password"):
            vault.read()


def test_re_keying_without_a_new_vault_id_has_nothing_to_do(vault: VaultFile) -> None:
    vault.update(add("one"))
    assert not rekey(vault, [], check_mode=False).changed
    with pytest.raises(MainstayError, match="backend_store_vault_id: found 'new', which has no password"):
        rekey(VaultFile(vault.directory, "production", "new"), [], check_mode=False)


def test_from_vault_to_age_and_back(vault: VaultFile, age: AgeFile) -> None:
    vault.update(add("one"))
    vault.update(add("two"))
    contents = vault.read()
    with pytest.raises(
        MainstayError, match=r"backend_store: found age, and the store in \S+vault.txt; expected vault, or move it"
    ):
        age.read()
    with pytest.raises(MainstayError, match="backend_store: found age"):
        age.update(add("three"))
    for target, source in ((age, vault), (vault, age), (age, vault)):
        done = twice(target, [source])
        assert done.before[0] == source.path
        assert done.after[0] == target.path
        FileStore._cache.clear()
        assert target.read() == contents
        assert not os.path.exists(source.path)
        with pytest.raises(MainstayError, match=f"backend_store: found {source.KIND}, and the store in {target.path}"):
            source.update(add("three"))


def test_without_a_store_there_is_nothing_to_re_key(age: AgeFile, vault: VaultFile) -> None:
    with pytest.raises(MainstayError, match="found no such file; expected one"):
        rekey(age, [vault], check_mode=True)
    with pytest.raises(MainstayError, match="found no such file; expected one"):
        rekey(age, [vault], check_mode=False)


def test_two_stores_with_different_secrets_are_for_a_person_to_judge(vault: VaultFile, age: AgeFile) -> None:
    vault.update(add("one"))
    aside = Path(vault.path).rename(Path(vault.directory).parent / "aside")
    age.update(add("one"))
    aside.rename(vault.path)
    before = files(age)
    for act in (age.read, lambda: age.update(add("two"))):
        with pytest.raises(MainstayError, match=f"found {vault.path} beside it; expected one store"):
            act()
    with pytest.raises(MainstayError, match=r"beside it with other secrets \(one\); expected one store: move away"):
        rekey(age, [vault], check_mode=False)
    assert files(age) == before


@pytest.mark.parametrize("move", [False, True])
@pytest.mark.parametrize(
    "point", ["store.temporary", "store.synced", "store.renamed", "store.rekeyed", "store.backup.synced", "store.moved"]
)
def test_broken_off_anywhere_it_is_run_again(
    age: AgeFile,
    vault: VaultFile,
    keys: Make,
    processes: Processes,
    monkeypatch: pytest.MonkeyPatch,
    point: str,
    move: bool,
) -> None:
    source: FileStore = vault if move else age
    source.update(add("one"))
    source.update(add("two"))
    if move:  # an older move left a backup
        Path(age.backup).write_bytes(b"of another time")
    contents = source.read()
    target = AgeFile(age.directory, "production", [age.recipients[0], keys("new").recipient], age.identities)
    others: list[FileStore] = [vault]

    def work() -> None:
        monkeypatch.setattr(_crash, "_POINT", point)
        rekey(target, others, check_mode=False)

    FileStore._cache.clear()
    assert processes.status(processes.start(work)) == -signal.SIGKILL
    done = point == "store.moved" and not move
    assert rekey(target, others, check_mode=False).changed != done
    FileStore._cache.clear()
    assert target.read() == contents
    assert not os.path.exists(vault.path)
    assert Path(target.backup).read_bytes() == Path(target.path).read_bytes()
    assert not rekey(target, others, check_mode=False).changed
    target.update(add("three"))


def damage(store: FileStore) -> bytes:
    cut = Path(store.path).read_bytes()[:-200]
    Path(store.path).write_bytes(cut)
    FileStore._cache.clear()
    return cut


def test_restore_puts_back_the_one_before_and_keeps_the_damaged_one(filled: FileStore) -> None:
    kept, cut = Path(filled.backup).read_bytes(), damage(filled)
    before = files(filled)
    told = restore(filled, check_mode=True, force=False)
    assert files(filled) == before
    done = restore(filled, check_mode=False, force=False)
    assert done == told or len(done.actions) == len(told.actions) == 2  # the name has the time in it
    assert set(filled.read().records) == {"one"}
    found = files(filled)
    assert found[os.path.basename(filled.path)] == found[os.path.basename(filled.backup)] == kept
    assert [data for name, data in found.items() if name.endswith(".bak")] == [cut]
    assert not restore(filled, check_mode=False, force=False).changed
    filled.update(add("three"))


def test_restore_of_a_lost_file(filled: FileStore) -> None:
    os.unlink(filled.path)
    FileStore._cache.clear()
    assert restore(filled, check_mode=False, force=False).actions == (f"put back {filled.backup}",)
    assert set(filled.read().records) == {"one"}


def test_restore_of_a_good_file_is_refused_unless_forced(filled: FileStore) -> None:
    before = files(filled)
    with pytest.raises(
        MainstayError, match=r"found that it opens; .* differs in two; to lose that, run again with -e force=true"
    ):
        restore(filled, check_mode=False, force=False)
    assert files(filled) == before
    restore(filled, check_mode=False, force=True)
    FileStore._cache.clear()
    assert set(filled.read().records) == {"one"}


def test_restore_needs_a_backup_that_opens(store: FileStore, passwords: Give) -> None:
    store.update(add("one"))
    damage(store)
    with pytest.raises(
        MainstayError, match=r"found no .*~; expected the one before the last write. Take the store from your own"
    ):
        restore(store, check_mode=False, force=False)
    Path(store.backup).write_bytes(Path(store.path).read_bytes())
    before = files(store)
    with pytest.raises(MainstayError, match=f"{store.backup}: found"):
        restore(store, check_mode=False, force=True)
    assert files(store) == before


def test_a_wrong_password_is_no_reason_to_restore(filled: FileStore, passwords: Give, keys: Make) -> None:
    passwords(default="wrong")
    if isinstance(filled, AgeFile):
        filled.identities = (keys("wrong").path,)
    before = files(filled)
    for act in (filled.read, lambda: restore(filled, check_mode=False, force=False)):
        with pytest.raises(MainstayError, match="opens it; expected") as refused:
            act()
        assert "command=restore" not in str(refused.value)
    assert files(filled) == before


def test_a_file_that_somebody_wrote_without_us_is_not_damaged(age: AgeFile, keys: Make) -> None:
    age.update(add("one"))
    age.update(add("two"))
    other = keys("theirs")
    theirs = AgeFile(str(Path(age.directory).parent / "theirs"), "production", [other.recipient], [other.path])
    theirs.update(add("one"))
    Path(age.path).write_bytes(Path(theirs.path).read_bytes())
    FileStore._cache.clear()
    with pytest.raises(
        MainstayError, match=r"no identity of .* opens it, though it is whole; .* run again with -e force=true"
    ):
        restore(age, check_mode=False, force=False)
    assert restore(age, check_mode=False, force=True).changed
    assert set(age.read().records) == {"one"}


@pytest.mark.parametrize("point", ["store.temporary", "store.synced", "store.renamed"])
def test_a_restore_that_is_broken_off_is_run_again(
    filled: FileStore, processes: Processes, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    damage(filled)

    def work() -> None:
        monkeypatch.setattr(_crash, "_POINT", point)
        restore(filled, check_mode=False, force=False)

    assert processes.status(processes.start(work)) == -signal.SIGKILL
    restore(filled, check_mode=False, force=False)
    assert set(filled.read().records) == {"one"}
