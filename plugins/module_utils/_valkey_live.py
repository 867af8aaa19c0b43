# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Asks a running Valkey server over its Unix socket: its configuration, users and state, in one round trip."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._deps import require
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_acl import parse_acl
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_directives import comparable

#: Without any sign of life for so long, a start or a rewrite counts as failed. A load that advances may take as long as it takes.
PATIENCE = 40.0
PAUSE = 0.1

Acl = Mapping[str, tuple[frozenset[str], str]]


@dataclass(frozen=True)
class Login:
    """The administrator of every instance; the password is used for a call and never kept."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Live:
    """What a server said. `state`: up, loading, refused (the login), silent (no answer in time), or down (nobody listens)."""

    state: str
    config: Mapping[str, str] = field(default_factory=dict)
    acl: Acl = field(default_factory=dict)
    info: Mapping[str, Any] = field(default_factory=dict)


def is_path(socket: str) -> bool:
    return socket.startswith("/")


def connect(socket: str, user: str, password: str, timeout: float = 5.0) -> Any:
    """A client on SOCKET (a path, or HOST:PORT) that tries once and gives up after TIMEOUT seconds."""
    redis = require("redis")
    host, _colon, port = socket.rpartition(":")
    place = {"unix_socket_path": socket} if is_path(socket) else {"host": host.strip("[]"), "port": int(port)}
    return redis.Redis(
        **place,
        username=user,
        password=password,
        socket_timeout=timeout,
        decode_responses=True,
        retry=redis.retry.Retry(redis.backoff.NoBackoff(), 0),
    )


def ask(socket: str, login: Login, timeout: float = 5.0) -> Live:
    """What the server on SOCKET says of itself."""
    if is_path(socket) and not os.path.exists(socket):
        return Live("down")
    errors = require("redis").exceptions
    client = connect(socket, login.user, login.password, timeout)
    try:
        pipe = client.pipeline(transaction=False)
        pipe.info()
        pipe.config_get("*")
        pipe.acl_list()
        info, config, acl = pipe.execute()
    except errors.BusyLoadingError:
        return Live("loading")
    except errors.AuthenticationError:
        return Live("refused")
    except errors.TimeoutError:
        return Live("silent")
    except errors.ConnectionError:
        return Live("down")
    except errors.RedisError as error:
        raise MainstayError(f"{socket}: the server answered {error}") from None
    finally:
        client.close()
    return Live("loading" if info.get("loading") else "up", comparable(config), parse_acl(acl), info)


def persisted(socket: str, login: Login, name: str, patience: float = PATIENCE) -> None:
    """Waits until the append-only file of the server on SOCKET is complete and written without error: then a restart loses nothing."""
    progress: object = None
    deadline = time.monotonic() + patience
    client = connect(socket, login.user, login.password)
    while True:
        info = client.info("persistence")
        busy = info.get("aof_rewrite_in_progress") or info.get("aof_rewrite_scheduled")
        if not busy and "aof_current_size" in info:
            break
        now = (
            info.get("aof_rewrite_in_progress"),
            info.get("current_save_keys_processed"),
            info.get("current_fork_perc"),
        )
        if now != progress:
            progress, deadline = now, time.monotonic() + patience
        if time.monotonic() > deadline:
            raise MainstayError(
                f"{name}: its append-only file is not complete after {patience:.0f} seconds without progress; nothing was restarted"
            )
        time.sleep(PAUSE)
    for key in ("aof_last_write_status", "aof_last_bgrewrite_status"):
        if info.get(key) != "ok":
            raise MainstayError(
                f"{name}: found {key} {info.get(key)!r}; expected 'ok' before it may be restarted (is its disk full?)"
            )


def _loaded(socket: str, login: Login) -> object:
    """How far a loading server is: INFO is answered meanwhile."""
    client = connect(socket, login.user, login.password)
    with contextlib.suppress(Exception):
        return client.info("persistence").get("loading_loaded_bytes")
    return None


def wait_ready(
    socket: str,
    login: Login,
    dead: Callable[[], str],
    started: Callable[[Live], bool],
    any_login: bool = False,
    patience: float = PATIENCE,
) -> Live:
    """Waits until the server on SOCKET is up and STARTED agrees that it is the new one; DEAD tells why waiting is in vain, or ''.

    ANY_LOGIN: a server that refuses the administrator is up as well.
    """
    progress: object = None
    deadline = time.monotonic() + patience
    turn = refusals = 0
    while True:
        live = ask(socket, login)
        if live.state == "up" and started(live):
            return live
        if live.state == "loading":
            now = _loaded(socket, login)
            if now != progress:
                progress, deadline = now, time.monotonic() + patience
        # The first refusal may still be the old server's: it was asked before STARTED was.
        refusals = refusals + 1 if live.state == "refused" and started(live) else 0
        if refusals > 1:
            if any_login:
                return live
            raise MainstayError("the server refuses the login that its own ACL file holds")
        turn += 1
        # systemd is asked now and then: each question is a process
        why = dead() if turn % 10 == 0 else ""
        if why or time.monotonic() > deadline:
            raise MainstayError(why or f"no answer for {patience:.0f} seconds (last state: {live.state})")
        time.sleep(PAUSE)
