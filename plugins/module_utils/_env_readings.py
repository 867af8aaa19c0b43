# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One source of a configuration as each loader reads it, and what the programs behind the loaders see of all of them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from ansible_collections.mainstay.backend.plugins.module_utils._env_loaders import Loaded, LoaderRefuses

if TYPE_CHECKING:
    from ansible_collections.mainstay.backend.plugins.plugin_utils.types import Schema, Source

PROCESS_ENV = "process environment"


class Place(NamedTuple):
    """Where a value came from. `line` is 0 where there are no lines. (A tuple: hundreds of thousands are made and compared.)"""

    file: str
    line: int = 0


@dataclass
class Reading:
    """One source of assignments; `loaded` by loader, in the order of declaration. `accepted` are those that do not refuse it."""

    source: Source
    loaded: dict[str, Loaded | LoaderRefuses]

    @cached_property
    def accepted(self) -> dict[str, Loaded]:
        return {loader: found for loader, found in self.loaded.items() if isinstance(found, Loaded)}

    @cached_property
    def distinct(self) -> dict[str, Loaded]:
        """`accepted` without those that read what an earlier one reads, notes included."""
        found: dict[str, Loaded] = {}
        for loader, item in self.accepted.items():
            if not any(item is other or item.assignments == other.assignments for other in found.values()):
                found[loader] = item
        return found

    @cached_property
    def lines(self) -> list[str]:
        return re.split(r"\r\n|\n|\r", self.source.data.decode("utf-8", "replace"))

    def raw(self, line: int) -> str:
        return self.lines[line - 1] if 0 < line <= len(self.lines) else ""

    @cached_property
    def inner_lines(self) -> frozenset[int]:
        """Lines that some loader takes for the continuation of a value; what others find there is no name to be shown."""
        found: set[int] = set()
        for item in self.distinct.values():
            starts = [one.line for one in item.assignments]
            for index, one in enumerate(item.assignments):
                if one.value and "\n" in one.value:
                    after = starts[index + 1] if index + 1 < len(starts) else len(self.lines) + 1
                    found.update(range(one.line + 1, min(one.line + one.value.count("\n") + 1, after)))
        return frozenset(found)

    @cached_property
    def key_lines(self) -> dict[str, int]:
        """Every key that a loader sets, with its last line."""
        found: dict[str, int] = {}
        for item in self.distinct.values():
            found.update({one.key: one.line for one in item.assignments if one.key in item.variables})
        return found


@dataclass
class View:
    """The configuration as the programs behind `loaders` see it. `whole`: none of them refuses a file."""

    loaders: tuple[str, ...]
    values: dict[str, str]
    places: dict[str, Place]
    whole: bool
    #: before processes and `process_env` were laid over the files
    in_files: dict[str, str] = field(default_factory=dict)
    #: `values` without those that the first view has too, from the same place
    news: dict[str, str] = field(default_factory=dict)
    #: made when it is first asked for, by Reader.working
    working: dict[str, str] | None = None


def process(data: bytes) -> dict[str, str]:
    """The variables of DATA in the form of /proc/PID/environ."""
    found = {}
    for part in data.split(b"\0"):
        name, equals, value = part.decode("utf-8", "replace").partition("=")
        if equals and name:
            found[name] = value
    return found


def secret_file(source: Source, schema: Schema | None) -> tuple[str, str]:
    """Variable and value of a file of the secrets folder: `…/shop_db` is SHOP_DB where the schema knows that, else shop_db."""
    name = source.path.replace("\\", "/").rstrip("/").rpartition("/")[2]
    value = source.data.decode("utf-8", "replace").rstrip("\r\n")
    plain = re.sub(r"\.(?:txt|key|secret|token|pem)$", "", name)
    for known in schema.variables if schema else ():
        if _plain(known) in (_plain(name), _plain(plain)):
            return known, value
    return name, value


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower())
