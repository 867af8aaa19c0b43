# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Refuses regular expressions that CPython 3.11.2 (Debian 12's) matches wrongly.

There (gh-106052) a possessive group whose last, failing round had already consumed something keeps it: `(?:export[ \\t]++)?+` takes `export`
off `exportFOO`. A group whose every part can fail at its first character only is right everywhere; for others there is `(?>(?:...)?)`.
"""

from __future__ import annotations

import ast
import re
import sys
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from re import _constants as sre
from re import _parser as parser
from typing import Any

_POSSESSIVE = re.compile(r"\)(?:[*+?]|\{[0-9,]+\})\+")
# What stands for an f-string's {name}: a character that is one in a class and by itself
_PLACEHOLDER = "x"
_REPEATS = (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT)


def texts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and text of each string in a module, an f-string in one piece."""
    inner: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            inner |= {id(part) for part in node.values}
            yield (
                node.lineno,
                "".join(str(part.value) if isinstance(part, ast.Constant) else _PLACEHOLDER for part in node.values),
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner:
            yield node.lineno, node.value


def possessive_groups(text: str) -> Iterator[str | None]:
    """Each group of a pattern that a possessive quantifier follows; None for one that does not begin in this text."""
    opened: list[int] = []
    place, in_class = 0, False
    while place < len(text):
        sign = text[place]
        if sign == "\\":
            place += 1
        elif in_class:
            in_class = sign != "]"
        elif sign == "[":
            in_class = True
            place += text[place + 1 : place + 2] == "^"
            place += text[place + 1 : place + 2] == "]"  # in first place it is a member
        elif sign == "(":
            opened.append(place)
        elif sign == ")":
            start = opened.pop() if opened else None
            if _POSSESSIVE.match(text, place):
                yield None if start is None else text[start : place + 1]
        place += 1


def _may_fail(item: Any) -> bool:
    kind, value = item
    if kind in _REPEATS:
        return bool(value[0]) and _sequence_may_fail(value[2])
    if kind is sre.SUBPATTERN:
        return _sequence_may_fail(value[-1])
    if kind is sre.ATOMIC_GROUP:
        return _sequence_may_fail(value)
    if kind is sre.BRANCH:
        return all(_sequence_may_fail(part) for part in value[1])
    return True


def _sequence_may_fail(items: Sequence[Any]) -> bool:
    return any(_may_fail(item) for item in items)


def _inner(item: Any) -> list[Sequence[Any]]:
    kind, value = item
    if kind is sre.SUBPATTERN:
        return [value[-1]]
    if kind is sre.BRANCH:
        return list(value[1])
    if kind in _REPEATS:
        # one character, over and over, fails before it is consumed; anything else may fail in its second round
        several = value[0] > 1
        return [[*value[2], *value[2]]] if several else [value[2]]
    return []


def fails_late(items: Sequence[Any]) -> bool:
    """Whether a sequence may fail after its first character."""
    return any(_may_fail(item) for item in items[1:]) or any(
        fails_late(part) for item in items[:1] for part in _inner(item)
    )


def problem(group: str | None) -> str | None:
    """What is wrong with a possessive group; None: nothing."""
    if group is None:
        return "a possessive group that begins in another string; expected it in one"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            parsed = parser.parse(group, re.DOTALL)
        except re.error as error:
            return f"the possessive group {group}, which cannot be read by itself ({error}); expected one that can"
    if fails_late(list(parsed)):
        return f"the possessive group {group}, which CPython 3.11.2 matches wrongly; expected (?>...) around it"
    return None


def problems(paths: Sequence[Path]) -> Iterator[str]:
    for path in paths:
        for line, text in texts(ast.parse(path.read_text(encoding="utf-8"))):
            if _POSSESSIVE.search(text):
                found = [problem(group) for group in possessive_groups(text)]
                yield from (f"{path}:{line}: found {wrong}" for wrong in found if wrong)


def main() -> int:
    found = list(problems(sorted(Path("plugins").rglob("*.py"))))
    print("\n".join(found) or "no pattern that a supported Python matches wrongly")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
