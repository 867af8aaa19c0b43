# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The certificate of a host's Valkey instances, which all show the same one: placed before they need it, proven when they run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ansible_collections.mainstay.backend.plugins.module_utils._tls_files import Placement
from ansible_collections.mainstay.backend.plugins.module_utils._tls_serving import (
    Place,
    places,
    prove,
    reload_valkey,
    stale,
)
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_live import Login
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_plan import Wanted, directive


@dataclass
class Certificate:
    """`due`: running instances show another one, or the files of it change."""

    wanted: Placement
    found: list[tuple[Wanted, list[Place]]] = field(default_factory=list)
    due: bool = False
    before: str = ""

    def look(self, items: Iterable[Wanted]) -> list[str]:
        """What is to be done, one sentence each. Reads and shakes hands only."""
        if not self.wanted.files:
            return self.wanted.tidy(check_mode=True)
        self.before = self.wanted.current()
        self.found = [(item, listening(item)) for item in items if listening(item)]
        told = self.wanted.place(check_mode=True)
        changes = [item.name for item, where in self.found if stale(where, self.wanted)]
        self.due = bool(told or changes)
        if changes:
            told.append(f"{', '.join(changes)}: certificate reloaded without a restart")
        return told + self.wanted.tidy(check_mode=True)

    def place(self) -> None:
        if self.wanted.files:
            self.wanted.place()

    def serve(self, login: Login) -> None:
        """The running instances take it up; where one does not, all go back to the one of before. Then what was before is removed."""
        every = [place for _item, where in self.found for place in where]
        try:
            if self.due:
                self._reload(login)
            if every:
                prove(every, self.wanted)
        except Exception:
            if self.before and self.before != self.wanted.version:
                self.wanted.point(self.before)
                self._reload(login)
            raise
        self.wanted.tidy()

    def _reload(self, login: Login) -> None:
        for item, _where in self.found:
            reload_valkey(item.name, item.socket, login)


def listening(item: Wanted) -> list[Place]:
    """Where ITEM's configuration opens TLS."""
    port = directive(item.config, "tls-port")
    addresses: Sequence[str] = directive(item.config, "bind").split()
    return places("valkey", item.name, addresses, int(port)) if port.isdigit() and port != "0" else []
