# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What secret stores in a file share: one encrypted file per environment, replaced atomically under a lock, the one before kept beside it."""

from __future__ import annotations

import contextlib
import errno
import os
import shlex
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, Protocol

from ansible import context

from ansible_collections.mainstay.backend.plugins.module_utils import _store
from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._crash import crash
from ansible_collections.mainstay.backend.plugins.module_utils._files import fsync_directory
from ansible_collections.mainstay.backend.plugins.module_utils._lock import locked
from ansible_collections.mainstay.backend.plugins.module_utils._store import Contents

LOCK_SECONDS = 30.0
#: Back end -> how its file's name goes on after the environment. Inventories read every file of their folder except by ending; they leave
#: these alone, and what else lies there: hidden files, '~' and '.bak'. So the store may lie beside the hosts.
ENDINGS = {"vault": ".vault.txt", "age": ".age.txt"}

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

Transition = Callable[[Contents], Contents]


class Backend(Protocol):
    """What a secret store can do. `place` names it in messages; MainstayError says what is wrong with it.

    HashiCorp Vault and OpenBao (KV version 2) fit so: the contents are one secret; `read` gets it with its version, and keeps that; `update`
    reads, applies the transition, and writes with the option `cas` set to that version. Where somebody else wrote in between, the server
    refuses, and `update` begins again, up to a time limit: the version is the lock, and no file is needed. Earlier versions are the backup.
    """

    place: str

    def check(self) -> None:
        """Refuses now what a write would be refused for later: keys, readers, rights. Changes nothing."""

    def read(self) -> Contents:
        """What the store holds; empty where it does not exist yet. Waits for no writer."""

    def update(self, transition: Transition) -> Contents:
        """Applies TRANSITION to what is there at that moment, one writer at a time, and makes the outcome durable; returns it.

        TRANSITION is pure: it may be applied again. Writes nothing where nothing changes.
        """


class Shut(Exception):
    """Data of a store that do not open; the text is what was found and holds no secret. `whole`: they are not damaged, the keys are others."""

    def __init__(self, found: str, expected: str, whole: bool = False) -> None:
        super().__init__(found)
        self.expected = expected
        self.whole = whole


@dataclass(frozen=True)
class Opened:
    """Contents with `readers`: what the back end needs to write them for the same people again; None for a store that does not exist yet."""

    contents: Contents
    readers: Any = None


class FileStore:
    """Base of the stores in a file. A crash leaves the old file or the new one; the one before stays beside it, ending in '~'.

    A back end writes `ready`, `open_data`, `seal`, `wanted`, `kept` and `told`.
    """

    KIND: ClassVar[str] = ""
    _cache: ClassVar[dict[str, tuple[tuple[int, int, int], Opened]]] = {}

    def __init__(self, directory: str, environment: str, lock_seconds: float = LOCK_SECONDS) -> None:
        directory = os.path.expanduser(directory)
        if not os.path.isabs(directory):
            raise MainstayError(f"backend_store_dir: found the relative path {directory!r}; expected an absolute one")
        self.environment = environment
        self.lock_seconds = lock_seconds
        self.path = os.path.realpath(os.path.join(directory, environment + ENDINGS[self.KIND]))
        self.backup = self.path + "~"
        self.directory = os.path.dirname(self.path)
        self.place = f"secret store {self.path}"
        #: The files of the other back ends.
        self.others = {
            kind: os.path.join(directory, environment + ending) for kind, ending in ENDINGS.items() if kind != self.KIND
        }

    # What a back end knows.

    def ready(self) -> None:
        """Refuses where there is nothing to open the store with."""
        raise NotImplementedError

    def open_data(self, data: bytes) -> Opened:
        """The file's DATA opened; Shut where they do not open."""
        raise NotImplementedError

    def seal(self, text: str, readers: Any) -> bytes:
        """TEXT as file data for READERS."""
        raise NotImplementedError

    def wanted(self, readers: Any = None) -> Any:
        """The readers that the inventory asks for; READERS, those it has, where the inventory leaves it to them."""
        raise NotImplementedError

    def kept(self, readers: Any) -> Any:
        """The readers to write for where the store was opened with READERS (None: it is new); MainstayError where the inventory says others."""
        raise NotImplementedError

    def told(self, readers: Any) -> list[str]:
        """READERS for people; nothing in it is secret."""
        raise NotImplementedError

    def same(self, one: Any, other: Any) -> bool:
        """Whether two values of readers are the same people."""
        return bool(one == other)

    # What all have.

    def check(self) -> None:
        opened = self.load()
        self.kept(opened.readers)
        folder = self.directory
        while not os.path.lexists(folder):
            folder = os.path.dirname(folder)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise MainstayError(f"{self.place}: found that {folder} cannot be written; expected a folder of your own")

    def read(self) -> Contents:
        return self.load().contents

    def update(self, transition: Transition) -> Contents:
        self.ready()
        with self.failures("written"), self.lock():
            opened = self.load()
            after = transition(opened.contents)
            if after != opened.contents:
                data = self.seal(_store.dump(after), self.kept(opened.readers))
                with contextlib.suppress(FileNotFoundError):
                    self.replace(self.backup, self.data(self.path), "store.backup")
                crash("store.between")
                self.replace(self.path, data, "store")
        return after

    def load(self) -> Opened:
        """What is there, with its readers. Refuses a store that lies in another back end's file, or whose file is lost."""
        self.ready()
        with self.failures("read"):
            self._one_store()
            return self.open_file()

    def open_file(self) -> Opened:
        """The file alone, opened; MainstayError offers the backup where that opens."""
        try:
            with open(self.path, "rb") as handle:
                found = os.fstat(handle.fileno())
                stamp = (found.st_ino, found.st_mtime_ns, found.st_size)
                cached = self._cache.get(self.path)
                if cached and cached[0] == stamp:
                    return cached[1]
                data = handle.read()
        except FileNotFoundError:
            if os.path.lexists(self.backup):
                raise self.offer("no such file, though the one before it is there") from None
            return Opened(Contents(self.environment))
        try:
            opened = self.open_data(data)
        except Shut as shut:
            if not shut.whole and self._backup_opens():
                raise self.offer(f"{shut}, and that the one before it opens, so it is damaged") from None
            raise MainstayError(f"{self.place}: found {shut}; expected {shut.expected}") from None
        self._cache[self.path] = (stamp, opened)
        return opened

    def parse(self, plain: bytes) -> Contents:
        return _store.parse(plain.decode("utf-8", "replace"), self.environment, self.place)

    def offer(self, found: str) -> MainstayError:
        return MainstayError(
            f"{self.place}: found {found}; expected a whole file. Put back the one before the last write ({self.backup}) with: "
            f"{command_line('restore')}"
        )

    def _backup_opens(self) -> bool:
        try:
            self.open_data(self.data(self.backup))
        except (OSError, Shut, MainstayError):
            return False
        return True

    def _one_store(self) -> None:
        """Somebody whose inventory names another back end would start a second store, with other secrets."""
        for kind, path in self.others.items():
            if os.path.lexists(path):
                move = f"move it with: {command_line('rekey')}"
                if os.path.lexists(self.path):
                    raise MainstayError(
                        f"{self.place}: found {path} beside it; expected one store. Where a move was broken off, {move}"
                    )
                raise MainstayError(
                    f"backend_store: found {self.KIND}, and the store in {path}; expected {kind}, or {move}"
                )

    @staticmethod
    def data(path: str) -> bytes:
        with open(path, "rb") as handle:
            return handle.read()

    def replace(self, path: str, data: bytes, point: str) -> None:
        """PATH holds DATA, durably, or what it held before. POINT begins the names of the points at which the tests kill it."""
        temporary = os.path.join(self.directory, f".{os.path.basename(path)}.{os.getpid()}.tmp")
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        try:
            with os.fdopen(handle, "wb", buffering=0) as stream:
                half = len(data) // 2
                _write_all(stream, data[:half])
                crash(f"{point}.temporary")
                _write_all(stream, data[half:])
                os.fsync(stream.fileno())
            crash(f"{point}.synced")
            os.rename(temporary, path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
            raise
        crash(f"{point}.renamed")
        fsync_directory(self.directory)

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """The one writer. The lock ends with its process, however that ends; what such a one left half written is cleared."""
        with contextlib.suppress(FileExistsError):
            os.makedirs(os.path.dirname(self.directory), exist_ok=True)
            os.mkdir(self.directory, 0o700)
        handle = os.open(os.path.join(self.directory, f".{self.environment}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(handle, "r+") as lock:
            self._wait(lock)
            lock.seek(0)
            lock.truncate()
            lock.write(f"process {os.getpid()} on {socket.gethostname()} since {now()}")
            lock.flush()
            leftovers = tuple(f".{self.environment}{ending}" for ending in ENDINGS.values())
            for name in os.listdir(self.directory):
                if name.startswith(leftovers) and name.endswith(".tmp"):
                    os.unlink(os.path.join(self.directory, name))
            yield

    def _wait(self, lock: Any) -> None:
        if not locked(lock, self.lock_seconds):
            lock.seek(0)
            holder = lock.read().strip() or "another process"
            found = f"found it locked by {holder} for over {self.lock_seconds:g} s"
            raise MainstayError(f"{self.place}: {found}; expected it free")

    @contextlib.contextmanager
    def failures(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            found = f"found that it cannot be {what}: {error.strerror}"
            expected = (
                "room for it; it is as it was" if what == "written" and error.errno in _FULL else "a folder of your own"
            )
            raise MainstayError(f"{self.place}: {found}; expected {expected}") from None


def _write_all(stream: Any, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[stream.write(view) :]


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def command_line(command: str) -> str:
    """The words that run COMMAND on this run's store."""
    inventories = [word for path in context.CLIARGS.get("inventory") or () for word in ("-i", str(path))]
    return shlex.join(["ansible-playbook", "mainstay.backend.secret_store", *inventories, "-e", f"command={command}"])
