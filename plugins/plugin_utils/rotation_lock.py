# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lock of a rotation's run. An ansible-playbook holds it from its plan to its end; one that died holds nothing any more."""

from __future__ import annotations

import contextlib
import fcntl
import getpass
import json
import os
import socket
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._files import fsync_directory
from ansible_collections.mainstay.backend.plugins.plugin_utils.inventory import this_run

_BOOT = "/proc/sys/kernel/random/boot_id"


class RunLock:
    """A file beside the store that says which process rotates: {run, pid, host, boot, user, since}.

    A holder of this machine that is gone (its process ended, or the machine started anew) is succeeded without asking. Whether one of another
    machine is alive cannot be known: that one is succeeded only where the user says so.
    """

    def __init__(self, directory: str, environment: str) -> None:
        self.directory = os.path.expanduser(directory)
        self.environment = environment
        self.path = os.path.join(self.directory, f".{environment}.rotation")

    def holder(self) -> Mapping[str, str]:
        """Who holds the lock, alive or not; empty where nobody does."""
        try:
            with open(self.path, encoding="utf-8") as handle:
                found = json.load(handle)
        except FileNotFoundError:
            return {}
        except (OSError, ValueError):
            return {"host": "?", "since": "?"}
        return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {"host": "?"}

    def alive(self, holder: Mapping[str, str]) -> bool:
        """Whether HOLDER may still run: certainly not only where its process is known to be gone."""
        if holder.get("host") != socket.gethostname():
            return True
        pid = holder.get("pid", "")
        if holder.get("boot") != _boot() or not pid.isdigit():
            return False
        if _hidden(int(pid)):
            return True
        return this_run(int(pid)) == holder.get("run")

    def take(self, pid: int, anyway: bool = False) -> str:
        """Takes the lock for the ansible-playbook PID; returns what a user should know of it, or ''.

        ANYWAY: also from a holder that may be alive. MainstayError: somebody else holds it.
        """
        mine = _me(pid)
        with self._guard():
            before = self.holder()
            if before and before.get("run") != mine["run"] and self.alive(before) and not anyway:
                raise MainstayError(
                    f"rotation of {self.environment}: {told(before)} holds the lock; {self._way_out(before)}"
                )
            self._write(mine)
        return f"took the lock over from {told(before)}" if before and before.get("run") != mine["run"] else ""

    def check(self, pid: int) -> None:
        """MainstayError: the ansible-playbook PID does not hold the lock (any more)."""
        before = self.holder()
        if before.get("run") != _me(pid)["run"]:
            held = f"{told(before)} holds it" if before else "nobody holds it"
            raise MainstayError(
                f"rotation of {self.environment}: found that this run lost its lock ({held}); expected it to hold it, so it stops here: run it again"
            )

    def release(self, pid: int) -> None:
        """Gives the lock back, if the ansible-playbook PID holds it."""
        with self._guard():
            if self.holder().get("run") == _me(pid)["run"]:
                os.unlink(self.path)

    def _way_out(self, holder: Mapping[str, str]) -> str:
        if holder.get("host") == socket.gethostname():
            return "expected it to be free: wait for that run, or end it"
        return (
            "expected it to be free: wait for that run; if it is surely dead (whether it is cannot be seen from here), "
            "run again with -e rotation_unlock=true"
        )

    def _write(self, holder: Mapping[str, str]) -> None:
        temporary = f"{self.path}.{os.getpid()}.tmp"
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as handle:
            json.dump(holder, handle)
            handle.flush()
            os.fsync(handle.fileno())
        os.rename(temporary, self.path)
        fsync_directory(self.directory)

    @contextlib.contextmanager
    def _guard(self) -> Iterator[None]:
        """One process at a time looks at the file and changes it."""
        try:
            os.makedirs(self.directory, 0o700, exist_ok=True)
            handle = os.open(f"{self.path}.guard", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise MainstayError(
                f"{self.path}: found that it cannot be written: {error.strerror}; expected a folder of your own"
            ) from None
        with os.fdopen(handle) as guard:
            fcntl.flock(guard, fcntl.LOCK_EX)
            yield


def told(holder: Mapping[str, str]) -> str:
    """HOLDER for people."""
    user, host = holder.get("user", "?"), holder.get("host", "?")
    return f"process {holder.get('pid', '?')} of {user} on {host} (since {holder.get('since', '?')})"


def _hidden(pid: int) -> bool:
    """Whether there is a process PID of which /proc says nothing: with hidepid, other users' processes are not shown."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return not os.path.exists(f"/proc/{pid}/stat")
    return False


def _me(pid: int) -> dict[str, str]:
    since = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    with contextlib.suppress(KeyError, OSError):
        return {**_process(pid), "user": getpass.getuser(), "since": since}
    return {**_process(pid), "user": str(os.getuid()), "since": since}


def _process(pid: int) -> dict[str, str]:
    return {"run": this_run(pid), "pid": str(pid), "host": socket.gethostname(), "boot": _boot()}


def _boot() -> str:
    try:
        with open(_BOOT, encoding="ascii") as handle:
            return handle.read().strip()
    except OSError:
        return ""
