# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Makes env.schema.yml out of a .env.schema in @env-spec form. Nothing is lost in silence: what has no counterpart is a comment and a note."""

from __future__ import annotations

import re
from typing import NamedTuple

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._env_schema import SchemaError, read_schema
from ansible_collections.mainstay.backend.plugins.module_utils._env_schema_options import OPTIONS
from ansible_collections.mainstay.backend.plugins.module_utils._env_spec_items import (
    KNOWN,
    Entry,
    Header,
    Note,
    Reading,
    plain,
)
from ansible_collections.mainstay.backend.plugins.module_utils._env_spec_parse import (
    Comment,
    Decorator,
    Group,
    Item,
    Strange,
    parse,
)
from ansible_collections.mainstay.backend.plugins.module_utils._env_spec_write import comment, options_text, scalar

_SIZE = 1 << 20
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_ORDER = ("description", *OPTIONS)
_FAULT = re.compile(r"variables\.(\w+)(?:\.(\w+))?[^:]*: (found .*)")


class Imported(NamedTuple):
    """The text of env.schema.yml, and what is not in it."""

    text: str
    notes: tuple[Note, ...]


def import_env_spec(text: str, path: str) -> Imported:
    """The schema in TEXT of the file PATH (named in the result only). Raises MainstayError where TEXT is too long to be one."""
    if len(text) > _SIZE:
        raise MainstayError(f"{path}: found {len(text)} characters; expected at most {_SIZE}")
    made = _Import()
    for block in parse(text):
        made.add(block)
    return made.written(path)


class _Import:
    def __init__(self) -> None:
        self.head: list[str] = []
        self.entries: list[Entry] = []
        self.names: set[str] = set()
        self.notes: list[Note] = []
        self.header = Header()
        self.pending: list[str] = []

    def add(self, block: Item | Strange | tuple[Comment | Decorator, ...]) -> None:
        if isinstance(block, Strange):
            self.notes.append(Note(block.line, "a line that is neither a comment nor a variable"))
        elif isinstance(block, Item):
            self.variable(block)
        else:
            for part in block:
                if isinstance(part, Decorator):
                    self.root(part)
                elif not part.divider or part.text.strip("-=*# "):
                    self.pending.append(part.text)
            self.pending.append("")
            if not self.entries:
                self.head += self.pending
                self.pending = []

    def root(self, item: Decorator) -> None:
        """A decorator that belongs to no variable; two of those above the first variable have a meaning here."""
        if self.entries or item.bare or not self.header.told(item.name, item.value):
            self.notes.append(Note(item.line, f"@{item.name}"))

    def variable(self, item: Item) -> None:
        entry = Entry(item.name, item.line, {}, self.pending)
        self.pending = []
        if not _NAME.fullmatch(item.name) or item.name in self.names:
            why = "it is there already" if _NAME.fullmatch(item.name) else "not every loader reads its name"
            self.notes.append(Note(item.line, f"the variable {item.name}: {why}"))
            return
        self.entries.append(entry)
        self.names.add(item.name)
        given: dict[str, Decorator] = {}
        words = [part.text for part in item.above if isinstance(part, Comment)]
        for part in item.above:
            if not isinstance(part, Decorator):
                continue
            link = _link(part)
            if link:
                words.append(link)
            elif part.name not in KNOWN or part.name in given or part.bare:
                again = ", given a second time" if part.name in given else ""
                entry.notes.append(Note(part.line, f"@{part.name}{again}"))
            else:
                given[part.name] = part
        description = "\n".join(words).strip()
        if description:
            entry.options["description"] = description
        Reading(self.header, entry, item, given).read()

    def written(self, path: str) -> Imported:
        """The text. An option that the schema's own rules refuse becomes a note."""
        for _unused in range(20):
            text = self.text(path)
            try:
                read_schema(text, path)
            except SchemaError as error:
                self.drop(error)
                continue
            notes = [*self.notes, *[note for entry in self.entries for note in entry.notes]]
            return Imported(text, tuple(sorted(notes)))
        raise MainstayError(f"{path}: found a schema that cannot be imported; expected the @env-spec form")

    def drop(self, error: SchemaError) -> None:
        entries = {entry.name: entry for entry in self.entries}
        for problem in error.problems:
            fault = _FAULT.search(problem)
            entry = entries.get(fault[1]) if fault else None
            if not fault or not entry:
                raise MainstayError(problem)
            key = fault[2] if fault[2] in entry.options else "type"
            if entry.options.pop(key, None) is not None:
                entry.notes.append(Note(entry.line, f"{key}: {fault[3]}"))

    def text(self, path: str) -> str:
        lines = [comment(f"Made from {path.rpartition('/')[2]}."), *[comment(text) for text in self.head]]
        lines += [_told(note) for note in self.notes]
        while lines and lines[-1] == "#":
            lines.pop()
        lines += ["version: 1", "", "variables:" if self.entries else "variables: {}"]
        for entry in self.entries:
            lines += [f"  {comment(text)}" for text in entry.above if text]
            lines.append(f"  {scalar(entry.name)}:")
            lines += [f"    {_told(note)}" for note in entry.notes]
            lines += options_text({key: entry.options[key] for key in _ORDER if key in entry.options})
            lines.append("")
        return "\n".join([*lines, *[f"  {comment(text)}" for text in self.pending if text]]).rstrip() + "\n"


def _link(item: Decorator) -> str:
    """What @docs(url), @docs(title, url) and @docsUrl=url say, for the description."""
    nodes = item.value.items if isinstance(item.value, Group) else (item.value,)
    texts = [plain(node) for node in nodes]
    if item.name != ("docs" if item.bare else "docsUrl") or len(texts) not in (1, 2) or not all(texts):
        return ""
    return ": ".join(["See", *[text for text in texts if text]][-2:])


def _told(note: Note) -> str:
    return comment(f"not imported: line {note.line}: {note.text}")
