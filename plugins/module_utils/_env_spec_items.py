# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One item of a .env.schema in @env-spec form as the options of one variable."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ansible_collections.mainstay.backend.plugins.module_utils._env_spec_parse import Decorator, Group, Item, Node, Text
from ansible_collections.mainstay.backend.plugins.module_utils._env_spec_types import type_options

#: Decorators of an item that become options.
KNOWN = ("required", "optional", "sensitive", "public", "type", "example", "deprecated")
_WORD = re.compile(r"\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(\.[0-9]{0,14}[1-9])?")


class Note(NamedTuple):
    """Something of line `line` that is not in the schema; `text` tells what, without any value."""

    line: int
    text: str


@dataclass
class Entry:
    """One variable to be written, with comments above it."""

    name: str
    line: int
    options: dict[str, Any]
    above: list[str]
    notes: list[Note] = field(default_factory=list)


@dataclass
class Header:
    """What the decorators above the first item say of all. `required` None: what has a value is."""

    required: bool | None = None
    sensitive: bool = True
    public_prefix: str = ""

    def told(self, name: str, value: Node | None) -> bool:
        """Takes @NAME=VALUE; false where it is none of those that are known here."""
        text = "true" if value is None else plain(value)
        if name == "defaultRequired" and text in ("true", "false", "infer"):
            self.required = None if text == "infer" else text == "true"
            return True
        if name == "defaultSensitive" and text in ("true", "false"):
            self.sensitive = text == "true"
            return True
        prefix = (
            value.items
            if name == "defaultSensitive" and isinstance(value, Group) and value.name == "inferFromPrefix"
            else ()
        )
        self.public_prefix = (plain(prefix[0]) or "") if prefix else self.public_prefix
        return bool(prefix)


class Reading:
    """Turns the decorators and the value of one item into options."""

    def __init__(self, header: Header, entry: Entry, item: Item, given: dict[str, Decorator]) -> None:
        self.header, self.entry, self.item, self.given = header, entry, item, given
        self.options = entry.options

    def note(self, line: int, text: str) -> None:
        self.entry.notes.append(Note(line, text))

    def read(self) -> None:
        value = self.item.value
        if isinstance(value, Text) and value.text == "undefined" and not value.quoted:
            value = None
        kind = self.given.get("type")
        if kind and kind.value is not None:
            line = kind.line
            self.options.update(type_options(kind.value, lambda text: self.note(line, text)))
        elif kind:
            self.note(kind.line, "@type")
        else:
            self.options.update(_inferred(value))
        self.sensitive()
        self.default(value)
        self.require(value)
        self.example()
        self.deprecated()

    def sensitive(self) -> None:
        found: bool | None = None if self.header.sensitive else False
        if self.header.public_prefix and self.item.name.startswith(self.header.public_prefix):
            found = False
        for name in ("sensitive", "public"):
            said = self.given.get(name)
            if said:
                flag = _flag(said.value)
                if flag is None:
                    self.note(said.line, f"@{name}, which is decided at run time or has options: taken as sensitive")
                    found = True
                else:
                    found = flag == (name == "sensitive")
        if found is not None:
            self.options["sensitive"] = found

    def default(self, value: Node | None) -> None:
        if value is None or (isinstance(value, Text) and not value.text):
            return
        line = self.item.line
        if self.options.get("sensitive"):
            self.note(line, "its value (not shown): a secret has no place in a schema")
        elif isinstance(value, Group) and value.name not in "[{":
            self.note(line, f"its value, which {value.name}(…) makes")
        else:
            found = _literal(value, self.options)
            if found is None:
                self.note(line, "its value, which is made of other variables")
            else:
                self.options["default"] = found

    def require(self, value: Node | None) -> None:
        """@required, @optional, else what the header says: by itself, that what has a value is required."""
        valued = value is not None and not (isinstance(value, Text) and not value.text)
        required = valued if self.header.required is None else self.header.required
        explicit = self.given.get("required") or self.given.get("optional")
        if "required" in self.given and "optional" in self.given:
            self.note(self.given["optional"].line, "@optional, beside @required")
        if explicit:
            flag = _flag(explicit.value)
            if flag is None:
                found = _condition(explicit.value) if explicit.name == "required" else {}
                self.options.update(found)
                if not found:
                    self.note(explicit.line, f"@{explicit.name}, which is decided at run time")
                return
            required = flag == (explicit.name == "required")
        if required and "default" in self.options:
            if explicit:
                self.note(explicit.line, f"@{explicit.name}: its default holds where it is not set")
        elif required:
            self.options["required"] = True

    def example(self) -> None:
        said = self.given.get("example")
        if said:
            found = _literal(said.value, self.options) if said.value else None
            if found is None:
                self.note(said.line, "@example")
            else:
                self.options["example"] = found

    def deprecated(self) -> None:
        said = self.given.get("deprecated")
        if not said:
            return
        flag, text = _flag(said.value), plain(said.value)
        if flag is None and text:
            self.options["deprecated"] = {"reason": text}
        elif flag is None:
            self.note(said.line, "@deprecated, which is decided at run time")
        elif flag:
            self.options["deprecated"] = True


def plain(node: Node | None) -> str | None:
    """A literal's text; None for what is put together at run time."""
    return node.text if isinstance(node, Text) and not node.refers else None


def _flag(node: Node | None) -> bool | None:
    """A decorator alone is true; None where its value is neither true nor false."""
    if node is None:
        return True
    return (
        {"true": True, "false": False}.get(plain(node) or "") if not (isinstance(node, Text) and node.quoted) else None
    )


def _condition(node: Node | None) -> dict[str, Any]:
    """`forEnv(…)` and `eq($OTHER, value)`, which have a counterpart."""
    if not isinstance(node, Group) or node.named:
        return {}
    texts = [plain(part) for part in node.items]
    if node.name == "forEnv" and texts and None not in texts:
        return {"required_in": list(dict.fromkeys(texts))}
    first = node.items[0] if node.items else None
    other = _WORD.fullmatch(first.text) if isinstance(first, Text) else None
    if node.name == "eq" and other and len(texts) == 2 and texts[1]:
        return {"required_when": {other[1] or other[2]: texts[1]}}
    return {}


def _inferred(value: Node | None) -> dict[str, Any]:
    """The type of an item that names none, by its value."""
    if isinstance(value, Group):
        return {"type": {"[": "list", "{": "json"}[value.name]} if value.name in "[{" and value.name else {}
    if value is None or value.quoted or value.refers:
        return {}
    number = _NUMBER.fullmatch(value.text)
    if number:
        return {"type": "float" if number[1] else "int"}
    return {"type": "bool"} if value.text in ("true", "false") else {}


def _literal(node: Node, options: dict[str, Any]) -> str | None:
    """A literal as an environment holds it; None where a part is put together at run time."""
    if isinstance(node, Text):
        return plain(node)
    data = _data(node)
    if data is None:
        return None
    if options.get("type") != "list" or not isinstance(data, list):
        return json.dumps(data, ensure_ascii=False)
    separator = str(options.get("separator", ","))
    texts = [item for item in data if isinstance(item, str) and separator not in item]
    return separator.join(texts) if len(texts) == len(data) else None


def _data(node: Node) -> Any:
    if isinstance(node, Text):
        return plain(node)
    if node.name == "[":
        return _whole([_data(item) for item in node.items])
    if node.name == "{":
        values = {key: _data(item) for key, item in node.named.items()}
        return None if node.items or _whole(values.values()) is None else values
    return None


def _whole(values: Iterable[Any]) -> list[Any] | None:
    found = list(values)
    return None if any(value is None for value in found) else found
