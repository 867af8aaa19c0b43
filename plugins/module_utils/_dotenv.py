# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes .env files that every loader reads alike (dotenv of Ruby, Python and Node, systemd, Docker Compose, bash), and masks them for people."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError

KEY = re.compile(r"[A-Z_][A-Z0-9_]*")
#: Read alike without quotes, by `docker --env-file` too. '&', '~', '?' and ';' are not among them: bash would act on them.
_BARE = re.compile(r"[A-Za-z0-9_./:@+,=%-]*")
_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)")
_URL = re.compile(r"([a-z][a-z0-9+.-]*://[^\s:/@'\"]*:)[^\s/@'\"]+(@[^\s@?'\"]*)")
HIDDEN = "***"


def unfit(value: str) -> str | None:
    """What makes VALUE unwritable for all loaders alike, or None. The answer never holds the value."""
    for char, name in (
        ("'", "a single quote"),
        ("\\", "a backslash"),
        ("\n", "a line break"),
        ("\r", "a carriage return"),
        ("\0", "a NUL"),
    ):
        if char in value:
            return name
    if "${" in value:  # python-dotenv expands it within single quotes too
        return "'${'"
    if any((char < " " and char != "\t") or char == "\x7f" for char in value):
        return "a control character"
    if any("\ud800" <= char <= "\udfff" for char in value):
        return "text that is not Unicode"
    return None


def line(key: str, value: str) -> str:
    """One assignment: bare where that is safe, else in single quotes, within which no loader changes anything."""
    if not KEY.fullmatch(key):
        raise MainstayError(
            f"variable {key}: found a name that not every .env loader reads; expected upper-case letters, digits and _"
        )
    found = unfit(value)
    if found:
        raise MainstayError(
            f"variable {key}: found {found} in its value (not shown); expected a value that every .env loader reads alike"
        )
    return f"{key}={value}" if _BARE.fullmatch(value) else f"{key}='{value}'"


def render(variables: Mapping[str, str], header: Iterable[str] = ()) -> str:
    """The whole file: HEADER as comments, then one line for each of VARIABLES in their order."""
    comments = [f"# {text}".rstrip() for text in header]
    return "\n".join([*comments, *[line(key, value) for key, value in variables.items()]]) + "\n"


def mask_value(value: str) -> str:
    """VALUE with nothing secret: the password of a URL is taken out, any other value is hidden whole."""
    match = _URL.fullmatch(value.strip("'\""))
    return f"{match[1]}{HIDDEN}{match[2]}" if match else HIDDEN


def masker(shown: Collection[str]) -> Callable[[str, str], tuple[str, str]]:
    """A mask for diffs of .env files. Values of the keys SHOWN are left in clear; a hidden value that changes is marked as changing."""

    def mask(before: str, after: str) -> tuple[str, str]:
        old, new = _assignments(before), _assignments(after)
        comments = {text for text in after.splitlines() if text.startswith("#")}
        changing = {key for key in old.keys() & new.keys() if old[key] != new[key]}
        return _masked(before, shown, comments, set()), _masked(after, shown, comments, changing)

    return mask


def _assignments(text: str) -> dict[str, str]:
    return {match[1]: match[2] for match in map(_LINE.fullmatch, text.splitlines()) if match}


def _masked(text: str, shown: Collection[str], comments: Collection[str], changing: Collection[str]) -> str:
    """Only what is known to be harmless is left: a file that somebody wrote by hand may hold a secret on any line."""
    lines = []
    for item in text.splitlines():
        match = _LINE.fullmatch(item)
        if match and match[1] in shown:
            lines.append(item)
        elif match:
            value = mask_value(match[2])
            lines.append(f"{match[1]}={value}{' (changes)' if match[1] in changing else ''}")
        else:
            lines.append(item if not item.strip() or item in comments else "# " + HIDDEN)
    return "".join(f"{item}\n" for item in lines)
