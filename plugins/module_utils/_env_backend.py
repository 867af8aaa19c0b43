# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the inventory's description knows of a host's consumers, as options of env_validate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ansible_collections.mainstay.backend.plugins.plugin_utils.types import Consumer, Description

#: With one of these given, the task says itself what is validated.
PLACES = ("root", "files", "secrets", "settings", "example", "unit", "container", "targets")


def backend_options(
    description: Description, given: Mapping[str, Any], schemas: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """GIVEN with what it does not say filled in from DESCRIPTION; where it names nothing to validate, one target for each consumer here.

    SCHEMAS: consumer -> what its schema is called.
    """
    found = {"environment": description.environment, **_servers(description), **given}
    if any(given.get(key) for key in PLACES):
        return found
    consumers = description.consumers_here()
    return {**found, "targets": [_consumer(description, item, schemas or {}) for item in consumers]}


def _servers(description: Description) -> dict[str, Any]:
    kinds: dict[str, dict[str, Any]] = {"instance": {}, "database": {}}
    for (kind, name), place in description.endpoints.items():
        kinds[kind][name] = {"host": place.host, "port": place.port}
        if kind == "database":
            kinds[kind][name]["database"] = place.database
    for item in description.instances:
        if item.name in kinds["instance"]:
            kinds["instance"][item.name].update(purpose=item.purpose, policy=item.maxmemory_policy)
    return {"instances": kinds["instance"], "databases": kinds["database"]}


def _consumer(description: Description, consumer: Consumer, schemas: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "files": [consumer.env_file, *([f"{consumer.env_file}.{description.environment}"] if consumer.layers else [])],
        "secrets": [consumer.secrets_dir] if consumer.secrets_as != "credentials" else [],
        "owner": consumer.owner,
        "group": consumer.group,
    }
    written = consumer.application
    if consumer.name in schemas:
        found["schema"] = schemas[consumer.name]
    if "env_example" in written.files:
        found["example"] = f"{written.directory}/.env.example"
    if "settings" in written.files:
        found["settings"] = [f"{written.directory}/config"]
    for name in ("unit", "container"):
        value = getattr(consumer, name, "")
        if value:
            found[name] = value
    return found
