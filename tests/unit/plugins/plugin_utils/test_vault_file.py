# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The vault file on a real file system with real Ansible Vault: created, locked, atomic, and clear about what is wrong."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret, VaultSecretsContext
from store_case import WANTED, add
from yardstick import cpu_time

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._credentials import Credential
from ansible_collections.mainstay.backend.plugins.plugin_utils.store import check_store, issue_these
from ansible_collections.mainstay.backend.plugins.plugin_utils.store_vault import VaultFile


@pytest.fixture
def store(vault: VaultFile) -> VaultFile:
    return vault


def test_created_on_first_use_encrypted_and_private(store: VaultFile) -> None:
    first = issue_these(store, WANTED, check_mode=False, make=True)
    assert stat.S_IMODE(os.stat(store.directory).st_mode) == 0o700
    assert stat.S_IMODE(os.stat(store.path).st_mode) == 0o600
    data = Path(store.path).read_bytes()
    assert data.startswith(b"$ANSIBLE_VAULT;1.1;AES256\n")
    assert first["shop_db"].password.encode() not in data
    VaultFile._cache.clear()
    assert issue_these(store, WANTED, check_mode=False, make=False) == first


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


def test_reading_is_quick(store: VaultFile) -> None:
    issue_these(store, WANTED, check_mode=False, make=True)
    VaultFile._cache.clear()
    with cpu_time() as took:
        store.read()
    assert took.loops < 40, took.told()
