# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Brings users of running Valkey instances to what is wanted: on the server first, then durably, then without their old sessions."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._crash import crash
from ansible_collections.mainstay.backend.plugins.module_utils._deps import require
from ansible_collections.mainstay.backend.plugins.module_utils._file_specs import FileSpec
from ansible_collections.mainstay.backend.plugins.module_utils._files import place
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_acl import (
    acl_differences,
    edited,
    masked,
    parse_acl,
)
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_live import Live, Login, ask, connect, wait_ready
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_user import (
    Acl,
    Target,
    WantedUser,
    action,
    check_users,
    differs,
    foreseen,
    sessions,
    using,
)

#: A server that restarts or loads is waited for so long, an ended session likewise (seconds).
PATIENCE = 15.0
PAUSE = 0.05


@dataclass
class Outcome:
    """What was done, or in check mode would be."""

    actions: list[str] = field(default_factory=list)
    diff: list[dict[str, str]] = field(default_factory=list)
    sessions: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Users:
    """All targets of one call. Every server is asked before the first one is changed."""

    targets: Sequence[Target]
    login: Login
    check_mode: bool = False
    outcome: Outcome = field(default_factory=Outcome)

    def apply(self) -> Outcome:
        found = [(target, self._look(target)) for target in self.targets]
        for target, live in found:
            _check(target, live)
        for number, (target, live) in enumerate(found, 1):
            with self._client(target) as client:
                self._bring(target, live, client)
            crash(f"valkey.instance-{number}")
        return self.outcome

    def ask(self) -> Outcome:
        """The sessions alone."""
        for target in self.targets:
            self._look(target)
            with self._client(target) as client:
                self._tell_sessions(target, client)
        return self.outcome

    def _look(self, target: Target) -> Live:
        try:
            if self.check_mode:
                live = ask(target.socket, self.login)
                if live.state != "up":
                    raise MainstayError(f"the server is {live.state}")
                return live
            return wait_ready(target.socket, self.login, lambda: "", lambda live: True, patience=PATIENCE)
        except MainstayError as error:
            expected = f"a running server on {target.socket} that lets {self.login.user or 'everyone'} in"
            raise MainstayError(f"{target.name}: found that {error}; expected {expected}") from None

    @contextlib.contextmanager
    def _client(self, target: Target) -> Iterator[Any]:
        client = connect(target.socket, self.login.user, self.login.password)
        try:
            yield client
        except require("redis").exceptions.RedisError as error:
            raise MainstayError(
                f"{target.name}: found that the server answered {masked(str(error))}; expected it to stay up"
            ) from None
        finally:
            client.close()

    def _bring(self, target: Target, live: Live, client: Any) -> None:
        due = [user for user in target.users if differs(user, live.acl)]
        after: Acl = {**live.acl, **{user.name: foreseen(user, live.acl) for user in due}}
        if not self.check_mode:
            # rights that are told in the same words may still be others: the server is the judge
            for user in [user for user in target.users if user in due or user.rules is not None]:
                self._set(target, client, user)
            after = parse_acl(client.acl_list())
            _verify(target, after)
        self._tell(target, live.acl, after)
        crash("valkey.set-not-saved")
        if self._save(target, live, client, after):
            self.outcome.actions.append(f"{target.name}: users saved")
        crash("valkey.saved")
        crash("valkey.sessions-not-ended")
        for user in target.users:
            if user.end_sessions:
                self._end(target, client, user)
        self._tell_sessions(target, client)

    def _set(self, target: Target, client: Any, user: WantedUser) -> None:
        refused = require("redis").exceptions.RedisError
        try:
            client.execute_command("ACL", "SETUSER", *user.command())
        except refused as error:
            raise MainstayError(f"{target.name}: the server refuses user {user.name}: {masked(str(error))}") from None

    def _tell(self, target: Target, before: Acl, after: Acl) -> None:
        for user in target.users:
            if before.get(user.name) != after.get(user.name):
                self.outcome.actions.append(f"{target.name}: {action(user, before)}")
        old, new = acl_differences(before, after)
        if old or new:
            header = f"users of {target.name}"
            texts = {"before": "".join(f"{line}\n" for line in old), "after": "".join(f"{line}\n" for line in new)}
            self.outcome.diff.append({"before_header": header, "after_header": header, **texts})

    def _save(self, target: Target, live: Live, client: Any, after: Acl) -> bool:
        """Makes durable what the server knows; whether anything was to be done."""
        if target.acl_file:
            return self._write(target)
        path = _kept_in(live)
        before = os.stat(path) if os.path.isfile(path) else None
        if before and all(_saved(path).get(user.name) == after.get(user.name) for user in target.users):
            return False
        if self.check_mode:
            return before is not None
        refused = require("redis").exceptions.RedisError
        command = ("ACL", "SAVE") if live.config.get("aclfile") else ("CONFIG", "REWRITE")
        try:
            client.execute_command(*command)
        except refused as error:
            expected = "a server that can write its file, or acl_file: its ACL file, which this module writes then"
            told = masked(str(error))
            raise MainstayError(
                f"{target.name}: found that {' '.join(command)} fails ({told}); expected {expected}"
            ) from None
        if before:
            _give_back(path, before)
        return before is not None

    def _write(self, target: Target) -> bool:
        """The named users' lines of the ACL file, whose owner, group and mode stay."""
        path = os.path.realpath(target.acl_file)
        with open(path, encoding="utf-8") as handle:
            found, text = os.fstat(handle.fileno()), handle.read()
        content = edited(text, {user.name: user.line for user in target.users})
        if content == text:
            return False
        owner, group = str(found.st_uid), str(found.st_gid)
        spec = FileSpec(path, content, owner, group, found.st_mode & 0o7777, secret=True)
        place([spec], check_mode=self.check_mode)
        return True

    def _end(self, target: Target, client: Any, user: WantedUser) -> None:
        """Ends the sessions of USER and waits until none is left."""
        own, deadline = str(client.client_id()), time.monotonic() + PATIENCE
        found = using(user, client.client_list(), own, time.time())
        if not found:
            return
        self.outcome.actions.append(f"{target.name}: {len(found)} sessions of {user.name} ended")
        while found and not self.check_mode:
            if time.monotonic() > deadline:
                raise MainstayError(
                    f"{target.name}: found {len(found)} sessions of {user.name} after CLIENT KILL; expected none"
                )
            if user.opened_before is None:
                client.execute_command("CLIENT", "KILL", "USER", user.name)
            for session in found if user.opened_before is not None else ():
                client.execute_command("CLIENT", "KILL", "ID", session["id"])
            found = using(user, client.client_list(), own, time.time())
            if found:
                time.sleep(PAUSE)

    def _tell_sessions(self, target: Target, client: Any) -> None:
        own, clients = str(client.client_id()), client.client_list()
        for user in target.users:
            self.outcome.sessions += sessions(target.name, user, using(user, clients, own, time.time()))


def _check(target: Target, live: Live) -> None:
    """What would fail half way."""
    check_users(target, live.acl)
    if target.acl_file and not os.path.isfile(target.acl_file):
        raise MainstayError(f"acl_file: found no file {target.acl_file}; expected the ACL file of {target.name}")
    if not target.acl_file and not _kept_in(live):
        expected = "one, or a configuration file: a restart would forget its users"
        raise MainstayError(f"{target.name}: found that its server has no aclfile; expected {expected}")


def _verify(target: Target, acl: Acl) -> None:
    for user in target.users:
        hashes, rest = acl.get(user.name, (frozenset(), ""))
        if hashes != set(user.hashes) or ("on" in rest.split()) != user.on:
            raise MainstayError(f"{target.name}: ACL LIST tells another {user.name} than the one that was set")


def _kept_in(live: Live) -> str:
    """The file in which the server keeps its users: the ACL file, or without one its configuration."""
    path = str(live.config.get("aclfile") or live.info.get("config_file") or "")
    return os.path.join(str(live.config.get("dir") or "/"), path) if path else ""


def _saved(path: str) -> Mapping[str, tuple[frozenset[str], str]]:
    with open(path, encoding="utf-8", errors="replace") as handle:
        return parse_acl(handle)


def _give_back(path: str, before: os.stat_result) -> None:
    """The server writes its file as its own user and with its own mode."""
    after = os.stat(path)
    if (after.st_uid, after.st_gid) != (before.st_uid, before.st_gid):
        os.chown(path, before.st_uid, before.st_gid)
    if after.st_mode != before.st_mode:
        os.chmod(path, before.st_mode & 0o7777)
