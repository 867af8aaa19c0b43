# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lock of a rotation, held by real processes: one at a time, and a dead one holds nothing."""

from __future__ import annotations

import json
import multiprocessing
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.plugin_utils import rotation_lock
from ansible_collections.mainstay.backend.plugins.plugin_utils.rotation_lock import RunLock

ME = os.getpid()
#: In a mount namespace: a /proc that hides other users' processes, then as another user whether process 1 is hidden, and one that is not there.
HIDING = """
import os, subprocess
from ansible_collections.mainstay.backend.plugins.plugin_utils.rotation_lock import _hidden
subprocess.run(["mount", "-t", "proc", "-o", "hidepid=2", "proc", "/proc"], check=True)
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
print(_hidden(1), _hidden(4194303), _hidden(os.getpid()))
"""


@pytest.fixture
def other() -> Iterator[subprocess.Popen[bytes]]:
    """Another process, alive until its end."""
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process
        process.kill()


def test_a_second_run_is_refused_while_the_first_one_lives(tmp_path: Path, other: Any) -> None:
    lock = RunLock(str(tmp_path), "production")
    assert lock.take(other.pid) == ""
    with pytest.raises(
        MainstayError, match=rf"process {other.pid} of .* holds the lock; expected it to be free"
    ) as told:
        lock.take(ME)
    assert "rotation_unlock" not in str(told.value)
    lock.check(other.pid)
    with pytest.raises(MainstayError, match="lost its lock"):
        lock.check(ME)


def test_a_run_takes_its_own_lock_again_and_gives_back_only_its_own(tmp_path: Path, other: Any) -> None:
    lock = RunLock(str(tmp_path), "production")
    assert [lock.take(ME), lock.take(ME)] == ["", ""]
    lock.release(other.pid)
    lock.check(ME)
    lock.release(ME)
    assert lock.holder() == {}
    assert lock.take(other.pid) == ""


def test_a_killed_run_is_succeeded_and_named(tmp_path: Path, other: Any) -> None:
    lock = RunLock(str(tmp_path), "production")
    lock.take(other.pid)
    other.kill()
    other.wait()
    assert lock.take(ME).startswith(f"took the lock over from process {other.pid} of ")
    lock.check(ME)


@pytest.mark.parametrize(
    ("change", "dead"),
    [
        ({"boot": "of the day before"}, True),
        ({"run": "1-0"}, True),
        ({"host": "elsewhere"}, False),
        ({"pid": "x"}, True),
    ],
)
def test_what_a_holder_says_tells_whether_it_may_live(
    tmp_path: Path, other: Any, change: dict[str, str], dead: bool
) -> None:
    """The number of a process that is gone may be another's by now: its start tells them apart, and the machine's."""
    lock = RunLock(str(tmp_path), "production")
    lock.take(other.pid)
    holder = json.loads(Path(lock.path).read_text())
    assert holder["host"] == socket.gethostname()
    Path(lock.path).write_text(json.dumps({**holder, **change}))
    assert lock.alive(lock.holder()) is not dead
    if not dead:
        with pytest.raises(MainstayError, match="-e rotation_unlock=true"):
            lock.take(ME)
        assert lock.take(ME, anyway=True)
    else:
        assert lock.take(ME)


@pytest.mark.parametrize("text", ["", "{", "[]", "\0"])
def test_an_unreadable_lock_is_somebodys(tmp_path: Path, text: str) -> None:
    lock = RunLock(str(tmp_path), "production")
    Path(lock.path).write_text(text)
    with pytest.raises(MainstayError, match="rotation_unlock"):
        lock.take(ME)
    assert lock.take(ME, anyway=True)


def _try(folder: str, start: Any, results: Any) -> None:
    start.wait()
    try:
        RunLock(folder, "production").take(os.getpid())
        results.put(os.getpid())
    except MainstayError:
        results.put(0)
    start.wait()  # alive until everybody has tried


def test_of_many_that_start_at_once_one_gets_it(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    start, results = context.Barrier(9), context.Queue()
    processes = [context.Process(target=_try, args=(str(tmp_path), start, results)) for _number in range(8)]
    for process in processes:
        process.start()
    start.wait()
    found = [results.get(timeout=300) for _number in range(8)]
    start.wait()
    for process in processes:
        process.join()
    assert len([pid for pid in found if pid]) == 1


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MainstayError, match="cannot be written"):
        RunLock(str(tmp_path / "file"), "production").take(ME)


def test_a_process_that_proc_hides_is_alive(tmp_path: Path, other: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With hidepid another user's process can be seen by kill(2) alone, which answers EPERM."""
    lock = RunLock(str(tmp_path), "production")
    lock.take(other.pid)
    holder = {**lock.holder(), "run": "another"}
    assert not lock.alive(holder)
    monkeypatch.setattr(rotation_lock, "_hidden", lambda pid: pid == other.pid)
    assert lock.alive(holder)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount /proc anew and to become another user")
def test_who_may_not_look_into_proc_knows_that_it_is_hidden() -> None:
    command = ["unshare", "--mount", "--", sys.executable, "-c", HIDING]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    found = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert found.stdout.split() == ["True", "False", "False"]
