# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A Rails credentials file and its key on disk: two files that only open together, though no rename replaces two.

Each step is durable before the next one begins. A new key is first kept as NAME.next.key, then the file is replaced, then the key. Whatever
the run dies at, one of the two keys opens the file, and the next run (or `mv master.next.key master.key`) completes the change.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils import _rails_credentials as rails
from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._crash import crash
from ansible_collections.mainstay.backend.plugins.module_utils._file_specs import Change, DirectorySpec, FileSpec
from ansible_collections.mainstay.backend.plugins.module_utils._files import (
    check_owners,
    clear_stale,
    compare,
    compare_directory,
    fsync_directory,
    make_directory,
    stage,
)
from ansible_collections.mainstay.backend.plugins.module_utils._lock import locked
from ansible_collections.mainstay.backend.plugins.module_utils._yaml_edit import Edited, merge

TAKE_OVER = "expected the credential's `value` to name that key before it is deployed, or the file to be re-keyed with the store's"
KEY_MODE = 0o600
LOCK_SECONDS = 30.0


@dataclass(frozen=True)
class Wanted:
    """What the pair shall be. An empty `key_file`: `key` opens the file, and no key file is touched. The repr shows no secret.

    `owner`, `group` and `mode` None: as the file is, and for a new one the user who runs this, and 0644. `known`: the only keys that may open
    the file by now, and where there is no file, none is made.
    """

    path: str
    key_file: str = ""
    key: str = field(default="", repr=False)
    new_key: str = field(default="", repr=False)
    rekey: bool = False
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)
    remove: tuple[str, ...] = ()
    owner: str | None = None
    group: str | None = None
    mode: int | None = None
    known: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Found:
    """What is on disk: `content` None where there is no file. `key` opens it; `interrupted`: the next key does, the key file not."""

    content: str | None
    text: str = field(repr=False)
    key: str = field(repr=False)
    interrupted: bool = False
    leftover: bool = False


@dataclass(frozen=True)
class Outcome:
    """What was done, or in check mode would be."""

    changes: tuple[Change, ...]
    edited: Edited
    actions: tuple[str, ...]


def next_of(key_file: str) -> str:
    """Where a new key waits until the file is encrypted with it: a name that a .gitignore of *.key covers."""
    return key_file.removesuffix(".key") + ".next.key"


def read_file(path: str, what: str) -> str | None:
    """The text of PATH, or None where nothing is. A link is refused: its owner could point it anywhere."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        if os.path.islink(path):
            target = os.path.realpath(path)
            raise MainstayError(
                f"{what}: found {path}, a link to {target}; expected the file itself: give {target}"
            ) from None
        raise
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise MainstayError(f"{what}: found {path}, which is no file; expected a file or nothing")
        with os.fdopen(handle, "rb", closefd=False) as stream:
            return stream.read().decode("utf-8", "replace")
    finally:
        os.close(handle)


def open_pair(path: str, key_file: str, key: str = "", new_key: str = "", known: Sequence[str] = ()) -> Found:
    """The file and the key that opens it: KEY or the key file's, the one that an interrupted run left, NEW_KEY, or one of KNOWN."""
    content = read_file(path, "path")
    kept = read_file(key_file, "key_file") if key_file else None
    waiting = read_file(next_of(key_file), "key_file") if key_file else None
    leftover = waiting is not None
    if content is None:
        return Found(None, "", (key or kept or "").strip(), False, leftover)
    problem: MainstayError | None = None
    for candidate in (key or kept, waiting, new_key or None, *known):
        if candidate is None:
            continue
        try:
            text = rails.decrypt(content, candidate)
        except MainstayError as error:
            problem = problem or error
            continue
        opener = candidate.strip()
        return Found(content, text, opener, candidate is waiting and opener != (kept or "").strip(), leftover)
    if problem is None:
        raise MainstayError(f"key_file: found no {key_file}; expected the key of {path}, or key with it")
    raise MainstayError(f"{path}: {problem}")


def apply(wanted: Wanted, check_mode: bool = False) -> Outcome:
    """Brings the pair to what is WANTED."""
    with contextlib.nullcontext() if check_mode else _folder(wanted):
        found = open_pair(wanted.path, wanted.key_file, wanted.key, wanted.new_key, wanted.known)
        key, rekeyed = _target_key(wanted, found)
        if wanted.known and found.content is None:
            specs = [_key_spec(wanted, key)] if wanted.key_file else []
            return _finish(wanted, specs, found, Edited("", (), (), ()), False, check_mode)
        if wanted.known and found.key.lower() not in (item.lower() for item in wanted.known):
            raise MainstayError(
                f"{wanted.path}: found that another key opens it than the secret store has; {TAKE_OVER}"
            )
        edited = merge(found.text, wanted.values, wanted.remove)
        same = found.content is not None and not rekeyed and edited.text == found.text
        content = (found.content or "").strip() if same else rails.encrypt(edited.text, key)
        if rails.decrypt(content, key) != edited.text:
            raise MainstayError(f"{wanted.path}: found that the new file does not open again; nothing was replaced")
        specs = _specs(wanted, content, key, edited, rekeyed)
        return _finish(wanted, specs, found, edited, rekeyed, check_mode)


def _finish(
    wanted: Wanted, specs: list[FileSpec], found: Found, edited: Edited, rekeyed: bool, check_mode: bool
) -> Outcome:
    if found.leftover and not found.interrupted:
        specs.append(FileSpec(next_of(wanted.key_file), None, secret=True))
    changes = tuple(change for spec in specs if (change := compare(spec)))
    if not check_mode:
        check_owners(specs)
        _replace(wanted, specs, {change.path for change in changes}, found, rekeyed)
    return Outcome(changes, edited, _actions(found, changes, edited, rekeyed))


def _target_key(wanted: Wanted, found: Found) -> tuple[str, bool]:
    """The key that shall open the file, and whether it is another one than now."""
    if found.content is None:
        key = wanted.new_key.strip() or found.key or rails.new_key()
        rails.key_bytes(key)
        return key, False
    if wanted.new_key:
        rails.key_bytes(wanted.new_key)
        return wanted.new_key.strip(), wanted.new_key.strip().lower() != found.key.lower()
    if wanted.rekey and not found.interrupted:
        if not wanted.key_file:
            raise MainstayError(
                "rekey: found key without new_key; expected new_key, since no key file would keep a generated one"
            )
        return rails.new_key(), True
    return found.key, False


def _specs(wanted: Wanted, content: str, key: str, edited: Edited, rekeyed: bool) -> list[FileSpec]:
    """The key's file first: alone it does no harm."""
    shown = {
        "before": "".join(f"{path}\n" for path in sorted((*edited.changed, *edited.removed))),
        "after": "".join(f"{path}\n" for path in edited.added)
        + "".join(f"{path} (another value)\n" for path in edited.changed)
        + "(encrypted with a new key)\n" * rekeyed,
    }
    secret = FileSpec(
        wanted.path, content, *_owner(wanted, wanted.path), wanted.mode or _mode(wanted.path), True, shown
    )
    if not wanted.key_file:
        return [secret]
    return [_key_spec(wanted, key), secret]


def _key_spec(wanted: Wanted, key: str) -> FileSpec:
    kept = read_file(wanted.key_file, "key_file")
    text = kept if kept is not None and kept.strip() == key else key
    return FileSpec(wanted.key_file, text, *_owner(wanted, wanted.key_file), KEY_MODE, True)


def _owner(wanted: Wanted, path: str) -> tuple[str, str]:
    uid, gid = os.geteuid(), os.getegid()
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        found = os.lstat(path)
        uid, gid = found.st_uid, found.st_gid
    return wanted.owner or str(uid), wanted.group or str(gid)


def _mode(path: str) -> int:
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        return stat.S_IMODE(os.lstat(path).st_mode)
    return 0o644


def _replace(wanted: Wanted, specs: Sequence[FileSpec], differing: set[str], found: Found, rekeyed: bool) -> None:
    for spec in specs:
        clear_stale(spec.path)
    waiting = next_of(wanted.key_file) if wanted.key_file else ""
    if rekeyed and waiting:
        if (
            found.interrupted
        ):  # its key is the only one that opens the file: it gets its place before another one takes its own
            _rename(waiting, wanted.key_file)
        key, secret = specs[:2]
        _put(key, waiting)
        _put(secret, secret.path)
        crash("rails.half")
        _rename(waiting, key.path)
        return
    for spec in specs:
        if spec.content is not None and spec.path in differing:
            _put(spec, spec.path)
    if found.leftover:
        os.unlink(waiting)
        fsync_directory(os.path.dirname(waiting))


def _rename(source: str, target: str) -> None:
    os.rename(source, target)
    fsync_directory(os.path.dirname(target))


def _put(spec: FileSpec, path: str) -> None:
    """SPEC's content at PATH, durably: the old file or the new one, whenever this dies."""
    candidate = stage(replace(spec, path=path))
    try:
        _rename(candidate, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(candidate)
        raise


@contextlib.contextmanager
def _folder(wanted: Wanted) -> Iterator[None]:
    """The folder of the file, made where only it is missing (config/credentials), and locked: one run at a time."""
    folder = os.path.dirname(wanted.path)
    spec = DirectorySpec(folder, *_owner(wanted, folder), keep=True)
    if not os.path.isdir(os.path.dirname(folder)):
        raise MainstayError(
            f"path: found no directory {os.path.dirname(folder)}; expected the folder of an application"
        )
    if compare_directory(spec):
        make_directory(spec)
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if not locked(handle, LOCK_SECONDS):
            raise MainstayError(f"{folder}: found another run at work for {LOCK_SECONDS:.0f} s; try again")
        yield
    finally:
        os.close(handle)


def _actions(found: Found, changes: Sequence[Change], edited: Edited, rekeyed: bool) -> tuple[str, ...]:
    """What happens, for people: names of keys and files only."""
    done = [f"{change.path}: {', '.join(change.what)}" for change in changes]
    done += [f"added {path}" for path in edited.added] + [f"changed {path}" for path in edited.changed]
    done += [f"removed {path}" for path in edited.removed]
    done += ["encrypted with a new key"] * rekeyed
    done += ["completed the new key of a run that was interrupted"] * (found.interrupted and not rekeyed)
    return tuple(done)


def remove(path: str, key_file: str, check_mode: bool = False) -> Outcome:
    """Takes the file away, then its keys."""
    names = [path, *([key_file, next_of(key_file)] if key_file else [])]
    changes = [change for name in names if (change := compare(FileSpec(name, None, secret=True)))]
    if not check_mode:
        for change in changes:
            os.unlink(change.path)
            fsync_directory(os.path.dirname(change.path))
    return Outcome(tuple(changes), Edited("", (), (), ()), tuple(f"{change.path}: removed" for change in changes))
