# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where Debian keeps the cluster `main` of a version, and the files of it that this collection owns."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ansible_collections.mainstay.backend.plugins.module_utils._file_specs import DirectorySpec, FileSpec

NAME = "main"
CREATECLUSTER = "/etc/postgresql-common/createcluster.d/mainstay.conf"


@dataclass(frozen=True)
class Wanted:
    """What the controller rendered and derived for one cluster. `extension` is file name -> text."""

    version: int
    port: int
    settings: Mapping[str, str]
    configuration: str
    hba: str
    unit: str
    createcluster: str
    extension: Mapping[str, str] = field(default_factory=dict)
    data_checksums: bool = True
    certificate: Mapping[str, str] = field(default_factory=dict, repr=False)
    certificate_name: str = ""


@dataclass(frozen=True)
class Layout:
    """Paths and names of cluster `main` of one version."""

    version: int

    @property
    def config(self) -> str:
        return f"/etc/postgresql/{self.version}/{NAME}"

    @property
    def main_file(self) -> str:
        return f"{self.config}/postgresql.conf"

    @property
    def settings_file(self) -> str:
        return f"{self.config}/conf.d/mainstay.conf"

    @property
    def hba_file(self) -> str:
        return f"{self.config}/pg_hba.conf"

    @property
    def unit(self) -> str:
        return f"postgresql@{self.version}-{NAME}.service"

    @property
    def unit_file(self) -> str:
        return f"/etc/systemd/system/{self.unit}.d/mainstay.conf"

    @property
    def binaries(self) -> str:
        return f"/usr/lib/postgresql/{self.version}/bin"

    @property
    def extensions(self) -> str:
        return f"/usr/share/postgresql/{self.version}/extension"

    @property
    def log(self) -> str:
        return f"/var/log/postgresql/postgresql-{self.version}-{NAME}.log"

    def data(self) -> str:
        """The data directory that postgresql.conf names, or Debian's."""
        default = f"/var/lib/postgresql/{self.version}/{NAME}"
        try:
            with open(self.main_file, encoding="utf-8", errors="replace") as handle:
                match = re.search(r"^\s*data_directory\s*=?\s*'([^']+)'", handle.read(), re.MULTILINE)
        except OSError:
            return default
        return match[1] if match else default


def owned_files(wanted: Wanted, layout: Layout, data: str) -> tuple[list[FileSpec], list[DirectorySpec]]:
    """Every file of WANTED. The server's own binary reads the candidate settings before they replace anything."""
    validate = (
        "runuser",
        "-u",
        "postgres",
        "--",
        f"{layout.binaries}/postgres",
        "-D",
        data,
        "-c",
        "config_file=%s",
        "-C",
        "shared_buffers",
    )
    files = [
        FileSpec(CREATECLUSTER, wanted.createcluster),
        FileSpec(layout.settings_file, wanted.configuration, "root", "postgres", 0o640, validate=validate),
        FileSpec(layout.hba_file, wanted.hba, "root", "postgres", 0o640),
        FileSpec(layout.unit_file, wanted.unit),
        *(FileSpec(f"{layout.extensions}/{name}", text) for name, text in sorted(wanted.extension.items())),
    ]
    directories = [
        DirectorySpec("/etc/postgresql-common/createcluster.d"),
        DirectorySpec(f"/etc/systemd/system/{layout.unit}.d"),
        DirectorySpec(f"{layout.config}/conf.d", "root", "postgres", 0o755),
    ]
    return files, directories
