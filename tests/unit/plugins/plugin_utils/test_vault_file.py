# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The vault file on a real file system with real Ansible Vault: created, locked, atomic, and clear about what is wrong."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret, VaultSecretsContext

from ansible_collections.mainstay.backend.plugins.module_utils import _store
from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._credentials import Credential
from ansible_collections.mainstay.backend.plugins.module_utils._store import Contents
from ansible_collections.mainstay.backend.plugins.plugin_utils.store import check_store, issue_these
from ansible_collections.mainstay.backend.plugins.plugin_utils.store_vault import VaultFile

NOW = "2026-11-22T12:00:00Z"
WANTED = [Credential("shop_db", "postgres_role", "shop"), Credential("shop_cache", "valkey_user", "cache")]


@pytest.fixture
def passwords(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Gives Ansible these vault passwords, id to password."""

    def give(**given: str) -> None:
        secrets = [(name, VaultSecret(value.encode())) for name, value in given.items()]
        monkeypatch.setattr(VaultSecretsContext, "_current", VaultSecretsContext(secrets))

    return give


@pytest.fixture
def store(tmp_path: Path, passwords: Callable[..., None]) -> Iterator[VaultFile]:
    passwords(default="correct horse")
    yield VaultFile(str(tmp_path / "secrets"), "production")
    VaultFile._cache.clear()


def add(name: str) -> Callable[[Contents], Contents]:
    return lambda found: _store.create(
        found, [Credential(name, "valkey_user")], NOW, _store.random_versions(os.urandom)
    )


def listing(store: VaultFile) -> list[str]:
    return sorted(os.listdir(store.directory))


def test_created_on_first_use_encrypted_and_private(store: VaultFile) -> None:
    first = issue_these(store, WANTED, check_mode=False, make=True)
    assert stat.S_IMODE(os.stat(store.directory).st_mode) == 0o700
    assert stat.S_IMODE(os.stat(store.path).st_mode) == 0o600
    data = Path(store.path).read_bytes()
    assert data.startswith(b"$ANSIBLE_VAULT;1.1;AES256\n")
    assert first["shop_db"].password.encode() not in data
    VaultFile._cache.clear()
    assert issue_these(store, WANTED, check_mode=False, make=False) == first


def test_a_run_that_needs_nothing_new_writes_nothing(store: VaultFile) -> None:
    issue_these(store, WANTED, check_mode=False, make=True)
    before = os.stat(store.path)
    issue_these(store, WANTED, check_mode=False, make=True)
    assert store.update(lambda found: found) == store.read()
    after = os.stat(store.path)
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_check_mode_makes_secrets_for_the_run_and_writes_nothing(store: VaultFile) -> None:
    found = issue_these(store, WANTED, check_mode=True, make=True)
    assert len(found["shop_db"].password) == 64
    assert not os.path.exists(store.directory)


def test_without_create_what_is_missing_is_named(store: VaultFile) -> None:
    with pytest.raises(MainstayError, match="found no secret for shop_db, shop_cache"):
        issue_these(store, WANTED, check_mode=False, make=False)
    assert not os.path.exists(store.directory)


def test_the_version_before_is_kept_encrypted(store: VaultFile) -> None:
    store.update(add("one"))
    first = Path(store.path).read_bytes()
    store.update(add("two"))
    assert Path(store.path + "~").read_bytes() == first
    assert stat.S_IMODE(os.stat(store.path + "~").st_mode) == 0o600


@pytest.mark.parametrize("given", [{}, None])
def test_without_a_vault_password_the_error_says_how_to_give_one(
    store: VaultFile, passwords: Callable[..., None], monkeypatch: pytest.MonkeyPatch, given: Any
) -> None:
    passwords()
    if given is None:
        monkeypatch.setattr(VaultSecretsContext, "_current", None)
    for check_mode in (False, True):
        with pytest.raises(MainstayError, match="found no vault password; give one with --vault-password-file FILE"):
            issue_these(store, WANTED, check_mode=check_mode, make=True)
    assert not os.path.exists(store.directory)


def test_the_wrong_password_is_refused_and_changes_nothing(store: VaultFile, passwords: Callable[..., None]) -> None:
    store.update(add("one"))
    before = Path(store.path).read_bytes()
    VaultFile._cache.clear()
    passwords(default="battery staple", other="x")
    for act in (store.read, lambda: store.update(add("two"))):
        with pytest.raises(MainstayError, match=r"no given vault password \(ids: default, other\) opens it") as refused:
            act()
        assert "staple" not in str(refused.value)
    assert Path(store.path).read_bytes() == before
    assert not os.path.exists(store.path + "~")


@pytest.mark.parametrize("size", [0, 10, 26, 100, 300, -2])
def test_a_cut_file_is_refused_and_left_alone(store: VaultFile, size: int) -> None:
    store.update(add("one"))
    cut = Path(store.path).read_bytes()[:size]
    Path(store.path).write_bytes(cut)
    VaultFile._cache.clear()
    for act in (store.read, lambda: store.update(add("two"))):
        with pytest.raises(MainstayError, match=f"secret store {store.path}: found"):
            act()
    assert Path(store.path).read_bytes() == cut


@pytest.mark.parametrize(
    ("content", "why"), [("credentials: {}\n", "not encrypted"), (None, "something else"), ("", "not encrypted")]
)
def test_a_plain_or_foreign_file_is_refused(store: VaultFile, content: str | None, why: str) -> None:
    os.makedirs(store.directory)
    foreign: bytes = VaultLib().encrypt('{"db_password": "hunter2"}', secret=VaultSecret(b"correct horse"))
    Path(store.path).write_bytes(foreign if content is None else content.encode())
    for act in (store.read, lambda: store.update(add("one"))):
        with pytest.raises(MainstayError, match=why) as refused:
            act()
        assert "hunter2" not in str(refused.value)


def test_a_relative_folder_is_refused() -> None:
    with pytest.raises(MainstayError, match="backend_store_dir: found the relative path 'secrets'"):
        VaultFile("secrets", "production")


def test_the_vault_id_is_chosen_and_then_kept(store: VaultFile, passwords: Callable[..., None]) -> None:
    passwords(dev="one", prod="two")
    chosen = VaultFile(store.directory, "production", "prod")
    chosen.update(add("one"))
    assert Path(store.path).read_bytes().startswith(b"$ANSIBLE_VAULT;1.2;AES256;prod\n")
    store.update(add("two"))
    assert Path(store.path).read_bytes().startswith(b"$ANSIBLE_VAULT;1.2;AES256;prod\n")
    with pytest.raises(
        MainstayError, match="backend_store_vault_id: found 'none', which has no password; expected one of dev, prod"
    ):
        VaultFile(store.directory, "production", "none").update(add("three"))
    assert set(store.read().records) == {"one", "two"}


def child(work: Callable[[], None]) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            work()
        except BaseException:
            os._exit(1)
        os._exit(0)
    return pid


def status(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_writers_at_once_lose_nothing(store: VaultFile) -> None:
    children = [
        child(lambda name=f"w{number}": [store.update(add(f"{name}_{n}")) for n in range(5)] and None)
        for number in range(4)
    ]
    assert [status(pid) for pid in children] == [0] * 4
    assert set(store.read().records) == {f"w{number}_{n}" for number in range(4) for n in range(5)}


def test_hosts_at_once_get_the_same_secrets(store: VaultFile, tmp_path: Path) -> None:
    """What forks of one run do on first use: all ask, one creates."""

    def work(number: int) -> None:
        (tmp_path / str(number)).write_text(issue_these(store, WANTED, check_mode=False, make=True)["shop_db"].password)

    children = [child(lambda number=number: work(number)) for number in range(6)]
    assert [status(pid) for pid in children] == [0] * 6
    assert len({(tmp_path / str(number)).read_text() for number in range(6)}) == 1


def test_a_lock_that_is_held_is_waited_for_then_reported(store: VaultFile) -> None:
    ready, tell = os.pipe()

    def hold() -> None:
        with store.lock():
            os.write(tell, b"1")
            time.sleep(30)

    holder = child(hold)
    os.read(ready, 1)
    waiting = VaultFile(store.directory, "production", lock_seconds=0.3)
    start = time.monotonic()
    with pytest.raises(MainstayError, match=rf"found it locked by process {holder} on \S+ since \S+ for over 0\.3 s"):
        waiting.update(add("one"))
    assert 0.3 <= time.monotonic() - start < 5
    assert waiting.read() == Contents("production")  # reading waits for nobody
    os.kill(holder, signal.SIGKILL)
    os.waitpid(holder, 0)
    waiting.update(add("one"))  # a lock ends with its holder


def kill_at(count: int, after: bool) -> None:
    """From now on the process dies by SIGKILL at its COUNT-th system call among those that write."""
    left = [count]

    def watched(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            left[0] -= 1
            if left[0] == 0 and not after:
                os.kill(os.getpid(), signal.SIGKILL)
            found = real(*args, **kwargs)
            if left[0] == 0 and after:
                os.kill(os.getpid(), signal.SIGKILL)
            return found

        return call

    for name in ("open", "fsync", "rename", "unlink"):
        setattr(os, name, watched(getattr(os, name)))


@pytest.mark.parametrize("after", [False, True])
def test_kill_9_at_any_step_leaves_a_whole_store(store: VaultFile, after: bool) -> None:
    """Dies before (after) the first, second, third ... step of a write, until one write gets through unharmed."""
    store.update(add("zero"))
    for step in range(1, 40):
        before = set(store.read().records)
        name = f"step_{step}"

        def work(step: int = step, name: str = name) -> None:
            kill_at(step, after)
            store.update(add(name))

        ended = status(child(work))
        assert set(store.read().records) in (before, before | {name})
        store.update(add(f"next_{step}"))
        assert {item for item in listing(store) if item.endswith(".tmp")} == set()
        if ended == 0:
            break
        assert ended == -signal.SIGKILL
    else:
        pytest.fail("no write ever got through")
    assert step > 8, "the steps of a write were not reached"
    assert name in store.read().records


def test_a_full_disk_leaves_the_old_store(store: VaultFile, monkeypatch: pytest.MonkeyPatch) -> None:
    store.update(add("one"))

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(MainstayError, match="cannot be written: No space left on device"):
        store.update(add("two"))
    monkeypatch.undo()
    assert listing(store) == [".production.lock", "production.vault.txt"]


def test_a_folder_that_cannot_be_made_is_reported(tmp_path: Path, passwords: Callable[..., None]) -> None:
    passwords(default="x")
    (tmp_path / "file").touch()
    with pytest.raises(MainstayError, match="cannot be written: Not a directory"):
        VaultFile(str(tmp_path / "file" / "secrets"), "production").update(add("one"))


def test_a_store_is_checked_before_anything_is_done(store: VaultFile, passwords: Callable[..., None]) -> None:
    def description(kind: str) -> Any:
        return SimpleNamespace(
            store_dir=store.directory,
            environment="production",
            store_vault_id="",
            store="vault",
            store_recipients=(),
            store_identity=(),
            credentials={"shop_db": Credential("shop_db", kind)},
        )

    check_store(description("postgres_role"))
    assert not os.path.exists(store.directory)
    issue_these(store, WANTED, check_mode=False, make=True)
    check_store(description("postgres_role"))
    with pytest.raises(MainstayError, match=r"backend_credentials\.shop_db\.kind: found valkey_user"):
        check_store(description("valkey_user"))
    passwords(default="wrong")
    VaultFile._cache.clear()
    with pytest.raises(MainstayError, match="no given vault password"):
        check_store(description("postgres_role"))


@pytest.mark.parametrize("ignored", [None, ".none"])
def test_a_store_inside_an_inventory_folder_is_not_read_as_hosts(
    store: VaultFile, tmp_path: Path, ignored: str | None
) -> None:
    """Ansible reads every file of such a folder; even where the user has it read those endings, no secret is quoted."""
    found = issue_these(store, WANTED, check_mode=False, make=True)
    issue_these(store, [Credential("more", "valkey_user")], check_mode=False, make=True)
    (tmp_path / "hosts.yml").write_text("all: {hosts: {one: }}\n")
    (tmp_path.parent / "password").write_text("correct horse\n")
    command = [Path(sys.executable).parent / "ansible-inventory", "-i", tmp_path, "--list", "-vvv"]
    environment = {**os.environ, "ANSIBLE_VAULT_PASSWORD_FILE": str(tmp_path.parent / "password"), "ANSIBLE_CONFIG": ""}
    if ignored:
        environment["ANSIBLE_INVENTORY_IGNORE"] = ignored
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert '"one"' in done.stdout
    assert ("Failed to parse" in done.stderr) == (ignored is not None)
    assert not any(item.password in done.stdout + done.stderr for item in found.values())


def test_reading_is_quick(store: VaultFile) -> None:
    issue_these(store, WANTED, check_mode=False, make=True)
    VaultFile._cache.clear()
    start = time.perf_counter()
    store.read()
    assert time.perf_counter() - start < 0.5
