# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether the configuration is what the schema asks for: what is required, forbidden or unknown, the values' types, rules across variables."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

from ansible_collections.mainstay.backend.plugins.module_utils._env_reader import Reader
from ansible_collections.mainstay.backend.plugins.module_utils._env_readings import Place, View
from ansible_collections.mainstay.backend.plugins.module_utils._env_schema import Schema, Variable
from ansible_collections.mainstay.backend.plugins.module_utils._env_schema_values import check_rules, requirement
from ansible_collections.mainstay.backend.plugins.module_utils._env_types import check_value

#: Guessing what a name was meant to be takes time.
_MOST_HINTS = 200
_CROSS = {
    "distinct": "not-distinct",
    "all_or_none": "all-or-none",
    "at_most_one": "at-most-one",
    "equal_host": "equal-host",
}
#: Rule -> the parts of a variable's description that it speaks of.
_LIMITS = {
    "not-a-choice": ("choices",),
    "out-of-range": ("min", "max"),
    "wrong-length": ("min_length", "max_length"),
    "wrong-pattern": ("pattern",),
}


def check(reader: Reader) -> None:
    schema = reader.schema
    if schema is None:
        return
    if reader.looked_at("env") or reader.looked_at("process"):
        _unknown(reader, schema)
        faults: dict[tuple[str, str], str | None] = {}
        for view in reader.views:
            working = reader.working(view)
            _presence(reader, schema, view, working)
            _values(reader, schema, view, faults)
            _across(reader, schema, view)
    _secret_values(reader, schema)


def _unknown(reader: Reader, schema: Schema) -> None:
    asked = 0
    for reading in reader.env:
        for name, line in reading.key_lines.items():
            if name in schema.variables:
                continue
            shown = reader.named(name, reading, line)
            asked += bool(shown)
            near = _near(shown, tuple(schema.variables)) if shown and asked < _MOST_HINTS else ""
            message = (
                "is not in the schema" if shown else "A name that is not in the schema, and may be a part of a value"
            )
            hint = f"Rename it to {near}, declare it in the schema, or remove it." if near else ""
            reader.report(
                "unknown",
                Place(reading.source.path, line),
                shown,
                message + (f"; did you mean {near}?" if near else ""),
                hint,
            )


@lru_cache(maxsize=4096)
def _near(name: str, known: tuple[str, ...]) -> str:
    upper = {item.upper(): item for item in known}
    found = difflib.get_close_matches(name.upper(), upper, n=1, cutoff=0.8)
    return upper[found[0]] if found else ""


def _presence(reader: Reader, schema: Schema, view: View, working: Mapping[str, str]) -> None:
    given = reader.given(view)
    for variable in schema.variables.values():
        name = variable.name
        present = name in view.values
        need = requirement(variable, working, reader.options.environment)
        if need.state == "forbidden" and view.values.get(name):
            reader.report("forbidden", view.places[name], name, f"is set; expected not to be, {need.why}")
        if variable.deprecated and view.values.get(name):
            _deprecated(reader, variable, view.places[name])
        if need.state != "required":
            continue
        why = f" {need.why}" if need.why else ""
        if present and not view.values[name].strip():
            reader.report(
                "empty",
                view.places[name],
                name,
                f"is set to nothing{_readers(reader, view, name)}; it is required{why}",
            )
        elif not present and name not in given:
            _missing(reader, variable, view, why)


def _missing(reader: Reader, variable: Variable, view: View, why: str) -> None:
    """Silent where it cannot be known, and where another rule tells it: a file that a loader refuses, a line that one loader does not set."""
    name = variable.name
    if variable.source != "env" and not reader.looked_at(variable.source):
        return
    if variable.source == "settings" or not view.whole or any(name in other.values for other in reader.views):
        return
    where = "in the secrets folder" if variable.source == "secret" else "in the environment"
    path = reader.env[-1].source.path if reader.env and variable.source == "env" else ""
    place = Place(path) if path else Place(reader.schema.path if reader.schema else "", variable.line)
    reader.report("missing", place, name, f"is not set {where}; it is required{why}")


def _deprecated(reader: Reader, variable: Variable, place: Place) -> None:
    note = variable.deprecated
    if note is None:
        return
    parts = [f"set {note.successor} instead" if note.successor else "remove it", note.reason]
    if note.removed_in:
        parts.append(f"it goes with {note.removed_in}")
    remedy = f"Set {note.successor} and remove it." if note.successor else ""
    reader.report(
        "deprecated", place, variable.name, "is deprecated: " + "; ".join(part for part in parts if part), remedy
    )


def _values(reader: Reader, schema: Schema, view: View, known: dict[tuple[str, str], str | None]) -> None:
    """KNOWN: what was found of a variable's value in another view."""
    for name, value in view.news.items():
        variable = schema.variables.get(name)
        if variable is None or not value:
            continue
        key = name, value
        if key not in known:
            known[key] = check_value(variable, value)
        fault = known[key]
        if fault:
            reader.report(fault_rule(variable, value), view.places[name], name, fault + _readers(reader, view, name))


def fault_rule(variable: Variable, value: str) -> str:
    """The rule that VALUE breaks, one that `check_value` finds fault with."""
    bare = replace(variable, choices=(), min=None, max=None, min_length=None, max_length=None, pattern="")
    if variable.choices and check_value(replace(bare, choices=variable.choices), value):
        return "not-a-choice"
    if check_value(bare, value):
        return "wrong-type"
    for rule, keys in _LIMITS.items():
        if check_value(replace(bare, **{key: getattr(variable, key) for key in keys}), value):
            return rule
    return "wrong-type"


def _across(reader: Reader, schema: Schema, view: View) -> None:
    for rule, fault in check_rules(schema, reader.given(view), reader.options.environment):
        places = [view.places[name] for name in rule.variables if name in view.places]
        place = places[-1] if places else Place(schema.path, rule.line)
        reader.report(_CROSS[rule.kind], place, "", f"{fault} ({schema.path}:{rule.line})" if rule.line else fault)


def _secret_values(reader: Reader, schema: Schema) -> None:
    """Files of the secrets folder against the variables that they are."""
    for path, (name, value) in reader.secrets.items():
        variable = schema.variables.get(name)
        if not value.strip():
            reader.report("empty", Place(path), name, "is an empty file")
        elif variable is not None:
            fault = check_value(variable, value)
            if fault:
                reader.report(fault_rule(variable, value), Place(path), name, fault)


def _readers(reader: Reader, view: View, name: str) -> str:
    """Which loaders a message speaks of, where not all read the variable alike."""
    values = {other.values.get(name) for other in reader.views}
    if len(values) == 1:
        return ""
    mine = view.values.get(name)
    loaders = [loader for other in reader.views if other.values.get(name) == mine for loader in other.loaders]
    return f" as {', '.join(loaders)} read{'s' if len(loaders) == 1 else ''} it"
