# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Folders that are ours alone: opened without following anybody's links, listed, and cleared of what is not declared.

Whoever owns a folder, or one above it, may swap it for a link at any moment; root must not be led to delete or chown elsewhere.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Iterator

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError

MEMORY = ("tmpfs", "ramfs")
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
#: A path with more links than this leads in a circle.
_MOST_LINKS = 20


def filesystem(path: str, mountinfo: str) -> tuple[str, str]:
    """(mount point, type) of the file system that the real PATH lies on, or will; MOUNTINFO as /proc/self/mountinfo says it."""
    best = ("/", "")
    for line in mountinfo.splitlines():
        left, _unused, right = line.partition(" - ")
        fields = left.split(" ")
        if len(fields) < 5 or not right:
            continue
        point = fields[4].replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")
        # of two mounts at one place the later one is seen
        if (path == point or path.startswith(point.rstrip("/") + "/")) and len(point) >= len(best[0]):
            best = (point, right.split(" ")[0])
    return best


def read_mounts() -> str:
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as handle:
        return handle.read()


@contextlib.contextmanager
def opened(path: str) -> Iterator[int | None]:
    """A descriptor of the directory PATH; None where there is none. Every step is taken from the one before.

    A link on the way is followed where root made it in a folder that only root writes to. MainstayError: any other link.
    """
    handle = _walk(path)
    try:
        yield handle
    finally:
        if handle is not None:
            os.close(handle)


def _walk(path: str) -> int | None:
    steps, links = [part for part in path.split("/") if part], 0
    here = os.open("/", _DIRECTORY)
    try:
        while steps:
            step = steps.pop(0)
            try:
                found = os.stat(step, dir_fd=here, follow_symlinks=False)
                if stat.S_ISLNK(found.st_mode):
                    links += 1
                    if not _trusted(found, os.fstat(here)) or links > _MOST_LINKS:
                        raise MainstayError(
                            f"{path}: found that {step} in it is a link, and not root's; expected the real path"
                        )
                    target = os.readlink(step, dir_fd=here)
                    steps = [part for part in target.split("/") if part] + steps
                    inner = os.open("/", _DIRECTORY) if target.startswith("/") else os.dup(here)
                else:
                    inner = os.open(step, _DIRECTORY, dir_fd=here)
            except FileNotFoundError:
                os.close(here)
                return None
            except NotADirectoryError:
                raise MainstayError(
                    f"{path}: found that {step} in it is no directory; expected one, or nothing"
                ) from None
            os.close(here)
            here = inner
    except BaseException:
        with contextlib.suppress(OSError):
            os.close(here)
        raise
    return here


def _trusted(link: os.stat_result, folder: os.stat_result) -> bool:
    others = stat.S_IMODE(folder.st_mode) & 0o022
    return link.st_uid == 0 and folder.st_uid == 0 and (not others or bool(folder.st_mode & stat.S_ISVTX))


def entries(path: str) -> tuple[str, ...]:
    """Names in the directory PATH, sorted; none where it does not exist."""
    with opened(path) as handle:
        return () if handle is None else tuple(sorted(os.listdir(handle)))


def remove_entry(path: str) -> bool:
    """Removes PATH, a directory with all that is in it; a link goes itself, not what it leads to. Whether it was there.

    MainstayError: something is mounted there.
    """
    folder, name = os.path.split(path)
    with opened(folder) as handle:
        if handle is None:
            return False
        try:
            found = os.stat(name, dir_fd=handle, follow_symlinks=False)
        except FileNotFoundError:
            return False
        if not stat.S_ISDIR(found.st_mode):
            os.unlink(name, dir_fd=handle)
        elif found.st_dev != os.fstat(handle).st_dev:
            raise MainstayError(
                f"{path}: found a file system mounted there; expected none in a folder of secrets: unmount it"
            )
        else:
            shutil.rmtree(name, dir_fd=handle)
        os.fsync(handle)
    return True


def remove_if_empty(path: str) -> bool:
    """Removes the directory PATH where nothing is in it; whether it did."""
    folder, name = os.path.split(path)
    with opened(folder) as handle:
        if handle is None:
            return False
        try:
            os.rmdir(name, dir_fd=handle)
        except OSError:
            return False
    return True
