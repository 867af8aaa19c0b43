# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a running cluster says of its settings, and what differs from those wanted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils._postgres_live import rows
from ansible_collections.mainstay.backend.plugins.module_utils._postgres_parameters import Parameter, canonical

AUTO = "postgresql.auto.conf"
_SETTINGS = """
SELECT name, setting, current_setting(name), coalesce(unit, ''), vartype, context, source, coalesce(sourcefile, ''), coalesce(sourceline, 0),
       pending_restart, coalesce(enumvals, '{}')
  FROM pg_catalog.pg_settings WHERE name = ANY(%s) OR sourcefile = %s"""
# What the files say at this moment, read or not: entries after all of ours win over them.
_LATER = """
SELECT f.name, f.setting, f.sourcefile, f.sourceline FROM pg_catalog.pg_file_settings f
 WHERE f.name = ANY(%s) AND f.sourcefile <> %s
   AND f.seqno > coalesce((SELECT max(o.seqno) FROM pg_catalog.pg_file_settings o WHERE o.sourcefile = %s),
                          (SELECT max(a.seqno) FROM pg_catalog.pg_file_settings a WHERE a.sourcefile NOT LIKE %s), 0)
 ORDER BY f.seqno"""
#: Where a value comes from that is this session's own and not the cluster's.
_OF_THE_SESSION = ("client", "session", "user", "database", "database user")


@dataclass(frozen=True)
class Live:
    """One parameter as the server runs it; `shown` is for people, `setting` in the parameter's unit."""

    name: str
    setting: str
    shown: str
    unit: str
    kind: str
    context: str
    source: str
    file: str = ""
    line: int = 0
    pending: bool = False
    values: tuple[str, ...] = ()

    def has(self, value: str) -> bool:
        """Whether the server runs VALUE, however it is spelt."""
        parameter = Parameter(self.name, self.kind, self.unit, values=self.values)
        return canonical(parameter, value) == canonical(parameter, self.setting)

    @property
    def origin(self) -> str:
        return f"{self.file} line {self.line}" if self.file else self.source


def _live(row: tuple[Any, ...]) -> Live:
    name, setting, text, unit, kind, context, source, file, line, pending, values = row
    return Live(name, setting, text, unit, kind, context, source, file, line, pending, tuple(values))


def ask(connection: Any, names: Iterable[str], ours: str) -> dict[str, Live]:
    """Every parameter of NAMES, and every other that the file OURS sets."""
    found = (_live(row) for row in rows(connection, _SETTINGS, [list(names), ours]))
    return {item.name: item for item in found}


@dataclass(frozen=True)
class Difference:
    """A parameter that runs otherwise than wanted."""

    live: Live
    wanted: str

    @property
    def restarts(self) -> bool:
        return self.live.context == "postmaster"


def differences(live: Mapping[str, Live], wanted: Mapping[str, str]) -> list[Difference]:
    """What differs; parameters of extensions that are not loaded, and those that this session has of its own, tell nothing."""
    found = [(live[name], value) for name, value in sorted(wanted.items()) if name in live]
    return [
        Difference(item, value) for item, value in found if item.source not in _OF_THE_SESSION and not item.has(value)
    ]


@dataclass(frozen=True)
class Override:
    """An entry of another file that wins over ours, to whatever value: it would hide the next change of ours too."""

    name: str
    value: str
    file: str
    line: int

    @property
    def by_alter_system(self) -> bool:
        return self.file.endswith("/" + AUTO)

    def __str__(self) -> str:
        return f"{self.name} = {self.value} ({self.file} line {self.line})"


def overrides(connection: Any, names: Iterable[str], ours: str) -> list[Override]:
    """Entries for NAMES that are read after the file OURS."""
    return [Override(*row) for row in rows(connection, _LATER, [list(names), ours, ours, f"%/{AUTO}"])]


def drift(found: Iterable[Difference]) -> dict[str, str]:
    """One before/after for what the server runs, shaped like a diff of a file."""
    items = list(found)
    before = "".join(f"{item.live.name} = {item.live.shown}  # {item.live.origin}\n" for item in items)
    after = "".join(f"{item.live.name} = {item.wanted}\n" for item in items)
    return {
        "before_header": "pg_settings (live)",
        "after_header": "pg_settings (live)",
        "before": before,
        "after": after,
    }
