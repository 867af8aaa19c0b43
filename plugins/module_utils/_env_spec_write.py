# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes options of a schema as YAML that people would have written: bare where that is safe, quoted elsewhere, text of several lines as a block."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./+-]*")
_SENTENCE = re.compile(r"[A-Za-z][A-Za-z0-9 _.,;()/@+='-]*[A-Za-z0-9.)]")
_NULL = ("null",)


def comment(text: str) -> str:
    """TEXT as one line of comment."""
    plain = "".join(char if char.isprintable() else " " for char in text)
    return f"# {plain}".rstrip()


def options_text(options: Mapping[str, Any]) -> list[str]:
    """The lines of one variable's OPTIONS (texts, flags, lists of texts, mappings of texts)."""
    lines = []
    for key, value in options.items():
        if key == "description" and "\n" in value and _block(value):
            lines += [f"    {key}: |-", *[f"      {line}".rstrip() for line in value.split("\n")]]
        elif key == "description" and _SENTENCE.fullmatch(value) and value.lower() not in _NULL:
            lines.append(f"    {key}: {value}")
        else:
            lines.append(f"    {key}: {_flow(value)}")
    return lines


def _block(text: str) -> bool:
    """Whether TEXT can stand as a literal block: its lines are printable and carry no blanks of their own at their ends."""
    return all(line.isprintable() and line == line.strip() for line in text.split("\n")) and text == text.strip("\n")


def _flow(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(scalar(item) for item in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{scalar(key)}: {scalar(item)}' for key, item in value.items())}}}"
    return scalar(str(value))


def scalar(text: str) -> str:
    """TEXT so that YAML reads this text."""
    if _BARE.fullmatch(text) and text.lower() not in _NULL:
        return text
    if text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    if char.isprintable():
        return char
    return {"\n": "\\n", "\t": "\\t"}.get(char) or (
        f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"
    )
