# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Judges an application's configuration: its sources against its schema, for the loaders that read them. Pure; findings never hold a value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.mainstay.backend.plugins.module_utils import (
    _env_checks_drift,
    _env_checks_files,
    _env_checks_loaders,
    _env_checks_secrets,
    _env_checks_topology,
    _env_checks_values,
)
from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._env_loaders import LOADERS
from ansible_collections.mainstay.backend.plugins.module_utils._env_reader import Reader
from ansible_collections.mainstay.backend.plugins.module_utils._env_rules import RULES
from ansible_collections.mainstay.backend.plugins.module_utils._findings import SEVERITIES, Finding, ordered

if TYPE_CHECKING:
    from ansible_collections.mainstay.backend.plugins.plugin_utils.types import Schema

KINDS = ("env", "example", "secret", "settings", "process")


@dataclass(frozen=True)
class Source:
    """One file (or process) with its bytes. Sources of kind env come in layering order, the lowest first.

    `data` of a process is as /proc/PID/environ: NAME=value, each ended by NUL. `environment` '': the one that is validated; sources of other
    environments serve only to find secrets that two share. `mode`, `owner`, `group`, `tracked`, `ignored` are None where nobody knows.
    `loaders`: which read this file, where that differs from the options'.
    """

    kind: str
    path: str
    data: bytes = field(repr=False)
    environment: str = ""
    mode: int | None = None
    owner: str | None = None
    group: str | None = None
    tracked: bool | None = None
    ignored: bool | None = None
    loaders: tuple[str, ...] = ()


@dataclass(frozen=True)
class Options:
    """`instances`: name -> {host, port, purpose, policy}; `databases`: name -> {host, port, database}. What is not given is not compared.

    `severities`: rule -> error, warning or off. `looked_at`: kinds that were looked for, though no source may have been found.
    """

    environment: str = "production"
    loaders: tuple[str, ...] = tuple(LOADERS)
    owner: str = ""
    group: str = ""
    mode: int = 0o600
    instances: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    databases: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    severities: Mapping[str, str] = field(default_factory=dict)
    process_env: Mapping[str, str] = field(default_factory=dict, repr=False)
    looked_at: tuple[str, ...] = ()


def evaluate(sources: Iterable[Source], schema: Schema | None, options: Options) -> list[Finding]:
    """Everything that is wrong with SOURCES, by file and line. MainstayError only where OPTIONS or a source's kind make no sense."""
    given = list(sources)
    _check(given, options)
    reader = Reader(given, schema, options)
    for family in (
        _env_checks_files,
        _env_checks_loaders,
        _env_checks_values,
        _env_checks_secrets,
        _env_checks_topology,
        _env_checks_drift,
    ):
        family.check(reader)
    return ordered(reader.findings())


def _check(sources: list[Source], options: Options) -> None:
    for source in sources:
        if source.kind not in KINDS:
            raise MainstayError(f"kind of {source.path}: found {source.kind!r}; expected one of {', '.join(KINDS)}")
    for loader in {*options.loaders, *[loader for source in sources for loader in source.loaders]}:
        if loader not in LOADERS:
            raise MainstayError(f"loaders: found {loader!r}; expected of {', '.join(LOADERS)}")
    if not options.loaders:
        raise MainstayError(f"loaders: found none; expected at least one of {', '.join(LOADERS)}")
    for rule, severity in options.severities.items():
        if rule not in RULES:
            raise MainstayError(f"severities: found {rule!r}; expected a rule: {', '.join(RULES)}")
        if severity not in (*SEVERITIES, "off"):
            raise MainstayError(f"severities.{rule}: found {severity!r}; expected error, warning or off")
