# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the benchmarks of playbooks share: hosts, runs as a user starts them, counts of round trips, the closing table.

Round trips are counted in what ansible-playbook says at -vvv: a line `<HOST> EXEC` (or PUT, FETCH) is one remote execution, a line
`Using module file` is one module call.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

TOP = Path(__file__).resolve().parent.parent
RELEASE = "13"
EXECUTION = re.compile(r"^<([^>]+)> (?:EXEC|PUT|FETCH) ", re.MULTILINE)
CALL = re.compile(r"^(?:<[^>]+> )?Using module file ", re.MULTILINE)
RECAP = re.compile(r"^(\S+)\s+: ok=\d+\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)


class Run(NamedTuple):
    """One run of a playbook: how long it took, what it said, how many tasks changed something on each host."""

    seconds: float
    output: str
    changed: dict[str, int]

    def round_trips(self) -> tuple[int, int]:
        """Module calls and remote executions, where the run was one at -vvv."""
        remote = [name for name in EXECUTION.findall(self.output) if name not in ("localhost", "127.0.0.1")]
        return len(CALL.findall(self.output)), len(remote)


class Figure(NamedTuple):
    """One line of the closing table. `counted` figures do not depend on the machine: --assert judges these. A limit of 0 is none."""

    name: str
    value: float
    limit: float = 0.0
    unit: str = ""
    counted: bool = False

    @property
    def met(self) -> bool:
        return not self.limit or self.value <= self.limit


def say(text: str) -> None:
    print(text, flush=True)


def host(*arguments: str) -> None:
    subprocess.run([TOP / "scripts" / "host", *arguments], check=True)


def halt(*names: str) -> None:
    """Ends hosts and leaves them on the disk: what a removal leaves to write and to discard would be in the time of whoever runs next."""
    subprocess.run(["docker", "kill", *names], check=True, stdout=subprocess.DEVNULL)
    os.sync()


def write_inventory(folder: Path, content: Mapping[str, Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "inventory.yml"
    path.write_text(json.dumps(content, indent=2), encoding="utf-8")  # JSON is YAML
    return path


def play(work: Path, path: Path, playbook: str, *options: str, environment: Mapping[str, str] | None = None) -> Run:
    """Runs playbooks/PLAYBOOK on the inventory PATH as a user does, with this checkout's ansible.cfg; WORK keeps the vault password."""
    password = work / "vault-password"
    if not password.exists():
        password.touch(0o600)
        password.write_text(os.urandom(18).hex(), encoding="utf-8")
    told = {
        **os.environ,
        "ANSIBLE_CONFIG": str(TOP / "ansible.cfg"),
        "ANSIBLE_VAULT_PASSWORD_FILE": str(password),
        "ANSIBLE_NOCOLOR": "1",
        **(environment or {}),
    }
    command = [Path(sys.executable).parent / "ansible-playbook", "-i", path, *options, f"playbooks/{playbook}"]
    started = time.monotonic()
    done = subprocess.run(command, cwd=TOP, env=told, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - started
    if done.returncode:
        said = (done.stdout + done.stderr)[-4000:]
        sys.exit(f"bench: {playbook} ended with {done.returncode}; the end of what it said:\n{said}")
    changed = {name: int(number) for name, number, _lost, _failed in RECAP.findall(done.stdout)}
    return Run(seconds, done.stdout, changed)


def show(figures: Sequence[Figure], report: Path) -> None:
    """The closing table, and the same as JSON."""
    say(f"\n{'figure':<44} {'found':>8} {'reach':>8}   met?")
    for item in figures:
        reach = f"{item.limit:>7.4g}{item.unit:1}" if item.limit else f"{'-':>8}"
        say(
            f"{item.name:<44} {item.value:>7.4g}{item.unit:1} {reach}   {('yes' if item.met else 'no') if item.limit else ''}"
        )
    told = {
        item.name: {"found": round(item.value, 2), "reach": item.limit, "unit": item.unit, "met": item.met}
        for item in figures
    }
    report.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    judged = [item for item in figures if item.limit]
    say(f"bench: {sum(item.met for item in judged)} of {len(judged)} figures within reach")
