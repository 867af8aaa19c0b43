# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which Debian packages each role needs, and which PostgreSQL a Debian release brings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils._deps import LIBRARIES

#: Debian release -> the PostgreSQL of its own archive.
POSTGRES_OF_RELEASE = {12: 15, 13: 17, 14: 18}
#: Debian releases that have Valkey in their backports only.
VALKEY_IN_BACKPORTS = (12,)
#: The roles that install packages.
SERVERS = ("valkey", "postgres")
SUPPORTED_POSTGRES = tuple(sorted(POSTGRES_OF_RELEASE.values()))


def postgres_version(declared: int | None, probe: Mapping[str, Any] | None) -> int | None:
    """The version to run: the DECLARED one, else the release's own; None until the host was probed."""
    if declared is not None:
        return declared
    release = probe["distribution"]["version"] if probe else None
    return POSTGRES_OF_RELEASE.get(release) if release is not None else None


def packages_of(role: str, version: int | None = None) -> list[str]:
    """The packages of ROLE; VERSION is PostgreSQL's."""
    if role == "valkey":
        return ["valkey-server", LIBRARIES["redis"][1]]
    if role == "postgres" and version is not None:
        return [f"postgresql-{version}", LIBRARIES["psycopg2"][1]]
    return []


def known_packages(declared: int | None) -> list[str]:
    """Every package that a probe asks for, so that one probe serves all roles."""
    versions = sorted({*SUPPORTED_POSTGRES, *([declared] if declared else [])})
    found = [name for version in versions for name in packages_of("postgres", version)]
    return sorted({*packages_of("valkey"), *found})


def backports_of(release: Mapping[str, Any]) -> str:
    """The suite that holds Valkey for RELEASE (a probe's distribution); '' where its own archive does."""
    return f"{release['codename']}-backports" if release["version"] in VALKEY_IN_BACKPORTS else ""
