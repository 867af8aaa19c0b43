# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a host's consumers are to do, as the arguments of one call of the module `consumer_reload`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ansible_collections.mainstay.backend.plugins.module_utils._publish import scope
from ansible_collections.mainstay.backend.plugins.module_utils._restore import SEALED

if TYPE_CHECKING:
    from ansible_collections.mainstay.backend.plugins.plugin_utils.types import Consumer, Description


def reload_call(
    description: Description, names: Iterable[str] | None = None, state: str = "reloaded"
) -> dict[str, Any]:
    """The consumers of the current host that use one of the credentials NAMES (None: whatever they use), in their order.

    Those that declare neither unit, container nor reload are left out; STATE is `checked` or `reloaded`.
    """
    wanted = None if names is None else set(names)
    consumers = [
        _entry(description, consumer)
        for consumer in description.consumers_here()
        if consumer.reload.how and (wanted is None or wanted & set(consumer.credentials))
    ]
    return {"consumers": consumers, "state": state}


def holding(description: Description, paths: Iterable[str]) -> list[str]:
    """The names of the current host's consumers that one of the files PATHS belongs to."""
    found = []
    for consumer in description.consumers_here():
        sealed = f"{SEALED}/{scope(description)}/secrets.{consumer.name}"
        folders = [item for item in (consumer.secrets_dir, sealed, consumer.application.directory) if item]
        files = env_files(description, consumer)
        if any(path in files or any(path.startswith(f"{folder}/") for folder in folders) for path in paths):
            found.append(consumer.name)
    return found


def env_files(description: Description, consumer: Consumer) -> list[str]:
    return [consumer.env_file, *([f"{consumer.env_file}.{description.environment}"] if consumer.layers else [])]


def _entry(description: Description, consumer: Consumer) -> dict[str, Any]:
    # A unit gets credentials when it starts.
    starts = {"reload_method": "restart"} if consumer.secrets_as != "files" else {}
    return {
        "name": consumer.name,
        **consumer.reload.data(),
        **starts,
        "owner": consumer.owner,
        "group": consumer.group,
        "env_files": env_files(description, consumer),
    }
