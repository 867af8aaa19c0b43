# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an application says of its own configuration: env.schema.yml as data, and the same as plain JSON for hosts without PyYAML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError

#: Where a variable's value comes from: a .env file, a file of the secrets folder, a settings file.
SOURCES = ("env", "secret", "settings")
#: What variables can owe each other.
RULES = ("distinct", "all_or_none", "at_most_one", "equal_host")


@dataclass(frozen=True)
class Deprecation:
    """A variable that is to go: the variable that took its place ('' for none), why, and with which release it ends."""

    successor: str = ""
    reason: str = ""
    removed_in: str = ""


@dataclass(frozen=True)
class Variable:
    """One variable. All values are text, as in an environment; None is "not given", '' is the empty text.

    `required_when`: other variable -> its values that make this one required; () means "set to anything but nothing".
    `min`, `max`: as written, in the type's own form (5, 1.5, 30s, 64mb). Lengths: characters, of a list its items.
    `sensitive` is true unless the schema says false; a sensitive variable with a `default` did not say (see `_env_schema_values.is_secret`).
    """

    name: str
    type: str = "string"
    required: bool = False
    required_in: tuple[str, ...] = ()
    forbidden_in: tuple[str, ...] = ()
    required_when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    default: str | None = None
    defaults: Mapping[str, str] = field(default_factory=dict)
    choices: tuple[str, ...] = ()
    min: str | None = None
    max: str | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str = ""
    schemes: tuple[str, ...] = ()
    separator: str = ","
    items: str = "string"
    absolute: bool = True
    sensitive: bool = True
    source: str = "env"
    instance: str = ""
    database: str = ""
    deprecated: Deprecation | None = None
    description: str = ""
    example: str | None = None
    line: int = 0

    def __hash__(self) -> int:
        return hash((self.name, self.line))

    def default_in(self, environment: str) -> str | None:
        """What holds where the variable is not set in ENVIRONMENT."""
        return self.defaults.get(environment, self.default)


@dataclass(frozen=True)
class CrossRule:
    """A rule across `variables`; `kind` is one of RULES."""

    kind: str
    variables: tuple[str, ...]
    line: int = 0


@dataclass(frozen=True)
class Schema:
    """`variables` in the file's order; `path` as messages show it."""

    variables: Mapping[str, Variable]
    rules: tuple[CrossRule, ...] = ()
    path: str = "env.schema.yml"


class SchemaError(MainstayError):
    """A schema that contradicts itself or its format; `problems` are lines `path:line: variables.X.key: found …; expected …`."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


def read_schema(text: str, path: str) -> Schema:
    """TEXT of the file PATH (named in messages only) as a Schema; needs PyYAML. Raises SchemaError with every problem at once."""
    from ansible_collections.mainstay.backend.plugins.module_utils._env_schema_read import (
        read,
    )  # only this needs PyYAML

    return read(text, path)


def schema_data(schema: Schema) -> dict[str, Any]:
    """SCHEMA as plain JSON types without what is as by default: what `schema_from` reads."""
    return {
        "path": schema.path,
        "variables": [_plain(item) for item in schema.variables.values()],
        "rules": [_plain(item) for item in schema.rules],
    }


def schema_from(data: Mapping[str, Any]) -> Schema:
    """The Schema that `schema_data` gave DATA for."""
    variables = [_variable(item) for item in data["variables"]]
    rules = [CrossRule(str(item["kind"]), _texts(item["variables"]), item.get("line", 0)) for item in data["rules"]]
    return Schema({item.name: item for item in variables}, tuple(rules), str(data["path"]))


def _plain(item: Variable | CrossRule | Deprecation) -> dict[str, Any]:
    found: dict[str, Any] = {}
    plain = Variable("") if isinstance(item, Variable) else None
    for one in fields(item):
        value = getattr(item, one.name)
        if plain is not None and value == getattr(plain, one.name):
            continue
        if isinstance(value, Deprecation):
            value = _plain(value)
        elif isinstance(value, tuple):
            value = list(value)
        elif isinstance(value, Mapping):
            value = {key: list(part) if isinstance(part, tuple) else part for key, part in value.items()}
        found[one.name] = value
    return found


def _variable(data: Mapping[str, Any]) -> Variable:
    values = dict(data)
    for key in ("required_in", "forbidden_in", "choices", "schemes"):
        if key in values:
            values[key] = _texts(values[key])
    if "required_when" in values:
        values["required_when"] = {str(key): _texts(part) for key, part in values["required_when"].items()}
    if values.get("deprecated") is not None:
        values["deprecated"] = Deprecation(**values["deprecated"])
    return Variable(**values)


def _texts(values: Iterable[Any]) -> tuple[str, ...]:
    return tuple(str(value) for value in values)
