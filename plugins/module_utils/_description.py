# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The one description of a backend, read from the inventory: pure, complete, and the source of everything derived."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

GROUPS = ("valkey", "postgres", "app")
#: The variables that all roles share, with their defaults.
SHARED_DEFAULTS: dict[str, Any] = {
    "backend_app": "app",
    "backend_environment": "production",
    "backend_credentials": {},
    "backend_consumers": {},
    "backend_store_dir": "",
    "backend_valkey_host": "",
    "backend_postgres_host": "",
}


@dataclass(frozen=True)
class HostInput:
    """What the inventory says of one host: its variables in plain types with the roles' defaults filled in."""

    name: str
    address: str
    groups: tuple[str, ...]
    variables: Mapping[str, Any]
    probe: Mapping[str, Any] | None = None
