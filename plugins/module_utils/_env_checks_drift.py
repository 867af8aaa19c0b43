# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Drift: between .env and its example, between .env and the settings, between the files and a running process."""

from __future__ import annotations

import re

from ansible_collections.mainstay.backend.plugins.module_utils._env_reader import Reader
from ansible_collections.mainstay.backend.plugins.module_utils._env_readings import Place, Reading

#: `# NAME=…` in an example: a variable that may be set.
_OPTIONAL = re.compile(r"^[ \t]*#+[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.]*)[ \t]*=", re.MULTILINE)


def check(reader: Reader) -> None:
    if reader.env and reader.examples:
        _example(reader)
    if reader.schema:
        for reading in reader.env:
            _settings(reader, reading)
    for source, values in reader.process:
        _process(reader, source.path, values)


def _example(reader: Reader) -> None:
    set_here = {name for reading in reader.env for name in reading.key_lines}
    set_here |= reader.options.process_env.keys() | {
        form for name, _value in reader.secrets.values() for form in (name, name.upper())
    }
    set_here |= {name for _source, values in reader.process for name in values}
    offered: set[str] = set()
    for reading in reader.examples:
        keys = reading.key_lines
        offered |= keys.keys() | set(_OPTIONAL.findall("\n".join(reading.lines)))
        for name, line in keys.items():
            shown = reader.named(name, reading, line)
            if name not in set_here and shown and not _optional(reader, name):
                message = f"is not set, but {reading.source.path} has it"
                reader.report("not-in-env", Place(reader.env[-1].source.path), name, message)
    for reading in reader.env:
        for name, line in reading.key_lines.items():
            shown = reader.named(name, reading, line)
            variable = reader.variable(name)
            if name not in offered and shown and not (variable and variable.deprecated):
                message = f"is not in {reader.examples[-1].source.path}"
                reader.report("not-in-example", Place(reading.source.path, line), name, message)


def _optional(reader: Reader, name: str) -> bool:
    """What the schema knows need not be set, or is reported as missing."""
    return reader.variable(name) is not None


def _settings(reader: Reader, reading: Reading) -> None:
    for name, line in reading.key_lines.items():
        variable = reader.variable(name)
        if variable and variable.source == "settings":
            message = "is set here; the schema says that it is a variable of the settings files"
            reader.report("settings-in-env", Place(reading.source.path, line), name, message)


def _process(reader: Reader, path: str, values: dict[str, str]) -> None:
    """A process that was not restarted after its files changed. What loaders read differently may be any of the readings."""
    for name in {name: None for view in reader.views for name in view.in_files}:
        if name not in values or any(view.in_files.get(name) == values[name] for view in reader.views):
            continue
        shown = reader.named(name)
        message = f"{'' if shown else 'A variable '}has another value in the running process than in its files"
        reader.report("process-differs", Place(path), shown, message)
