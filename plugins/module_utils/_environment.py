# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a consumer finds in its environment: URLs and pool sizes, derived from the description and the issued secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from ansible_collections.mainstay.backend.plugins.module_utils._credentials import Credential, Issued
from ansible_collections.mainstay.backend.plugins.module_utils._secret_files import variables_of
from ansible_collections.mainstay.backend.plugins.module_utils._timeouts import milliseconds, number
from ansible_collections.mainstay.backend.plugins.module_utils._tls_consumer import query, tls_variables

if TYPE_CHECKING:
    from ansible_collections.mainstay.backend.plugins.plugin_utils.types import Consumer, Description, Endpoint

SCHEMES = {"postgres_role": "postgresql", "valkey_user": "redis"}
TARGETS = {"postgres_role": "database", "valkey_user": "instance"}


@dataclass(frozen=True)
class Environment:
    """A consumer's variables in the order of its file, and those of them whose values a diff may show."""

    variables: Mapping[str, str]
    shown: tuple[str, ...]


def url(issued: Issued, endpoint: Endpoint, password: str | None = None, parameters: str | None = None) -> str:
    """Where and as whom a consumer connects; PASSWORD '***' makes it fit for people. PARAMETERS, with their '?', follow it."""
    secret = quote(issued.password, safe="") if password is None else password
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    user, database = quote(issued.user, safe=""), quote(endpoint.database, safe="")
    scheme = SCHEMES[issued.kind] + "s" * bool(endpoint.tls and issued.kind == "valkey_user")
    if parameters is None:
        parameters = "?sslmode=verify-full" if endpoint.tls and issued.kind == "postgres_role" else ""
    return f"{scheme}://{user}:{secret}@{host}:{endpoint.port}/{database}{parameters}"


def url_names(description: Description, consumer: Consumer) -> dict[str, str]:
    """Credential -> name of its URL's variable.

    The first credential of a database or an instance has the plain name; further ones for the same target carry their own, and so does
    what watches or copies a server.
    """
    wanted = [item for item in map(description.credentials.__getitem__, consumer.credentials) if item.kind in TARGETS]
    databases = list(dict.fromkeys(item.target for item in wanted if item.kind == "postgres_role" and item.usual))
    main = description.app if description.app in databases else databases[0] if databases else ""
    names: dict[str, str] = {}
    taken: set[tuple[str, str]] = set()
    for item in sorted(wanted, key=lambda item: item.name not in _derived(description, item)):
        first = item.usual and (item.kind, item.target) not in taken
        taken |= {(item.kind, item.target)} if item.usual else set()
        names[item.name] = _url_name(item, main, first)
    return names


def build(description: Description, consumer: Consumer, issued: Mapping[str, Issued]) -> Environment:
    """Every variable of CONSUMER on the description's host. That no name comes twice is checked with the description."""
    names = url_names(description, consumer)
    kinds = {name: description.credentials[name].kind for name in names}
    variables: dict[str, str] = {}
    for name in sorted(names, key=lambda name: (kinds[name], names[name] != "DATABASE_URL")):
        target = description.credentials[name].target
        place = description.endpoints[(TARGETS[kinds[name]], target)]
        variables[names[name]] = url(issued[name], place, parameters=query(description, consumer, kinds[name], place))
    for name in [item for item in consumer.credentials if item not in names]:
        variables.update(variables_of(description.credentials[name], issued[name]))
    measures = sizes(description, consumer)
    return Environment({**variables, **measures, **consumer.variables}, tuple(measures))


def _derived(description: Description, credential: Credential) -> tuple[str, ...]:
    """The name that a credential of this target has when nobody declares one."""
    return (
        (f"{credential.target}_db",)
        if credential.kind == "postgres_role"
        else (f"{description.app}_{credential.target}",)
    )


def _url_name(credential: Credential, main: str, first: bool) -> str:
    if not first:
        return f"{credential.name.upper()}_URL"
    if credential.kind == "valkey_user":
        return f"REDIS_{credential.target.upper()}_URL"
    return "DATABASE_URL" if credential.target == main else f"{credential.target.upper()}_DATABASE_URL"


def sizes(description: Description, consumer: Consumer) -> dict[str, str]:
    """Pools, timeouts and the paths of certificates: everything of a consumer's environment that is no secret and follows from its options."""
    found = {key: str(value) for key, value in pools(description, consumer).items()}
    return {**found, **waits(description, consumer), **tls_variables(description, consumer)}


def waits(description: Description, consumer: Consumer) -> dict[str, str]:
    """The timeouts as variables: seconds, and DATABASE_STATEMENT_TIMEOUT as PostgreSQL writes it."""
    wanted = [item for item in map(description.credentials.__getitem__, consumer.credentials) if item.usual]
    databases = {item.target for item in wanted if item.kind == "postgres_role"}
    found: dict[str, str] = {}
    if databases:
        found["DATABASE_CONNECT_TIMEOUT"] = number(consumer.timeouts.connect)
        found["DATABASE_CHECKOUT_TIMEOUT"] = number(consumer.timeouts.checkout)
        limits = [
            item.timeouts["statement_timeout"] for item in description.cluster.databases if item.name in databases
        ]
        # the shortest that holds: the variable is one for all databases
        limits.sort(key=lambda text: milliseconds(text) or float("inf"))
        statement = consumer.timeouts.statement or limits[0]
        found["DATABASE_STATEMENT_TIMEOUT"] = "".join(statement.split())
    for item in wanted:
        if item.kind == "valkey_user":
            for key, seconds in consumer.timeouts.of(item.target).items():
                found[f"REDIS_{item.target.upper()}_{key.upper()}_TIMEOUT"] = number(seconds)
    return found


def pools(description: Description, consumer: Consumer) -> dict[str, int]:
    wanted = [item for item in map(description.credentials.__getitem__, consumer.credentials) if item.usual]
    kinds = [(item.kind, item.target) for item in wanted]
    found = {"RAILS_MAX_THREADS": consumer.threads}
    if consumer.sidekiq_concurrency:
        found["SIDEKIQ_CONCURRENCY"] = consumer.sidekiq_concurrency
    if any(kind == "postgres_role" for kind, _unused in kinds):
        found["DATABASE_POOL"] = consumer.database_pool
    for kind, target in kinds:
        if kind == "valkey_user":
            found[f"REDIS_{target.upper()}_POOL"] = consumer.valkey_pool
    return found
