# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Typed readers of inventory values that collect every problem instead of stopping at the first."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

NAME = re.compile(r"[a-z][a-z0-9_]{0,47}")
_SIZE = re.compile(r"(\d+)\s*(b|k|kb|m|mb|g|gb|t|tb)?", re.IGNORECASE)
_UNITS = {
    "": 1,
    "b": 1,
    "k": 1000,
    "kb": 1024,
    "m": 1000**2,
    "mb": 1024**2,
    "g": 1000**3,
    "gb": 1024**3,
    "t": 1000**4,
    "tb": 1024**4,
}
_TRUE, _FALSE = {"true", "yes", "on", "1"}, {"false", "no", "off", "0"}
MISSING = object()


class MainstayError(Exception):
    """An error of this collection whose text is meant for the user; it never holds a secret."""


@dataclass(frozen=True, order=True)
class Problem:
    """One thing wrong with the description: the variable, what was found there, what would be right."""

    variable: str
    found: str
    expected: str

    def __str__(self) -> str:
        text = f"{self.variable}: found {self.found}; expected {self.expected}"
        return re.sub(r"[\x00-\x1f\x7f]", lambda match: repr(match[0])[1:-1], text)


def shown(value: object) -> str:
    """VALUE as a message shows it: short, on one line, and plain types only (ansible-core wraps strings in its own)."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        text = repr(str(value))
    elif isinstance(value, (Mapping, list, tuple)):
        text = f"a {'mapping' if isinstance(value, Mapping) else 'list'} of {len(value)}"
    else:
        text = str(value)
    return text if len(text) <= 80 else text[:77] + "..."


def parse_size(value: object) -> int | None:
    """Bytes of VALUE as Valkey reads sizes (1k = 1000, 1kb = 1024); None where it is no size."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return int(value)
    match = _SIZE.fullmatch(str(value).strip()) if isinstance(value, str) else None
    return int(match[1]) * _UNITS[(match[2] or "").lower()] if match else None


def format_size(count: int) -> str:
    """COUNT bytes for people, in binary units: 268435456 -> '256 MiB'."""
    amount = float(min(count, 1 << 80))
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024:
            return f"{amount:.4g} {unit}"
        amount /= 1024
    return f"{amount:.4g} TiB"


class Checker:
    """Reads values of one mapping of the inventory; what is wrong is added to `problems`, and a default returned in its place.

    `path` is the variable's full name, as `valkey_instances.cache`; messages say `path.key`.
    """

    def __init__(self, path: str, data: object, problems: list[Problem]) -> None:
        self.path = path
        self.problems = problems
        self.seen: set[str] = set()
        self.data: Mapping[str, Any] = {}
        if isinstance(data, Mapping):
            self.data = data
        elif data is not None:
            self.problem("", data, "a mapping")

    def where(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path and key else self.path or key

    def problem(self, key: str, found: object, expected: str) -> None:
        self.problems.append(Problem(self.where(key), shown(found), expected))

    def say(self, key: str, found: str, expected: str) -> None:
        """As `problem`, with FOUND shown as it is written here instead of quoted."""
        self.problems.append(Problem(self.where(key), found, expected))

    def get(self, key: str, default: Any = None) -> Any:
        self.seen.add(key)
        value = self.data.get(key, MISSING)
        return default if value is MISSING or value is None else value

    def text(self, key: str, default: str, pattern: str | None = None, expected: str = "text") -> str:
        value = self.get(key, default)
        if (
            not isinstance(value, str)
            or (pattern is not None and not re.fullmatch(pattern, value))
            or "\n" in value
            or "\0" in value
        ):
            self.problem(key, value, expected)
            return default
        return str(value)

    def name(self, key: str, default: str) -> str:
        return self.text(
            key,
            default,
            NAME.pattern,
            "a name of lower-case letters, digits and _, at most 48, beginning with a letter",
        )

    def path_(self, key: str, default: str) -> str:
        return self.text(
            key,
            default,
            r"/(?!.*(?:^|/)\.\.(?:/|$))[^\s'\"\\$%]*",
            "an absolute path without spaces, quotes, '..', '$' or '%'",
        )

    def integer(self, key: str, default: int, minimum: int, maximum: int) -> int:
        value = self.get(key, default)
        if isinstance(value, str) and re.fullmatch(r"-?\d+", value):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not minimum <= value <= maximum:
            self.problem(key, value, f"a whole number from {minimum} to {maximum}")
            return default
        return int(value)

    def seconds(self, key: str, default: float, minimum: float, maximum: float) -> float:
        value = self.get(key, default)
        if isinstance(value, str) and re.fullmatch(r"\d{1,9}(?:\.\d{1,3})?", value):
            value = float(value)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not minimum <= value <= maximum:
            self.problem(key, value, f"seconds from {minimum:g} to {maximum:g}")
            return default
        return float(value)

    def boolean(self, key: str, default: bool) -> bool:
        value = self.get(key, default)
        if isinstance(value, bool):
            return value
        if str(value).lower() in _TRUE | _FALSE:
            return str(value).lower() in _TRUE
        self.problem(key, value, "true or false")
        return default

    def choice(self, key: str, default: str, choices: Sequence[str]) -> str:
        value = self.get(key, default)
        if not isinstance(value, str) or value not in choices:
            self.problem(key, value, f"one of {', '.join(choices)}")
            return default
        return str(value)

    def size(self, key: str, default: int | str, minimum: int = 1) -> int:
        value = self.get(key, default)
        count = parse_size(value)
        if count is None or count < minimum:
            self.problem(key, value, f"a size of at least {format_size(minimum)}, like 256mb")
            return parse_size(default) or minimum
        return count

    def strings(self, key: str, default: Iterable[str], expected: str = "a list of texts") -> tuple[str, ...]:
        value = self.get(key, list(default))
        if (
            isinstance(value, str)
            or not isinstance(value, Sequence)
            or not all(isinstance(item, str) for item in value)
        ):
            self.problem(key, value, expected)
            return tuple(default)
        return tuple(str(item) for item in value)

    def networks(self, key: str, default: Iterable[str]) -> tuple[str, ...]:
        """A list of networks in CIDR form, normalised (10.0.0.5 -> 10.0.0.5/32)."""
        found = []
        for item in self.strings(key, default, "a list of networks, like [10.0.0.0/24]"):
            try:
                found.append(str(ipaddress.ip_network(item)))
            except ValueError:
                self.problem(key, item, "a network in CIDR form without host bits, like 10.0.0.0/24")
        return tuple(found)

    def addresses(self, key: str, default: Iterable[str]) -> tuple[str, ...]:
        found = []
        for item in self.strings(key, default, "a list of IP addresses, like [127.0.0.1]"):
            try:
                found.append(str(ipaddress.ip_address(item)))
            except ValueError:
                self.problem(key, item, "an IP address of this host, like 127.0.0.1 (0.0.0.0 for all)")
        return tuple(found)

    def mapping(self, key: str) -> dict[str, Any]:
        value = self.get(key, {})
        if not isinstance(value, Mapping):
            self.problem(key, value, "a mapping")
            return {}
        return {str(name): item for name, item in value.items()}

    def done(self) -> None:
        """Reports the keys that nobody read: a misspelt option must not be ignored."""
        for key in self.data:
            if key not in self.seen:
                self.say(str(key), "an unknown option", f"one of {', '.join(sorted(self.seen))}")
