# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Stores of both back ends on a real file system, with real Ansible Vault and real age."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pyrage
import pytest
from ansible.parsing.vault import VaultSecret, VaultSecretsContext
from store_case import Keys, Processes, add

from ansible_collections.mainstay.backend.plugins.plugin_utils.store_age import AgeFile
from ansible_collections.mainstay.backend.plugins.plugin_utils.store_file import FileStore
from ansible_collections.mainstay.backend.plugins.plugin_utils.store_vault import VaultFile


@pytest.fixture
def passwords(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Gives Ansible these vault passwords, id to password."""

    def give(**given: str) -> None:
        secrets = [(name, VaultSecret(value.encode())) for name, value in given.items()]
        monkeypatch.setattr(VaultSecretsContext, "_current", VaultSecretsContext(secrets))

    return give


@pytest.fixture(autouse=True)
def no_cache() -> Iterator[None]:
    yield
    FileStore._cache.clear()


@pytest.fixture
def keys(tmp_path: Path) -> Callable[[str], Keys]:
    """Makes somebody's age key, as age-keygen writes it."""

    def make(name: str) -> Keys:
        identity = pyrage.x25519.Identity.generate()
        path = tmp_path / f"{name}.identity"
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(f"# created: 2026-11-23T00:00:00Z\n# public key: {identity.to_public()}\n{identity}\n")
        return Keys(str(path), str(identity.to_public()))

    return make


@pytest.fixture
def vault(tmp_path: Path, passwords: Callable[..., None]) -> VaultFile:
    passwords(default="correct horse")
    return VaultFile(str(tmp_path / "secrets"), "production")


@pytest.fixture
def age(tmp_path: Path, keys: Callable[[str], Keys]) -> AgeFile:
    mine, other = keys("mine"), keys("other")
    return AgeFile(str(tmp_path / "secrets"), "production", [mine.recipient, other.recipient], [mine.path])


@pytest.fixture(params=["vault", "age"])
def store(request: pytest.FixtureRequest) -> FileStore:
    """A store of each back end, not made yet."""
    found: FileStore = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def filled(store: FileStore) -> FileStore:
    """One with two writes behind it, so that there is a backup."""
    store.update(add("one"))
    store.update(add("two"))
    store._cache.clear()
    return store


@pytest.fixture
def processes() -> Iterator[Processes]:
    found = Processes()
    yield found
    found.end()
