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
import time
from collections.abc import Callable, Sequence

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._crash import crash
from ansible_collections.mainstay.backend.plugins.module_utils._file_specs import Change, DirectorySpec, FileSpec

HIDDEN = "(content hidden: this file holds secrets)\n"
VALIDATE_SECONDS = 30
#: A candidate this old was left by a run that died; a younger one may belong to a run that goes on.
STALE_SECONDS = 600
SUFFIX = ".mainstay"


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
        before = _read(spec.path)
    what = ["created"] if before is None else ["content"] if before != spec.content.encode() else []
    if found is not None and before is not None:
        what += _attribute_changes(spec, found)
    if not what:
        return None
    head = f"# owner {spec.owner}, group {spec.group}, mode {spec.mode:04o}\n"
    old, new = (before or b"").decode("utf-8", "replace"), spec.content
    if spec.mask:
        old, new = spec.mask(old, new)
    elif spec.secret:
        old = "" if before is None else spec.shown.get("before", HIDDEN)
        new = spec.shown.get("after", HIDDEN)
        if "content" in what and old == new:
            new += "(its content changes)\n"
    return Change(spec.path, tuple(what), _attributes(found) + old, head + new)


def _read(path: str) -> bytes:
    """The bytes of PATH, which must not have become a link meanwhile: its owner could point it anywhere."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as handle:
        return handle.read()


def compare_directory(spec: DirectorySpec) -> Change | None:
    found = _stat(spec.path)
    if found is not None and stat.S_ISLNK(found.st_mode) and found.st_uid == 0 and os.path.isdir(spec.path):
        found = os.stat(spec.path)
    if found is not None and stat.S_ISLNK(found.st_mode):
        raise MainstayError(
            f"{spec.path}: found a link, not a directory, that is not root's or leads to none; expected the real path"
        )
    if found is not None and not stat.S_ISDIR(found.st_mode):
        raise MainstayError(f"{spec.path}: found something that is not a directory; expected a directory or nothing")
    what = ["created"] if found is None else [] if spec.keep else _attribute_changes(spec, found)
    if not what:
        return None
    return Change(
        spec.path, tuple(what), _attributes(found), f"# owner {spec.owner}, group {spec.group}, mode {spec.mode:04o}\n"
    )


def _ids(spec: FileSpec | DirectorySpec) -> tuple[int, int]:
    uid, gid = user_id(spec.owner), group_id(spec.group)
    if uid is None:
        where = f"{spec.source}.owner" if spec.source else f"owner of {spec.path}"
        raise MainstayError(f"{where}: found {spec.owner!r}, which this host does not know; expected an existing user")
    if gid is None:
        where = f"{spec.source}.group" if spec.source else f"group of {spec.path}"
        raise MainstayError(f"{where}: found {spec.group!r}, which this host does not know; expected an existing group")
    return uid, gid


def check_owners(specs: Sequence[FileSpec | DirectorySpec]) -> None:
    """Refuses unknown owners and groups before anything is changed."""
    for spec in specs:
        if not (isinstance(spec, FileSpec) and spec.content is None):
            _ids(spec)


def _check_folders(specs: Sequence[FileSpec], directories: Sequence[DirectorySpec]) -> None:
    """Refuses a file whose folder neither exists nor is made now, before anything is changed."""
    made = [spec.path + "/" for spec in directories]
    for spec in specs:
        folder = os.path.dirname(spec.path)
        if not os.path.isdir(folder) and not any(path.startswith(folder + "/") for path in made):
            raise MainstayError(f"{spec.path}: found no directory {folder}; expected it to exist")


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
    handle, temporary = tempfile.mkstemp(prefix=f".{os.path.basename(spec.path)}.", suffix=SUFFIX, dir=folder)
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
        raise MainstayError(
            f"{spec.path} was not replaced: its validation {command[0]} did not run: {type(error).__name__}"
        ) from error
    if done.returncode != 0:
        said = "(output hidden)" if spec.secret else (done.stderr or done.stdout).strip()[-2000:]
        raise MainstayError(f"{spec.path} was not replaced: {command[0]} refused it (exit {done.returncode}): {said}")


def make_directory(spec: DirectorySpec) -> None:
    uid, gid = _ids(spec)
    parents = []
    folder = os.path.dirname(spec.path)
    while not os.path.exists(folder):
        parents.append(folder)
        folder = os.path.dirname(folder)
    for folder in reversed(parents):
        os.mkdir(folder, 0o755)
        os.chmod(folder, 0o755)  # whatever the umask is
    with contextlib.suppress(FileExistsError):
        os.mkdir(spec.path, spec.mode & 0o700)
    # By its descriptor: who owns the folder above may put a link in its place at any moment.
    link = stat.S_ISLNK(os.lstat(spec.path).st_mode)  # root's, or it had been refused
    handle = os.open(spec.path, os.O_RDONLY | os.O_DIRECTORY | (0 if link else os.O_NOFOLLOW))
    try:
        os.fchown(handle, uid, gid)
        os.fchmod(handle, spec.mode)
    finally:
        os.close(handle)


def clear_stale(path: str) -> None:
    """Removes the candidates for PATH that a run which died left behind: they may hold secrets."""
    folder, name = os.path.split(path)
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        for entry in os.listdir(folder):
            if entry.startswith(f".{name}.") and entry.endswith(SUFFIX):
                with contextlib.suppress(FileNotFoundError):
                    if os.lstat(os.path.join(folder, entry)).st_mtime < time.time() - STALE_SECONDS:
                        os.unlink(os.path.join(folder, entry))


def check_paths(specs: Sequence[FileSpec], directories: Sequence[DirectorySpec]) -> None:
    """Refuses paths that are not absolute, or named twice."""
    seen: set[str] = set()
    every: list[FileSpec | DirectorySpec] = [*specs, *directories]
    for spec in every:
        if not os.path.isabs(spec.path) or os.path.normpath(spec.path) != spec.path:
            raise MainstayError(f"path: found {spec.path!r}; expected an absolute path without '..' or a closing '/'")
        if spec.path in seen:
            raise MainstayError(f"path: found {spec.path} twice; expected each file and directory once")
        seen.add(spec.path)


def place(
    specs: Sequence[FileSpec],
    directories: Sequence[DirectorySpec] = (),
    check_mode: bool = False,
    before: Callable[[Sequence[Change]], None] | None = None,
) -> list[Change]:
    """Brings directories, then files to what their specs say, and returns what changed (or, in check mode, would).

    All candidates are staged and validated before the first is renamed over its target; a failure leaves every old file as it was.
    BEFORE is called with the changes when all candidates are accepted and none is in place yet.
    """
    check_paths(specs, directories)
    if not check_mode:
        for spec in specs:
            clear_stale(spec.path)
    folders = {spec: change for spec in directories if (change := compare_directory(spec))}
    found = [(spec, change) for spec in specs if (change := compare(spec))]
    changes = [*folders.values(), *[change for _unused, change in found]]
    if check_mode or not changes:
        return changes
    wanted = [spec for spec, _unused in found]
    check_owners([*folders, *wanted])
    _check_folders([spec for spec in wanted if spec.content is not None], directories)
    for directory in folders:
        make_directory(directory)
    _replace(wanted, lambda: before(changes) if before else None)
    return changes


def _replace(specs: Sequence[FileSpec], accepted: Callable[[], None]) -> None:
    staged: list[tuple[FileSpec, str]] = []
    try:
        for spec in specs:
            if spec.content is not None:
                staged.append((spec, stage(spec)))
                run_validation(*staged[-1])
        accepted()
        crash("files.staged")
        for spec, candidate in staged:
            os.rename(candidate, spec.path)
        for spec in specs:
            if spec.content is None:
                os.unlink(spec.path)
        for folder in sorted({os.path.dirname(spec.path) for spec in specs}):
            fsync_directory(folder)
        crash("files.renamed")
    finally:
        for _unused, candidate in staged:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(candidate)
