# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""systemd's part: one question for all units, and the few verbs that act on them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError

_SHOWN = "Id,LoadState,ActiveState,SubState,UnitFileState,MainPID,Result"
_SECONDS = 90
# Debian's server has an init script too, which systemd ignores beside the unit; its links cost half a second to change.
_ENVIRONMENT = {"SYSTEMCTL_SKIP_SYSV": "1"}


def _systemctl(arguments: Sequence[str]) -> str:
    command = ["systemctl", *arguments]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_SECONDS, env={**os.environ, **_ENVIRONMENT}, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MainstayError(
            f"{' '.join(command)}: {type(error).__name__}; expected systemd to answer within {_SECONDS} seconds"
        ) from None
    if done.returncode != 0:
        raise MainstayError(f"{' '.join(command)} failed (exit {done.returncode}): {done.stderr.strip()[-600:]}")
    return done.stdout


def show(units: Sequence[str]) -> dict[str, Mapping[str, str]]:
    """Properties of each of UNITS, by the name it was asked by."""
    return properties(units, _SHOWN)


def properties(units: Sequence[str], names: str) -> dict[str, Mapping[str, str]]:
    """The properties NAMES (with commas between) of each of UNITS, by the name it was asked by."""
    blocks = _systemctl(["show", f"--property={names}", "--", *units]).strip().split("\n\n")
    found: dict[str, Mapping[str, str]] = {}
    for unit, block in zip(units, blocks, strict=True):
        found[unit] = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
    return found


def act(verb: str, units: Iterable[str], *options: str) -> None:
    names = list(units)
    if names:
        _systemctl([verb, *options, "--", *names])


def link(verb: str, units: Iterable[str]) -> bool:
    """Enables or disables UNITS on disk; whether there were any. systemd reads it at the next reload_units()."""
    names = list(units)
    act(verb, names, "--no-reload")
    return bool(names)


def reload_units() -> None:
    _systemctl(["daemon-reload"])


def journal(unit: str, since: float) -> str:
    """What UNIT logged after SINCE (seconds since the epoch)."""
    command = ["journalctl", f"--unit={unit}", f"--since=@{since:.0f}", "--output=cat", "--lines=40", "--no-pager"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""
