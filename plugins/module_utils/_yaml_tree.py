# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""YAML as a tree that knows where each part stands in its text, and as plain data: what editing a text in place needs.

Keys become text and Ruby symbols (`:name`) their names, as Rails' deep_symbolize_keys makes them alike; dates stay text. A message tells
the line and never the content.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._deps import require

DEPTH = 100
#: A text whose aliases unfold to more nodes than this is not a configuration.
NODES = 100_000
TAGS = "tag:yaml.org,2002:"
SCALARS = tuple(TAGS + name for name in ("null", "bool", "int", "float"))
TEXTS = (TAGS + "str", "!", "!ruby/symbol", "!ruby/sym")
COLLECTIONS = (TAGS + "map", TAGS + "seq", "!")
MERGE = "<<"


@dataclass
class Node:
    """`kind` is scalar, alias, mapping or sequence; text[start:end] is the node with its anchor and tag, `column` where it begins.

    `end` of a block leaves out the comments and the blank lines behind it. `value` of an alias is its anchor. The repr shows no value.
    """

    kind: str
    start: int
    end: int
    line: int
    column: int
    value: str = field(default="", repr=False)
    plain: bool = False
    tag: str = ""
    flow: bool = False
    pairs: list[tuple[Node, Node]] = field(default_factory=list, repr=False)
    items: list[Node] = field(default_factory=list, repr=False)

    @property
    def name(self) -> str:
        """This scalar as a key: a symbol's name."""
        if self.plain and re.match(":.", self.value):
            return self.value[1:].strip("'\"")
        return self.value

    def find(self, name: str) -> tuple[Node, Node] | None:
        """The pair that counts: of a key given twice, the last."""
        found = [pair for pair in self.pairs if pair[0].kind == "scalar" and pair[0].name == name]
        return found[-1] if found else None


def failure(line: int, what: str) -> MainstayError:
    return MainstayError(
        f"credentials: found {what} at line {line} of the decrypted text; expected YAML with a mapping at its top"
    )


class Tree:
    """The one document of TEXT: `root` is None where it is empty."""

    def __init__(self, text: str) -> None:
        self.yaml: Any = require("yaml")
        self.text = text
        self.anchors: dict[str, Node] = {}
        self.root: Node | None = None
        self._constructor = self.yaml.constructor.SafeConstructor()
        self._resolver = self.yaml.resolver.Resolver()
        self._left = NODES
        try:
            self._read()
        except self.yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            line = mark.line + 1 if mark else text.count("\n", 0, getattr(error, "position", 0) or 0) + 1
            raise failure(line, "what is not YAML") from None

    def _read(self) -> None:
        events = iter(self.yaml.parse(self.text, Loader=self.yaml.SafeLoader))
        for event in events:
            if isinstance(event, self.yaml.DocumentStartEvent):
                if self.root is not None:
                    raise failure(event.start_mark.line + 1, "a second document")
                self.root = self._node(next(events), events, 0)

    def _node(self, event: Any, events: Iterator[Any], depth: int) -> Node:
        mark, yaml = event.start_mark, self.yaml
        node = Node(
            "scalar", mark.index, event.end_mark.index, mark.line + 1, mark.column, tag=getattr(event, "tag", "") or ""
        )
        if depth > DEPTH:
            raise failure(node.line, f"more than {DEPTH} levels")
        if isinstance(event, yaml.AliasEvent):
            node.kind, node.value = "alias", event.anchor
            return node
        if event.anchor:
            self.anchors[event.anchor] = node
        if isinstance(event, yaml.ScalarEvent):
            node.value, node.plain = event.value, not event.style
            if event.style in ("|", ">"):
                node.end = node.start + len(self.text[node.start : node.end].rstrip())
            return node
        node.flow = event.flow_style
        last = self._children(node, event, events, depth)
        if node.flow:
            node.end = last.end_mark.index
        elif node.pairs or node.items:
            node.end = node.pairs[-1][1].end if node.pairs else node.items[-1].end
        return node

    def _children(self, node: Node, event: Any, events: Iterator[Any], depth: int) -> Any:
        """Reads NODE's children, and returns the event that ends it."""
        yaml = self.yaml
        node.kind = "mapping" if isinstance(event, yaml.MappingStartEvent) else "sequence"
        for child in events:
            if isinstance(child, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
                return child
            first = self._node(child, events, depth + 1)
            if node.kind == "mapping":
                node.pairs.append((first, self._node(next(events), events, depth + 1)))
            else:
                node.items.append(first)
        raise failure(node.line, "what does not end")

    def data(self) -> dict[str, Any]:
        """The document as plain data: mappings with texts as keys, lists, texts, numbers, booleans, None. Nothing is {}."""
        self._left = NODES
        found = None if self.root is None else self._value(self.root, ())
        if found is None:
            return {}
        if not isinstance(found, dict):
            raise failure(self.root.line if self.root else 1, "no mapping")
        return found

    def _value(self, node: Node, above: tuple[str, ...]) -> Any:
        self._left -= 1
        if self._left < 0:
            raise failure(node.line, f"aliases that unfold to more than {NODES} values")
        if node.kind == "alias":
            if node.value in above or node.value not in self.anchors:
                raise failure(node.line, "an alias without its anchor, or of what it is a part of")
            return self._value(self.anchors[node.value], (*above, node.value))
        if node.kind == "scalar":
            return self._scalar(node)
        if node.tag and node.tag not in COLLECTIONS and not node.tag.startswith(("!ruby/hash", "!map:")):
            raise failure(node.line, "a tag that only Ruby knows")
        if node.kind == "sequence":
            return [self._value(item, above) for item in node.items]
        return self._mapping(node, above)

    def _mapping(self, node: Node, above: tuple[str, ...]) -> dict[str, Any]:
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key, item in node.pairs:
            if key.kind != "scalar":
                raise failure(key.line, "a key that is no text")
            value = self._value(item, above)
            if key.plain and key.value == MERGE:
                sources = value if isinstance(value, list) else [value]
                if not all(isinstance(source, Mapping) for source in sources):
                    raise failure(key.line, "<< with what is no mapping")
                for source in reversed(sources):
                    merged.update(source)
            else:
                own[key.name] = value
        return {**merged, **own}

    def _scalar(self, node: Node) -> Any:
        tag = node.tag or self._resolver.resolve(self.yaml.ScalarNode, node.value, (node.plain, not node.plain))
        if tag in SCALARS:
            try:
                return self._constructor.construct_object(self.yaml.ScalarNode(tag, node.value), deep=True)
            except (ValueError, KeyError, OverflowError, self.yaml.YAMLError):
                return node.value
        if node.tag and tag not in TEXTS:
            raise failure(node.line, "a tag that only Ruby knows")
        return node.value


def read_yaml(text: str) -> dict[str, Any]:
    """TEXT as plain data."""
    return Tree(text).data()
