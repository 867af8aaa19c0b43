# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is to be written on a consumer's host, as the arguments of one call of a module. The first deployment and a rotation share it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.mainstay.backend.plugins.module_utils._application_files import application_files, folders_of
from ansible_collections.mainstay.backend.plugins.module_utils._credentials import Issued
from ansible_collections.mainstay.backend.plugins.module_utils._dotenv import render
from ansible_collections.mainstay.backend.plugins.module_utils._environment import Environment, build
from ansible_collections.mainstay.backend.plugins.module_utils._secret_files import files_of
from ansible_collections.mainstay.backend.plugins.module_utils._tls_consumer import trusted

if TYPE_CHECKING:
    from ansible_collections.mainstay.backend.plugins.plugin_utils.types import Consumer, Description, Schema


def secrets_call(description: Description, issued: Mapping[str, Issued]) -> dict[str, Any]:
    """For the module `secret_files`: each consumer's folder with the files of its credentials."""
    every = {name: files_of(item, issued[name]) for name, item in description.credentials.items() if name in issued}
    folders, secrets = [], {}
    for consumer in description.consumers_here():
        names = dict.fromkeys([*consumer.credentials, *sorted(trusted(description, consumer))])
        contents = {file: text for name in names for file, text in every[name].items()}
        secrets[consumer.name] = contents
        known = {file for files in every.values() for file in files} - set(contents)
        folder = {key: value for key, value in _directory(consumer, consumer.secrets_dir, "").items() if key != "mode"}
        form = {"form": consumer.secrets_as, "units": list(consumer.units)}
        folders.append({"name": consumer.name, **folder, **form, "files": list(contents), "known": sorted(known)})
    return {"folders": folders, "secrets": secrets, **_kept(description)}


def scope(description: Description) -> str:
    """Whose secrets these are on a host that several applications or environments share."""
    return f"{description.app}-{description.environment}"


def _kept(description: Description) -> dict[str, Any]:
    """Of whom is kept what shall be in memory again after a reboot, and whether it may be."""
    return {"scope": scope(description), "sealed": description.host.variables["secrets_sealed"]}


def environment_call(
    description: Description, issued: Mapping[str, Issued], schemas: Mapping[str, Schema] | None = None
) -> dict[str, Any]:
    """The .env files of every consumer, and what it asks for of its application's tree. SCHEMAS: consumer -> its schema.

    The folder of a .env file is made where it is missing (root, 0755), and left alone where it is there.
    """
    files: list[dict[str, Any]] = []
    secrets: dict[str, str] = {}
    folders: dict[str, dict[str, Any]] = {}
    kept: list[dict[str, Any]] = []
    for consumer in description.consumers_here():
        found = build(description, consumer, issued)
        kept.append({"name": consumer.name, "files": [], "units": list(consumer.units)})
        for path, variables in env_files(description, consumer, found).items():
            secret = not set(variables) <= set(found.shown)
            kept[-1]["files"] += [path] if secret else []
            text = render(variables, _env_header(description, consumer, secret))
            files.append({**_file(consumer, path), "shown_variables": [key for key in found.shown if key in variables]})
            if secret:
                secrets[path] = text
            else:
                files[-1].update(content=text, secret=False)
        folder = os.path.dirname(consumer.env_file)
        inside = consumer.application.directory and f"{folder}/".startswith(f"{consumer.application.directory}/")
        folders[folder] = {**(_directory(consumer, folder, "0755") if inside else {"path": folder}), "keep": True}
        known = [secret.password for item in issued.values() for secret in item.slots.values()]
        made = application_files(description, consumer, (schemas or {}).get(consumer.name), known)
        files += [{**_directory(consumer, path, item.mode), **item.data()} for path, item in made.items()]
        for folder in folders_of(consumer.application, made):
            folders.setdefault(folder, {**_directory(consumer, folder, "0755"), "keep": True})
    told = {"part": "environment", "holders": kept, **_kept(description)}
    return {"files": files, "secrets": secrets, "directories": list(folders.values()), "kept": told}


def env_files(description: Description, consumer: Consumer, found: Environment) -> dict[str, dict[str, str]]:
    """Path -> variables. In layers, what is secret or this environment's own goes into the file that dotenv-rails reads first."""
    if not consumer.layers:
        return {consumer.env_file: dict(found.variables)}
    own = {key: value for key, value in found.variables.items() if key not in found.shown}
    common = {key: value for key, value in found.variables.items() if key in found.shown}
    return {consumer.env_file: common, f"{consumer.env_file}.{description.environment}": own}


def _env_header(description: Description, consumer: Consumer, secret: bool) -> list[str]:
    return [
        f"Environment of {consumer.name} ({description.environment}), written by mainstay.backend: changes made here are lost.",
        f"Change backend_consumers in the inventory instead.{' This file holds secrets.' if secret else ''}",
    ]


def _file(consumer: Consumer, path: str) -> dict[str, Any]:
    return {**_directory(consumer, path, "0600"), "secret": True}


def _directory(consumer: Consumer, path: str, mode: str) -> dict[str, Any]:
    source = f"backend_consumers.{consumer.name}"
    return {"path": path, "owner": consumer.owner, "group": consumer.group, "mode": mode, "source": source}
