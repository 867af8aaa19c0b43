# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The unit and the process of a PostgreSQL cluster on this host: whether it runs, starting it, and what it says when it does not."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import time
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._deps import require
from ansible_collections.mainstay.backend.plugins.module_utils._postgres_layout import Layout
from ansible_collections.mainstay.backend.plugins.module_utils._postgres_live import connect, said

START_SECONDS = 600
#: Stands for all clusters of the host; while it is down, stopping it stops none.
META = "postgresql.service"


def run(*command: str, seconds: float = START_SECONDS) -> str:
    """Standard output of COMMAND, which must succeed."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MainstayError(f"{command[0]} {command[1]} did not run: {type(error).__name__}") from error
    if done.returncode:
        raise MainstayError(
            f"{' '.join(command[:3])} failed (exit {done.returncode}): {(done.stderr or done.stdout).strip()[-1000:]}"
        )
    return done.stdout


class Server:
    """The cluster's unit and process on this host."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout

    def place(self) -> tuple[int, str] | None:
        """Port and socket directory of the running server, from postmaster.pid; None where none runs."""
        try:
            with open(f"{self.layout.data()}/postmaster.pid", encoding="utf-8") as handle:
                lines = handle.read().splitlines()
            with open(f"/proc/{int(lines[0])}/comm", encoding="utf-8") as handle:
                alive = handle.read().strip() == "postgres"
        except (OSError, ValueError, IndexError):
            return None
        if not alive:  # left behind by a server that was killed; another process has its number now
            return None
        return (int(lines[3]), lines[4].split(",")[0]) if len(lines) > 4 and lines[4] else None

    def active(self) -> bool:
        """Whether systemd knows of the running server; one that is just starting or stopping counts."""
        found = run("systemctl", "show", "--property=ActiveState", "--value", self.layout.unit).strip()
        return found not in ("inactive", "failed")

    def connection(self) -> Any:
        """A connection to the running server, patient while it recovers."""
        errors, until = require("psycopg2").OperationalError, time.monotonic() + START_SECONDS
        while True:
            place = self.place()
            if place is None:
                raise MainstayError(f"{self.layout.unit} does not run")
            try:
                return connect("postgres", *place, quiet=False)
            except errors as error:
                if (
                    not re.search("starting up|recovery|shutting down|No such file|refused", str(error))
                    or time.monotonic() > until
                ):
                    raise MainstayError(f"PostgreSQL does not answer: {said(error)}") from None
            time.sleep(0.2)

    def start(self, verb: str) -> str:
        """Starts, restarts or reloads the unit; '' where the server then answers, else what its log says.

        A start is over here when the server answers: pg_ctlcluster goes on asking it for two seconds, which nobody needs to wait for.
        """
        size = os.path.getsize(self.layout.log) if os.path.exists(self.layout.log) else 0
        try:
            self._join()
            if verb == "reload":
                run("systemctl", verb, self.layout.unit)
            else:
                before = self._pid()
                run("systemctl", verb, "--no-block", self.layout.unit)
                run("systemctl", "start", "--no-block", META)
                self._arrive(before)
            self.connection().close()
        except MainstayError as error:
            return self._log(size) or str(error)
        return ""

    def _join(self) -> None:
        """Waits for the end of a start that goes on: a stop in its middle would not be a clean one."""
        if self._unit()["ActiveState"] == "activating":
            run("systemctl", "start", self.layout.unit)

    def _arrive(self, before: int | None) -> None:
        """Waits for a server other than BEFORE that takes connections; fails as soon as systemd has given up."""
        until = time.monotonic() + START_SECONDS
        while self._pid() in (before, None) or self.place() is None:
            unit = self._unit()
            if unit["Job"] in ("", "0") and (
                unit["ActiveState"] in ("inactive", "failed") or unit["SubState"] == "auto-restart"
            ):
                raise MainstayError(f"{self.layout.unit} is {unit['ActiveState']} ({unit['SubState']})")
            if time.monotonic() > until:
                raise MainstayError(f"{self.layout.unit} has no server after {START_SECONDS} s")
            time.sleep(0.05)

    def _unit(self) -> dict[str, str]:
        told = run("systemctl", "show", "--property=Job,ActiveState,SubState", self.layout.unit)
        return {"Job": "", **dict(line.split("=", 1) for line in told.splitlines() if "=" in line)}

    def _pid(self) -> int | None:
        """The server's process as postmaster.pid names it."""
        try:
            with open(f"{self.layout.data()}/postmaster.pid", encoding="utf-8") as handle:
                return int(handle.readline())
        except (OSError, ValueError):
            return None

    def _log(self, start: int) -> str:
        """What the server logged from byte START on: a server that does not start has no sessions, so no statements either."""
        with contextlib.suppress(OSError), open(self.layout.log, encoding="utf-8", errors="replace") as handle:
            handle.seek(start)
            lines = [
                line.strip() for line in handle if re.search(r"\b(FATAL|PANIC|ERROR|HINT|DETAIL):|could not", line)
            ]
            return "; ".join(
                re.sub(r"^.*?(?=(?:FATAL|PANIC|ERROR|HINT|DETAIL|LOG|WARNING):)", "", line) for line in lines[-8:]
            )
        return ""
