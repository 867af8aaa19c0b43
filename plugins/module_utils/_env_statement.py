# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes one assignment so that the declared loaders, and not only all of them, read the same value from it; and asks several loaders at once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._dotenv import unfit
from ansible_collections.mainstay.backend.plugins.module_utils._env_loaders import Loaded, LoaderRefuses, load

_BARE = re.compile(r"[A-Za-z0-9_./:@+,=%-]*")


@dataclass(frozen=True)
class Reading:
    """What one loader makes of a file: `refusal` instead of variables where it refuses the file."""

    loaded: Loaded
    refusal: LoaderRefuses | None = None


def read_by(text: str, loaders: Sequence[str]) -> dict[str, Reading]:
    found = {}
    for loader in loaders:
        try:
            found[loader] = Reading(load(text.encode(), loader))
        except LoaderRefuses as refusal:
            found[loader] = Reading(Loaded({}, ()), refusal)
    return found


def statement(name: str, value: str, export: str, comment: str, loaders: Sequence[str]) -> str:
    """One assignment that every one of LOADERS reads as VALUE: bare where possible, else in the quotes that do."""
    blamed = ""
    for form in _forms(value):
        line = f"{export}{name}={form}{comment}"
        readings = read_by(line + "\n", loaders)
        wrong = [loader for loader, reading in readings.items() if reading.loaded.variables != {name: value}]
        if not wrong:
            return line
        blamed = blamed or wrong[0]
    what = unfit(value) or "characters"
    raise MainstayError(
        f"variables.{name}: found {what} in its value (not shown), which {blamed} reads in another way; "
        f"expected a value that can be written alike for {', '.join(loaders)}"
    )


def _forms(value: str) -> Iterator[str]:
    """Ways to write VALUE, those first that a person would choose."""
    if _BARE.fullmatch(value):
        yield value
    plain = [quote + value + quote for quote in "'\"`"]
    yield from (form for form in plain if form[0] not in value)
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    yield f'"{escaped}"'
    yield '"' + escaped.replace("$", "\\$").replace("`", "\\`") + '"'
    yield '"' + escaped.replace("$", "$$").replace("\n", "\\n") + '"'
    yield from plain
    yield value
