# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads env.schema.yml from YAML's nodes, so that every problem has its line. Scalars are taken as they are written: `010` stays 010, `on` stays on."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

try:
    import yaml
except ImportError:  # a host; there a schema comes as data
    yaml = None  # type: ignore[assignment]

from ansible_collections.mainstay.backend.plugins.module_utils._checking import shown
from ansible_collections.mainstay.backend.plugins.module_utils._env_schema import (
    RULES,
    CrossRule,
    Deprecation,
    Schema,
    SchemaError,
    Variable,
)
from ansible_collections.mainstay.backend.plugins.module_utils._env_schema_options import FORMS, OPTIONS

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
ENVIRONMENT = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,47}")
SIZE = 1 << 20
_TAG = "tag:yaml.org,2002:"
_TRUE, _FALSE = ("yes", "true", "on"), ("no", "false", "off")
_COUNT = re.compile(r"[0-9]{1,9}")


@dataclass
class Notes:
    """The problems found so far, each with its line, and where each option stands."""

    path: str
    found: list[tuple[int, str]] = field(default_factory=list)
    lines: dict[tuple[str, ...], int] = field(default_factory=dict)
    lists: dict[str, str] = field(default_factory=dict)  # variables of type list -> their separator

    def say(self, where: tuple[str, ...], found: str, expected: str, line: int = 0) -> None:
        """Adds "found FOUND; expected EXPECTED" for the option WHERE, at its own LINE or at the one noted for it."""
        at = line or next((self.lines[where[:n]] for n in range(len(where), 0, -1) if where[:n] in self.lines), 1)
        text = f"{'.'.join(where) or 'the schema'}: found {found}; expected {expected}"
        self.found.append((at, re.sub(r"[\x00-\x1f\x7f]", lambda match: repr(match[0])[1:-1], text)))

    def errors(self) -> list[str]:
        return [f"{self.path}:{line}: {text}" for line, text in sorted(dict.fromkeys(self.found))]


def closest(name: str, known: Iterable[str]) -> str:
    """ ", did you mean X?" where one of KNOWN is close to NAME."""
    options = list(known)
    lowered = {item.lower(): item for item in reversed(options)}
    near = difflib.get_close_matches(name.lower()[:200], list(lowered), 1, 0.7)
    return f"; did you mean {lowered[near[0]]}?" if near else ""


def read(text: str, path: str) -> Schema:
    """TEXT as a Schema. Raises SchemaError with every problem."""
    from ansible_collections.mainstay.backend.plugins.module_utils._env_schema_check import check_schema

    notes = Notes(path)
    top = _mapping(notes, (), _compose(notes, text), ("version", "variables", "rules"))
    version = top.get("version")
    if version is not None and _written(version) != "1":
        notes.say(("version",), _told(version), "1")
    variables: dict[str, Variable] = {}
    node = top.get("variables")
    if node is None and not notes.found:
        notes.say((), "no variables", "variables: and under it each variable with its options")
    for name, body in _mapping(notes, ("variables",), node).items():
        if not NAME.fullmatch(name):
            notes.say(
                ("variables", name),
                "a name that not every loader reads",
                "letters, digits and _, not beginning with a digit",
            )
        variables[name] = _variable(notes, name, body)
    rules = _rules(notes, top.get("rules"))
    schema = Schema(variables, rules, path)
    check_schema(schema, notes)
    if notes.found:
        raise SchemaError(notes.errors())
    return schema


def _compose(notes: Notes, text: str) -> yaml.Node | None:
    """The tree of TEXT's nodes. An alias is the same node again, so that none can grow by repetition."""
    if len(text) > SIZE:
        raise SchemaError([f"{notes.path}:1: the schema: found {len(text)} characters; expected at most {SIZE}"])
    if yaml is None:
        raise SchemaError(
            [f"{notes.path}:1: the schema: found no PyYAML to read it with; expected the Python library PyYAML"]
        )
    try:
        return yaml.compose(text, Loader=yaml.SafeLoader)  # the loader in C crashes on deep nesting
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        found = (
            f"{notes.path}:{mark.line + 1 if mark else 1}: the schema: found no YAML ({error.problem or error.context})"
        )
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1 if isinstance(error.position, int) else 1
        found = f"{notes.path}:{line}: the schema: found a character that YAML does not allow"
    except (yaml.YAMLError, UnicodeError):
        found = f"{notes.path}:1: the schema: found no YAML"
    except RecursionError:
        found = f"{notes.path}:1: the schema: found YAML that is nested too deeply"
    raise SchemaError([f"{found}; expected YAML"])


def _kind(node: yaml.Node) -> str:
    """null, bool, int, float, str, map, seq …: what YAML takes NODE for; a tag of another kind whole."""
    return str(node.tag).removeprefix(_TAG)


def _written(node: yaml.Node) -> str | None:
    """A scalar as it is written; None where NODE is no scalar, is null or has a tag of its own."""
    plain = ("str", "int", "float", "bool", "timestamp", "value")
    return str(node.value) if isinstance(node, yaml.ScalarNode) and _kind(node) in plain else None


def _told(node: yaml.Node) -> str:
    """NODE as a message shows it."""
    written = _written(node)
    plain = {"map": "a mapping", "seq": "a list", "null": "nothing"}.get(_kind(node), f"the tag {shown(node.tag)}")
    return plain if written is None else shown(written)


def _mapping(
    notes: Notes, where: tuple[str, ...], node: yaml.Node | None, known: Iterable[str] = ()
) -> dict[str, yaml.Node]:
    """NODE's entries by name, with their lines noted; unknown and repeated names are problems."""
    if node is None:
        return {}
    if not isinstance(node, yaml.MappingNode) or _kind(node) != "map":
        notes.say(where, _told(node), "a mapping", node.start_mark.line + 1)
        return {}
    found: dict[str, yaml.Node] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        name = _written(key)
        if name is None:
            merged = isinstance(key, yaml.ScalarNode) and _kind(key) == "merge"
            notes.say(where, "a merge key (<<)" if merged else f"{_told(key)} as a name", "the names written out", line)
        elif name in found:
            notes.say(
                (*where, name), f"it a second time (first in line {notes.lines[(*where, name)]})", "it once", line
            )
        elif known and name not in known:
            notes.say((*where, name), "an unknown option", f"one of {', '.join(known)}{closest(name, known)}", line)
        else:
            notes.lines[(*where, name)] = line
            found[name] = value
    return found


def _variable(notes: Notes, name: str, node: yaml.Node) -> Variable:
    where = ("variables", name)
    values: dict[str, Any] = {}
    if not (isinstance(node, yaml.ScalarNode) and _kind(node) == "null"):
        options = _mapping(notes, where, node, OPTIONS)
        if "type" in options and _written(options["type"]) == "list":
            notes.lists[name] = (_written(options["separator"]) if "separator" in options else "") or ","
        for key, value in options.items():
            found = _READERS[OPTIONS[key].takes](notes, (*where, key), value)
            if found is not None:
                values[key] = found
    length = values.pop("length", None)
    if length is not None:
        for key in ("min_length", "max_length"):
            if key in values:
                notes.say((*where, "length"), f"it beside {key}", "one of the two")
            values[key] = length
    return Variable(name, line=notes.lines[where], **values)


def _unfit(notes: Notes, where: tuple[str, ...], node: yaml.Node) -> None:
    notes.say(
        where, _told(node), FORMS[OPTIONS[where[2]].takes] if len(where) == 3 else "a value", node.start_mark.line + 1
    )


def _text(notes: Notes, where: tuple[str, ...], node: yaml.Node) -> str | None:
    found = _written(node)
    if not found:
        _unfit(notes, where, node)
        return None
    return found


def _value(notes: Notes, where: tuple[str, ...], node: yaml.Node) -> str | None:
    """A value as text; of a list, its items joined. Its content is not shown: it may be a secret that somebody wrote here."""
    if isinstance(node, yaml.SequenceNode) and where[2] not in ("min", "max"):
        return _joined(notes, where, node)
    found = _written(node)
    if found is None:
        told = _told(node) if not isinstance(node, yaml.ScalarNode) or _kind(node) == "null" else "a tag"
        notes.say(where, told, "a value ('' for the empty text)", node.start_mark.line + 1)
    return found


def _joined(notes: Notes, where: tuple[str, ...], node: yaml.SequenceNode) -> str | None:
    """The items as an environment holds them, with the variable's separator between."""
    form = notes.lists.get(where[1])
    items = [_written(item) for item in node.value]
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
    found = (_written(node) or "").lower()
    if _kind(node) != "bool" or found not in _TRUE + _FALSE:
        _unfit(notes, where, node)
        return None
    return found in _TRUE


def _number(notes: Notes, where: tuple[str, ...], node: yaml.Node) -> int | None:
    found = _written(node)
    if found is None or not _COUNT.fullmatch(found):
        _unfit(notes, where, node)
        return None
    return int(found)


def _names(notes: Notes, where: tuple[str, ...], node: yaml.Node) -> tuple[str, ...] | None:
    """A list of texts, or one alone; none twice."""
    items = node.value if isinstance(node, yaml.SequenceNode) else [node]
    found: list[str] = []
    for item in items:
        name = _written(item)
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
    for name, item in _mapping(notes, where, node).items():
        value = _value(notes, (*where, name), item)
        if value is not None:
            found[name] = value
    return found or None


def _when(notes: Notes, where: tuple[str, ...], node: yaml.Node) -> dict[str, tuple[str, ...]] | None:
    if isinstance(node, yaml.MappingNode):
        found = {}
        for name, item in _mapping(notes, where, node).items():
            values = _names(notes, (*where, name), item)
            if values is not None:
                found[name] = values
        return found or None
    return dict.fromkeys(_names(notes, where, node) or (), ()) or None


def _deprecation(notes: Notes, where: tuple[str, ...], node: yaml.Node) -> Deprecation | None:
    if isinstance(node, yaml.MappingNode):
        parts = _mapping(notes, where, node, ("successor", "reason", "removed_in"))
        return Deprecation(**{key: _text(notes, (*where, key), item) or "" for key, item in parts.items()})
    if _kind(node) == "bool":
        return Deprecation() if _flag(notes, where, node) else None
    text = _text(notes, where, node) or ""
    return Deprecation(successor=text) if NAME.fullmatch(text) else Deprecation(reason=text)


_READERS = {
    "text": _text,
    "flag": _flag,
    "count": _number,
    "value": _value,
    "names": _names,
    "values": _names,
    "map": _map,
    "when": _when,
    "deprecation": _deprecation,
}


def _rules(notes: Notes, node: yaml.Node | None) -> tuple[CrossRule, ...]:
    if node is None:
        return ()
    if not isinstance(node, yaml.SequenceNode):
        notes.say(("rules",), _told(node), "a list of rules, as - distinct: [A, B]", node.start_mark.line + 1)
        return ()
    found = []
    for number, item in enumerate(node.value):
        where, line = ("rules", str(number)), item.start_mark.line + 1
        notes.lines[where] = line
        parts: Mapping[str, yaml.Node] = _mapping(notes, where, item, RULES)
        if len(parts) > 1:
            notes.say(where, " and ".join(parts), "one kind in each entry", line)
        for kind, names in parts.items():
            found.append(CrossRule(kind, _names(notes, (*where, kind), names) or (), line))
    return tuple(found)
