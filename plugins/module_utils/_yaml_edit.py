# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edits YAML text in place: values are merged in and keys removed, and every other byte stays, comments and order with it.

Each edit is read again and compared with what it should give. Where that differs (an alias stands in the way), it is refused.
"""

from __future__ import annotations

import contextlib
import copy
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._deps import require
from ansible_collections.mainstay.backend.plugins.module_utils._yaml_tree import Node, Tree

INDENT = 2
PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./@+=-]*")
WORDS = ("y", "n", "yes", "no", "on", "off", "true", "false", "null")
#: Unquoted texts that Ruby's YAML takes for numbers, times or symbols, though Python's does not.
RUBY_ONLY = re.compile(r":.*|[-+.]?[0-9][0-9_,.:TtZz eE+-]*")

Path = tuple[str, ...]


@dataclass(frozen=True)
class Edited:
    """The new text, and the key paths that differ from the old one's data."""

    text: str = field(repr=False)
    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]


def parse_path(text: str) -> Path:
    """The parts of a key path: `aws.access_key_id`; a part with a dot stands in double quotes."""
    if not re.fullmatch(r'(?:"[^"]+"|[^".]+)(?:\.(?:"[^"]+"|[^".]+))*', text):
        raise MainstayError(f"key path: found {text!r}; expected names with dots between them, like aws.access_key_id")
    return tuple(quoted or bare for quoted, bare in re.findall(r'"([^"]+)"|([^".]+)', text))


def path_text(path: Path) -> str:
    return ".".join(f'"{part}"' if "." in part else part for part in path)


def value_at(data: Mapping[str, Any], path: Path) -> Any:
    """The value at PATH (a number is an index in a list); KeyError where there is none."""
    found: Any = data
    for part in path:
        if isinstance(found, list) and part.isdigit() and int(part) < len(found):
            found = found[int(part)]
        elif isinstance(found, Mapping) and part in found:
            found = found[part]
        else:
            raise KeyError(path_text(path))
    return found


def same(one: Any, other: Any) -> bool:
    """Equality that tells 1, 1.0 and true apart."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and bool(one == other)


def leaves(data: Mapping[str, Any], above: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Each value that is no mapping, or an empty one, with its path."""
    for key, value in data.items():
        if isinstance(value, Mapping) and value:
            yield from leaves(value, (*above, key))
        else:
            yield (*above, key), value


def merge(text: str, values: Mapping[str, Any], remove: Iterable[str] = ()) -> Edited:
    """TEXT with VALUES merged in (mappings deeply; anything else replaces) and the key paths of REMOVE taken out."""
    check_values(values)
    tree = Tree(text)
    before = data = tree.data()
    for path, value in leaves(values):
        expected = with_value(data, path, value)
        if not same(expected, data) or (isinstance(value, str) and read_otherwise_by_ruby(tree.root, path)):
            tree, data = _edited(_set(tree, path, value), path, expected), expected
    for name in remove:
        path = parse_path(name)
        expected = without(data, path)
        if not same(expected, data):
            tree, data = _edited(_remove(tree, path), path, expected), expected
    old, new = dict(leaves(before)), dict(leaves(data))
    changed = tuple(path_text(path) for path in old.keys() & new.keys() if not same(old[path], new[path]))
    return Edited(
        tree.text,
        tuple(path_text(path) for path in new if path not in old),
        tuple(sorted(changed)),
        tuple(path_text(path) for path in old if path not in new),
    )


def check_values(values: Any, path: Path = ()) -> None:
    """Refuses what YAML cannot hold, or Ruby would read otherwise."""
    where = f"values.{path_text(path)}" if path else "values"
    if isinstance(values, Mapping):
        for key, value in values.items():
            if not isinstance(key, str) or not key:
                raise MainstayError(f"{where}: found a key that is no text; expected names as keys")
            check_values(value, (*path, key))
    elif not path:
        raise MainstayError("values: found no mapping; expected one of names to values")
    elif isinstance(values, list):
        for item in values:
            check_values(item, path)
    elif isinstance(values, str):
        if re.search("[\ud800-\udfff]", values):
            raise MainstayError(f"{where}: found text that is not Unicode; expected text")
    elif not isinstance(values, (int, float, type(None))) or (isinstance(values, float) and not math.isfinite(values)):
        raise MainstayError(
            f"{where}: found {type(values).__name__}; expected text, a number, true, false, null, a list or a mapping"
        )


def with_value(data: Mapping[str, Any], path: Path, value: Any) -> dict[str, Any]:
    """DATA with VALUE at PATH. An empty mapping leaves a mapping that is there as it is."""
    found, rest = data.get(path[0]), path[1:]
    if rest:
        value = with_value(found if isinstance(found, dict) else {}, rest, value)
    elif value == {} and isinstance(found, dict):
        value = found
    return {**data, path[0]: copy.deepcopy(value)}


def without(data: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """DATA without PATH; a mapping that becomes empty stays as {}."""
    kept = dict(data)
    if len(path) == 1:
        kept.pop(path[0], None)
    elif isinstance(kept.get(path[0]), dict):
        kept[path[0]] = without(kept[path[0]], path[1:])
    return kept


def read_otherwise_by_ruby(node: Node | None, path: Path) -> bool:
    """Whether an unquoted value stands at PATH below NODE that Ruby takes for something else than the text that it shall be."""
    for part in path:
        pair = node.find(part) if node is not None else None
        node = pair[1] if pair else None
    return node is not None and node.plain and bool(RUBY_ONLY.fullmatch(node.value))


def _edited(text: str | None, path: Path, expected: Mapping[str, Any]) -> Tree:
    """TEXT, read; refused where it is not what was EXPECTED of the edit at PATH."""
    with contextlib.suppress(MainstayError):
        tree = Tree(text or "")
        if text is not None and same(tree.data(), dict(expected)):
            return tree
    raise MainstayError(
        f"{path_text(path)}: found a place that cannot be edited without changing others (an alias, a merge key or a list); "
        "expected a mapping of its own: change it with `rails credentials:edit`"
    )


def _set(tree: Tree, path: Path, value: Any) -> str | None:
    """The text with VALUE at PATH; None where no edit is known."""
    node, text = tree.root, tree.text
    if node is None or (node.kind == "scalar" and not node.value):
        return _with_newline(text) + "".join(block(_nested(path, value), 0))
    for depth, part in enumerate(path):
        pair = node.find(part)
        if pair is None:
            return _insert(text, node, _nested(path[depth:], value))
        key, found = pair
        if depth == len(path) - 1 or found.kind != "mapping":
            return _replace(text, node, key, found, _nested(path[depth + 1 :], value))
        node = found
    return None


def _nested(path: Path, value: Any) -> Any:
    for part in reversed(path):
        value = {part: value}
    return value


def _with_newline(text: str) -> str:
    return text if not text or text.endswith("\n") else text + "\n"


def _replace(text: str, parent: Node, key: Node, found: Node, value: Any) -> str | None:
    colon = text.find(":", key.end) + 1
    if not colon:
        return None
    between = text[colon : found.start] if found.start > colon else ""
    inline = parent.flow or not isinstance(value, (dict, list)) or not value
    if not inline:
        lines = "".join(block(value, key.column + INDENT))
        return f"{text[:colon]}{between.rstrip()}\n{lines.rstrip()}{text[found.end :]}"
    start = colon if "\n" in between and "#" not in between else found.start
    space = "" if text[start - 1].isspace() else " "
    return f"{text[:start]}{space}{flow(value)}{text[found.end :]}"


def _insert(text: str, mapping: Node, values: Mapping[str, Any]) -> str | None:
    if mapping.kind != "mapping":
        return None
    if mapping.flow:
        place = mapping.end - 1
        comma = ", " if mapping.pairs and not text[:place].rstrip().endswith(",") else ""
        return f"{text[:place]}{comma}{flow(values)[1:-1]}{text[place:]}"
    end = text.find("\n", mapping.end)
    head, tail = (_with_newline(text), "") if end < 0 else (text[: end + 1], text[end + 1 :])
    return head + "".join(block(values, mapping.pairs[0][0].column)) + tail


def _remove(tree: Tree, path: Path) -> str | None:
    """The text without the key at PATH, however often it stands there; its whole lines where it stands in a block."""
    while True:
        pairs: list[tuple[Node, Node]] = []
        holder, node = tree.root, tree.root
        for part in path:
            pair = node.find(part) if node is not None else None
            if pair is None:
                return tree.text
            pairs.append(pair)
            holder, node = node, pair[1]
        text = _cut(tree.text, holder, pairs) if holder is not None else None
        if text is None or text == tree.text:
            return None
        try:
            tree = Tree(text)
        except MainstayError:
            return None


def _cut(text: str, holder: Node, pairs: Sequence[tuple[Node, Node]]) -> str | None:
    """TEXT without the last of PAIRS, which stands in HOLDER; the others lead there."""
    key, found = pairs[-1]
    place = next(number for number, pair in enumerate(holder.pairs) if pair[0] is key)
    if holder.flow:
        if place + 1 < len(holder.pairs):
            return text[: key.start] + text[holder.pairs[place + 1][0].start :]
        start = holder.pairs[place - 1][1].end if place else key.start
        return text[:start] + text[max(found.end, key.end) :]
    if len(holder.pairs) == 1 and len(pairs) > 1:
        return _replace(text, Node("mapping", 0, 0, 0, 0), pairs[-2][0], holder, {})
    start, end = text.rfind("\n", 0, key.start) + 1, text.find("\n", max(found.end, key.end))
    return text[:start] + (text[end + 1 :] if end >= 0 else "")


def scalar(value: Any) -> str:
    """VALUE in YAML that Python and Ruby read alike."""
    if isinstance(value, str):
        if PLAIN.fullmatch(value) and value.lower() not in WORDS:
            return value
        text: str = require("yaml").dump(value, default_style='"', allow_unicode=True, width=10**9)
        return text.removesuffix("\n")
    return json.dumps(value) if not isinstance(value, float) else str(require("yaml").dump(value)).split("\n", 1)[0]


def flow(value: Any) -> str:
    """VALUE on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(key)}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    return scalar(value)


def block(value: Any, column: int) -> Iterator[str]:
    """VALUE, a mapping or list that is not empty, as lines that begin at COLUMN."""
    items = (
        [(f"{scalar(key)}:", item) for key, item in value.items()]
        if isinstance(value, Mapping)
        else [("-", item) for item in value]
    )
    for head, item in items:
        if not isinstance(item, (Mapping, list)) or not item:
            yield f"{' ' * column}{head} {flow(item)}\n"
        else:
            yield f"{' ' * column}{head}\n"
            yield from block(item, column + INDENT)
