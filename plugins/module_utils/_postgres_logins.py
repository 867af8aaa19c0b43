# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which logins a PostgreSQL cluster has for its credentials, what each is, and what it may log in to: derived from the description."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.mainstay.backend.plugins.module_utils._credentials import SLOTS, login_name
from ansible_collections.mainstay.backend.plugins.module_utils._postgres import TIMEOUTS

if TYPE_CHECKING:
    from ansible_collections.mainstay.backend.plugins.plugin_utils.types import Cluster, Credential

#: Who watches takes no more connections than this from the applications.
MONITORING_CONNECTIONS = 8


def _roles(credentials: Mapping[str, Credential]) -> list[Credential]:
    return [item for item in credentials.values() if item.kind == "postgres_role"]


def watched(credentials: Mapping[str, Credential]) -> bool:
    """Whether somebody watches the cluster."""
    return any(item.privileges == "monitoring" for item in _roles(credentials))


def logins(cluster: Cluster, credentials: Mapping[str, Credential]) -> list[dict[str, Any]]:
    """Both slots of every postgres_role, as the modules postgres_databases and postgres_login take them, without verifiers."""
    databases = {item.name: item for item in cluster.databases}
    found = []
    for item in _roles(credentials):
        for slot in SLOTS:
            login: dict[str, Any] = {"name": login_name(item.name, slot), "privileges": item.privileges}
            if item.privileges == "owner":
                database = databases[item.target]
                login.update(owner=database.owner, settings=dict(database.timeouts))
                login["connection_limit"] = database.connection_limit
            elif item.privileges == "monitoring":
                login.update(settings={**TIMEOUTS, "default_transaction_read_only": "on"})
                login["connection_limit"] = MONITORING_CONNECTIONS
            found.append(login)
    return found


def hba_logins(cluster: Cluster, credentials: Mapping[str, Credential]) -> dict[str, list[str]]:
    """Database, or `replication`, -> who may log in to it. Who watches looks into every database, beginning at `postgres`."""
    found: dict[str, list[str]] = {item.name: [] for item in cluster.databases}
    for item in _roles(credentials):
        names = [login_name(item.name, slot) for slot in SLOTS]
        for place in _places(item, found):
            found.setdefault(place, []).extend(names)
    return found


def _places(credential: Credential, databases: Iterable[str]) -> list[str]:
    if credential.privileges == "monitoring":
        return ["postgres", *[name for name in databases if name not in ("postgres", "replication")]]
    return ["replication"] if credential.privileges == "replication" else [credential.target]
