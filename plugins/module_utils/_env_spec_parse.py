# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads a .env.schema in @env-spec form: dotenv lines with decorators in their comments (https://varlock.dev/env-spec/reference)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

#: Nested calls and literals, and the lines over which one may go.
_DEPTH, _LINES = 20, 200
#: Lines that are looked at again in a whole file, for values that may go on over them.
_AGAIN = 20_000
_ITEM = re.compile(r"[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*=[ \t]*")
_DIVIDER = re.compile(r"[ \t]*[-=*#]{3,}")
_DECORATOR = re.compile(r"@([a-zA-Z][^ \t\n=()#@]*)")
_CALL = re.compile(r"([a-zA-Z][a-zA-Z0-9_]*)\(")
_KEY = re.compile(r"([a-zA-Z][a-zA-Z0-9_]*)[ \t]*=(?!=)[ \t]*")
_QUOTED = re.compile(r'"((?:\\.|[^"\\\n])*)"|\'((?:\\.|[^\'\\\n])*)\'|`((?:\\.|[^`\\\n])*)`')
_LONG = re.compile(
    r'"""(.*?)(?<!\\)"""|```(.*?)(?<!\\)```|(?!""")"((?:\\.|[^"\\])*)"|\'((?:\\.|[^\'\\])*)\'', re.DOTALL
)
_SPACE = re.compile(r"(?:[ \t\n]|#(?:[ \t][^\n]*|(?=\n|$)))*")
#: Decorators that stand alone or whose words need no name before them.
_PLAIN = ("required", "optional", "sensitive", "public", "internal", "deprecated", "desc", "description")
_REFERENCE = re.compile(r"\$(?:[A-Za-z_{(])")


@dataclass(frozen=True)
class Text:
    """A literal. `quoted` texts are texts whatever they look like; `refers`: other variables or commands are put into it."""

    text: str
    quoted: bool = False
    refers: bool = False


@dataclass(frozen=True)
class Group:
    """A call (`name` is the function), an array ('[') or an object ('{')."""

    name: str
    items: tuple[Node, ...] = ()
    named: dict[str, Node] = field(default_factory=dict)


Node: TypeAlias = "Text | Group"


@dataclass(frozen=True)
class Decorator:
    """`@name`, `@name=value` or, as a call without a function's name, `@name(…)` (`bare`)."""

    name: str
    value: Node | None
    line: int
    bare: bool = False
    raw: str = ""


@dataclass(frozen=True)
class Comment:
    """A line of plain comment. `divider` ends a block."""

    text: str
    line: int
    divider: bool = False


@dataclass(frozen=True)
class Item:
    """A variable, the comments right above it, and its value (None: no value)."""

    name: str
    value: Node | None
    line: int
    above: tuple[Comment | Decorator, ...] = ()


@dataclass(frozen=True)
class Strange:
    """A line that is neither comment nor variable. Its text is not kept: it may be a secret."""

    line: int


Block: TypeAlias = "Item | Strange | tuple[Comment | Decorator, ...]"


class _Unfit(Exception):
    """A value that is not of the form it begins with."""


class _Lines(list[str]):
    again = _AGAIN

    def after(self, at: int) -> Iterator[str]:
        """The lines that follow line AT, as many as a value may take and the file is allowed."""
        for number in range(at + 1, min(at + _LINES, len(self))):
            self.again -= 1
            if self.again < 0:
                return
            yield self[number]


def parse(text: str) -> list[Block]:
    """The items of TEXT and, as tuples, the blocks of comments that belong to none, in their order."""
    lines = _Lines(text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n"))
    found: list[Block] = []
    above: list[Comment | Decorator] = []
    at = 0
    while at < len(lines):
        line, number = lines[at], at + 1
        item = _ITEM.match(line)
        if line.lstrip(" \t").startswith("#"):
            more, taken = _comment(lines, at)
            above += more
            at += taken
            if any(isinstance(part, Comment) and part.divider for part in more):
                found.append(tuple(above))
                above = []
            continue
        if item:
            value, rest, taken = _item_value(lines, at, item.end())
            after = _comment(_Lines([rest]), 0, number)[0] if rest.startswith("#") else []
            found.append(Item(item[1], value, number, (*above, *after)))
            above = []
            if rest and not rest.startswith("#"):
                found.append(Strange(number))
            at += taken
            continue
        if above:
            found.append(tuple(above))
            above = []
        if line.strip():
            found.append(Strange(number))
        at += 1
    return [*found, tuple(above)] if above else found


def _comment(lines: _Lines, at: int, number: int = 0) -> tuple[list[Comment | Decorator], int]:
    """What the comment that begins at line AT holds, and over how many lines it goes."""
    number = number or at + 1
    content = lines[at].lstrip(" \t")[1:]
    if _DIVIDER.match(content):
        return [Comment(content.strip(), number, divider=True)], 1
    content = content.strip()
    if not _DECORATOR.match(content):
        return [Comment(content, number)], 1
    for taken in _continued(lines, at):
        joined = "\n".join([content, *[part.lstrip(" \t")[1:] for part in lines[at + 1 : at + taken]]])
        found = _decorators(joined, number)
        if found is not None:
            return found, taken
    return [Decorator(match[1], None, number, raw=content) for match in [_DECORATOR.match(content)] if match], 1


def _continued(lines: _Lines, at: int) -> Iterator[int]:
    """The numbers of lines that a decorator at AT may take: one, or as many as close its brackets."""
    yield 1
    depth = _open(lines[at])
    for taken, line in enumerate(lines.after(at), 2):
        if depth <= 0 or not line.lstrip(" \t").startswith("#"):
            return
        depth += _open(line)
        if depth <= 0:
            yield taken


def _open(line: str) -> int:
    """How many brackets LINE opens more than it closes."""
    bare = _QUOTED.sub("", line)
    return sum(bare.count(char) for char in "([{") - sum(bare.count(char) for char in ")]}")


def _decorators(text: str, line: int) -> list[Comment | Decorator] | None:
    """All decorators in TEXT, and the words between and after them as comments; None where a bracket stays open."""
    found: list[Comment | Decorator] = []
    reader = _Reader(text)
    while reader.at < len(text):
        match = _DECORATOR.match(text, reader.at)
        start = reader.at
        if match:
            reader.at = match.end()
            try:
                value, bare = reader.decorator_value()
            except _Unfit:
                return None
            found.append(Decorator(match[1], value, line + text.count("\n", 0, start), bare, text[start : reader.at]))
        elif text[start] == "#":
            found.append(Comment(text[start:].lstrip("# ").rstrip(), line))
            break
        else:
            following = re.compile(r"(?<=[ \t\n])[@#]").search(text, start)
            reader.at = following.start() if following else len(text)
            words = text[start : reader.at].strip()
            found += [Comment(_label(found) + words, line)] if words else []
        reader.at = re.compile(r"[ \t\n]*").match(text, reader.at).end()  # type: ignore[union-attr]
    return found


def _label(before: list[Comment | Decorator]) -> str:
    """What to put before words that follow a decorator: its name, where that says what they are."""
    last = before[-1] if before else None
    return f"{last.name}: " if isinstance(last, Decorator) and last.value is None and last.name not in _PLAIN else ""


def _item_value(lines: _Lines, at: int, start: int) -> tuple[Node | None, str, int]:
    """The value of the item at line AT, what follows it on its last line, and how many lines it takes."""
    first = lines[at][start:]
    reads = (
        _quoted
        if first.startswith(('"', "'", "`"))
        else _group
        if first.startswith(("[", "{")) or _CALL.match(first)
        else None
    )
    found = None
    if reads:
        found = reads(first) or reads("\n".join([first, *lines.after(at)]))
    if found:
        return found
    if reads is _quoted:
        return None, "a quote that is not closed", 1
    plain, sign, comment = first.partition("#")
    plain = plain.strip(" \t")
    return (Text(plain, refers=bool(_REFERENCE.search(plain))) if plain else None), sign + comment, 1


def _quoted(text: str) -> tuple[Node, str, int] | None:
    match = _LONG.match(text) or (None if text.startswith(("```", '"""')) else _QUOTED.match(text))
    if not match:
        return None
    value = _unquoted(next(part for part in match.groups() if part is not None), text[0])
    return value, text[match.end() :].partition("\n")[0].strip(" \t"), 1 + match[0].count("\n")


def _group(text: str) -> tuple[Node, str, int] | None:
    """A call, an array or an object; None for a text that only begins like one."""
    reader = _Reader(text, comments_tight=True)
    try:
        node = reader.node("\n")
    except _Unfit:
        return None
    rest = text[reader.at :].partition("\n")[0].strip(" \t")
    return (node, rest, 1 + text.count("\n", 0, reader.at)) if not rest or rest.startswith("#") else None


def _unquoted(text: str, quote: str) -> Text:
    plain = re.sub(r"\\" + quote, lambda match: quote, text)
    if quote != "'":
        plain = plain.replace("\\n", "\n")
    return Text(plain, True, quote != "'" and bool(_REFERENCE.search(plain)))


class _Reader:
    """Reads values out of one text from `at` on."""

    def __init__(self, text: str, comments_tight: bool = False) -> None:
        self.text = text
        self.at = 0
        self.depth = 0
        self.space = re.compile(r"(?:[ \t\n]|#[^\n]*)*") if comments_tight else _SPACE

    def decorator_value(self) -> tuple[Node | None, bool]:
        char = self.text[self.at : self.at + 1]
        if char == "(":
            self.at += 1
            items, named = self.arguments(")")
            return Group("", items, named), True
        if char == "=":
            self.at += 1
            return self.node(" \t\n"), False
        return None, False

    def node(self, stops: str) -> Node:
        """A value; a bare one ends before any of STOPS."""
        char = self.text[self.at : self.at + 1]
        quoted = _QUOTED.match(self.text, self.at)
        call = _CALL.match(self.text, self.at)
        if quoted:
            self.at = quoted.end()
            return _unquoted(next(part for part in quoted.groups() if part is not None), char)
        if call or (char and char in "[{"):
            self.at = call.end() if call else self.at + 1
            items, named = self.arguments(")" if call else {"[": "]", "{": "}"}[char])
            return Group(call[1] if call else char, items, named)
        start = self.at
        while self.at < len(self.text) and self.text[self.at] not in stops:
            self.at += 1
        plain = self.text[start : self.at].strip(" \t")
        if "#" in plain and "," not in stops:
            cut = self.text.index("#", start)
            self.at, plain = cut, self.text[start:cut].strip(" \t")
        return Text(plain, refers=bool(_REFERENCE.search(plain)))

    def arguments(self, end: str) -> tuple[tuple[Node, ...], dict[str, Node]]:
        """What stands before END, by commas apart; END is taken too."""
        self.depth += 1
        if self.depth > _DEPTH:
            raise _Unfit
        items: list[Node] = []
        named: dict[str, Node] = {}
        while True:
            self.skip()
            if self.text[self.at : self.at + 1] == end:
                self.at += 1
                self.depth -= 1
                return tuple(items), named
            key = _KEY.match(self.text, self.at)
            start = self.at
            if key:
                self.at = key.end()
            value = self.node(",\n)]}" if end != ")" else ",\n)")
            if self.at == start:
                raise _Unfit
            if key:
                named[key[1]] = value
            else:
                items.append(value)
            self.skip()
            if self.text[self.at : self.at + 1] == ",":
                self.at += 1
            elif self.text[self.at : self.at + 1] != end:
                raise _Unfit

    def skip(self) -> None:
        match = self.space.match(self.text, self.at)
        self.at = match.end() if match else self.at
