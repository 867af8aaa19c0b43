# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What lies in memory and shall be there again after a reboot: one encrypted bundle for each holder, and what ties it to systemd.

Below SEALED there is a folder for each scope (an application's environment), and in it, of each part (secrets, environment): PART.json, the
index of holders, files and units (no secret); PART.HOLDER.bundle, files and folders to put back; or PART.HOLDER.record where there is none to
put back; PART.HOLDER/NAME, for a unit's LoadCredentialEncrypted=. A bundle knows by a digest which of the latter it was made with, so that one
decryption tells whether all is current.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils import _boot_unit, _seal
from ansible_collections.mainstay.backend.plugins.module_utils._bundle import (
    Holder,
    Request,
    blob_path,
    bundle_files,
)
from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._file_specs import Change, DirectorySpec, FileSpec
from ansible_collections.mainstay.backend.plugins.module_utils._files import HIDDEN, SUFFIX, place
from ansible_collections.mainstay.backend.plugins.module_utils._folders import (
    MEMORY,
    entries,
    filesystem,
    read_mounts,
    remove_entry,
    remove_if_empty,
)
from ansible_collections.mainstay.backend.plugins.module_utils._lock import locked
from ansible_collections.mainstay.backend.plugins.module_utils._restore import ENDING, SEALED

_LOCK = "/run/mainstay-secrets.lock"
_LOCK_SECONDS = 60.0
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9:_.@\\-]{0,200}")


def read_index(request: Request) -> dict[str, dict[str, Any]]:
    """Holder -> its folder, files and units as the last run left them; a damaged index is none."""
    try:
        with open(request.index, encoding="utf-8") as handle:
            found = json.load(handle)
        return {
            str(name): {
                "folder": str(item["folder"]),
                "files": [str(path) for path in item["files"]],
                "units": [str(unit) for unit in item["units"]],
            }
            for name, item in found["holders"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


@dataclass
class Sealing:
    """What is kept: files to be put in place together with the secrets themselves, and then `finish`."""

    request: Request
    check_mode: bool
    old: dict[str, dict[str, Any]]
    specs: list[FileSpec] = field(default_factory=list)
    directories: list[DirectorySpec] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    boots: bool = False

    def finish(self, before: Sequence[Change]) -> list[Change]:
        """After all is in place: removes what holders have no more, and has systemd know. BEFORE: what changed already."""
        return [*self._remove_old(), *self._systemd(before), *self._write_index()]

    def _remove_old(self) -> list[Change]:
        kept = {path for item in self.request.holders for path in item.files}
        folders = {item.folder for item in self.request.holders}
        gone = list(self.stale)
        for item in self.old.values():
            gone += [path for path in item["files"] if path not in kept and os.path.dirname(path) not in folders]
        changes = [change for path in sorted({*gone}) if (change := removed(path, self.check_mode))]
        if not self.check_mode:
            for folder in {item["folder"] for item in self.old.values()} - folders - {""}:
                if not remove_if_empty(folder) and entries(folder):
                    self.warnings.append(
                        f"{folder}: is no secrets_dir any more, and was left: it holds files of others"
                    )
        return changes

    def _systemd(self, before: Sequence[Change]) -> list[Change]:
        ours = [item for item in before if item.path.startswith((_boot_unit.UNITS + "/", _boot_unit.PROGRAM))]
        link = _boot_unit.link_missing()
        found: list[Change] = []
        if self.boots and link:
            found.append(Change(_boot_unit.LINK, ("created",), "", f"link to {_boot_unit.UNITS}/{_boot_unit.UNIT}\n"))
            if not self.check_mode:
                _boot_unit.make_link()
        if not self.boots and not self.check_mode:
            _boot_unit.remove_link()
        for folder in {os.path.dirname(change.path) for change in before if "removed" in change.what}:
            if folder.startswith(_boot_unit.UNITS + "/") and folder.endswith(".d") and not self.check_mode:
                remove_if_empty(folder)
        units = sorted({unit for item in self.request.holders if item.credentials for unit in item.units})
        if self.check_mode or not _seal.systemd_runs() or not (self.boots or ours or units):
            return found
        ran, why = _boot_unit.settle(units, self.boots, bool(ours or found))
        if ran and not (ours or found):
            found.append(Change(_boot_unit.UNIT, ("started",), "", ""))
        if why:
            self.warnings.append(f"{_boot_unit.UNIT}: {why}. Until it starts, files under /run are gone after a reboot")
        return found

    def _write_index(self) -> list[Change]:
        text = self.request.index_text()
        if not text and not self.old and not os.path.lexists(self.request.index):
            return []
        if self.check_mode and not os.path.isdir(self.request.folder):
            return []
        changes = place([FileSpec(self.request.index, text or None, mode=0o600)], check_mode=self.check_mode)
        if not text and not self.check_mode:
            remove_if_empty(self.request.folder)
        return changes


def removed(path: str, check_mode: bool) -> Change | None:
    """Removes what is at PATH, whatever it is, without following it."""
    folder, name = os.path.split(path)
    if name not in entries(folder):
        return None
    if not check_mode:
        remove_entry(path)
    return Change(path if path.isprintable() else ascii(path), ("removed",), HIDDEN, "")


def prepare(
    request: Request, specs: Sequence[FileSpec], directories: Sequence[DirectorySpec], check_mode: bool
) -> Sealing:
    """What REQUEST needs beside SPECS and DIRECTORIES, which say what the holders' files and folders shall be.

    Encrypts what is not current; changes nothing. MainstayError: systemd-creds refuses, or units need it and it is not there.
    """
    _check_names(request)
    made = Sealing(request, check_mode, read_index(request))
    why, mounts = _seal.why_not(), read_mounts()
    files = {spec.path: spec for spec in specs}
    kept = {item.name: _in_memory(item, mounts, made.warnings) for item in request.holders}
    for item in request.holders:
        if why and item.credentials:
            expected = "systemd with systemd-creds, or secrets_as: files"
            raise MainstayError(
                f"backend_consumers.{item.name}.secrets_as: found credentials, and that {why}; expected {expected}"
            )
        if why and request.sealing and kept[item.name]:
            places = ", ".join(sorted({os.path.dirname(path) for path in kept[item.name]}))
            made.warnings.append(
                f"{places}: lies in memory, and {why}: after a reboot its files are gone until the next run"
            )
    # Where there is no folder to keep clear, what is not in memory is none of ours.
    holders = tuple(item if item.folder else replace(item, files=tuple(kept[item.name])) for item in request.holders)
    made.request = request = replace(request, holders=holders)
    wanted: set[str] = set()
    points: set[str] = set()
    for item in request.holders:
        real = {} if why or not request.sealing else kept[item.name]
        if real or item.credentials:
            points |= {point for _unused, point in real.values()}
            new = bundle_files(request, item, [files[path] for path in real], real, directories, check_mode)
            made.specs += new
            wanted |= {spec.path for spec in new}
    made.stale = _stale(request, wanted)
    mine = [path for path in wanted if path.endswith(ENDING)]
    made.boots = bool(mine or _others(request))
    if wanted:
        folders = sorted({os.path.dirname(path) for path in wanted} | {request.folder})
        made.directories += [DirectorySpec(path, mode=0o700) for path in (SEALED, *folders)]
    elif request.index_text():
        made.directories += [DirectorySpec(path, mode=0o700) for path in (SEALED, request.folder)]
    _units(made, points if mine else None)
    return made


def _check_names(request: Request) -> None:
    """They become names of files."""
    told = {"scope": [request.scope], "part": [request.part], "name": [item.name for item in request.holders]}
    told["units"] = [unit for item in request.holders for unit in item.units]
    for option, names in told.items():
        for name in names:
            if not _NAME.fullmatch(name):
                raise MainstayError(
                    f"{option}: found {name!r}; expected letters, digits and :_.@\\-, a letter or digit first"
                )


def _units(made: Sealing, points: set[str] | None) -> None:
    request = made.request
    if made.boots or any(
        os.path.lexists(path) for path in (_boot_unit.PROGRAM, f"{_boot_unit.UNITS}/{_boot_unit.UNIT}")
    ):
        made.specs += _boot_unit.boot_files(made.boots)
    before = [unit for item in request.holders for unit in item.units]
    drop_in = f"{_boot_unit.UNITS}/{_boot_unit.UNIT}.d/{request.scope}-{request.part}.conf"
    text = None if points is None else _boot_unit.boot_drop_in(before, points)
    if text or os.path.lexists(drop_in):
        made.specs.append(FileSpec(drop_in, text))
    of_units: dict[str, dict[str, str]] = {}
    for item in request.holders:
        for unit in item.units if item.credentials else ():
            paths = {name: blob_path(request, item, name) for name in item.credentials}
            of_units.setdefault(unit, {}).update(paths)
    for unit in {*of_units, *(unit for item in made.old.values() for unit in item["units"])}:
        path = f"{_boot_unit.UNITS}/{unit}.d/{_boot_unit.DROP_IN}"
        if unit in of_units or os.path.lexists(path):
            made.specs.append(FileSpec(path, _boot_unit.unit_drop_in(of_units[unit]) if unit in of_units else None))
    folders = sorted({os.path.dirname(spec.path) for spec in made.specs if spec.content is not None})
    made.directories += [DirectorySpec(path, keep=True) for path in folders if not path.startswith(SEALED)]


def _in_memory(item: Holder, mounts: str, warnings: list[str]) -> dict[str, tuple[str, str]]:
    """Path -> (real path, mount point) of those of ITEM's files that lie in memory."""
    found: dict[str, tuple[str, str]] = {}
    for path in item.files:
        folder, name = os.path.split(path)
        real = os.path.realpath(folder)
        point, kind = filesystem(real, mounts)
        if kind in MEMORY:
            found[path] = (f"{real}/{name}", point)
        elif path.startswith("/run/"):
            told = (
                f"{folder}: lies on {kind or 'a disk'}, not in memory (tmpfs): its files outlive a reboot in plain text"
            )
            if told not in warnings:
                warnings.append(told)
    return found


def _stale(request: Request, wanted: set[str]) -> list[str]:
    """What this part once kept and keeps no more: bundles, records, encrypted files, their folders, and what a killed run left of them."""
    found = []
    folders = {os.path.dirname(path) for path in wanted}
    for name in entries(request.folder):
        path = f"{request.folder}/{name}"
        if name.startswith(f".{request.part}.") and name.endswith(SUFFIX):
            found.append(path)
        if not name.startswith(f"{request.part}.") or path == request.index or path in wanted:
            continue
        found += (
            [f"{path}/{inner}" for inner in entries(path) if f"{path}/{inner}" not in wanted]
            if path in folders
            else [path]
        )
    return found


def _others(request: Request) -> bool:
    """Whether another part or scope has a bundle to put back."""
    for scope in entries(SEALED):
        if os.path.isdir(f"{SEALED}/{scope}"):
            mine = f"{request.part}." if scope == request.scope else "\n"
            if any(name.endswith(ENDING) and not name.startswith(mine) for name in entries(f"{SEALED}/{scope}")):
                return True
    return False


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """One run at a time on this host; the lock ends with its process."""
    handle = os.open(_LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        if not locked(handle, _LOCK_SECONDS):
            raise MainstayError(f"{_LOCK}: found another run at work for over {_LOCK_SECONDS:g} s; expected it to end")
        yield
    finally:
        os.close(handle)
