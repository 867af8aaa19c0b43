# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The secret store on the controller: one file per environment, encrypted with Ansible Vault, replaced atomically under a lock.

A back end has two methods, `read` and `update`; VaultFile is the embedded one.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from ansible.errors import AnsibleError
from ansible.parsing.vault import VaultLib, VaultSecretsContext, is_encrypted, match_encrypt_secret

from ansible_collections.mainstay.backend.plugins.module_utils import _store
from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._credentials import ADMIN, Credential, Issued
from ansible_collections.mainstay.backend.plugins.module_utils._files import fsync_directory
from ansible_collections.mainstay.backend.plugins.module_utils._store import Contents
from ansible_collections.mainstay.backend.plugins.plugin_utils.material import make_version

if TYPE_CHECKING:
    from ansible_collections.mainstay.backend.plugins.module_utils._description import Description

LOCK_SECONDS = 30.0
#: Inventories read every file of their folder except by ending; this one they leave alone, so the store may lie beside the hosts.
ENDING = ".vault.txt"
HOW = "give one with --vault-password-file FILE, --vault-id NAME@FILE, --ask-vault-pass or ANSIBLE_VAULT_PASSWORD_FILE"

Transition = Callable[[Contents], Contents]


class Backend(Protocol):
    """What a secret store can do. `update` applies a transition to what is there at that moment, one writer at a time."""

    def read(self) -> Contents: ...

    def update(self, transition: Transition) -> Contents: ...


class VaultFile:
    """The embedded back end. A crash leaves the old file or the new one; the one before stays beside it, ending in '~'."""

    _cache: ClassVar[dict[str, tuple[tuple[int, int, int], Contents, str, Any]]] = {}

    def __init__(
        self, directory: str, environment: str, vault_id: str = "", lock_seconds: float = LOCK_SECONDS
    ) -> None:
        directory = os.path.expanduser(directory)
        if not os.path.isabs(directory):
            raise MainstayError(f"backend_store_dir: found the relative path {directory!r}; expected an absolute one")
        self.environment = environment
        self.vault_id = vault_id
        self.lock_seconds = lock_seconds
        self.path = os.path.realpath(os.path.join(directory, environment + ENDING))
        self.directory = os.path.dirname(self.path)

    def read(self) -> Contents:
        """What the store holds; empty where it does not exist yet. Needs the vault password in either case."""
        return self._read()[0]

    def update(self, transition: Transition) -> Contents:
        """Applies TRANSITION under the lock and makes the outcome durable; writes nothing where nothing changes."""
        self._secrets()
        with self._failures("written"), self._lock():
            before, vault_id, secret = self._read()
            after = transition(before)
            if after != before:
                self._write(after, vault_id, secret)
        return after

    def _secrets(self) -> list[tuple[str, Any]]:
        context = VaultSecretsContext.current(optional=True)
        if context is None or not context.secrets:
            raise MainstayError(f"secret store {self.path}: found no vault password; {HOW}")
        return list(context.secrets)

    def _read(self) -> tuple[Contents, str, Any]:
        known = self._secrets()
        with self._failures("read"):
            if not os.path.lexists(self.path):
                return Contents(self.environment), "", None
            with open(self.path, "rb") as handle:
                found = os.fstat(handle.fileno())
                stamp = (found.st_ino, found.st_mtime_ns, found.st_size)
                cached = self._cache.get(self.path)
                if cached and cached[0] == stamp:
                    return cached[1], cached[2], cached[3]
                text = handle.read()
        if not is_encrypted(text):
            raise MainstayError(
                f"secret store {self.path}: found a file that is not encrypted; expected one that this collection made"
            )
        try:
            plain, vault_id, secret = VaultLib(known).decrypt_and_get_vault_id(text)
        except (AnsibleError, ValueError):
            ids = ", ".join(dict.fromkeys(str(name) for name, secret in known))
            expected = "the password it was encrypted with, and a whole file (the one before it ends in '~')"
            raise MainstayError(
                f"secret store {self.path}: found that no given vault password (ids: {ids}) opens it; expected {expected}"
            ) from None
        contents = _store.parse(plain.decode("utf-8", "replace"), self.environment, f"secret store {self.path}")
        self._cache[self.path] = (stamp, contents, str(vault_id or ""), secret)
        return contents, str(vault_id or ""), secret

    def _write(self, contents: Contents, vault_id: str, secret: Any) -> None:
        """Encrypted as the file was before, unless backend_store_vault_id chooses; the first time with the first password given."""
        if self.vault_id or secret is None:
            try:
                vault_id, secret = match_encrypt_secret(self._secrets(), self.vault_id or None)
            except AnsibleError:
                given = ", ".join(dict.fromkeys(str(name) for name, item in self._secrets()))
                raise MainstayError(
                    f"backend_store_vault_id: found {self.vault_id!r}, which has no password; expected one of {given}"
                ) from None
        label = str(vault_id or "")
        text: bytes = VaultLib().encrypt(
            _store.dump(contents), secret=secret, vault_id=None if label in ("", "default") else label
        )
        with contextlib.suppress(FileNotFoundError), open(self.path, "rb") as handle:
            self._replace(self.path + "~", handle.read())
        self._replace(self.path, text)

    def _replace(self, path: str, data: bytes) -> None:
        temporary = os.path.join(self.directory, f".{os.path.basename(path)}.{os.getpid()}.tmp")
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            os.rename(temporary, path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
            raise
        fsync_directory(self.directory)

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        """The one writer. The lock ends with its process, however that ends; what such a one left half written is cleared."""
        with contextlib.suppress(FileExistsError):
            os.makedirs(os.path.dirname(self.directory), exist_ok=True)
            os.mkdir(self.directory, 0o700)
        handle = os.open(os.path.join(self.directory, f".{self.environment}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(handle, "r+") as lock:
            self._wait(lock)
            lock.seek(0)
            lock.truncate()
            lock.write(f"process {os.getpid()} on {socket.gethostname()} since {_now()}")
            lock.flush()
            for name in os.listdir(self.directory):
                if name.startswith(f".{self.environment}{ENDING}") and name.endswith(".tmp"):
                    os.unlink(os.path.join(self.directory, name))
            yield

    def _wait(self, lock: Any) -> None:
        until = time.monotonic() + self.lock_seconds
        while True:
            try:
                return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= until:
                    holder = lock.read().strip() or "another process"
                    found = f"found it locked by {holder} for over {self.lock_seconds:g} s"
                    raise MainstayError(f"secret store {self.path}: {found}; expected it free") from None
                time.sleep(0.05)

    @contextlib.contextmanager
    def _failures(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            found = f"found that it cannot be {what}: {error.strerror}"
            raise MainstayError(f"secret store {self.path}: {found}; expected a folder of your own") from None


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def open_store(description: Description) -> VaultFile:
    return VaultFile(description.store_dir, description.environment, description.store_vault_id)


def issue(description: Description, loader: Any, check_mode: bool, create: bool = True) -> dict[str, Issued]:
    """Every declared credential and ADMIN with their secrets. What is missing is created, in check mode for this run only.

    LOADER is not used by the embedded back end; others read their settings with it.
    """
    wanted = [*description.credentials.values(), Credential(ADMIN, "valkey_admin")]
    return issue_these(open_store(description), wanted, check_mode, create)


def check_store(description: Description) -> None:
    """Refuses, before anything is changed, a store that cannot be opened or that knows a credential as another kind."""
    _store.missing(open_store(description).read(), description.credentials.values())


def issue_these(store: Backend, wanted: list[Credential], check_mode: bool, make: bool) -> dict[str, Issued]:
    contents = store.read()
    absent = [credential.name for credential in _store.missing(contents, wanted)]
    if absent and not make:
        raise MainstayError(
            f"secret store: found no secret for {', '.join(absent)}; expected them: run the playbook that deploys them first"
        )

    def transition(found: Contents) -> Contents:
        return _store.create(found, wanted, _now(), make_version)

    if absent:
        contents = transition(contents) if check_mode else store.update(transition)
    return {
        credential.name: _store.issued(contents.records[credential.name], credential.target) for credential in wanted
    }


def issue_named(description: Description, names: list[str], check_mode: bool, make: bool) -> dict[str, Issued]:
    """The declared credentials NAMES with their secrets; MAKE creates what the store lacks of them."""
    return issue_these(open_store(description), [description.credentials[name] for name in names], check_mode, make)
