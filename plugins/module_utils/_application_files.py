# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The files of an application's tree that a consumer asks for, whole and ready to be put in place. None of them holds a secret."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._env_reference import example_file, markdown
from ansible_collections.mainstay.backend.plugins.module_utils._ignore import ignored
from ansible_collections.mainstay.backend.plugins.module_utils._rails_files import rails_files
from ansible_collections.mainstay.backend.plugins.module_utils._settings_files import secrets_in, settings_text

if TYPE_CHECKING:
    from ansible_collections.mainstay.backend.plugins.plugin_utils.types import (
        Application,
        Consumer,
        Description,
        Schema,
    )

EXAMPLE, REFERENCE, IGNORE = ".env.example", "docs/environment.md", ".gitignore"
REFERENCE_HEAD = """\
# Options of {name}

Written by mainstay.backend from the application's env.schema.yml: changes made here are lost.

"""


@dataclass(frozen=True)
class Made:
    """A file of the tree: its whole content, or the lines that it must have among others."""

    content: str = ""
    mode: str = "0644"
    block: tuple[str, ...] = ()

    def data(self) -> dict[str, Any]:
        """As an entry of the module `files`."""
        return {"block": list(self.block)} if self.block else {"content": self.content}


def application_files(
    description: Description, consumer: Consumer, schema: Schema | None, known: Collection[str]
) -> dict[str, Made]:
    """Absolute path -> file. KNOWN are secrets that must not stand in settings; MainstayError names where they do."""
    wanted, found = consumer.application, {}
    where = f"backend_consumers.{consumer.name}"
    if schema is None and {"env_example", "reference"} & set(wanted.files):
        raise MainstayError(f"{where}.schema: found no schema read; expected that of {wanted.schema}")
    if schema is not None and "env_example" in wanted.files:
        found[EXAMPLE] = Made(example_file(schema, description.environment))
    if schema is not None and "reference" in wanted.files:
        found[REFERENCE] = Made(REFERENCE_HEAD.format(name=consumer.name) + markdown(schema))
    if "gitignore" in wanted.files:
        secret = [consumer.env_file, f"{consumer.secrets_dir.rstrip('/')}/"]
        found[IGNORE] = Made(block=tuple(ignored(wanted.directory, secret)))
    if "settings" in wanted.files:
        found.update(_settings(description, consumer, schema, known))
    header = f"# Written by mainstay.backend for {consumer.name}: changes made here are lost. Values come from ENV; this file holds no secret.\n"
    for path, text in rails_files(description, consumer).items():
        found[path] = Made(header + text)
    return {os.path.join(wanted.directory, path): item for path, item in found.items()}


def _settings(
    description: Description, consumer: Consumer, schema: Schema | None, known: Collection[str]
) -> dict[str, Made]:
    data = {
        "config/settings.yml": ("settings", consumer.application.settings),
        f"config/settings/{description.environment}.yml": (
            "environment_settings",
            consumer.application.environment_settings,
        ),
    }
    where = f"backend_consumers.{consumer.name}"
    problems = [item for key, value in data.values() for item in secrets_in(f"{where}.{key}", value, schema, known)]
    if problems:
        raise MainstayError("\n".join(str(problem) for problem in problems))
    header = [
        f"Written by mainstay.backend for {consumer.name}: changes made here are lost. Local ones go into settings.local.yml."
    ]
    return {path: Made(settings_text(value, header), "0640") for path, (_key, value) in data.items()}


def folders_of(application: Application, paths: Iterable[str]) -> list[str]:
    """The folders of PATHS from the application's own on down: each is looked at, so that no link leads out of the tree."""
    found = []
    for path in paths:
        folder = os.path.dirname(path)
        while folder.startswith(application.directory) and folder not in found:
            found.append(folder)
            folder = os.path.dirname(folder)
    return sorted(found)
