# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The options of a variable in env.schema.yml: what each takes, and what it means. docs/schema.md shows this table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ansible_collections.mainstay.backend.plugins.module_utils._env_schema import RULES, SOURCES
from ansible_collections.mainstay.backend.plugins.module_utils._env_types import MEASURED, SIZED


class Option(NamedTuple):
    """`takes` is the form in YAML: text, flag, count, value (any scalar, as written), names, values, map, when or deprecation."""

    takes: str
    meaning: str


FORMS: Mapping[str, str] = {
    "text": "text",
    "flag": "true or false",
    "count": "a whole number",
    "value": "a value",
    "names": "a list of names",
    "values": "a list of values",
    "map": "environment: value",
    "when": "a variable, or variable: value or list",
    "deprecation": "a variable, a reason, or successor, reason, removed_in",
}


def _types(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


OPTIONS: Mapping[str, Option] = {
    "type": Option("text", "One of the types below; `string` where it is not said."),
    "required": Option(
        "flag",
        "Must be set in every environment (but those of `forbidden_in`), to more than nothing. Excludes `default`.",
    ),
    "required_in": Option("names", "Environments in which it must be set, whatever `default` says."),
    "forbidden_in": Option("names", "Environments in which it must not be set."),
    "required_when": Option(
        "when",
        "Must be set where another variable is set, or has the value (one of the values) given; `1` is `true` here.",
    ),
    "default": Option(
        "value",
        "What the application works with where the variable is not set. Not for a secret: this file is no place for one.",
    ),
    "defaults": Option("map", "The same for single environments; goes before `default`."),
    "choices": Option("values", "The values that are allowed; of a list, its items. `enum` needs them."),
    "min": Option("value", f"The least value, in the type's own form. For {_types(MEASURED)}, and lists of these."),
    "max": Option("value", "The greatest value."),
    "min_length": Option("count", f"The least number of characters; of a list, of items. For {_types(SIZED)}."),
    "max_length": Option("count", "The greatest number of them."),
    "length": Option("count", "Exactly so many: `min_length` and `max_length` in one."),
    "pattern": Option(
        "text",
        "A regular expression (Python's) that the whole value matches; of a list, each item. It is matched in time linear in the value, "
        "so back-references, look-behind and look-ahead after its beginning are refused. For all types but `enum` and `bool`.",
    ),
    "schemes": Option("names", "The schemes that a `url` may have; without it, any."),
    "separator": Option("text", "What stands between the items of a `list`; a comma where it is not said."),
    "items": Option(
        "text",
        "The type of a list's items; `string` where it is not said. `choices`, `min`, `max`, `pattern`, `schemes` and `absolute` apply to each.",
    ),
    "absolute": Option("flag", "False lets a `path` be relative."),
    "sensitive": Option(
        "flag",
        "False for what everybody may read. True where it is not said: values of sensitive variables appear in no output.",
    ),
    "source": Option(
        "text",
        f"Where the value belongs: one of {_types(SOURCES)} (a `.env` file, a file of the secrets folder, a settings file). Else `env`.",
    ),
    "instance": Option("text", "The Valkey instance that the `url` must point to, by its name in `valkey_instances`."),
    "database": Option("text", "The database that the `url` must point to, by its name in `postgres_databases`."),
    "deprecated": Option(
        "deprecation", "Is to go: the variable that takes its place, why, and with which release it ends."
    ),
    "description": Option("text", "What it is for; stands in `.env.example` and the reference."),
    "example": Option("value", "A value that shows the form. A file that still holds it is reported."),
}

#: Kind of rule -> what it asks; the kinds are RULES.
RULE_MEANINGS: Mapping[str, str] = dict(
    zip(
        RULES,
        (
            "No two of them have the same value.",
            "All of them are set, or none is; where one is, the others' defaults do.",
            "At most one of them is set; a default does not count.",
            "Those that are set name the same host (URLs or hosts; ports do not count).",
        ),
        strict=True,
    )
)
