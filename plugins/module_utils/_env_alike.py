# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads at once, for several loaders, an environment file of which every line has a form that they all read alike: most files are such."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import lru_cache

from ansible_collections.mainstay.backend.plugins.module_utils._env_loaders import Assignment, Loaded

_LONGEST = 65_000  # characters of a line; docker refuses one of 64 KiB
_COMMENT = r"[ \t]*+(?:\#[\t -~\xa1-\u024f]*+)?"
_VALUE = r"([A-Za-z0-9_./:@+,=%!?&*()\[\]{}<>|~^;-]++(?>(?: [A-Za-z0-9_./:@+,=%!?&*()\[\]{}<>|~^;-]++)*))?"
_QUOTED = r"|'([^'\\$`\x00-\x1f\x7f-\uffff\U00010000-\U0010ffff]*+)'|\"([^\"\\$`\x00-\x1f\x7f-\uffff\U00010000-\U0010ffff]*+)\""
# Names that mean something to a loader itself
_SPECIAL = frozenset({"__proto__", "DOTENV_LINEBREAK_MODE"})


@lru_cache(maxsize=8)
def _pattern(quotes: bool, export: bool) -> re.Pattern[str]:
    before = r"(?:export (?=[^=]*=.))?" if export else ""  # ruby refuses one without a value
    return re.compile(rf"{before}([A-Za-z_][A-Za-z0-9_]*+)=(?:{_VALUE}{_QUOTED if quotes else ''})|{_COMMENT}")


def read_alike(data: bytes, loaders: Collection[str], environment: Mapping[str, str]) -> Loaded | None:
    """What each of LOADERS makes of DATA; None where that may not be the same for all of them.

    Quotes are in docker's values, `export` is nothing to systemd and docker, and ruby takes from ENVIRONMENT what is set there.
    """
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    match = _pattern("docker" not in loaders, not {"docker", "systemd"} & set(loaders)).fullmatch
    variables: dict[str, str | None] = {}
    assignments = []
    for number, line in enumerate(text.split("\n"), 1):
        found = match(line)
        if not found:
            return None
        key = found[1]
        if key is None:
            continue
        value = found[found.lastindex or 1] if found.lastindex != 1 else ""
        variables[key] = value
        assignments.append(Assignment(key, value, number))
        if len(line) > _LONGEST:
            return None
    names = variables.keys()
    if names & _SPECIAL or ("ruby" in loaders and any(name in environment for name in names)):
        return None
    return Loaded(variables, tuple(assignments))
