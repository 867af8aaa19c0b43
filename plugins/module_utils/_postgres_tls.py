# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The certificate of a PostgreSQL cluster: in place before a setting names it, proven by a handshake after the reload."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from ansible_collections.mainstay.backend.plugins.module_utils._tls_files import Placement
from ansible_collections.mainstay.backend.plugins.module_utils._tls_serving import (
    Place,
    places,
    prove,
    reload_postgres,
    stale,
)


@dataclass
class Certificate:
    """`settings` are the cluster's, which say where it listens."""

    wanted: Placement
    settings: Mapping[str, str]
    found: list[Place] = field(default_factory=list)
    due: bool = False
    before: str = ""

    def place(self, check_mode: bool) -> list[str]:
        """Puts it in place; what was done and is to be done, one sentence each."""
        if not self.wanted.files:
            return self.wanted.tidy(check_mode=True)
        self.before = self.wanted.current()
        addresses = [item.strip() for item in self.settings.get("listen_addresses", "").split(",")]
        self.found = places("postgres", "postgres", [item for item in addresses if item], int(self.settings["port"]))
        told = self.wanted.place(check_mode)
        self.due = bool(told) or stale(self.found, self.wanted)
        if self.due and any(item.shown() for item in self.found):
            told.append("postgres: certificate reloaded without a restart")
        return told + self.wanted.tidy(check_mode=True)

    def serve(self, port: int) -> None:
        if self.wanted.files:
            if self.due:
                reload_postgres(port)
            prove(self.found, self.wanted)
        self.wanted.tidy()

    def go_back(self, port: int) -> None:
        """The link leads to what was served before; the configuration of before is put back by its own."""
        if self.wanted.files and self.before and self.before != self.wanted.version:
            self.wanted.point(self.before)
            with contextlib.suppress(Exception):  # it may be down by now, which is told already
                reload_postgres(port)
