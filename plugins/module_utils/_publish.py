# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is to be written on a consumer's host, as the arguments of one call of the module `files`. The first deployment and a rotation share it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.mainstay.backend.plugins.module_utils._credentials import Issued
from ansible_collections.mainstay.backend.plugins.module_utils._dotenv import render
from ansible_collections.mainstay.backend.plugins.module_utils._environment import build

if TYPE_CHECKING:
    from ansible_collections.mainstay.backend.plugins.module_utils._consumers import Consumer
    from ansible_collections.mainstay.backend.plugins.module_utils._description import Description


def secrets_call(description: Description, issued: Mapping[str, Issued]) -> dict[str, Any]:
    """One file per credential; the file of a declared one that the consumer has no more is removed."""
    files: list[dict[str, Any]] = []
    secrets: dict[str, str] = {}
    directories = []
    for consumer in description.consumers_here():
        directories.append(_directory(consumer, consumer.secrets_dir, "0700"))
        for name in description.credentials:
            path = os.path.join(consumer.secrets_dir, name)
            wanted = name in consumer.credentials
            files.append({**_file(consumer, path), "state": "present" if wanted else "absent"})
            if wanted:
                secrets[path] = issued[name].password
    return {"files": files, "secrets": secrets, "directories": directories}


def environment_call(description: Description, issued: Mapping[str, Issued]) -> dict[str, Any]:
    """One .env file per consumer. Its folder is made where it is missing (root, 0755), and left alone where it is there."""
    files: list[dict[str, Any]] = []
    secrets: dict[str, str] = {}
    folders: dict[str, dict[str, Any]] = {}
    for consumer in description.consumers_here():
        found = build(description, consumer, issued)
        header = [
            f"Environment of {consumer.name} ({description.environment}), written by mainstay.backend: changes made here are lost.",
            "Change backend_consumers in the inventory instead. This file holds secrets.",
        ]
        files.append({**_file(consumer, consumer.env_file), "shown_variables": list(found.shown)})
        secrets[consumer.env_file] = render(found.variables, header)
        folder = os.path.dirname(consumer.env_file)
        folders[folder] = {"path": folder, "keep": True}
    return {"files": files, "secrets": secrets, "directories": list(folders.values())}


def _file(consumer: Consumer, path: str) -> dict[str, Any]:
    return {**_directory(consumer, path, "0600"), "secret": True}


def _directory(consumer: Consumer, path: str, mode: str) -> dict[str, Any]:
    source = f"backend_consumers.{consumer.name}"
    return {"path": path, "owner": consumer.owner, "group": consumer.group, "mode": mode, "source": source}
