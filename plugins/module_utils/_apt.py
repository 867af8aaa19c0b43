# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Debian packages in one run of apt-get, with nothing started meanwhile: what a server reads at its first start is put in place later."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._lock import locked
from ansible_collections.mainstay.backend.plugins.module_utils._probe import packages, read

STATUS = "/var/lib/dpkg/status"
POLICY = "/usr/sbin/policy-rc.d"
#: Where a policy of the host's own waits meanwhile.
KEPT = f"{POLICY}.mainstay"
LOCK = "/run/mainstay-packages.lock"
LOCK_SECONDS = 300
MARK = "# mainstay.backend: nothing is started while"
# A policy that outlives its process (killed, say) denies nothing any more.
POLICY_TEXT = """#!/bin/sh
{mark} process {pid} installs packages.
[ "$(cut -d ' ' -f 22 /proc/{pid}/stat 2>/dev/null)" = {started} ] && exit 101
[ ! -x {kept} ] || exec {kept} "$@"
exit 0
"""
_QUIET = ("-q", "-y", "-o", f"DPkg::Lock::Timeout={LOCK_SECONDS}", "-o", "Dpkg::Use-Pty=0")
# Maintainer scripts ask systemd to read all units again and again; told that it is not there, they leave it to one reload at the end.
_ENVIRONMENT = {
    "LC_ALL": "C.UTF-8",
    "DEBIAN_FRONTEND": "noninteractive",
    "DEBIAN_PRIORITY": "critical",
    "SYSTEMD_OFFLINE": "1",
}
_INSTALL = ("--no-install-recommends", "-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold")


@dataclass
class Installed:
    """What was done, or in check mode would be: name -> version of what the host then has, and what apt complained of meanwhile."""

    versions: dict[str, str | None]
    missing: list[str]
    actions: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def missing(names: Sequence[str]) -> list[str]:
    """Those of NAMES that are not installed."""
    found = packages(read(STATUS), names)
    return [name for name in names if not found[name]]


def install(names: Sequence[str], update: bool = True, check_mode: bool = False) -> Installed:
    """Installs those of NAMES that are missing; with UPDATE the package lists are fetched first.

    A source that cannot be fetched is a warning as long as the packages come from another one.
    """
    found = packages(read(STATUS), names)
    done = Installed(found, [name for name in names if not found[name]])
    if not done.missing:
        return done
    if check_mode:
        _foresee(done)
        return done
    with _alone(), _nothing_starts():
        trouble = _updated() if update else ""
        code, said = _apt("install", *_INSTALL, *done.missing)
        if os.path.isdir("/run/systemd/system"):
            _run("systemctl", "daemon-reload", environment={})
    if code:
        told = f"; fetching the package lists had failed: {trouble}" if trouble else ""
        raise MainstayError(f"apt-get install {' '.join(done.missing)} failed: {said}{told}")
    if trouble:
        done.warnings.append(f"apt-get update: {trouble}")
    done.versions = packages(read(STATUS), names)
    absent = [name for name in done.missing if not done.versions[name]]
    if absent:
        raise MainstayError(f"apt-get install said that it worked, and {', '.join(absent)} is not installed")
    done.actions = [f"installed {name} {done.versions[name]}" for name in done.missing]
    return done


def _foresee(done: Installed) -> None:
    """Check mode fetches no lists. What they know already is tried out, so that a failure shows; of the rest there is nothing to ask."""
    unknown = [name for name in done.missing if not _candidate(name)]
    if not unknown:
        code, said = _apt("install", "--simulate", *_INSTALL, *done.missing)
        if code:
            raise MainstayError(f"apt-get install {' '.join(done.missing)} would fail: {said}")
    for name in done.missing:
        doubt = " from the package lists to be fetched: those here do not know it" if name in unknown else ""
        done.actions.append(f"would install {name}{doubt}")


def _candidate(name: str) -> bool:
    """Whether the package lists of the host know a version of NAME to install."""
    said = _run("apt-cache", "policy", name)[1]
    return bool(re.search(r"^\s+Candidate: (?!\(none\))", said, re.MULTILINE))


def _updated() -> str:
    """Fetches the package lists; what was wrong with that, or ''. apt waits for dpkg's lock only, so that of the lists is waited for here."""
    until = time.monotonic() + LOCK_SECONDS
    while True:
        code, said = _apt("update", "-o", "APT::Update::Error-Mode=any")
        if not code or "/lists/lock" not in said or time.monotonic() > until:
            return said if code else ""
        time.sleep(1)


def _apt(verb: str, *arguments: str) -> tuple[int, str]:
    """Exit code of apt-get, and its errors and warnings (the end of its output where it gave none)."""
    code, out = _run("apt-get", *_QUIET, verb, *arguments)
    lines = [line.strip() for line in out.splitlines() if line.strip()]
    told = [line for line in lines if re.match(r"(?:E|W|Err|dpkg|dpkg-\w+):", line)]
    return code, "; ".join((told or lines)[-8:])[-1500:]


def _run(*command: str, environment: Mapping[str, str] | None = None) -> tuple[int, str]:
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={**os.environ, **(_ENVIRONMENT if environment is None else environment)},
            check=False,
        )
    except OSError as error:
        raise MainstayError(f"{command[0]} did not run: {error}; expected Debian, or a distribution like it") from error
    return done.returncode, done.stdout


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """One installation of ours at a time: the policy is one file."""
    with open(LOCK, "a", encoding="utf-8") as handle:
        if not locked(handle, LOCK_SECONDS):
            raise MainstayError(f"another run has installed packages for {LOCK_SECONDS} s ({LOCK})")
        yield


@contextlib.contextmanager
def _nothing_starts() -> Iterator[None]:
    """Maintainer scripts start no service meanwhile. A policy of the host's own is set aside, and put back."""
    if MARK in read(POLICY):
        os.unlink(POLICY)
    if os.path.exists(POLICY):
        os.replace(POLICY, KEPT)
    pid = os.getpid()
    started = read(f"/proc/{pid}/stat").rpartition(")")[2].split()[19]
    candidate = f"{POLICY}.new"
    with open(candidate, "w", encoding="utf-8") as handle:
        handle.write(POLICY_TEXT.format(mark=MARK, pid=pid, started=started, kept=KEPT))
    os.chmod(candidate, 0o755)
    os.replace(candidate, POLICY)
    try:
        yield
    finally:
        if os.path.exists(KEPT):
            os.replace(KEPT, POLICY)
        else:
            os.unlink(POLICY)
