# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The settings files of a Rails application in their layers, as the config gem 5 loads them. Works on what a YAML parser made of the files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError

CONVERTERS = ("downcase", "")
_SPACE = "\t\n\v\f\r "
_INTEGERS = (  # as Ruby's Integer() takes them, with their base
    (re.compile(r"([+-]?)(?:0[dD])?((?:0|[1-9](?:_?[0-9])*))\Z"), 10),
    (re.compile(r"([+-]?)0[dD]([0-9](?:_?[0-9])*)\Z"), 10),
    (re.compile(r"([+-]?)0[xX]([0-9a-fA-F](?:_?[0-9a-fA-F])*)\Z"), 16),
    (re.compile(r"([+-]?)0[bB]([01](?:_?[01])*)\Z"), 2),
    (re.compile(r"([+-]?)0[oO_]?([0-7](?:_?[0-7])*)\Z"), 8),
)
_FLOAT = re.compile(
    r"[+-]?(?:[0-9](?:_?[0-9])*)?(?:(?<=[0-9])|(?=\.))(?:\.[0-9](?:_?[0-9])*)?(?:[eE][+-]?[0-9](?:_?[0-9])*)?\Z"
)
_HEX_FLOAT = re.compile(r"[+-]?0[xX][0-9a-fA-F]+(?:\.[0-9a-fA-F]+)?(?:[pP][+-]?[0-9]+)?\Z")
LONGEST = 4000  # digits of a number; Python reads no longer ones


@dataclass(frozen=True)
class EnvSource:
    """How the gem reads the process environment (`use_env`). The defaults are the gem's."""

    prefix: str = "Settings"
    separator: str = "."
    converter: str = "downcase"
    parse_values: bool = True
    parse_arrays: bool = False


def setting_files(environment: str) -> tuple[str, ...]:
    """The names of the files below config/ that the gem reads in ENVIRONMENT; the last one that sets a key wins."""
    local = () if environment == "test" else ("settings.local.yml",)
    return (
        "settings.yml",
        f"settings/{environment}.yml",
        f"environments/{environment}.yml",
        *local,
        f"settings/{environment}.local.yml",
        f"environments/{environment}.local.yml",
    )


def settings_layers(
    files: Mapping[str, Any],
    environment: str,
    process_env: Mapping[str, str] | None = None,
    source: EnvSource | None = None,
) -> dict[str, Any]:
    """The settings of FILES (name -> what is in it; None, if nothing is), with those of PROCESS_ENV on top if there is a SOURCE.

    Files that the gem does not read in ENVIRONMENT are not looked at. MainstayError: a file that is no mapping; variables that contradict each other.
    """
    layers = []
    for name in setting_files(environment):
        content = files.get(name)
        if content is None or content is False:
            continue
        if not isinstance(content, Mapping):
            raise MainstayError(f"{name}: found {type(content).__name__}; expected a mapping of settings")
        layers.append(content)
    if source:
        layers.append(env_settings(process_env or {}, source))
    settings: Any = {}
    for layer in layers:
        settings = merge(settings, layer) if settings else layer
    return _converted(settings)


def merge(base: Any, over: Any) -> Any:
    """OVER merged over BASE: mappings key by key, anything else is replaced. Neither is changed."""
    if not isinstance(over, Mapping) or base is None:
        return over
    if not isinstance(base, Mapping):
        return over or base
    result = dict(base)
    for key, value in over.items():
        there = result.get(key)
        result[key] = value if there is None or there is False else merge(there, value)
    return result


def env_settings(process_env: Mapping[str, str], source: EnvSource) -> dict[str, Any]:
    """The settings that the variables of PROCESS_ENV with the SOURCE's prefix make."""
    if source.converter not in CONVERTERS:
        raise MainstayError(f"env_converter: found {source.converter!r}; expected downcase, or nothing")
    if not source.separator:
        raise MainstayError("env_separator: found nothing; expected what stands between the parts of a variable's name")
    prefix = _parts(source.prefix, source.separator)
    settings: dict[str, Any] = {}
    for variable, value in process_env.items():
        keys = _parts(variable, source.separator)
        if keys[: len(prefix)] != prefix:
            continue
        keys = [key.lower() if source.converter else key for key in keys[len(prefix) :]] or [""]
        leaf: Any = settings
        for key in keys[:-1]:
            if isinstance(leaf, dict):
                if leaf.get(key) in (None, False):
                    leaf[key] = {}
                leaf = leaf[key]
        if not isinstance(leaf, dict):
            other = source.separator.join([*prefix, *keys[:-1]])
            raise MainstayError(
                f"Environment variable {variable} conflicts with variable {other}: expected a value in one of them"
            )
        leaf[keys[-1]] = parsed(value) if source.parse_values else value
    return _with_arrays(settings) if source.parse_arrays else settings


def parsed(text: str) -> Any:
    """TEXT as the gem takes it: true, false, what Ruby's Integer() or Float() reads, else the text itself."""
    if text in ("true", "false"):
        return text == "true"
    number = text.strip(_SPACE)
    if len(number) > LONGEST:
        return text
    for pattern, base in _INTEGERS:
        match = pattern.match(number)
        if match:
            return int(match[1] + match[2].replace("_", ""), base)
    if _FLOAT.match(number):
        return float(number.replace("_", ""))
    if _HEX_FLOAT.match(number):
        return float.fromhex(number)
    return text


def _parts(text: str, separator: str) -> list[str]:
    """As Ruby splits: empty parts at the end are none."""
    parts = text.split(separator)
    while parts and not parts[-1]:
        parts.pop()
    return parts


def _with_arrays(settings: dict[str, Any]) -> dict[str, Any]:
    """SETTINGS with a list for each mapping below it whose keys are 0, 1, 2, …"""
    result: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, dict):
            value = _with_arrays(value)
            numbers = [str(number) for number in range(len(value))]
            if value.keys() == set(numbers):
                value = [value[number] for number in numbers]
        result[key] = value
    return result


def _converted(settings: Mapping[Any, Any]) -> dict[str, Any]:
    """SETTINGS as the application sees them: keys are text, and a mapping of `type: hash` stands for its `contents`."""
    result: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping):
            value = value.get("contents") if value.get("type") == "hash" else _converted(value)
        elif isinstance(value, list):
            value = [_converted(item) if isinstance(item, Mapping) else item for item in value]
        result[_text(key)] = value
    return result


def _text(key: Any) -> str:
    if isinstance(key, bool):
        return "true" if key else "false"
    return "" if key is None else str(key)
