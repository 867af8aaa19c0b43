# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a schema says of a set of values: which variables must or must not be there, and the rules across variables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ansible_collections.mainstay.backend.plugins.module_utils._env_schema import CrossRule, Schema, Variable
from ansible_collections.mainstay.backend.plugins.module_utils._env_url import url_host

#: Types whose values can be a secret. A number of threads is none, whatever the schema forgot to say.
_SECRET_TYPES = ("string", "url", "uuid", "base64", "hex", "json", "list")

_TRUTHS = (("true", "yes", "on", "1"), ("false", "no", "off", "0"))


class Requirement(NamedTuple):
    """`state` is 'required', 'optional' or 'forbidden'; `why` goes on after "X is required" ("in production"), '' where nothing is to add."""

    state: str
    why: str


_REQUIRED, _OPTIONAL = Requirement("required", ""), Requirement("optional", "")


def with_defaults(schema: Schema, values: Mapping[str, str | None], environment: str) -> dict[str, str]:
    """VALUES that are set to more than nothing, and the schema's defaults for the others: what the application works with."""
    found = {name: value for name, value in values.items() if value}
    for name, variable in schema.variables.items():
        default = variable.default_in(environment)
        if default and name not in found:
            found[name] = default
    return found


def requirement(variable: Variable, values: Mapping[str, str | None], environment: str) -> Requirement:
    """Whether VARIABLE must be set in ENVIRONMENT beside VALUES (`with_defaults` of what the sources give). Forbidden goes before required."""
    if environment in variable.forbidden_in:
        return Requirement("forbidden", f"in {environment}")
    if variable.required:
        return _REQUIRED
    if environment in variable.required_in:
        return Requirement("required", f"in {environment}")
    for other, wanted in variable.required_when.items():
        value = values.get(other)
        if value and (not wanted or any(_same(value, one) for one in wanted)):
            return Requirement("required", f"because {other} is {' or '.join(wanted) if wanted else 'set'}")
    return _OPTIONAL


def _same(value: str, wanted: str) -> bool:
    """Whether VALUE is WANTED; what are two words for true, or for false, is the same."""
    return value == wanted or any(value.lower() in words and wanted.lower() in words for words in _TRUTHS)


def check_rules(schema: Schema, values: Mapping[str, str | None], environment: str = "") -> list[tuple[CrossRule, str]]:
    """The rules across variables that VALUES (what is set, without defaults) break, each with what is wrong, in words without any value.

    Defaults fill in: they can make two values one, and complete a group, but they do not begin a group or count as a choice.
    """
    if not schema.rules:
        return []
    given = {name: value for name, value in values.items() if value}
    filled = with_defaults(schema, given, environment)
    found = []
    for rule in schema.rules:
        known = filled if rule.kind in ("distinct", "equal_host") else given
        present = {name: known[name] for name in rule.variables if name in known}
        missing = [name for name in rule.variables if name not in filled]
        fault = _FAULTS[rule.kind](missing, present)
        if fault:
            found.append((rule, fault))
    return found


def is_secret(variable: Variable) -> bool:
    """Whether VARIABLE holds something to be kept secret: sensitive, of a form that can be a secret, and not with a default that all can read."""
    return hides(variable) and variable.default is None and variable.source != "settings"


def hides(variable: Variable) -> bool:
    """Whether VARIABLE is sensitive and its values can be secrets at all, as a number of threads cannot."""
    return variable.sensitive and variable.type in _SECRET_TYPES and not variable.choices


def _distinct(missing: list[str], present: Mapping[str, str]) -> str:
    groups: dict[str, list[str]] = {}
    for name, value in present.items():
        groups.setdefault(value, []).append(name)
    same = [group for group in groups.values() if len(group) > 1]
    return "; ".join(f"{_and(group)} have one value and must differ" for group in same)


def _all_or_none(missing: list[str], present: Mapping[str, str]) -> str:
    if not present or not missing:
        return ""
    return f"{_and(missing)} {_is(missing)} not set, but {_and(list(present))} {_is(list(present))}: set all of them or none"


def _at_most_one(missing: list[str], present: Mapping[str, str]) -> str:
    return f"{_and(list(present))} are set; at most one of them may be" if len(present) > 1 else ""


def _equal_host(missing: list[str], present: Mapping[str, str]) -> str:
    """A value without a host is its own type's fault, not this rule's."""
    hosts = {name: url_host(value) for name, value in present.items()}
    named = [name for name, host in hosts.items() if host]
    return f"{_and(named)} name different hosts and must name one" if len({hosts[name] for name in named}) > 1 else ""


def _is(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _and(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


_FAULTS = {"distinct": _distinct, "all_or_none": _all_or_none, "at_most_one": _at_most_one, "equal_host": _equal_host}
