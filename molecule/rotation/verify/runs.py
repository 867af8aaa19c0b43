# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs of the collection's playbooks as an operator starts them, in processes of their own that can be killed; all they print is kept."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RECAP = re.compile(r"^(\S+)\s*: ok=\d+\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)


@dataclass
class Run:
    """One run, under way or over. `out` is everything that it printed so far."""

    process: subprocess.Popen[bytes]
    log: Path
    started: float

    @property
    def out(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def kill(self) -> None:
        """SIGKILL to ansible-playbook and every process that it started here (its workers have sessions of their own). What runs on the
        hosts goes on."""
        family = [self.process.pid, *descendants(self.process.pid)]
        for pid in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def wait(self, seconds: float = 3600) -> Run:
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"a run took over {seconds:g} s: {self.out[-3000:]}") from None
        return self

    @property
    def code(self) -> int:
        return int(self.process.returncode)

    @property
    def changed(self) -> dict[str, int]:
        return {host: int(changed) for host, changed, _lost, _failed in RECAP.findall(self.out)}

    @property
    def broken(self) -> dict[str, int]:
        return {host: int(lost) + int(failed) for host, _changed, lost, failed in RECAP.findall(self.out)}

    def ok(self) -> Run:
        assert self.code == 0, f"{self.log.name} ended with {self.code}:\n{self.out[-6000:]}"
        return self


def descendants(root: int) -> list[int]:
    """Every process that descends from ROOT at this moment."""
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(path.parent.name)] = int(path.read_text(encoding="utf-8").rpartition(")")[2].split()[1])
    found = [root]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found[1:]


class Runs:
    """Starts runs on the scenario's inventory."""

    def __init__(self, inventory: Path, logs: Path) -> None:
        self.inventory, self.logs = inventory, logs
        self.number = 0
        logs.mkdir(parents=True, exist_ok=True)
        for old in logs.glob("*.log"):
            old.unlink()

    def start(
        self, *options: str, playbook: str = "rotate_secrets", crash: str = "", verbosity: int = 3, **variables: Any
    ) -> Run:
        """VARIABLES become extra variables; CRASH is the point at which the run dies."""
        self.number += 1
        log = (
            self.logs / f"{self.number:03d}-{playbook}{'-' + re.sub(r'[^a-zA-Z0-9]+', '-', crash) if crash else ''}.log"
        )
        command = ["ansible-playbook", "-i", str(self.inventory), f"-{'v' * verbosity}", "--diff", *options]
        if variables:
            command += ["-e", json.dumps(variables)]
        environment = {**os.environ, "ANSIBLE_FORCE_COLOR": "0", "ANSIBLE_NOCOLOR": "1"}
        environment |= {"MAINSTAY_CRASH": crash} if crash else {}
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [*command, f"mainstay.backend.{playbook}"],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )
        return Run(process, log, time.monotonic())

    def run(self, *options: str, **told: Any) -> Run:
        return self.start(*options, **told).wait()
