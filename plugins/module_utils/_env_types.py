# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The types of variables: whether a text is a value of one, and if not, what is wrong with it. Every check takes time linear in the text."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils._checking import parse_size
from ansible_collections.mainstay.backend.plugins.module_utils._env_pattern import matcher
from ansible_collections.mainstay.backend.plugins.module_utils._env_schema import Variable
from ansible_collections.mainstay.backend.plugins.module_utils._env_url import host_fault, url_fault

Check = Callable[[str], "str | None"]

#: Type -> what a value of it is, for people.
TYPES: Mapping[str, str] = {
    "string": "Any text.",
    "int": "A whole number without leading zeros (Ruby's `Integer` reads `010` as 8).",
    "float": "A decimal number, `1.5` or `1e-3`; not `nan` or `inf`.",
    "bool": "`true`/`false`, `1`/`0`, `yes`/`no`, `on`/`off`, in any case.",
    "enum": "One of `choices`, in the same case.",
    "url": "A URL `scheme://host…` with everything percent-encoded that must be. The host may be missing where it is a file or socket.",
    "email": "A mail address without a display name.",
    "host": "A host name (RFC 1123) or an IP address; no port.",
    "port": "A whole number from 1 to 65535.",
    "ip": "An IPv4 or IPv6 address.",
    "duration": "Numbers and units, `500ms`, `30s`, `1h30m`, `90d`, `2w`, or ISO 8601, `PT5M`. The unit is needed: a bare number may be read as anything.",
    "size": "Bytes as Valkey reads them: `1024`, `64mb` (binary), `64m` (decimal).",
    "uuid": "A UUID of any version, `8-4-4-4-12` hexadecimal digits.",
    "base64": "Base64 of the standard alphabet, padded, or of the URL-safe one, padded or not.",
    "hex": "An even number of hexadecimal digits.",
    "json": "A JSON document.",
    "path": "An absolute path; with `absolute: false` a relative one too.",
    "list": "Items of the type `items` with `separator` between them; spaces around an item do not belong to it.",
}
#: What `min` and `max` can limit, and what lengths and patterns can.
MEASURED = ("int", "float", "port", "duration", "size")
SIZED = ("string", "url", "email", "host", "base64", "hex", "json", "path", "list")
_NOT_PATTERNED = ("enum", "bool")
PATTERNED = tuple(name for name in TYPES if name not in _NOT_PATTERNED)
JSON_DEPTH = 100

_INT = re.compile(r"[+-]?(?:0|[1-9][0-9]{0,40})")
_ZEROS = re.compile(r"[+-]?0[0-9]+")
_FLOAT = re.compile(r"[+-]?(?:[0-9]{1,400}(?:\.[0-9]{1,400})?|\.[0-9]{1,400})(?:[eE][+-]?[0-9]{1,4})?")
_BOOL = frozenset({"true", "false", "1", "0", "yes", "no", "on", "off"})
_EMAIL = re.compile(r"(?=[^@]{1,64}@)[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@([^@]+)")
_UNIT = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_DURATION = re.compile(
    "".join(rf"(?:([0-9]{{1,15}}(?:\.[0-9]{{1,9}})?){unit})?" for unit in ("w", "d", "h", "m(?!s)", "s", "ms", "us"))
)
_NUMBER = r"(?:([0-9]{1,15}(?:[.,][0-9]{1,9})?)%s)?"
_ISO = re.compile(
    "P(?=.)" + "".join(_NUMBER % u for u in "YMWD") + "(?:T(?=.)" + "".join(_NUMBER % u for u in "HMS") + ")?"
)
_ISO_UNITS = (365.25 * 86400, 30 * 86400.0, 604800.0, 86400.0, 3600.0, 60.0, 1.0)
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]*|[A-Za-z0-9_-]*)(={0,2})")
_HEX = re.compile(r"[0-9a-fA-F]+")


def check_value(variable: Variable, value: str) -> str | None:
    """What is wrong with VALUE, as a phrase that goes on after the variable's name ("is no whole number"), never with the value; or None.

    An empty text is a value of `string` and `list` only. Whether a variable may be empty or missing is not asked here.
    """
    return checker(variable)(value)


@lru_cache(maxsize=4096)
def checker(variable: Variable) -> Check:
    """The check of VARIABLE's values, made once. VARIABLE comes out of a schema that was read: its pattern and limits are sound."""
    one = _of_items(variable) if variable.type == "list" else _of_type(variable, variable.type)
    checks = [one, *_lengths(variable)]

    def check(value: str) -> str | None:
        for item in checks:
            fault = item(value)
            if fault:
                return fault
        return None

    return check


def measure(kind: str, value: str) -> float | int | None:
    """VALUE as what `min` and `max` compare: a number, seconds of a duration, bytes of a size; None where it is not of the type KIND."""
    if kind in ("int", "port"):
        return int(value) if _INT.fullmatch(value) else None
    if kind == "float":
        number = float(value) if _FLOAT.fullmatch(value) else None
        return number if number is None or abs(number) != float("inf") else None
    if kind == "duration":
        return _seconds(value)
    return parse_size(value) if kind == "size" and len(value) < 40 and value.isascii() else None


def _of_type(variable: Variable, kind: str) -> Check:
    """The check of one value, or of one item of a list: its type, choices, limits and pattern."""
    plain = _FAULTS.get(kind)
    checks: list[Check] = [plain] if plain else []
    if kind == "url":
        checks = [lambda value: url_fault(value, variable.schemes)]
    elif kind == "path":
        checks = [lambda value: _path(value, variable.absolute)]
    if variable.choices:
        choices, told = frozenset(variable.choices), f"is none of {', '.join(variable.choices)}"
        checks.append(lambda value: None if value in choices else told)
    if kind in MEASURED:
        checks.append(_limits(variable, kind))
    if variable.pattern:
        matches = matcher(variable.pattern)
        unmatched = f"does not match {variable.pattern}"
        checks.append(lambda value: None if matches(value) else unmatched)

    def check(value: str) -> str | None:
        if not value and kind not in ("string", "list"):
            return "is empty"
        for item in checks:
            fault = item(value)
            if fault:
                return fault
        return None

    return check


def _of_items(variable: Variable) -> Check:
    one = _of_type(variable, variable.items)
    separator = variable.separator

    def check(value: str) -> str | None:
        for number, item in enumerate(value.split(separator) if value else (), 1):
            text = item.strip()
            fault = one(text) if text else "is empty"
            if fault:
                return f"has an item, number {number}, that {fault}"
        return None

    return check


def _limits(variable: Variable, kind: str) -> Check:
    low = measure(kind, variable.min) if variable.min is not None else None
    high = measure(kind, variable.max) if variable.max is not None else None
    less, more = f"is less than {variable.min}", f"is more than {variable.max}"

    def check(value: str) -> str | None:
        number = measure(kind, value)
        if number is None:
            return "is no number"
        if low is not None and number < low:
            return less
        return more if high is not None and number > high else None

    return check if low is not None or high is not None else lambda value: None


def _lengths(variable: Variable) -> list[Check]:
    """`min_length` and `max_length`: of a list its items, of any other value its characters."""
    low, high, separator = variable.min_length, variable.max_length, variable.separator
    if low is None and high is None:
        return []
    noun = "item" if variable.type == "list" else "character"

    def check(value: str) -> str | None:
        count = (value.count(separator) + 1 if value else 0) if noun == "item" else len(value)
        if low is not None and count < low:
            return f"has fewer than {low} {noun}{'' if low == 1 else 's'}"
        return f"has more than {high} {noun}{'' if high == 1 else 's'}" if high is not None and count > high else None

    return [check]


def _int(value: str) -> str | None:
    if _INT.fullmatch(value):
        return None
    return "has a leading zero, which makes it octal to some" if _ZEROS.fullmatch(value) else "is no whole number"


def _port(value: str) -> str | None:
    fits = value.isascii() and value.isdigit() and len(value) <= 5 and value[0] != "0" and int(value) <= 65535
    return None if fits else "is no port, a whole number from 1 to 65535"


def _ip(value: str) -> str | None:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return "is no IP address"
    return None


def _email(value: str) -> str | None:
    match = _EMAIL.fullmatch(value) if len(value) <= 320 else None
    return None if match and not host_fault(match[1]) else "is no mail address"


def _seconds(value: str) -> float | None:
    if len(value) > 100:
        return None
    match = _DURATION.fullmatch(value) if value else None
    if match:
        units = ("w", "d", "h", "m", "s", "ms", "us")
        return sum(float(part) * _UNIT[unit] for part, unit in zip(match.groups(), units, strict=True) if part)
    iso = _ISO.fullmatch(value)
    if not iso:
        return None
    return sum(
        float(part.replace(",", ".")) * unit for part, unit in zip(iso.groups(), _ISO_UNITS, strict=True) if part
    )


def _duration(value: str) -> str | None:
    if value.isascii() and value.replace(".", "", 1).isdigit():
        return "has no unit: write it as 30s, 5m, 1h30m or 90d"
    return None if _seconds(value) is not None else "is no duration, as 30s, 5m, 1h30m, 90d or PT5M"


def _base64(value: str) -> str | None:
    match = _BASE64.fullmatch(value)
    if not match:
        return "is no base64"
    rest, padded = len(value) % 4, bool(match[1])
    if padded and value.strip("=") == "":
        return "is no base64"
    whole = rest == 0 if padded or "+" in value or "/" in value else rest != 1
    return None if whole else "is base64 that is cut off or not padded"


def _hex(value: str) -> str | None:
    if not _HEX.fullmatch(value):
        return "is not of hexadecimal digits only"
    return "has an odd number of hexadecimal digits" if len(value) % 2 else None


def _json(value: str) -> str | None:
    depth = deepest = 0
    quoted = False
    for char in re.findall(r'\\.|["\[\]{}]', value, re.DOTALL):
        if char == '"':
            quoted = not quoted
        elif not quoted and char in "[]{}":
            depth += 1 if char in "[{" else -1
            deepest = max(deepest, depth)
    if deepest > JSON_DEPTH:
        return f"is nested more than {JSON_DEPTH} deep"
    try:
        json.loads(value, parse_constant=_refuse, parse_int=_ignore, parse_float=_ignore)
    except (ValueError, RecursionError):
        return "is no JSON"
    return None


def _refuse(text: str) -> Any:
    raise ValueError


def _ignore(text: str) -> int:
    return 0


def _path(value: str, absolute: bool) -> str | None:
    if any(char < " " or char == "\x7f" for char in value):
        return "is a path with a control character"
    if value.startswith("~"):
        return "begins with '~', which stays as it is outside of a shell"
    return "is no absolute path" if absolute and not value.startswith("/") else None


_FAULTS: Mapping[str, Check] = {
    "int": _int,
    "float": lambda value: None if measure("float", value) is not None else "is no number",
    "bool": lambda value: None if value.lower() in _BOOL else "is neither true nor false",
    "email": _email,
    "host": host_fault,
    "port": _port,
    "ip": _ip,
    "duration": _duration,
    "size": lambda value: None if measure("size", value) is not None else "is no size, as 1024, 64mb or 1gb",
    "uuid": lambda value: None if _UUID.fullmatch(value) else "is no UUID",
    "base64": _base64,
    "hex": _hex,
    "json": _json,
}
