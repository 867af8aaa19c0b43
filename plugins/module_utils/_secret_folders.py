# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The secrets of all consumers on a host: their folders, with nothing else in them, what is kept for the next boot, and for their units."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils._bundle import Holder, Request
from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._file_specs import Change, DirectorySpec, FileSpec
from ansible_collections.mainstay.backend.plugins.module_utils._files import SUFFIX, place
from ansible_collections.mainstay.backend.plugins.module_utils._folders import entries
from ansible_collections.mainstay.backend.plugins.module_utils._sealed import alone, prepare, read_index, removed

PART = "secrets"
SHARED = "/run/secrets"
_SHOWN = 20


@dataclass(frozen=True)
class Folder:
    """A consumer's secrets: file name -> content. `known` are further names that it may have had, of credentials that are declared."""

    name: str
    path: str
    owner: str
    group: str
    source: str
    form: str
    units: tuple[str, ...]
    known: tuple[str, ...]
    secrets: Mapping[str, str] = field(repr=False)

    @property
    def has_files(self) -> bool:
        return self.form != "credentials"

    def holder(self) -> Holder:
        files = tuple(f"{self.path}/{name}" for name in self.secrets) if self.has_files else ()
        credentials = {} if self.form == "files" else self.secrets
        return Holder(self.name, files, self.path if self.has_files else "", self.units, credentials)

    def specs(self) -> list[FileSpec]:
        return [
            FileSpec(f"{self.path}/{name}", content, self.owner, self.group, 0o600, secret=True, source=self.source)
            for name, content in (self.secrets.items() if self.has_files else ())
        ]


@dataclass(frozen=True)
class Outcome:
    changes: list[Change]
    warnings: list[str]


def read_folders(items: Sequence[Mapping[str, Any]], secrets: Mapping[str, Any]) -> list[Folder]:
    """Module parameters as Folders. MainstayError: a secret of none of them, or none of a file."""
    found = []
    for item in items:
        contents = secrets.get(item["name"]) or {}
        if set(contents) != set(item["files"]) or not all(isinstance(text, str) for text in contents.values()):
            raise MainstayError(
                f"secrets: found other names of {item['name']} than its files; expected the content of each"
            )
        for name in item["files"]:
            if "/" in name or name.startswith(".") or not name.isascii() or not name.isprintable() or ":" in name:
                raise MainstayError(
                    f"files: found {name!r} of {item['name']}; expected names of files, without '/', ':' and a dot first"
                )
        found.append(
            Folder(
                item["name"],
                os.path.normpath(item["path"]),
                item["owner"],
                item["group"],
                item["source"],
                item["form"],
                tuple(item["units"]),
                tuple(item["known"]),
                {name: contents[name] for name in item["files"]},
            )
        )
    unknown = sorted(set(secrets) - {item.name for item in found})
    if unknown:
        raise MainstayError(f"secrets: found {', '.join(unknown)}; expected only names that folders lists")
    return found


def publish(folders: Sequence[Folder], scope: str, sealing: bool, check_mode: bool) -> Outcome:
    """Brings everything to what FOLDERS say. Encrypts first, which may fail; then puts in place; then removes what is left over."""
    request = Request(scope, PART, tuple(item.holder() for item in folders), sealing)
    with contextlib.nullcontext() if check_mode else alone():
        _check_takeover(folders, {str(item["folder"]) for item in read_index(request).values()})
        specs = [spec for item in folders for spec in item.specs()]
        directories = _directories(folders)
        sealed = prepare(request, specs, directories, check_mode)
        sealed.warnings += _left_behind(folders)
        changes = place([*specs, *sealed.specs], [*directories, *sealed.directories], check_mode)
        changes += _unknown(folders, check_mode)
        changes += sealed.finish(changes)
    return Outcome(changes, sealed.warnings)


def _directories(folders: Sequence[Folder]) -> list[DirectorySpec]:
    own = [
        DirectorySpec(item.path, item.owner, item.group, 0o700, source=item.source)
        for item in folders
        if item.has_files
    ]
    shared = any(os.path.dirname(item.path) == SHARED for item in own)
    return [DirectorySpec(SHARED, mode=0o711, keep=_may_stay(SHARED)), *own] if shared else own


def _may_stay(path: str) -> bool:
    """Whether the folder that consumers share is as safe as ours would be: everybody gets through, and only root writes."""
    with contextlib.suppress(OSError):
        found = os.lstat(path)
        return stat.S_ISDIR(found.st_mode) and found.st_uid == 0 and found.st_mode & 0o023 == 0o001
    return False


def _check_takeover(folders: Sequence[Folder], ours: set[str]) -> None:
    """Refuses to clear a folder that was not ours and holds what was not declared: a slip of the pen must not empty another's folder."""
    for item in (item for item in folders if item.has_files):
        names = entries(item.path)  # refuses links of others on the way, of our own folders too
        known = (*item.secrets, *item.known, *(names if item.path in ours else ()))
        others = [name for name in names if name not in known and not _candidate(name)]
        if others:
            told = ", ".join(_printable(name) for name in others[:_SHOWN])
            expected = (
                "a folder for its secrets alone, in which everything else is removed: move them away, or choose another"
            )
            raise MainstayError(f"{item.source}.secrets_dir: found {told} in {item.path}; expected {expected}")


def _unknown(folders: Sequence[Folder], check_mode: bool) -> list[Change]:
    found = []
    for item in folders:
        names = entries(item.path) if item.has_files else ()
        for name in names:
            if name not in item.secrets and (change := removed(f"{item.path}/{name}", check_mode)):
                found.append(change)
    return found


def _candidate(name: str) -> bool:
    """What a run that was killed left: nobody else is at work here, so it has no owner any more."""
    return name.startswith(".") and name.endswith(SUFFIX)


def _left_behind(folders: Sequence[Folder]) -> list[str]:
    """Folders in which releases before 0.3.0 put the secrets, where the inventory said nothing of it."""
    found = []
    for item in folders:
        old = f"/etc/{item.name}/secrets"
        if item.path != old and not os.path.islink(old) and os.path.isdir(old):
            left = [name for name in os.listdir(old) if name in item.secrets]
            if left:
                found.append(
                    f"{old}: holds {', '.join(sorted(left))} of an earlier release; remove it when no program reads it any more"
                )
    return found


def _printable(name: str) -> str:
    return name if name.isprintable() else ascii(name)
