# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""config/settings.yml and config/settings/ENVIRONMENT.yml of an application: written from plain data, and refused where a secret stands in it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.mainstay.backend.plugins.module_utils._checking import Problem
from ansible_collections.mainstay.backend.plugins.module_utils._env_schema_values import is_secret
from ansible_collections.mainstay.backend.plugins.module_utils._env_secrecy import known_token, nothing, secret_name
from ansible_collections.mainstay.backend.plugins.module_utils._yaml_edit import block

if TYPE_CHECKING:
    from ansible_collections.mainstay.backend.plugins.plugin_utils.types import Schema

_PASSWORD_IN_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s/@]*:[^\s/@]+@")
EXPECTED = "no secret: settings are read by whoever reads the repository. Put it into .env, or into the secrets folder"


def settings_text(data: Mapping[str, Any], header: Collection[str]) -> str:
    """A whole settings file; {} is one that says nothing."""
    return "".join([*(f"# {line}\n" for line in header), *(block(data, 0) if data else ["{}\n"])])


def secrets_in(where: str, data: Mapping[str, Any], schema: Schema | None, known: Collection[str]) -> list[Problem]:
    """What in DATA is a secret, or looks like one: by SCHEMA, by KNOWN secrets, by its name or by its form. Values are not shown."""
    problems = []
    for path, value in _leaves(data):
        found = _suspicion(path, value, schema, known)
        if found:
            problems.append(Problem(".".join([where, *path]), f"{found} (not shown)", EXPECTED))
        elif "<%" in value:
            problems.append(
                Problem(".".join([where, *path]), "'<%' in it", "plain values: the config gem runs what <% begins")
            )
    return problems


def _suspicion(path: tuple[str, ...], value: str, schema: Schema | None, known: Collection[str]) -> str:
    if any(secret in value for secret in known):
        return "a secret of the store"
    name = "_".join(path).upper().replace("-", "_")
    if schema is not None and name in schema.variables:
        variable = schema.variables[name]
        if variable.source != "settings" and (variable.source == "secret" or is_secret(variable)):
            return f"a value of {name}, which the schema keeps secret"
        if variable.source == "settings":
            return ""
    if _PASSWORD_IN_URL.search(value):
        return "a URL with a password"
    if known_token(value):
        return "what has the form of a secret"
    return "what its name says is a secret" if secret_name(path[-1]) and not nothing(value) else ""


def _leaves(value: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """The texts in VALUE with where they stand; an item of a list stands where the list does. A number can be a secret too."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, (*path, str(key)))
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item, path)
    elif value is not None and not isinstance(value, bool) and path:
        yield path, str(value)
