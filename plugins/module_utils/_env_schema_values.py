# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a schema says of a set of values: which variables must or must not be there, and the rules across variables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ansible_collections.mainstay.backend.plugins.module_utils._env_schema import CrossRule, Schema, Variable


class Requirement(NamedTuple):
    """`state` is 'required', 'optional' or 'forbidden'; `why` goes on after "X is required" ("in production"), '' where nothing is to add."""

    state: str
    why: str


def with_defaults(schema: Schema, values: Mapping[str, str | None], environment: str) -> dict[str, str]:
    """VALUES that are set to more than nothing, and the schema's defaults for the others: what the application works with."""
    raise NotImplementedError


def requirement(variable: Variable, values: Mapping[str, str | None], environment: str) -> Requirement:
    """Whether VARIABLE must be set in ENVIRONMENT beside VALUES (`with_defaults` of what the sources give)."""
    raise NotImplementedError


def check_rules(schema: Schema, values: Mapping[str, str | None]) -> list[tuple[CrossRule, str]]:
    """The rules across variables that VALUES break, each with what is wrong, in words without any value."""
    raise NotImplementedError


def is_secret(variable: Variable) -> bool:
    """Whether VARIABLE holds something to be kept secret: sensitive, of a type that can be a secret, and not with a default that all can read."""
    raise NotImplementedError
