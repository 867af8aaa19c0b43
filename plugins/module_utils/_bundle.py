# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A holder's bundle: the files and folders that a reboot takes from memory, encrypted as one, and the encrypted files that its units read."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils import _restore, _seal
from ansible_collections.mainstay.backend.plugins.module_utils._file_specs import DirectorySpec, FileSpec
from ansible_collections.mainstay.backend.plugins.module_utils._files import group_id, user_id
from ansible_collections.mainstay.backend.plugins.module_utils._restore import ENDING, SEALED

#: What a bundle is called that has nothing to put back.
RECORD = ".record"
VERSION = 1


@dataclass(frozen=True)
class Holder:
    """Whose secrets these are. `files` are paths of what it gets, of which those in memory are kept; `folder` is its own alone, or ''.

    `credentials` are what its units get by LoadCredentialEncrypted=: name -> content.
    """

    name: str
    files: tuple[str, ...] = ()
    folder: str = ""
    units: tuple[str, ...] = ()
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Request:
    """What is to be kept of a part; `sealing` False keeps only what units need."""

    scope: str
    part: str
    holders: tuple[Holder, ...]
    sealing: bool = True

    @property
    def folder(self) -> str:
        return f"{SEALED}/{self.scope}"

    @property
    def index(self) -> str:
        return f"{self.folder}/{self.part}.json"

    def index_text(self) -> str:
        """The index: who holds what where. Empty where nobody holds anything that has to be found again."""
        found = {
            item.name: {
                "folder": item.folder,
                "files": sorted(item.files),
                "units": sorted(item.units) if item.credentials else [],
            }
            for item in self.holders
            if item.files or item.credentials or item.folder
        }
        return json.dumps({"version": VERSION, "holders": found}, indent=1, sort_keys=True) + "\n" if found else ""


def blob_path(request: Request, item: Holder, name: str) -> str:
    return f"{request.folder}/{request.part}.{item.name}/{name}"


def bundle_files(
    request: Request,
    item: Holder,
    specs: Sequence[FileSpec],
    real: Mapping[str, tuple[str, str]],
    directories: Sequence[DirectorySpec],
    check_mode: bool,
) -> list[FileSpec]:
    """The bundle and the encrypted files of ITEM; those that are current keep their text. REAL: path -> (real path, mount point)."""
    path = f"{request.folder}/{request.part}.{item.name}{ENDING if specs else RECORD}"
    before = _opened(path)
    known = before.get("credentials")
    known = known if isinstance(known, dict) else {}
    found: list[FileSpec] = []
    credentials: dict[str, dict[str, str]] = {}
    for name, content in sorted(item.credentials.items()):
        blob = blob_path(request, item, name)
        text = _text(blob)
        if text is None or known.get(name) != {"content": content, "sealed": _digest(text)}:
            text = _sealed(check_mode, name, content.encode())
        credentials[name] = {"content": content, "sealed": _digest(text)}
        found.append(FileSpec(blob, text, mode=0o600, secret=True))
    bundle = {
        "version": VERSION,
        "directories": folders_of([(real[spec.path], spec) for spec in specs], directories),
        "files": [
            {**_ids(spec), "path": real[spec.path][0], "mode": spec.mode, "content": spec.content or ""}
            for spec in sorted(specs, key=lambda spec: spec.path)
        ],
        "credentials": credentials,
    }
    whole = _text(path) if before == bundle else None
    if whole is None:
        whole = _sealed(check_mode, _restore.name_of(path), json.dumps(bundle).encode())
    return [*found, FileSpec(path, whole, mode=0o600, secret=True)]


def _sealed(check_mode: bool, name: str, content: bytes) -> str:
    return "(not encrypted in check mode)\n" if check_mode else _seal.seal(name, content)


def _opened(path: str) -> dict[str, Any]:
    """What the bundle PATH holds; nothing where there is none, or where this host cannot open it any more: it is made anew."""
    if not os.path.isfile(path):
        return {}
    text, _unused = _restore.unseal(path, _restore.name_of(path))
    try:
        found = json.loads(text or b"")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def folders_of(
    files: Sequence[tuple[tuple[str, str], FileSpec]], directories: Sequence[DirectorySpec]
) -> list[dict[str, Any]]:
    """Every folder below its mount point that FILES ((real path, mount point), spec) need, parents first, as it is or shall be."""
    shall = {os.path.realpath(spec.path): spec for spec in directories}
    paths: set[str] = set()
    for (path, point), _unused in files:
        folder = os.path.dirname(path)
        while len(folder) > len(point) and folder != "/":
            paths.add(folder)
            folder = os.path.dirname(folder)
    return [_folder(path, shall.get(path)) for path in sorted(paths)]


def _folder(path: str, shall: DirectorySpec | None) -> dict[str, Any]:
    if shall is not None and not (shall.keep and os.path.isdir(path)):
        return {**_ids(shall), "path": path, "mode": shall.mode}
    if os.path.isdir(path):
        found = os.stat(path)
        return {"path": path, "uid": found.st_uid, "gid": found.st_gid, "mode": found.st_mode & 0o7777}
    return {"path": path, "uid": 0, "gid": 0, "mode": 0o755}


def _ids(spec: FileSpec | DirectorySpec) -> dict[str, int]:
    uid, gid = user_id(spec.owner), group_id(spec.group)
    return {"uid": -1 if uid is None else uid, "gid": -1 if gid is None else gid}


def _text(path: str) -> str | None:
    try:
        with open(path, encoding="ascii") as handle:
            return handle.read()
    except (OSError, UnicodeDecodeError):
        return None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
