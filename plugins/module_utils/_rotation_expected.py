# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a validation of secrets expects of the current host, from the description and the store: its files, its servers, its login probes."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ansible_collections.mainstay.backend.plugins.module_utils._credentials import ADMIN
from ansible_collections.mainstay.backend.plugins.module_utils._dotenv import line
from ansible_collections.mainstay.backend.plugins.module_utils._environment import build, url_names
from ansible_collections.mainstay.backend.plugins.module_utils._publish import env_files, secrets_call
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_adapters import adapters_for
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_kinds import Context, Probe, Rotating
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_states import RETIRING
from ansible_collections.mainstay.backend.plugins.module_utils._secret_files import files_of, variables_of

if TYPE_CHECKING:
    from ansible_collections.mainstay.backend.plugins.plugin_utils.types import Consumer, Contents, Description, Issued

FILE_MODE, FOLDER_MODE = "0600", "0700"


@dataclass
class Files:
    """In the forms of `_rotation_validate.Expected`; `folders` are those whose files are all looked at."""

    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict, repr=False)
    lines: dict[str, list[tuple[str, str, str]]] = field(default_factory=dict, repr=False)
    folders: list[str] = field(default_factory=list)

    def add(self, path: str, owner: str, group: str, credential: str = "", folder: bool = False) -> None:
        shall = {"owner": owner, "group": group, "mode": FOLDER_MODE if folder else FILE_MODE, "state": "present"}
        self.files[path] = {**shall, "credential": credential, "folder": folder}


def known_part(description: Description, contents: Contents) -> Description:
    """DESCRIPTION with those credentials alone that the store has: of others nothing can be expected."""
    credentials = {name: item for name, item in description.credentials.items() if name in contents.records}
    consumers = tuple(
        replace(item, credentials=tuple(name for name in item.credentials if name in credentials))
        for item in description.consumers
    )
    endpoints = {
        place: item if item.tls in ("", *credentials) else replace(item, tls="")
        for place, item in description.endpoints.items()
    }
    return replace(description, credentials=credentials, consumers=consumers, endpoints=endpoints)


def expected_files(description: Description, issued: Mapping[str, Issued]) -> Files:
    """The files of the consumers on this host that hold secrets."""
    found = Files()
    owners = {file: name for name, item in description.credentials.items() for file in files_of(item, issued[name])}
    call = secrets_call(description, issued)
    for folder in call["folders"]:
        found.folders.append(folder["path"])
        # handed over by systemd there are none for the consumer to read
        if folder["form"] == "credentials" or not folder["files"]:
            continue
        found.add(folder["path"], folder["owner"], folder["group"], folder=True)
        for file, text in call["secrets"][folder["name"]].items():
            path = os.path.join(folder["path"], file)
            found.add(path, folder["owner"], folder["group"], owners.get(file, ""))
            found.texts[path] = text
    for consumer in description.consumers_here():
        _add_environment(found, description, consumer, issued)
    return found


def _add_environment(found: Files, description: Description, consumer: Consumer, issued: Mapping[str, Issued]) -> None:
    names = {variable: name for name, variable in url_names(description, consumer).items()}
    for name in consumer.credentials:
        names.update(dict.fromkeys(variables_of(description.credentials[name], issued[name]), name))
    environment = build(description, consumer, issued)
    for path, variables in env_files(description, consumer, environment).items():
        found.add(path, consumer.owner, consumer.group)
        found.lines[path] = [
            (key, names[key], line(key, value))
            for key, value in variables.items()
            if key in names and key not in consumer.variables
        ]


def expected_probes(context: Context, contents: Contents, issued: Mapping[str, Issued]) -> list[Probe]:
    """Logins to try from this host: with the version in use, and with the previous one where it shall be refused by now.

    What is in use a host is told only where a consumer on it has it anyway, or where no consumer of any host could try it.
    """
    credentials = {**context.description.credentials, **context.servers.credentials}
    if context.admin is not None:
        credentials[ADMIN] = context.description.admin
    items = [Rotating(item, contents.records[name], issued[name]) for name, item in credentials.items()]
    used = {name for consumer in context.description.consumers for name in consumer.credentials} | {ADMIN}
    here = {name for consumer in context.description.consumers_here() for name in consumer.credentials}
    current = [
        replace(item, record=replace(item.record, pending=None))
        for item in items
        if item.credential.name in here or item.credential.name not in used
    ]
    retired = [item for item in items if item.record.previous and item.record.state in RETIRING]
    return [*_probes("works", context, current), *_probes("refused", context, retired)]


def _probes(verb: str, context: Context, items: Sequence[Rotating]) -> list[Probe]:
    return [probe for adapter, mine in adapters_for(items) for probe in getattr(adapter, verb)(context, mine)]
