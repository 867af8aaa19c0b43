# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Puts secrets back into memory: at boot, from what systemd-creds encrypted for this host.

This file is also the program /usr/local/lib/mainstay/secrets-restore, so it uses nothing but the standard library. It has two kinds of words
for people: names of files, and why one could not be put back; never content.
"""

from __future__ import annotations

import contextlib
import glob
import json
import os
import subprocess
import sys
from typing import Any

SEALED = "/var/lib/mainstay/sealed"
#: What a bundle is that has files to put back.
ENDING = ".bundle"
SUFFIX = ".mainstay"
SECONDS = 30
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC


def unseal(path: str, name: str) -> tuple[bytes | None, str]:
    """What systemd-creds encrypted under NAME into the file PATH, or None and why not."""
    command = ["systemd-creds", "decrypt", f"--name={name}", "--", path, "-"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=SECONDS, stdin=subprocess.DEVNULL, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return None, type(error).__name__
    if done.returncode != 0:
        return None, (done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no reason given"])[-1][:300]
    return done.stdout, ""


def put_back(bundle: dict[str, Any]) -> list[str]:
    """Makes the directories and files of BUNDLE that are missing or differ; the paths of these files."""
    for item in bundle["directories"]:
        with contextlib.suppress(FileExistsError):
            os.mkdir(item["path"], 0o700)
            os.chown(item["path"], item["uid"], item["gid"], follow_symlinks=False)
            os.chmod(item["path"], item["mode"])
    return [item["path"] for item in bundle["files"] if _put(item)]


def _put(item: dict[str, Any]) -> bool:
    folder, name = os.path.split(item["path"])
    content = item["content"].encode()
    handle = os.open(folder, _READ | os.O_DIRECTORY)
    try:
        if _is_right(handle, name, item, content):
            return False
        temporary = f".{name}.{os.getpid()}{SUFFIX}"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=handle)
        file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=handle)
        try:
            with os.fdopen(file, "wb") as stream:
                os.fchown(file, item["uid"], item["gid"])
                os.fchmod(file, item["mode"])
                stream.write(content)
            os.rename(temporary, name, src_dir_fd=handle, dst_dir_fd=handle)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary, dir_fd=handle)
            raise
    finally:
        os.close(handle)
    return True


def _is_right(folder: int, name: str, item: dict[str, Any], content: bytes) -> bool:
    try:
        handle = os.open(name, _READ, dir_fd=folder)
    except OSError:
        return False
    with os.fdopen(handle, "rb") as stream:
        found = os.fstat(handle)
        same = (found.st_uid, found.st_gid, found.st_mode & 0o7777) == (item["uid"], item["gid"], item["mode"])
        return same and stream.read() == content


def tell(text: str) -> None:
    """A line for the journal."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """Puts back every bundle that can be; 1 where one could not."""
    failed = 0
    for path in sorted(glob.glob(f"{SEALED}/*/*{ENDING}")):
        name = name_of(path)
        text, why = unseal(path, name)
        try:
            if text is None:
                raise ValueError(f"systemd-creds does not open it: {why}")
            tell(f"{name}: {len(put_back(json.loads(text)))} files put back")
        except (OSError, ValueError, KeyError, TypeError) as error:
            failed = 1
            known = str(error) if text is None else f"{type(error).__name__} {getattr(error, 'filename', None) or ''}"
            tell(f"<3>{name}: not put back: {known.strip()}. Run mainstay.backend.secrets for this host")
    return failed


def name_of(path: str) -> str:
    """The name under which the file PATH is sealed: one that was renamed, or put in another's place, is refused."""
    folder, file = os.path.split(path)
    return f"{os.path.basename(folder)}.{file}"


if __name__ == "__main__":
    raise SystemExit(main())
