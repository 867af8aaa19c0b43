# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The statements of an environment file as dotenv of Ruby and dotenv of Node find them.

Both search the text with one regular expression of nearly the same form, which backtracks. Here each statement is found in one pass, in time linear
in the text: white space, quotes and comments are looked at a constant number of times.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

PLAIN = "plain"  # `text` is the value
RAW = "raw"  # `text` is what stands after the separator, quotes and escapes included
NAME = "name"  # a name without a value (a separator may be there)
EXPORT = "export"  # the same after `export`
DROPPED = "dropped"  # it looks like an assignment, but is none to the loader


class Statement(NamedTuple):
    """One statement; `line` is 1-based; `cut` tells that a '#' ended an unquoted value."""

    kind: str
    key: str
    text: str
    line: int
    cut: bool

    def __repr__(self) -> str:
        return f"Statement({self.kind}, {self.key}, line {self.line})"


class _Found(NamedTuple):
    end: int
    key: str
    text: str | None
    exported: bool
    cut: bool


# What most lines are: a value of printable ASCII without escapes and substitutions. Others take the long way.
_ORDINARY = r"""(export[ \t]+)?([KEY]++)[ ]*+=[ ]*+
(?:'([^'\\\n]*+)'|"([^"\\$\n]*+)"|([!%&(-\[\]-_a-~][ !"%-\[\]-~]*+)|(?<==)(?=\n[A-Za-z_]))
[ \t]*+(\#[^ENDS]*+)?(?:\n|\Z)"""


@dataclass(frozen=True)
class Dialect:
    """Where the two differ. `key`, `space` and `ends` (of lines) are the insides of character classes."""

    key: str
    space: str
    ends: str
    quotes: str
    names: bool  # a name alone is a statement


class Scanner:
    """Finds the statements of texts in one dialect."""

    def __init__(self, dialect: Dialect) -> None:
        space, ends, key = dialect.space, dialect.ends, dialect.key
        self._dialect = dialect
        skip = rf"(?:[{space}]++|\#[^{ends}]*+)*+"
        ordinary = _ORDINARY.replace("\n", "").replace("KEY", key).replace("ENDS", ends)
        self._skip = re.compile(skip)
        self._ordinary = re.compile(skip + ordinary)
        tail = rf"([{key}]++)([{space}]*+=|:[{space}])?"
        self._heads = (re.compile(rf"export[{space}]++{tail}"), re.compile(tail))
        self._space = re.compile(rf"[{space}]*+")
        self._line_end = re.compile(rf"[{ends}]")
        self._bare = re.compile(r"[^#\n]*+")
        self._unescaped = {quote: re.compile(rf"(?<!\\){quote}") for quote in dialect.quotes}
        self._looks = re.compile(r"(?:export[ \t]++)?([\w.-]++)(?:[ \t]*+=|:)")

    def statements(self, text: str) -> Iterator[Statement]:
        """The statements of TEXT, whose lines end in a newline only."""
        ordinary, count = self._ordinary.match, text.count
        position, counted, line, size = 0, 0, 1, len(text)
        while position < size:
            match = ordinary(text, position)
            if match:
                exported, key, single, double, bare, comment = match.groups()
                start, position = match.start(2), match.end()
                line += count("\n", counted, start)
                counted = start
                if bare is not None:
                    yield Statement(PLAIN, key, bare.rstrip(" "), line, comment is not None)
                elif exported and single is None and double is None:
                    yield Statement(EXPORT, key, "", line, False)
                else:
                    yield Statement(PLAIN, key, single or double or "", line, False)
                continue
            start = self._end(self._skip, text, position)
            if start >= size:
                return
            line += count("\n", counted, start)
            counted = start
            found = self._statement(text, start)
            if found:
                position = found.end
                kind = RAW if found.text is not None else EXPORT if found.exported else NAME
                yield Statement(kind, found.key, found.text or "", line, found.cut)
                continue
            looks = self._looks.match(text, start)
            if looks:
                yield Statement(DROPPED, looks[1], "", line, False)
            end = self._line_end.search(text, start)
            position = end.end() if end else size

    @staticmethod
    def _end(pattern: re.Pattern[str], text: str, position: int) -> int:
        match = pattern.match(text, position)
        return match.end() if match else position

    def _statement(self, text: str, start: int) -> _Found | None:
        for head, exported in zip(self._heads, (True, False), strict=True):
            match = head.match(text, start)
            if match and match[2]:
                end, value, cut = self._value(text, match.end())
                return _Found(end, match[1], value, exported, cut)
            if match and self._dialect.names:
                end = self._tail(text, match.end())
                if end >= 0:
                    return _Found(end, match[1], None, exported, False)
        return None

    def _value(self, text: str, position: int) -> tuple[int, str | None, bool]:
        """Where the value at POSITION ends, the value, and whether a comment cuts it off. A quoted one may begin on a later line."""
        opening = self._end(self._space, text, position)
        if opening < len(text) and text[opening] in self._dialect.quotes:
            closing, end = self._closing(text, opening)
            if closing > opening:
                return end, text[opening : closing + 1], False
        end = self._end(self._bare, text, position)
        return end, text[position:end] or None, text.startswith("#", end)

    def _closing(self, text: str, opening: int) -> tuple[int, int]:
        """The quote that closes the one at OPENING, and the end of the white space after it; -1 where none does.

        The first that has no backslash before it; if something stands after that one, the last of those that have one and that end their line.
        """
        quote = text[opening]
        match = self._unescaped[quote].search(text, opening + 1)
        closing = match.start() if match else text.rfind(quote, opening + 1)
        while closing > opening:
            end = self._tail(text, closing + 1)
            if end >= 0:
                return closing, end
            closing = text.rfind(quote, opening + 1, closing)
        return -1, -1

    def _tail(self, text: str, position: int) -> int:
        """Where the white space at POSITION ends, if nothing but a comment stands in the rest of the line; else -1."""
        end = self._end(self._space, text, position)
        if end == len(text) or text[end] == "#" or self._line_end.search(text, position, end):
            return end
        return -1
