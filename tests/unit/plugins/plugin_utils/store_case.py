# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the tests of the secret store share."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable
from typing import NamedTuple

from ansible_collections.mainstay.backend.plugins.module_utils import _store
from ansible_collections.mainstay.backend.plugins.module_utils._credentials import Credential
from ansible_collections.mainstay.backend.plugins.module_utils._store import Contents
from ansible_collections.mainstay.backend.plugins.plugin_utils.store_file import FileStore

NOW = "2026-11-22T12:00:00Z"
WANTED = [Credential("shop_db", "postgres_role", "shop"), Credential("shop_cache", "valkey_user", "cache")]


class Keys(NamedTuple):
    """Somebody's age key: the file of the identity, and the recipient."""

    path: str
    recipient: str


class Processes:
    """Forks of the test; none is left behind."""

    def __init__(self) -> None:
        self.running: set[int] = set()

    def start(self, work: Callable[[], object]) -> int:
        pid = os.fork()
        if pid == 0:
            try:
                work()
            except BaseException:
                os._exit(1)
            os._exit(0)
        self.running.add(pid)
        return pid

    def status(self, pid: int) -> int:
        """Waits for its end; negative: the signal that ended it."""
        self.running.discard(pid)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def end(self) -> None:
        for pid in self.running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def add(*names: str) -> Callable[[Contents], Contents]:
    """A transition that makes these credentials."""
    wanted = [Credential(name, "valkey_user") for name in names]
    return lambda found: _store.create(found, wanted, NOW, _store.random_versions(os.urandom))


def listing(store: FileStore) -> list[str]:
    return sorted(os.listdir(store.directory))
