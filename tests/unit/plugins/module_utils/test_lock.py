# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One process at a time holds a lock; it ends with the process, and who waits gets it then."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from yardstick import PATIENCE, wall_time

from ansible_collections.mainstay.backend.plugins.module_utils._lock import locked

HOLD = "import fcntl, sys, time; f = open(sys.argv[1]); fcntl.flock(f, fcntl.LOCK_EX); print('held', flush=True); time.sleep(600)"


@contextmanager
def held(path: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([sys.executable, "-c", HOLD, path], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout and other.stdout.readline() == "held\n"
        try:
            yield other
        finally:
            other.kill()


def test_who_comes_second_waits_so_long_and_no_longer(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.touch()
    with held(path), path.open() as handle:
        with wall_time() as took:
            assert not locked(handle, 0.3)
        assert took.seconds >= 0.3 and took.calm < 10, took.told()


def test_a_lock_ends_with_its_process(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.touch()
    with path.open() as handle:
        with held(path) as other:
            assert not locked(handle, 0)
            other.kill()
            assert locked(handle, PATIENCE)
        assert locked(handle.fileno(), 0), "who has it gets it again"
