# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads the text of env.schema.yml as a Schema. Every problem has its line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

try:
    import yaml
except ImportError:  # a host; there a schema comes as data
    yaml = None  # type: ignore[assignment]

from ansible_collections.mainstay.backend.plugins.module_utils._env_schema import (
    RULES,
    CrossRule,
    Schema,
    SchemaError,
    Variable,
)
from ansible_collections.mainstay.backend.plugins.module_utils._env_schema_check import check_schema
from ansible_collections.mainstay.backend.plugins.module_utils._env_schema_forms import (
    NAME,
    READERS,
    Notes,
    kind_of,
    mapping,
    names,
    told,
    written,
)
from ansible_collections.mainstay.backend.plugins.module_utils._env_schema_options import OPTIONS

#: Characters of a schema at most.
SIZE = 1 << 20
DEPTH = 20


def read(text: str, path: str) -> Schema:
    """TEXT as a Schema. Raises SchemaError with every problem."""
    notes = Notes(path)
    top = mapping(notes, (), _compose(notes, text), ("version", "variables", "rules"))
    version = top.get("version")
    if version is not None and written(version) != "1":
        notes.say(("version",), told(version), "1")
    variables: dict[str, Variable] = {}
    node = top.get("variables")
    if node is None and not notes.found:
        notes.say((), "no variables", "variables: and under it each variable with its options")
    for name, body in mapping(notes, ("variables",), node).items():
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


def _loader() -> type[yaml.SafeLoader]:
    """The safe loader, of texts that are not nested deeply: it takes long for these, and the one in C crashes."""

    class Loader(yaml.SafeLoader):
        def fetch_flow_collection_start(self, TokenClass: type[yaml.Token]) -> None:
            self.refuse(self.flow_level)
            super().fetch_flow_collection_start(TokenClass)

        def add_indent(self, column: int) -> bool:
            self.refuse(len(self.indents))
            return bool(super().add_indent(column))

        def refuse(self, depth: int) -> None:
            if depth > DEPTH:
                raise yaml.MarkedYAMLError(problem=f"nested more than {DEPTH} deep", problem_mark=self.get_mark())

    return Loader


def _compose(notes: Notes, text: str) -> yaml.Node | None:
    """The tree of TEXT's nodes. An alias is the same node again, so that none can grow by repetition."""
    if len(text) > SIZE:
        raise SchemaError([f"{notes.path}:1: the schema: found {len(text)} characters; expected at most {SIZE}"])
    if yaml is None:
        raise SchemaError(
            [f"{notes.path}:1: the schema: found no PyYAML to read it with; expected the Python library PyYAML"]
        )
    try:
        return yaml.compose(text, Loader=_loader())
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
    raise SchemaError([f"{found}; expected YAML"])


def _variable(notes: Notes, name: str, node: yaml.Node) -> Variable:
    where = ("variables", name)
    values: dict[str, Any] = {}
    if not (isinstance(node, yaml.ScalarNode) and kind_of(node) == "null"):
        options = mapping(notes, where, node, OPTIONS)
        if "type" in options and written(options["type"]) == "list":
            notes.lists[name] = (written(options["separator"]) if "separator" in options else "") or ","
        for key, value in options.items():
            found = READERS[OPTIONS[key].takes](notes, (*where, key), value)
            if found is not None:
                values[key] = found
    length = values.pop("length", None)
    if length is not None:
        for key in ("min_length", "max_length"):
            if key in values:
                notes.say((*where, "length"), f"it beside {key}", "one of the two")
            values[key] = length
    return Variable(name, line=notes.lines[where], **values)


def _rules(notes: Notes, node: yaml.Node | None) -> tuple[CrossRule, ...]:
    if node is None:
        return ()
    if not isinstance(node, yaml.SequenceNode):
        notes.say(("rules",), told(node), "a list of rules, as - distinct: [A, B]", node.start_mark.line + 1)
        return ()
    found = []
    for number, item in enumerate(node.value):
        where, line = ("rules", str(number)), item.start_mark.line + 1
        notes.lines[where] = line
        parts: Mapping[str, yaml.Node] = mapping(notes, where, item, RULES)
        if len(parts) > 1:
            notes.say(where, " and ".join(parts), "one kind in each entry", line)
        for kind, listed in parts.items():
            found.append(CrossRule(kind, names(notes, (*where, kind), listed) or (), line))
    return tuple(found)
