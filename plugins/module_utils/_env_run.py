# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One validation of any number of applications: parameters of env_validate in, findings out. Reads the host's files."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError, shown
from ansible_collections.mainstay.backend.plugins.module_utils._env_rules import RULES
from ansible_collections.mainstay.backend.plugins.module_utils._env_schema import Schema, schema_from
from ansible_collections.mainstay.backend.plugins.module_utils._env_sources import (
    Gathered,
    Target,
    found_in_root,
    gather,
    kinds,
)
from ansible_collections.mainstay.backend.plugins.module_utils._env_validate import Options, evaluate
from ansible_collections.mainstay.backend.plugins.module_utils._file_specs import octal
from ansible_collections.mainstay.backend.plugins.module_utils._findings import Finding, ordered

_LISTS = ("loaders", "files", "secrets", "settings")
_MAPPINGS = ("other_environments", "instances", "databases", "process_env", "severities")
_TEXTS = ("environment", "root", "example", "unit", "container", "owner", "group", "schema")
#: What each of `targets` may have.
PER_TARGET = (*_LISTS, *_MAPPINGS, *_TEXTS, "mode")


@dataclass(frozen=True)
class Run:
    """`files`: what was read; `notes`: what could not be checked."""

    findings: tuple[Finding, ...]
    files: tuple[str, ...]
    notes: tuple[str, ...]


def run(common: Mapping[str, Any], targets: Sequence[Mapping[str, Any]], schemas: Mapping[str, Any]) -> Run:
    """Validates each of TARGETS, COMMON filled in; without any, COMMON itself. SCHEMAS: what `schema` names, as `schema_data` gives it."""
    whole = [merged(common, entry, f"targets[{at}].") for at, entry in enumerate(targets)] or [merged(common, {}, "")]
    known = {name: schema_from(data) for name, data in schemas.items()}
    wanted = [_target(item) for item in whole]
    options = [_options(item, target) for item, target in zip(whole, wanted, strict=True)]
    chosen = [_schema(item, known) for item in whole]
    gathered, notes = gather(wanted)
    findings: list[Finding] = []
    for target, one, schema, option in zip(wanted, gathered, chosen, options, strict=True):
        # of what cannot be read nobody knows what is missing in it
        unknown = {item.kind for item in one.obstacles}
        looked_at = tuple(kind for kind in kinds(target) if kind not in unknown)
        findings += evaluate(one.sources, schema, replace(option, looked_at=looked_at))
        findings += _obstacles(one, option)
    files = dict.fromkeys(source.path for one in gathered for source in one.sources)
    return Run(tuple(ordered(findings)), tuple(files), tuple(notes))


def merged(common: Mapping[str, Any], entry: object, where: str) -> dict[str, Any]:
    """The options of one target, each of its type. Raises MainstayError where one is unknown or of another type."""
    if not isinstance(entry, Mapping):
        raise MainstayError(f"{where.rstrip('.')}: found {shown(entry)}; expected a mapping")
    unknown = sorted(str(key) for key in entry if key not in PER_TARGET)
    if unknown:
        raise MainstayError(f"{where}{unknown[0]}: found an unknown option; expected one of {', '.join(PER_TARGET)}")
    found = {key: common.get(key) for key in PER_TARGET}
    found.update({key: value for key, value in entry.items() if value is not None})
    for key in _LISTS:
        found[key] = _texts(found[key], where + key)
    for key in _MAPPINGS:
        found[key] = _mapping(found[key], where + key)
    for key in _TEXTS:
        found[key] = _text(found[key], where + key)
    return found


def _texts(value: Any, where: str) -> tuple[str, ...]:
    items = [value] if isinstance(value, str) else value or []
    if not isinstance(items, Sequence) or not all(isinstance(item, str) and item for item in items):
        raise MainstayError(f"{where}: found {shown(value)}; expected a list of texts")
    return tuple(items)


def _text(value: Any, where: str) -> str:
    if value is not None and not isinstance(value, str):
        raise MainstayError(f"{where}: found {shown(value)}; expected a text")
    return value or ""


def _mapping(value: Any, where: str) -> dict[str, Any]:
    if value is not None and not isinstance(value, Mapping):
        raise MainstayError(f"{where}: found no mapping; expected one")
    return {str(key): item for key, item in (value or {}).items()}


def _target(item: Mapping[str, Any]) -> Target:
    others = {
        name: _paths(_texts(paths, f"other_environments.{name}")) for name, paths in item["other_environments"].items()
    }
    found = Target(
        environment=item["environment"] or "production",
        root=os.path.expanduser(item["root"]),
        files=_paths(item["files"]),
        secrets=_paths(item["secrets"]),
        settings=_paths(item["settings"]),
        example=os.path.expanduser(item["example"]),
        unit=item["unit"],
        container=item["container"],
        other_environments=others,
    )
    if found.root and not os.path.isdir(found.root):
        raise MainstayError(
            f"root: found {shown(found.root)}, which is no folder on this host; expected the application's folder"
        )
    found = found_in_root(found)
    if not kinds(found):
        where = f"in {shown(found.root)}" if found.root else "to validate"
        raise MainstayError(
            f"found nothing {where}; expected one of files, secrets, settings, example, unit, container, or a root with .env or .env.example"
        )
    return found


def _paths(paths: Sequence[str]) -> tuple[str, ...]:
    return tuple(os.path.expanduser(path) for path in paths)


def _options(item: Mapping[str, Any], target: Target) -> Options:
    for name in ("instances", "databases"):
        for key, value in item[name].items():
            if not isinstance(value, Mapping):
                raise MainstayError(
                    f"{name}.{key}: found no mapping; expected one, like {{host: 127.0.0.1, port: 6379}}"
                )
    for rule in item["severities"]:
        if rule not in RULES:
            raise MainstayError(f"severities: found {shown(rule)}; expected a rule: {', '.join(RULES)}")
    process_env = {key: str(value) for key, value in item["process_env"].items()}
    return Options(
        environment=target.environment,
        loaders=item["loaders"],
        owner=item["owner"],
        group=item["group"],
        mode=octal(item["mode"], "files with secrets"),
        instances=item["instances"],
        databases=item["databases"],
        severities=item["severities"],
        process_env=process_env,
    )


def _schema(item: Mapping[str, Any], known: Mapping[str, Schema]) -> Schema | None:
    name = item["schema"]
    if name and name not in known:
        raise MainstayError(
            f"schema: found {shown(name)}, which was not sent along; expected the action plugin to read it"
        )
    return known[name] if name else None


def _obstacles(one: Gathered, options: Options) -> list[Finding]:
    found = []
    for item in one.obstacles:
        rule = RULES[item.rule]
        severity = options.severities.get(rule.id, rule.severity)
        if severity != "off":
            found.append(Finding(rule.id, severity, item.file, 0, "", item.message, rule.remedy))
    return found
