# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A server's certificate on its host: one folder a version, and the link `current` that is moved from one to the next in one step.

What a server reads through the link is a certificate and its own key at every moment: a folder is complete and its pair checked before the
link leads there.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field

from ansible_collections.mainstay.backend.plugins.module_utils._certificate_text import blocks
from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._crash import crash
from ansible_collections.mainstay.backend.plugins.module_utils._file_specs import DirectorySpec, FileSpec
from ansible_collections.mainstay.backend.plugins.module_utils._files import fsync_directory, place
from ansible_collections.mainstay.backend.plugins.module_utils._tls import AUTHORITIES, CHAIN, CURRENT, FOLDERS, KEY

_VERSION = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class Placement:
    """What SERVER (valkey, postgres) shall serve: file name -> PEM, none for no TLS. `name` is one that its certificate has."""

    server: str
    files: Mapping[str, str] = field(repr=False)
    name: str = "localhost"

    @property
    def folder(self) -> str:
        return FOLDERS[self.server]

    @property
    def version(self) -> str:
        """The name of its folder: what is public in it, so that nothing of the key is in it."""
        public = "\0".join(f"{name}\0{text}" for name, text in sorted(self.files.items()) if name != KEY)
        return hashlib.sha256(public.encode()).hexdigest()[:16]

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, as a handshake shows it."""
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(blocks(self.files[CHAIN])[0])).hexdigest()

    @property
    def authorities(self) -> str:
        return self.files[AUTHORITIES]

    def current(self) -> str:
        """The version that the link leads to, '' where there is none."""
        with contextlib.suppress(OSError):
            return os.path.basename(os.readlink(f"{self.folder}/{CURRENT}"))
        return ""

    def others(self) -> list[str]:
        """Versions that are not the wanted one."""
        with contextlib.suppress(OSError):
            names = [name for name in os.listdir(self.folder) if _VERSION.fullmatch(name)]
            return sorted(name for name in names if not self.files or name != self.version)
        return []

    def place(self, check_mode: bool = False) -> list[str]:
        """Puts the version in place and moves the link to it; what was done, one sentence each."""
        if not self.files:
            return []
        folders, public, key = self._specs()
        told = []
        changes = place([*public, key], folders, check_mode=True)
        here, wanted = self.current(), self.version
        if here != wanted:
            told.append(f"{self.server}: certificate {self.fingerprint[:16]} in {self.folder}")
        elif changes:
            told += [f"{change.path}: {', '.join(change.what)}" for change in changes]
        if check_mode or not told:
            return told
        place(public, folders)
        crash("certificate.half")
        place([key])
        self._check_pair(f"{self.folder}/{wanted}")
        if here != wanted:
            self.point(wanted)
            crash("certificate.swapped")
        return told

    def point(self, version: str) -> None:
        """Moves the link to VERSION, in one step."""
        temporary = f"{self.folder}/.{CURRENT}.mainstay"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        os.symlink(version, temporary)
        os.rename(temporary, f"{self.folder}/{CURRENT}")
        fsync_directory(self.folder)

    def tidy(self, check_mode: bool = False) -> list[str]:
        """Removes what is not served any more: versions of before, and without TLS everything."""
        others = self.others()
        if not check_mode:
            if not self.files:
                with contextlib.suppress(OSError):
                    os.unlink(f"{self.folder}/{CURRENT}")
            for name in others:
                shutil.rmtree(f"{self.folder}/{name}", ignore_errors=True)
            if not self.files:
                with contextlib.suppress(OSError):
                    os.rmdir(self.folder)
        return [f"{self.server}: certificates of before removed from {self.folder}"] if others else []

    def _specs(self) -> tuple[list[DirectorySpec], list[FileSpec], FileSpec]:
        group, folder = self.server, f"{self.folder}/{self.version}"
        folders = [DirectorySpec(path, "root", group, 0o750) for path in (self.folder, folder)]
        specs = {
            name: FileSpec(f"{folder}/{name}", text, "root", group, 0o640, secret=name == KEY)
            for name, text in self.files.items()
        }
        return folders, [spec for name, spec in specs.items() if name != KEY], specs[KEY]

    def _check_pair(self, folder: str) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            context.load_cert_chain(f"{folder}/{CHAIN}", f"{folder}/{KEY}", password="")
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", None) or type(error).__name__
            raise MainstayError(
                f"{folder}: found a certificate and a key that OpenSSL does not take together ({reason}); nothing was changed"
            ) from None
