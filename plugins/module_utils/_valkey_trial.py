# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Starts a throw-away server with a candidate configuration: what it refuses never replaces a working file.

The trial runs as user valkey on a Unix socket in a folder of its own; no port, no data and no file of the real instance is touched.
What the server makes of the candidate (every directive, every user's rights, in its own spelling) is what the live one is compared with.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._files import user_id
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_acl import masked
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_live import Acl, Live, Login, ask

SERVER = "/usr/bin/valkey-server"
CACHE = "/var/cache/mainstay"
SECONDS = 15.0
#: Where the trial must differ from the instance.
PLACES = ("port", "tls-port", "dir", "unixsocket", "aclfile", "pidfile")
_LOG = re.compile(r"^\d+:[A-Z] \d+ \w+ \d+ [\d:.]+ . ")


@dataclass(frozen=True)
class Expected:
    """What a server that runs the candidate answers to CONFIG GET, and the rights of its users without their verifiers."""

    config: Mapping[str, str]
    rights: Mapping[str, str]

    def acl(self, wanted: Acl) -> Acl:
        return {name: (wanted[name][0], rights) for name, rights in self.rights.items() if name in wanted}


def _key(config: str, acl: str) -> str:
    found = os.stat(SERVER)
    text = json.dumps([found.st_mtime_ns, found.st_size, config, masked(acl)])
    return hashlib.sha256(text.encode()).hexdigest()


def remembered(name: str, config: str, acl: str) -> Expected | None:
    """What an earlier trial of the same texts with the same server told."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        with open(f"{CACHE}/valkey-{name}.json", encoding="utf-8") as handle:
            found = json.load(handle)
        if found["key"] == _key(config, acl):
            return Expected(found["config"], found["rights"])
    return None


def remember(name: str, config: str, acl: str, expected: Expected) -> None:
    os.makedirs(CACHE, mode=0o700, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=CACHE)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        json.dump({"key": _key(config, acl), "config": dict(expected.config), "rights": dict(expected.rights)}, stream)
    os.rename(temporary, f"{CACHE}/valkey-{name}.json")


def forget(name: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(f"{CACHE}/valkey-{name}.json")


def trial(name: str, config: str, acl: str, places: Mapping[str, str], login: Login) -> Expected:
    """What the server makes of CONFIG and ACL; MainstayError with its own message where it refuses them. PLACES are the real PLACES."""
    uid = user_id("valkey")
    if uid is None:
        raise MainstayError("user valkey: found none on this host; expected the package valkey-server to be installed")
    folder = tempfile.mkdtemp(prefix="mainstay-valkey-", dir="/run")
    try:
        os.chown(folder, uid, -1)
        for file, text in (("conf", _moved(config)), ("acl", acl)):
            with open(
                os.open(f"{folder}/{file}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
            ) as handle:
                handle.write(text)
            os.chown(f"{folder}/{file}", uid, -1)
        live = _run(name, folder, login)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return Expected(
        {**live.config, **{key: places[key] for key in PLACES if places[key]}},
        {user: rights for user, (hashes, rights) in live.acl.items()},
    )


def _moved(config: str) -> str:
    """CONFIG without the lines that place it (a server enters `dir` as it reads it); line numbers in messages stay right."""
    return re.sub(rf"^(?=(?:{'|'.join(PLACES)}) )", "# ", config, flags=re.MULTILINE)


def _run(name: str, folder: str, login: Login) -> Live:
    socket = f"{folder}/s"
    overrides = {
        "port": "0",
        "dir": folder,
        "unixsocket": socket,
        "aclfile": f"{folder}/acl",
        "pidfile": "",
        "daemonize": "no",
        "supervised": "no",
    }
    command = [SERVER, f"{folder}/conf", *[part for key, value in overrides.items() for part in (f"--{key}", value)]]
    _raise_limit()
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            user="valkey",
            group="valkey",
            extra_groups=[],
            cwd="/",
            start_new_session=True,
            umask=0o77,
        )
        try:
            return _wait(name, process, socket, login, log)
        finally:
            process.kill()
            process.wait()


def _raise_limit() -> None:
    """The unit's limit is raised by systemd; a trial under a lower one would cut maxclients down."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _wait(name: str, process: subprocess.Popen[Any], socket: str, login: Login, log: IO[str]) -> Live:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        live = ask(socket, login)
        if live.state == "up":
            return live
        if live.state == "refused":
            raise MainstayError(
                f"{name}: the administrator's login does not match the ACL that was to be installed; nothing was replaced"
            )
        if process.poll() is not None:
            raise MainstayError(f"{name}: the server refuses this configuration, nothing was replaced: {said(log)}")
        time.sleep(0.005)
    raise MainstayError(
        f"{name}: a trial start with this configuration did not answer within {SECONDS:.0f} seconds, nothing was replaced: {said(log)}"
    )


def said(log: IO[str]) -> str:
    """The server's own words on one line, without its banner and without verifiers."""
    log.seek(0)
    return words(log.read())


def words(text: str) -> str:
    lines = [_LOG.sub("", line).strip() for line in text.splitlines()]
    kept = [
        line
        for line in lines
        if re.search(r"[A-Za-z]{3}", line)
        and not re.search(r"oO0OoO|Warning: no config file|_\.-|version=|Running mode|Port:|PID:|valkey\.io", line)
    ]
    return masked("; ".join(kept[-6:]))[-1000:] or "it said nothing"
