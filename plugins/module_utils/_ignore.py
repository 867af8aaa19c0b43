# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The part of an application's .gitignore that keeps its secrets out of git. The file's other lines are the application's."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

BEGIN, END = "# BEGIN mainstay.backend", "# END mainstay.backend"
#: What no repository should hold, in the order that git wants it: what is excepted comes after.
ALWAYS = (
    ".env*",
    "!.env.example",
    "!.env.schema",
    "/config/master.key",
    "/config/credentials/*.key",
    "/config/settings.local.yml",
    "/config/settings/*.local.yml",
    "/config/environments/*.local.yml",
)


def ignored(directory: str, secret_paths: Iterable[str]) -> list[str]:
    """The lines for the tree at DIRECTORY: ALWAYS, and those of SECRET_PATHS (absolute; a closing '/' is a folder) that lie in it."""
    lines = list(ALWAYS)
    for path in secret_paths:
        inside = os.path.relpath(path, directory)
        if not inside.startswith("..") and not (os.path.basename(path).startswith(".env")):
            lines.append(f"/{inside}{'/' if path.endswith('/') else ''}")
    return list(dict.fromkeys(lines))


def with_block(text: str, lines: Sequence[str]) -> str:
    """TEXT with LINES between the marks: where they stand already, else at the end, where nothing after them undoes them."""
    found = text.splitlines()
    block = [BEGIN, *lines, END]
    place = _between(found)
    if place:
        found[place[0] : place[1] + 1] = block
    else:
        found += [*([""] if found and found[-1].strip() else []), *block]
    return "".join(f"{line}\n" for line in found)


def _between(lines: Sequence[str]) -> tuple[int, int] | None:
    """Where the first pair of marks stands; a mark that has lost its other half is a comment like any other."""
    start = None
    for number, line in enumerate(lines):
        if line == BEGIN:
            start = number
        elif line == END and start is not None:
            return start, number
    return None
