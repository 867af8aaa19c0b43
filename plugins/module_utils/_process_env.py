# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The environment that a running systemd unit or container has, as bytes `NAME=value` with a NUL after each. Read-only; never shown."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Sequence

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError

SECONDS = 15
ENGINES = ("docker", "podman")
_UNIT = re.compile(r"[A-Za-z0-9:_.\\@][A-Za-z0-9:_.\\@-]*")
_CONTAINER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


class NotThere(MainstayError):
    """The unit or container does not run, or is not known here."""


class NotReadable(MainstayError):
    """It runs, but who asks may not read its environment, or nothing here can be asked."""


class _Overwritten(NotReadable):
    """The kernel shows the memory that the environment was in at the start; what a process puts there later is no environment."""


def unit_environment(unit: str) -> bytes:
    """What the main process of UNIT was started with."""
    if not _UNIT.fullmatch(unit):
        raise MainstayError(f"unit: found {unit!r}; expected a systemd unit's name, like shop.service")
    told = _ask(["systemctl", "show", "--property=LoadState,MainPID", "--", unit], "systemd cannot be asked")
    found = dict(line.split("=", 1) for line in told.decode("utf-8", "replace").splitlines() if "=" in line)
    if found.get("LoadState") in ("not-found", "masked"):
        raise NotThere(f"systemd knows no unit {unit}")
    if found.get("MainPID", "0") == "0":
        raise NotThere("the unit does not run")
    return _environ(found["MainPID"])


def container_environment(name: str) -> bytes:
    """What the first process of container NAME was started with; where that cannot be seen from here, what it was configured with."""
    if not _CONTAINER.fullmatch(name):
        raise MainstayError(f"container: found {name!r}; expected a container's name or id")
    engines = [item for item in ENGINES if shutil.which(item)]
    refusal: MainstayError = NotReadable(f"none of {', '.join(ENGINES)} is installed here")
    for engine in engines:
        try:
            return _of_engine(engine, name)
        except (NotThere, NotReadable) as error:
            refusal = error
    raise refusal


def _of_engine(engine: str, name: str) -> bytes:
    told = _inspect(engine, name, "{{.State.Running}} {{.State.Pid}} {{.Id}}")
    parts = told.decode("utf-8", "replace").split()
    if len(parts) != 3 or parts[0] != "true":
        raise NotThere("the container does not run")
    if _runs_here(parts[1], parts[2]):
        with contextlib.suppress(_Overwritten):
            return _environ(parts[1])
    try:
        entries = json.loads(_inspect(engine, name, "{{json .Config.Env}}")) or []
    except ValueError:
        raise NotReadable(f"{engine} gave no JSON") from None
    return b"".join(os.fsencode(str(entry)) + b"\0" for entry in entries)


def _inspect(engine: str, name: str, form: str) -> bytes:
    command = [engine, "inspect", "--type=container", "--format", form, "--", name]
    return _ask(command, f"{engine} knows no such container")


def _runs_here(pid: str, identity: str) -> bool:
    """A number from another pid namespace may be another process here: its control group says whether it is the container's."""
    try:
        with open(f"/proc/{int(pid)}/cgroup", encoding="utf-8") as handle:
            return identity in handle.read()
    except (OSError, ValueError):
        return False


def _environ(pid: str) -> bytes:
    try:
        with open(f"/proc/{int(pid)}/environ", "rb") as handle:
            found = handle.read()
    except (FileNotFoundError, ProcessLookupError):
        raise NotThere("its process ended meanwhile") from None
    except (OSError, ValueError):
        raise NotReadable("its process's environment cannot be read; expected its own user, or root") from None
    if found and b"=" not in found.split(b"\0", 1)[0]:
        raise _Overwritten(
            "its process has written over its environment, as those do that set a long title (Ruby, nginx)"
        )
    return found


def _ask(command: Sequence[str], refusal: str) -> bytes:
    """What COMMAND prints; its error output may hold anything, and is not told."""
    environment = {**os.environ, "LC_ALL": "C", "SYSTEMD_PAGER": "cat"}
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, env=environment, timeout=SECONDS, check=False
        )
    except OSError:
        raise NotReadable(f"{command[0]} cannot be run here") from None
    except subprocess.TimeoutExpired:
        raise NotReadable(f"{command[0]} gave no answer within {SECONDS} s") from None
    if done.returncode:
        raise NotThere(refusal)
    return done.stdout
