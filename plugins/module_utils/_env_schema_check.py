# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What must hold within a schema: options that fit their type and each other, names that exist, values that fit their own variable."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from ansible_collections.mainstay.backend.plugins.module_utils._checking import NAME as TARGET
from ansible_collections.mainstay.backend.plugins.module_utils._checking import shown
from ansible_collections.mainstay.backend.plugins.module_utils._env_pattern import UnfitPattern, matcher
from ansible_collections.mainstay.backend.plugins.module_utils._env_schema import SOURCES, Schema, Variable
from ansible_collections.mainstay.backend.plugins.module_utils._env_schema_forms import Notes
from ansible_collections.mainstay.backend.plugins.module_utils._env_types import (
    MEASURED,
    PATTERNED,
    SIZED,
    TYPES,
    check_value,
    measure,
)

#: A secret of these may stand in a schema: it opens nothing.
_PLAYGROUNDS = ("development", "dev", "test", "testing", "ci", "local")
#: What other schemas call these types.
_NAMES = {
    "str": "string",
    "text": "string",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "array": "list",
    "uri": "url",
    "hostname": "host",
    "domain": "host",
    "bytes": "size",
    "file": "path",
}
#: An environment's name.
_ENVIRONMENT = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,47}")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,40}")
Say = Callable[[str, str, str], None]


def check_schema(schema: Schema, notes: Notes) -> None:
    """Adds to NOTES what is wrong with SCHEMA beyond its form."""
    for variable in schema.variables.values():
        _check_variable(schema, variable, notes)
    for number, rule in enumerate(schema.rules):
        where = ("rules", str(number), rule.kind)
        for name in rule.variables:
            if name not in schema.variables:
                notes.say(
                    where,
                    f"the unknown variable {name}",
                    f"variables of this schema{notes.closest(name, schema.variables)}",
                )
            elif rule.kind == "equal_host" and schema.variables[name].type not in ("url", "host", "ip"):
                notes.say(where, f"{name} of type {schema.variables[name].type}", "variables of type url, host or ip")
        if len(rule.variables) == 1:
            notes.say(where, "one variable", "two or more")


def _check_variable(schema: Schema, variable: Variable, notes: Notes) -> None:
    where = ("variables", variable.name)

    def given(key: str) -> bool:
        return (*where, key) in notes.lines

    def say(key: str, found: str, expected: str) -> None:
        notes.say((*where, *key.split(" ")), found, expected)

    if not _check_type(variable, notes, say):
        return
    if _lacks_choices(variable):
        if not given("choices"):
            say("choices", "none", "the values that an enum may have")
        return
    for key, fits, types in _OWN:
        kind = (
            variable.items
            if variable.type == "list" and key not in ("min_length", "max_length", "items", "separator")
            else variable.type
        )
        told = "length" if key.endswith("_length") and given("length") else key
        if given(told) and kind not in fits:
            say(told, f"it for the type {kind}", f"it for {types or ', '.join(fits)} only")
            return
    _check_environments(variable, say)
    _check_secrecy(variable, given, say)
    _check_names(schema, variable, notes, say)
    if _check_limits(variable, say):
        _check_values(schema, variable, say)


_LISTED = tuple(name for name in TYPES if name != "list")
#: Option -> the types that have it, and how to name them where they are many. Most of these options apply to a list's items.
_OWN: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("min", MEASURED, ""),
    ("max", MEASURED, ""),
    ("min_length", SIZED, ""),
    ("max_length", SIZED, ""),
    ("pattern", PATTERNED, "all types but enum and bool"),
    ("choices", tuple(name for name in TYPES if name != "bool"), "all types but bool"),
    ("schemes", ("url",), ""),
    ("absolute", ("path",), ""),
    ("instance", ("url",), ""),
    ("database", ("url",), ""),
    ("items", ("list",), ""),
    ("separator", ("list",), ""),
)


def _check_type(variable: Variable, notes: Notes, say: Say) -> bool:
    fits = True
    for key, value, known in (("type", variable.type, tuple(TYPES)), ("items", variable.items, _LISTED)):
        if value not in known:
            hint = f"; here it is called {_NAMES[value]}" if value in _NAMES else notes.closest(value, known)
            say(key, shown(value), f"one of {', '.join(known)}{hint}")
            fits = False
    if variable.source not in SOURCES:
        say("source", shown(variable.source), f"one of {', '.join(SOURCES)}")
    return fits


def _lacks_choices(variable: Variable) -> bool:
    return "enum" in (variable.type, variable.items) and not variable.choices


def _check_environments(variable: Variable, say: Say) -> None:
    for key in ("required_in", "forbidden_in", "defaults"):
        for name in getattr(variable, key):
            if not _ENVIRONMENT.fullmatch(name):
                say(key, shown(name), "names of environments, as production")
    for name in variable.required_in:
        if name in variable.forbidden_in:
            say("forbidden_in", f"{name}, as in required_in", "it in one of the two")
    for name in variable.defaults:
        if name in variable.forbidden_in:
            say(f"defaults {name}", "a default where it is forbidden", "no default, or no such entry in forbidden_in")
        elif variable.required or name in variable.required_in:
            say(
                f"defaults {name}",
                "a default where it is required",
                "one of the two: a default holds where it is not set",
            )
    if variable.required and variable.default is not None:
        say("required", "true beside a default", "one of the two: a default holds where it is not set")


def _check_secrecy(variable: Variable, given: Callable[[str], bool], say: Say) -> None:
    """A variable that is said to be a secret has no value here. One that is sensitive only because nothing was said may have."""
    if variable.source == "secret" and not variable.sensitive:
        say("sensitive", "false beside source: secret", "true, or source: env")
    if not variable.sensitive or not (given("sensitive") or variable.source == "secret"):
        return
    if variable.default is not None:
        say(
            "default", "a value (not shown) for a secret", "none, or sensitive: false: whoever reads this file reads it"
        )
    for name in variable.defaults:
        if name not in _PLAYGROUNDS:
            say(f"defaults {name}", "a value (not shown) for a secret", f"none but for {', '.join(_PLAYGROUNDS)}")


def _check_names(schema: Schema, variable: Variable, notes: Notes, say: Say) -> None:
    """Names of other variables, of instances, of databases and of schemes."""
    for other in variable.required_when:
        target = schema.variables.get(other)
        if target is None or other == variable.name:
            found = "itself" if target else f"the unknown variable {other}"
            say("required_when", found, f"another variable of this schema{notes.closest(other, schema.variables)}")
    successor = variable.deprecated.successor if variable.deprecated else ""
    if successor and (successor not in schema.variables or successor == variable.name):
        found = "itself" if successor == variable.name else f"the unknown variable {successor}"
        say(
            "deprecated",
            found,
            f"another variable of this schema, or a reason{notes.closest(successor, schema.variables)}",
        )
    if variable.instance and variable.database:
        say("database", "it beside instance", "one of the two")
    for key, name in (("instance", variable.instance), ("database", variable.database)):
        if name and not TARGET.fullmatch(name):
            say(key, shown(name), "a name of lower-case letters, digits and _, beginning with a letter")
    for scheme in variable.schemes:
        if not _SCHEME.fullmatch(scheme):
            say("schemes", shown(scheme), "schemes without '://', as https")


def _check_limits(variable: Variable, say: Say) -> bool:
    """Whether limits and pattern are sound in themselves."""
    kind = variable.items if variable.type == "list" else variable.type
    limits = []
    for key, value in (("min", variable.min), ("max", variable.max)):
        limit = measure(kind, value) if value is not None else None
        if value is not None and limit is None:
            say(key, shown(value), f"a value of the type {kind}")
            return False
        limits.append(limit)
    if limits[0] is not None and limits[1] is not None and limits[0] > limits[1]:
        say("min", f"{variable.min}, more than max, {variable.max}", "at most max")
        return False
    low, high = variable.min_length, variable.max_length
    if low is not None and high is not None and low > high:
        say("min_length", f"{low}, more than max_length, {high}", "at most max_length")
        return False
    try:
        matcher(variable.pattern)
    except UnfitPattern as error:
        expected = "a regular expression that can be matched in linear time (no back-reference, look-ahead only at its beginning)"
        say("pattern", str(error), expected)
        return False
    return True


def _check_values(schema: Schema, variable: Variable, say: Say) -> None:
    """Every value that the schema gives fits its own variable. None is shown."""
    free = (
        replace(variable, choices=(), min_length=None, max_length=None)
        if variable.type == "list"
        else replace(variable, choices=())
    )
    if variable.type != "enum" and variable.items != "enum":
        for value in variable.choices:
            fault = check_value(free, value)
            if fault:
                say("choices", f"{shown(value)}, which {fault}", "values that fit the variable itself")
    defaults = {f"defaults {name}": value for name, value in variable.defaults.items()}
    for key, given in {"default": variable.default, "example": variable.example, **defaults}.items():
        fault = check_value(variable, given) if given is not None else None
        if fault:
            say(key, f"a value that {fault}", "one that fits the variable itself")
    for other, wanted in variable.required_when.items():
        target = schema.variables.get(other)
        if target and _sound(target):
            for value in wanted:
                fault = check_value(target, value)
                if fault:
                    say(f"required_when {other}", f"a value that {fault}", f"one that {other} can have")


def _sound(variable: Variable) -> bool:
    """Whether VARIABLE's own problems do not stand in the way of checking a value."""

    def silent(key: str, found: str, expected: str) -> None:
        """Its problems are told with itself."""

    return _check_type(variable, Notes(""), silent) and not _lacks_choices(variable) and _check_limits(variable, silent)
