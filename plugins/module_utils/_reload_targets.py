# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Units of systemd and containers of docker or podman: what they are at this moment, and their reload or restart."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError

ENGINES = ("docker", "podman")
#: For a question to systemd or an engine.
_ASK_SECONDS = 30
_PROPERTIES = (
    "LoadState,ActiveState,SubState,InvocationID,NRestarts,Result,ExecMainCode,ExecMainStatus,CanReload,EnvironmentFiles,"
    "FragmentPath,DropInPaths"
)
_URL = re.compile(r"(?:export )?([A-Za-z_][A-Za-z0-9_]*)=['\"]?[a-z][a-z0-9+]*://[^/@]*:[^/@]*@")
#: systemctl shows these as unprintable, whether there are any or not.
_CREDENTIAL = re.compile(r"\s*(?:Load|Set|Import)Credential(?:Encrypted)?\s*=\s*\S")
_ENDINGS = {"1": "exit code", "2": "signal", "3": "signal"}


@dataclass(frozen=True)
class Seen:
    """A unit or container at one moment. `mark` is another after each start of it; `moving`: wait and look again.

    `stopped`: it does not run, and nobody seems to miss it; `why` tells what is wrong where it does not run, or is not ready.
    """

    running: bool = False
    moving: bool = False
    stopped: bool = False
    there: bool = True
    ready: bool = True
    mark: str = ""
    #: How often it was started again since somebody asked for a start.
    again: int = 0
    why: str = ""


class Target(Protocol):
    """`where` tells people where to look what it said."""

    name: str
    where: str

    def look(self) -> Seen:
        """What it is now."""

    def way(self, asked: str, env_files: Sequence[str]) -> str:
        """reload, restart or a signal: the one ASKED for, or what suits it. MainstayError: that is not possible."""

    def act(self, way: str, seconds: float) -> str:
        """Does it, and waits for it; '' or why it failed."""


class Unit:
    """A service of systemd."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.where = f"journalctl -u {name}"

    def look(self) -> Seen:
        return unit_seen(self.name, self._show())

    def way(self, asked: str, env_files: Sequence[str]) -> str:
        found = self._show()
        if found.get("ActiveState") not in ("active", "reloading", "refreshing"):
            return "restart"
        can = found.get("CanReload") == "yes"
        if asked == "reload" and not can:
            raise MainstayError(f"reload_method: found reload; expected restart: {self.name} has no ExecReload")
        if asked:
            return asked
        return "reload" if can and not self._given_at_start(found, env_files) else "restart"

    def act(self, way: str, seconds: float) -> str:
        if way not in ("reload", "restart"):
            command = ["systemctl", "kill", "--kill-whom=main", f"--signal={way}", "--", self.name]
        else:
            if self._show().get("ActiveState") == "failed":
                # It may have failed too often to be started again.
                _done(["systemctl", "reset-failed", "--", self.name], _ASK_SECONDS)
            command = ["systemctl", way, "--", self.name]
        code = _done(command, seconds)
        if code is None:
            return f"{way} took longer than {seconds:.0f} s, and goes on: systemctl list-jobs"
        return f"its {way} failed ({unit_end(self._show()) or f'systemctl {way} gave {code}'})" if code else ""

    def _given_at_start(self, found: dict[str, str], env_files: Sequence[str]) -> bool:
        """systemd reads a unit's environment files and credentials when it starts it, and not again when it reloads it."""
        files = [line.partition(" (ignore_errors=")[0] for line in found.get("EnvironmentFiles", "").split("\n")]
        own = [found.get("FragmentPath", ""), *found.get("DropInPaths", "").split(" ")]
        return bool(set(files) & set(env_files)) or any(map(_CREDENTIAL.match, _lines(own)))

    def _show(self) -> dict[str, str]:
        """The properties; one that is told several times has them line by line."""
        told = _answer(["systemctl", "show", f"--property={_PROPERTIES}", "--", self.name])
        if told is None:
            raise MainstayError(f"{self.name}: systemd cannot be asked on this host (systemctl show)")
        found: dict[str, str] = {}
        for line in told.splitlines():
            key, _equals, value = line.partition("=")
            found[key] = f"{found[key]}\n{value}" if key in found else value
        return found


def unit_seen(name: str, found: dict[str, str]) -> Seen:
    """What the properties FOUND say of unit NAME."""
    load, state, sub = (found.get(key, "") for key in ("LoadState", "ActiveState", "SubState"))
    mark = found.get("InvocationID", "")
    if load == "not-found":
        return Seen(there=False, stopped=True, why=f"systemd knows no unit {name}")
    if load != "loaded":
        return Seen(there=False, stopped=load == "masked", why=f"{name} cannot be used: its LoadState is {load}")
    if state == "active":
        return Seen(running=True, mark=mark, again=int(found.get("NRestarts") or 0))
    if state == "failed" or sub.startswith("auto-restart"):
        what = "failed" if state == "failed" else "died"
        return Seen(mark=mark, why=f"{name} {what} ({unit_end(found) or found.get('Result', '')})")
    if state in ("reloading", "refreshing", "activating", "deactivating"):
        return Seen(moving=True, mark=mark, why=f"{name} is {state} ({sub})")
    return Seen(stopped=True, mark=mark, why=f"{name} does not run ({state})")


def unit_end(found: dict[str, str]) -> str:
    """How its main process ended, if it did."""
    ending, status = _ENDINGS.get(found.get("ExecMainCode", "")), found.get("ExecMainStatus", "0")
    result = found.get("Result", "success")
    told = [f"{ending} {status}"] if ending and status != "0" else []
    return ", ".join([*told, *([result] if result not in ("success", "exit-code", "signal") else [])])


class Container:
    """A container of the first engine here that knows its name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._engine = ""
        self.where = f"docker logs {name}"

    def look(self) -> Seen:
        found = self._inspect()
        return container_seen(self.name, found) if found else Seen(there=False, stopped=True, why=self._absent())

    def way(self, asked: str, env_files: Sequence[str]) -> str:
        given = [str(item) for item in (self._inspect().get("Config") or {}).get("Env") or []]
        kept = sorted(set(_url_names(given)) & set(_url_names(_lines(env_files))))
        if kept:
            told = f"{self.name}, whose environment has held {', '.join(kept)} since it was made"
            expected = "reload: [docker, compose, …, up, --detach, --force-recreate, …]: a restart keeps the old ones"
            raise MainstayError(f"container: found {told}; expected {expected}")
        return asked or "restart"

    def act(self, way: str, seconds: float) -> str:
        if not self._inspect():
            return self._absent()
        restart = [self._engine, "restart", self.name]
        code = _done(restart if way == "restart" else [self._engine, "kill", f"--signal={way}", self.name], seconds)
        if code is None:
            return f"{self._engine} gave no answer within {seconds:.0f} s"
        return f"{self._engine} {'restart' if way == 'restart' else 'kill'} failed with {code}" if code else ""

    def _inspect(self) -> dict[str, Any]:
        engines = [self._engine] if self._engine else [item for item in ENGINES if shutil.which(item)]
        for engine in engines:
            told = _answer([engine, "inspect", "--type=container", "--format", "{{json .}}", "--", self.name])
            try:
                found = json.loads(told or "null")
            except ValueError:
                found = None
            if isinstance(found, dict):
                self._engine, self.where = engine, f"{engine} logs {self.name}"
                return found
        return {}

    def _absent(self) -> str:
        engines = [item for item in ENGINES if shutil.which(item)]
        return f"{' and '.join(engines)} knows no container {self.name}" if engines else "no docker or podman is here"


def container_seen(name: str, found: dict[str, Any]) -> Seen:
    """What FOUND, as an engine's inspect tells it, says of container NAME."""
    state = found.get("State") or {}
    status, code = str(state.get("Status", "")), state.get("ExitCode", 0)
    mark = f"{found.get('Id', '')[:12]} {state.get('StartedAt', '')}"
    if status == "running":
        health = str((state.get("Health") or state.get("Healthcheck") or {}).get("Status") or "healthy")
        told = f"the health check of {name} says {health}"
        again = int(found.get("RestartCount") or 0)
        return Seen(
            running=True, mark=mark, again=again, ready=health == "healthy", why="" if health == "healthy" else told
        )
    if status == "restarting":
        return Seen(mark=mark, why=f"{name} died (exit code {code})")
    # 137 and 143 are what a container that was stopped leaves.
    stopped = status in ("created", "paused") or (status == "exited" and code in (0, 137, 143))
    told = (
        f"{name} does not run ({status}, exit code {code})" if status == "exited" else f"{name} does not run ({status})"
    )
    return Seen(stopped=stopped, mark=mark, why=told)


def _url_names(lines: Iterable[str]) -> list[str]:
    """The names among `NAME=VALUE` whose value is a URL with a password."""
    return [match[1] for match in map(_URL.match, lines) if match]


def _lines(paths: Sequence[str]) -> list[str]:
    found: list[str] = []
    for path in paths:
        with contextlib.suppress(OSError), open(path, encoding="utf-8", errors="replace") as handle:
            found += handle.read().splitlines()
    return found


def targets(how: str, names: Sequence[str]) -> list[Target]:
    return [Unit(name) if how == "unit" else Container(name) for name in names]


def _answer(command: Sequence[str]) -> str | None:
    """What COMMAND prints, or None; what it says on the error output is not told."""
    environment = {**os.environ, "LC_ALL": "C", "SYSTEMD_PAGER": "cat", "SYSTEMD_COLORS": "0"}
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=environment,
            timeout=_ASK_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None


def _done(command: Sequence[str], seconds: float) -> int | None:
    """The exit code of COMMAND; None where it did not end within SECONDS. Its output goes nowhere."""
    null = subprocess.DEVNULL
    try:
        return subprocess.run(command, stdin=null, stdout=null, stderr=null, timeout=seconds, check=False).returncode
    except subprocess.TimeoutExpired:
        return None
    except OSError:
        return 127
