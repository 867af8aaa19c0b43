# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads values of env.schema.yml from YAML's nodes, and notes what is wrong with its line. Scalars are taken as they are written: `010` stays 010."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

try:
    import yaml
except ImportError:  # a host; there a schema comes as data
    yaml = None  # type: ignore[assignment]

from ansible_collections.mainstay.backend.plugins.module_utils._checking import shown
from ansible_collections.mainstay.backend.plugins.module_utils._env_schema import Deprecation
from ansible_collections.mainstay.backend.plugins.module_utils._env_schema_options import FORMS, OPTIONS

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_TAG = "tag:yaml.org,2002:"
_TRUE, _FALSE = ("yes", "true", "on"), ("no", "false", "off")
_COUNT = re.compile(r"[0-9]{1,9}")


@dataclass
class Notes:
    """The problems found so far, each with its line, and where each option stands."""

    path: str
    found: list[tuple[int, str]] = field(default_factory=list)
    lines: dict[tuple[str, ...], int] = field(default_factory=dict)
    hints: int = 20
    lists: dict[str, str] = field(default_factory=dict)  # variables of type list -> their separator

    def say(self, where: tuple[str, ...], found: str, expected: str, line: int = 0) -> None:
        """Adds "found FOUND; expected EXPECTED" for the option WHERE, at its own LINE or at the one noted for it."""
        at = line or next((self.lines[where[:n]] for n in range(len(where), 0, -1) if where[:n] in self.lines), 1)
        text = f"{'.'.join(where) or 'the schema'}: found {found}; expected {expected}"
        self.found.append((at, re.sub(r"[\x00-\x1f\x7f]", lambda match: repr(match[0])[1:-1], text)))

    def closest(self, name: str, known: Iterable[str]) -> str:
        """ "; did you mean X?" where one of KNOWN is close to NAME. Looking for it costs time, so not for every problem of a schema full of them."""
        self.hints -= 1
        if self.hints < 0:
            return ""
        lowered = {item.lower(): item for item in reversed(list(known))}
        near = difflib.get_close_matches(name.lower()[:200], list(lowered), 1, 0.7)
        return f"; did you mean {lowered[near[0]]}?" if near else ""

    def errors(self) -> list[str]:
        return [f"{self.path}:{line}: {text}" for line, text in sorted(dict.fromkeys(self.found))]


def kind_of(node: yaml.Node) -> str:
    """null, bool, int, float, str, map, seq …: what YAML takes NODE for; a tag of another kind whole."""
    return str(node.tag).removeprefix(_TAG)


def written(node: yaml.Node) -> str | None:
    """A scalar as it is written; None where NODE is no scalar, is null or has a tag of its own."""
    plain = ("str", "int", "float", "bool", "timestamp", "value")
    return str(node.value) if isinstance(node, yaml.ScalarNode) and kind_of(node) in plain else None


def told(node: yaml.Node) -> str:
    """NODE as a message shows it."""
    text = written(node)
    plain = {"map": "a mapping", "seq": "a list", "null": "nothing"}.get(kind_of(node), f"the tag {shown(node.tag)}")
    return plain if text is None else shown(text)


def mapping(
    notes: Notes, where: tuple[str, ...], node: yaml.Node | None, known: Iterable[str] = ()
) -> dict[str, yaml.Node]:
    """NODE's entries by name, with their lines noted; unknown and repeated names are problems."""
    if node is None:
        return {}
    if not isinstance(node, yaml.MappingNode) or kind_of(node) != "map":
        notes.say(where, told(node), "a mapping", node.start_mark.line + 1)
        return {}
    found: dict[str, yaml.Node] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        name = written(key)
        if name is None:
            merged = isinstance(key, yaml.ScalarNode) and kind_of(key) == "merge"
            notes.say(where, "a merge key (<<)" if merged else f"{told(key)} as a name", "the names written out", line)
        elif name in found:
            notes.say(
                (*where, name), f"it a second time (first in line {notes.lines[(*where, name)]})", "it once", line
            )
        elif known and name not in known:
            notes.say(
                (*where, name), "an unknown option", f"one of {', '.join(known)}{notes.closest(name, known)}", line
            )
        else:
            notes.lines[(*where, name)] = line
            found[name] = value
    return found


def _unfit(notes: Notes, where: tuple[str, ...], node: yaml.Node) -> None:
    notes.say(
        where, told(node), FORMS[OPTIONS[where[2]].takes] if len(where) == 3 else "a value", node.start_mark.line + 1
    )


def _text(notes: Notes, where: tuple[str, ...], node: yaml.Node) -> str | None:
    found = written(node)
    if not found:
        _unfit(notes, where, node)
        return None
    return found


def _value(notes: Notes, where: tuple[str, ...], node: yaml.Node) -> str | None:
    """A value as text; of a list, its items joined. Its content is not shown: it may be a secret that somebody wrote here."""
    if isinstance(node, yaml.SequenceNode) and where[2] not in ("min", "max"):
        return _joined(notes, where, node)
    found = written(node)
    if found is None:
        plain = not isinstance(node, yaml.ScalarNode) or kind_of(node) == "null"
        notes.say(where, told(node) if plain else "a tag", "a value ('' for the empty text)", node.start_mark.line + 1)
    return found


def _joined(notes: Notes, where: tuple[str, ...], node: yaml.SequenceNode) -> str | None:
    """The items as an environment holds them, with the variable's separator between."""
    form = notes.lists.get(where[1])
    items = [written(item) for item in node.value]
    texts = [item for item in items if item]
    if form is None or len(texts) < len(items) or any(form in item for item in texts):
        expected = (
            "a value ('' for the empty text)"
            if form is None
            else f"items that are values without {shown(form)} in them"
        )
        notes.say(where, "a list", expected, node.start_mark.line + 1)
        return None
    return form.join(texts)


def _flag(notes: Notes, where: tuple[str, ...], node: yaml.Node) -> bool | None:
    found = (written(node) or "").lower()
    if kind_of(node) != "bool" or found not in _TRUE + _FALSE:
        _unfit(notes, where, node)
        return None
    return found in _TRUE


def _number(notes: Notes, where: tuple[str, ...], node: yaml.Node) -> int | None:
    found = written(node)
    if found is None or not _COUNT.fullmatch(found):
        _unfit(notes, where, node)
        return None
    return int(found)


def names(notes: Notes, where: tuple[str, ...], node: yaml.Node) -> tuple[str, ...] | None:
    """A list of texts, or one alone; none twice."""
    items = node.value if isinstance(node, yaml.SequenceNode) else [node]
    found: list[str] = []
    for item in items:
        name = written(item)
        if name is None:
            _unfit(notes, where, item)
        elif name in found:
            notes.say(where, f"{shown(name)} twice", "it once", item.start_mark.line + 1)
        else:
            found.append(name)
    if not items:
        notes.say(where, "an empty list", FORMS[OPTIONS[where[2]].takes] if len(where) == 3 else "values")
    return tuple(found) or None


def _map(notes: Notes, where: tuple[str, ...], node: yaml.Node) -> dict[str, str] | None:
    found = {}
    for name, item in mapping(notes, where, node).items():
        value = _value(notes, (*where, name), item)
        if value is not None:
            found[name] = value
    return found or None


def _when(notes: Notes, where: tuple[str, ...], node: yaml.Node) -> dict[str, tuple[str, ...]] | None:
    if isinstance(node, yaml.MappingNode):
        found = {}
        for name, item in mapping(notes, where, node).items():
            values = names(notes, (*where, name), item)
            if values is not None:
                found[name] = values
        return found or None
    return dict.fromkeys(names(notes, where, node) or (), ()) or None


def _deprecation(notes: Notes, where: tuple[str, ...], node: yaml.Node) -> Deprecation | None:
    if isinstance(node, yaml.MappingNode):
        parts = mapping(notes, where, node, ("successor", "reason", "removed_in"))
        return Deprecation(**{key: _text(notes, (*where, key), item) or "" for key, item in parts.items()})
    if kind_of(node) == "bool":
        return Deprecation() if _flag(notes, where, node) else None
    text = _text(notes, where, node) or ""
    return Deprecation(successor=text) if NAME.fullmatch(text) else Deprecation(reason=text)


READERS = {
    "text": _text,
    "flag": _flag,
    "count": _number,
    "value": _value,
    "names": names,
    "values": names,
    "map": _map,
    "when": _when,
    "deprecation": _deprecation,
}
