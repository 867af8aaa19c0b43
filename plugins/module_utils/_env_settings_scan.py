# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Scalars of a settings file with their paths and lines, of any bytes and without a YAML library (hosts may have none). Lenient: it judges nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator

_ENTRY = re.compile(r"([ \t]*(?:- +)*)(?:\"([^\"]+)\"|'([^']+)'|([\w.-]+))[ \t]*:(?:[ \t]+(.*))?")
_INLINE = re.compile(r"[{,][ \t]*[\"']?([\w.-]+)[\"']?[ \t]*:[ \t]*(\"[^\"]*\"|'[^']*'|[^,{}\s][^,{}]*)")
_REFERENCE = re.compile(r"<%|\$\{|\{\{|[*&!|>]|ENV\[")


def scan(data: bytes) -> Iterator[tuple[str, str, int]]:
    """Path as `smtp.password`, scalar, line (1-based). What is computed (ERB, templates, aliases) is left out."""
    stack: list[tuple[int, str]] = []
    block = -1
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
        indent = len(line) - len(line.lstrip(" \t"))
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if block >= 0 and indent > block:
            if "PRIVATE KEY-----" in line:
                yield ".".join(key for _depth, key in stack), line.strip(), number
            continue
        block = -1
        match = _ENTRY.fullmatch(line)
        if match is None:
            continue
        depth = len(match[1])
        while stack and stack[-1][0] >= depth:
            stack.pop()
        stack.append((depth, (match[2] or match[3] or match[4])[:100]))
        path = ".".join(key for _depth, key in stack[-20:])
        text = (match[5] or "").strip()
        if re.match(r"[|>][+-]?\d?[+-]?(?:\s+#.*)?$", text):
            block = depth
        elif text.startswith("{"):
            yield from ((f"{path}.{found[1]}", _plain(found[2]), number) for found in _INLINE.finditer(text))
        elif text and not _REFERENCE.match(text) and not re.search(r"<%|\$\{|\{\{", text):
            yield path, _plain(text), number


def _plain(text: str) -> str:
    """TEXT without its quotes, or without the comment after it."""
    quoted = re.match(r"([\"'])(.*?)\1\s*(?:#.*)?$", text)
    return quoted[2] if quoted else re.sub(r"\s+#.*$", "", text).strip()
