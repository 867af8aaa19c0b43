# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Asks once whether a consumer is well: by a command, a web address or a port. Bounded in time; tells no output, which may hold secrets."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import ssl
import stat
import subprocess
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.mainstay.backend.plugins.module_utils._consumer_reload import Health

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#: root, and Debian's staff, to which /usr/local belonged once.
_TRUSTED_GROUPS = (0, 50)
#: A question to an address or a port that takes longer than this is asked again.
_ATTEMPT = 10.0


def ask(health: Health, owner: str, group: str, seconds: float) -> str:
    """'' where the consumer is well, or why not, after SECONDS at most. A command runs as OWNER, where this process may change to it."""
    if health.probe == "command":
        said = run(health.command, seconds, owner, group)
        return said and f"the health command {said}"
    try:
        if health.probe == "tcp":
            _connect(health.host, health.port, min(_ATTEMPT, seconds)).close()
        if health.probe == "url":
            return _url(health, min(_ATTEMPT, seconds))
    except (OSError, UnicodeError) as error:
        return f"{_place(health)}: {_reason(error)}"
    return ""


def run(command: Sequence[str], seconds: float, owner: str = "", group: str = "") -> str:
    """'' where COMMAND ended with 0, or what happened instead. Its output goes nowhere; what it started ends with it after SECONDS."""
    try:
        other = os.geteuid() == 0 and owner not in ("", "root", "0")
        told = _as(owner, group) if other else {"env": _environment(str(os.geteuid()))}
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
            **told,
        )
    except (OSError, KeyError, subprocess.SubprocessError) as error:
        return f"did not run ({_reason(error)})"
    try:
        code = process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return f"gave no answer within {round(seconds, 1):g} s"
    if code:
        how = f"exited with {code}" if code > 0 else f"was ended by signal {-code}"
        return f"{how} (run it by hand to see what it says: its output may hold secrets)"
    return ""


def missing(command: Sequence[str], as_root: bool) -> str:
    """Why COMMAND cannot be run, or must not: what root runs, nobody else may be able to change. '' where it can."""
    path = shutil.which(command[0], path=PATH)
    if not path:
        return f"found no program {command[0]}; expected an absolute path, or a name in {PATH}"
    if not as_root or os.geteuid() != 0:
        return ""
    path = os.path.realpath(path)
    while True:
        found = os.stat(path)
        open_ = stat.S_IWOTH | (0 if found.st_gid in _TRUSTED_GROUPS else stat.S_IWGRP)
        if found.st_uid != 0 or (found.st_mode & open_ and not found.st_mode & stat.S_ISVTX):
            owner = _user(found.st_uid) if found.st_uid else "others than root"
            expected = f"a program of root's, or [runuser, -u, {owner if found.st_uid else 'USER'}, --, …]"
            return f"found {path}, which {owner} can change, and root would run {command[0]}; expected {expected}"
        if path == "/":
            return ""
        path = os.path.dirname(path)


def _as(owner: str, group: str) -> dict[str, Any]:
    """What Popen needs to run something as OWNER; KeyError where there is no such user."""
    user: int | str = int(owner) if owner.isdigit() else owner
    environment = _environment(owner)
    name = environment["USER"]
    main: int | str = int(group) if group.isdigit() else group or user
    groups = os.getgrouplist(name, pwd.getpwnam(name).pw_gid) if name != owner or not owner.isdigit() else []
    return {"user": user, "group": main, "extra_groups": groups, "env": environment}


def _environment(owner: str) -> dict[str, str]:
    """What a program of OWNER starts with, a name or a number; a number needs no entry among the users."""
    home, name = "/", owner
    if not owner.isdigit():
        home = pwd.getpwnam(owner).pw_dir
    else:
        with contextlib.suppress(KeyError):
            entry = pwd.getpwuid(int(owner))
            home, name = entry.pw_dir, entry.pw_name
    return {"PATH": PATH, "LC_ALL": "C.UTF-8", "HOME": home, "USER": name, "LOGNAME": name}


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _connect(host: str, port: int, seconds: float) -> socket.socket:
    return socket.create_connection((host, port), timeout=seconds)


def _url(health: Health, seconds: float) -> str:
    """Reads the status line and no more; a redirection is an answer like any other."""
    parts, until = urlsplit(health.url), time.monotonic() + seconds
    host = str(parts.hostname)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    text = f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nUser-Agent: mainstay.backend\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    with contextlib.ExitStack() as stack:
        link = stack.enter_context(_connect(host, port, seconds))
        if parts.scheme == "https":
            link = stack.enter_context(ssl.create_default_context().wrap_socket(link, server_hostname=host))
        link.sendall(text.encode("ascii"))
        answer = b""
        while b"\n" not in answer and len(answer) < 4096:
            link.settimeout(max(0.01, until - time.monotonic()))
            part = link.recv(512)
            if not part:
                break
            answer += part
            if time.monotonic() > until:
                raise TimeoutError
    words = answer.split(b"\n")[0].split()
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
        return f"{_place(health)}: no answer of a web server"
    if int(words[1]) != health.status:
        return f"{_place(health)}: found status {int(words[1])}; expected {health.status}"
    return ""


def _place(health: Health) -> str:
    """Where was asked, without what follows the path: a token may stand there."""
    return f"port {health.port} of {health.host}" if health.probe == "tcp" else health.url.split("?")[0]


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ssl.SSLError):
        return f"TLS: {error.reason or 'no handshake'}"
    if isinstance(error, KeyError):
        return "there is no such user or group"
    return str(getattr(error, "strerror", None) or type(error).__name__)
