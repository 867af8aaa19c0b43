# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Puts many whole files in place: each atomically, validated before it replaces anything, and with a diff that shows no secret.

No Ansible import: the modules that own files (files, valkey_instances, postgres_cluster) share this core.
"""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError

HIDDEN = "(content hidden: this file holds secrets)\n"
VALIDATE_SECONDS = 30


@dataclass(frozen=True)
class FileSpec:
    """A file as it shall be. `secret` keeps its content out of every diff; `shown` is what a diff may show instead.

    `validate` is a command whose argument '%s' stands for the candidate's path; it must exit 0, or nothing is replaced.
    `content` None means that the file shall not exist.
    """

    path: str
    content: str | None
    owner: str = "root"
    group: str = "root"
    mode: int = 0o644
    secret: bool = False
    shown: Mapping[str, str] = field(default_factory=dict)
    validate: tuple[str, ...] = ()


@dataclass(frozen=True)
class DirectorySpec:
    """A directory as it shall be, parents made when missing (root, 0755)."""

    path: str
    owner: str = "root"
    group: str = "root"
    mode: int = 0o755


@dataclass(frozen=True)
class Change:
    """What differs at one path: `what` of content, owner, group, mode, created, removed; before/after for people."""

    path: str
    what: tuple[str, ...]
    before: str
    after: str

    def diff(self) -> dict[str, str]:
        return {"before_header": self.path, "after_header": self.path, "before": self.before, "after": self.after}


def file_specs(items: Iterable[Mapping[str, Any]]) -> list[FileSpec]:
    """FileSpecs of module parameters (mode as octal text)."""
    return [
        FileSpec(
            path=item["path"],
            content=item.get("content"),
            owner=item.get("owner") or "root",
            group=item.get("group") or "root",
            mode=octal(item.get("mode") or "0644", item["path"]),
            secret=bool(item.get("secret")),
            validate=tuple(item.get("validate") or ()),
        )
        for item in items
    ]


def octal(text: str, path: str) -> int:
    try:
        return int(str(text), 8)
    except ValueError:
        raise MainstayError(f"mode of {path}: found {text!r}; expected octal text like '0640'") from None


def user_id(name: str) -> int | None:
    with contextlib.suppress(KeyError):
        return pwd.getpwnam(name).pw_uid
    return int(name) if name.isdigit() else None


def group_id(name: str) -> int | None:
    with contextlib.suppress(KeyError):
        return grp.getgrnam(name).gr_gid
    return int(name) if name.isdigit() else None


def _attributes(found: os.stat_result | None) -> str:
    if found is None:
        return ""
    owner, group = str(found.st_uid), str(found.st_gid)
    with contextlib.suppress(KeyError):
        owner = pwd.getpwuid(found.st_uid).pw_name
    with contextlib.suppress(KeyError):
        group = grp.getgrgid(found.st_gid).gr_name
    return f"# owner {owner}, group {group}, mode {stat.S_IMODE(found.st_mode):04o}\n"


def _stat(path: str) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None


def _attribute_changes(spec: FileSpec | DirectorySpec, found: os.stat_result) -> list[str]:
    what = []
    if user_id(spec.owner) != found.st_uid:
        what.append("owner")
    if group_id(spec.group) != found.st_gid:
        what.append("group")
    if stat.S_IMODE(found.st_mode) != spec.mode:
        what.append("mode")
    return what


def compare(spec: FileSpec) -> Change | None:
    """What would change at SPEC's path, or None. Reads only."""
    found = _stat(spec.path)
    if found is not None and not stat.S_ISREG(found.st_mode) and not stat.S_ISLNK(found.st_mode):
        raise MainstayError(f"{spec.path}: found something that is not a file; expected a file or nothing")
    if spec.content is None:
        return Change(spec.path, ("removed",), HIDDEN if spec.secret else "(present)\n", "") if found else None
    before = None
    if found is not None and stat.S_ISREG(found.st_mode):
        with open(spec.path, "rb") as handle:
            before = handle.read()
    what = ["created"] if before is None else ["content"] if before != spec.content.encode() else []
    if found is not None and before is not None:
        what += _attribute_changes(spec, found)
    if not what:
        return None
    head = f"# owner {spec.owner}, group {spec.group}, mode {spec.mode:04o}\n"
    if spec.secret:
        old = "" if before is None else spec.shown.get("before", HIDDEN)
        new = spec.shown.get("after", HIDDEN)
        if "content" in what and old == new:
            new += "(its content changes)\n"
    else:
        old, new = (before or b"").decode("utf-8", "replace"), spec.content
    return Change(spec.path, tuple(what), _attributes(found) + old, head + new)


def compare_directory(spec: DirectorySpec) -> Change | None:
    found = _stat(spec.path)
    if found is not None and not stat.S_ISDIR(found.st_mode):
        raise MainstayError(f"{spec.path}: found something that is not a directory; expected a directory or nothing")
    what = ["created"] if found is None else _attribute_changes(spec, found)
    if not what:
        return None
    return Change(spec.path, tuple(what), _attributes(found), f"# owner {spec.owner}, group {spec.group}, mode {spec.mode:04o}\n")


def _ids(spec: FileSpec | DirectorySpec) -> tuple[int, int]:
    uid, gid = user_id(spec.owner), group_id(spec.group)
    if uid is None:
        raise MainstayError(f"owner of {spec.path}: found {spec.owner!r}, which this host does not know; expected an existing user")
    if gid is None:
        raise MainstayError(f"group of {spec.path}: found {spec.group!r}, which this host does not know; expected an existing group")
    return uid, gid


def check_owners(specs: Sequence[FileSpec | DirectorySpec]) -> None:
    """Refuses unknown owners and groups before anything is changed."""
    for spec in specs:
        if not (isinstance(spec, FileSpec) and spec.content is None):
            _ids(spec)


def fsync_directory(path: str) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def stage(spec: FileSpec) -> str:
    """Writes SPEC's content beside its path, with its final owner and mode from the first byte on; returns the temporary path."""
    uid, gid = _ids(spec)
    folder = os.path.dirname(spec.path)
    handle, temporary = tempfile.mkstemp(prefix=f".{os.path.basename(spec.path)}.", suffix=".mainstay", dir=folder)
    try:
        os.fchown(handle, uid, gid)
        os.fchmod(handle, spec.mode)
        with os.fdopen(handle, "wb") as stream:
            stream.write((spec.content or "").encode())
            stream.flush()
            os.fsync(stream.fileno())
    except BaseException:
        os.unlink(temporary)
        raise
    return temporary


def run_validation(spec: FileSpec, candidate: str) -> None:
    if not spec.validate:
        return
    command = [part.replace("%s", candidate) for part in spec.validate]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=VALIDATE_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MainstayError(f"{spec.path} was not replaced: its validation {command[0]} did not run: {type(error).__name__}") from error
    if done.returncode != 0:
        said = "(output hidden)" if spec.secret else (done.stderr or done.stdout).strip()[-2000:]
        raise MainstayError(f"{spec.path} was not replaced: {command[0]} refused it (exit {done.returncode}): {said}")


def make_directory(spec: DirectorySpec) -> None:
    uid, gid = _ids(spec)
    os.makedirs(os.path.dirname(spec.path), mode=0o755, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        os.mkdir(spec.path, spec.mode & 0o700)
    os.chown(spec.path, uid, gid)
    os.chmod(spec.path, spec.mode)


def place(
    specs: Sequence[FileSpec], directories: Sequence[DirectorySpec] = (), check_mode: bool = False, before: Callable[[Sequence[Change]], None] | None = None
) -> list[Change]:
    """Brings directories, then files to what their specs say, and returns what changed (or, in check mode, would).

    All candidates are staged and validated before the first is renamed over its target; a failure leaves every old file as it was.
    """
    folders = [change for spec in directories if (change := compare_directory(spec))]
    found = [(spec, change) for spec in specs if (change := compare(spec))]
    changes = folders + [change for spec, change in found]
    if check_mode or not changes:
        return changes
    check_owners([*directories, *[spec for spec, change in found]])
    wanted = {change.path for change in folders}
    for directory in directories:
        if directory.path in wanted:
            make_directory(directory)
    staged: list[tuple[FileSpec, str]] = []
    try:
        for spec, change in found:
            if spec.content is not None:
                candidate = stage(spec)
                staged.append((spec, candidate))
                run_validation(spec, candidate)
        if before is not None:
            before(changes)
        for spec, candidate in staged:
            os.rename(candidate, spec.path)
        for spec, change in found:
            if spec.content is None:
                os.unlink(spec.path)
        for folder in sorted({os.path.dirname(spec.path) for spec, change in found}):
            fsync_directory(folder)
    finally:
        for spec, candidate in staged:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(candidate)
    return changes
