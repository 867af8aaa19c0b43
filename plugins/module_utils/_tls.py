# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""TLS of the data servers as the inventory describes it, and where its files lie on their hosts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.mainstay.backend.plugins.module_utils._certificate_specs import is_name
from ansible_collections.mainstay.backend.plugins.module_utils._certificate_text import Material, bundle, material
from ansible_collections.mainstay.backend.plugins.module_utils._checking import Checker, Problem

if TYPE_CHECKING:
    from ansible_collections.mainstay.backend.plugins.plugin_utils.types import Description, HostInput, Issued

#: off; on: beside what is in clear; required: nothing in clear.
LEVELS = ("off", "on", "required")
#: Whether a client has to show a certificate. PostgreSQL knows no `optional`: it takes one or asks for none.
CLIENTS = ("off", "optional", "required")
#: Where each server keeps the certificate that it serves; `current` is a link to the folder of one version.
FOLDERS = {"valkey": "/etc/valkey/tls", "postgres": "/etc/postgresql/tls"}
CURRENT = "current"
CHAIN, KEY = "server.pem", "server.key"
#: Those that verify the server, for people and for our own handshake; and those whose clients it takes.
AUTHORITIES, CLIENT_AUTHORITIES = "authorities.pem", "clients.pem"


@dataclass(frozen=True)
class ServerTls:
    """TLS of one server. `port` is Valkey's own port for it; PostgreSQL has one port for both."""

    level: str = LEVELS[0]
    clients: str = CLIENTS[0]
    port: int = 0

    @property
    def on(self) -> bool:
        return self.level != "off"


def read_level(check: Checker, key: str, default: str = "off") -> str:
    return _word(check, key, default, LEVELS)


def read_clients(check: Checker, key: str, default: str = "off", choices: tuple[str, ...] = CLIENTS) -> str:
    return _word(check, key, default, choices)


def _word(check: Checker, key: str, default: str, choices: tuple[str, ...]) -> str:
    """YAML reads a bare off and on as false and true."""
    value = check.get(key, default)
    if isinstance(value, bool) and (not value or "on" in choices):
        return "on" if value else "off"
    return check.choice(key, default, choices)


def path(server: str, file: str) -> str:
    """FILE of the version that SERVER serves."""
    return f"{FOLDERS[server]}/{CURRENT}/{file}"


def host_names(host: HostInput) -> list[str]:
    """The names by which others know HOST."""
    return [item for item in dict.fromkeys((host.name, host.address)) if is_name(item)]


def check_clients(description: Description, problems: list[Problem]) -> None:
    """A server that asks for certificates needs an authority of clients, and its consumers something to show."""
    asked = [
        (f"valkey_instances.{item.name}.tls_clients", item.tls.clients)
        for item in description.instances
        if item.state == "present" and item.tls.on
    ]
    cluster = description.cluster.tls
    asked.append(("postgres_tls_clients", cluster.clients))
    if cluster.clients != "off" and not cluster.on:
        expected = "postgres_tls: on or required"
        problems.append(Problem("postgres_tls_clients", "required, and postgres_tls off", expected))
    known = [name for name, item in description.credentials.items() if item.options.get("for") == "client"]
    for variable, level in asked:
        if level != "off" and not known:
            expected = "a credential {kind: certificate, for: client} in backend_credentials, or off"
            problems.append(Problem(variable, f"{level}, and no certificate for a client", expected))
    if not known or all(level != "required" for _variable, level in asked):
        return
    for consumer in description.consumers:
        if not set(known) & set(consumer.credentials):
            told = "no certificate to show, and a server that asks for one"
            expected = f"{' or '.join(known)} among them"
            problems.append(Problem(f"backend_consumers.{consumer.name}.credentials", told, expected))


def client_authorities(description: Description, issued: Mapping[str, Issued]) -> str:
    """The authorities of all client certificates: whose certificates a server takes. Those of its own certificate say nothing of clients."""
    wanted = [name for name, item in description.credentials.items() if item.options.get("for") == "client"]
    versions = [slot.password for name in wanted if name in issued for slot in issued[name].slots.values()]
    return bundle(*(material(secret).authorities for secret in versions))


def server_files(description: Description, issued: Mapping[str, Issued], secret: str) -> dict[str, str]:
    """File name -> content of what a server serves with the version SECRET."""
    found: Material = material(secret)
    files = {CHAIN: found.chain, KEY: found.key, AUTHORITIES: found.authorities}
    clients = client_authorities(description, issued)
    return {**files, CLIENT_AUTHORITIES: clients} if clients else files


def placement(description: Description, server: str, issued: Mapping[str, Issued]) -> dict[str, Any]:
    """What the modules valkey_instances and postgres_cluster are told of SERVER's certificate; nothing without TLS."""
    name = description.certificates.get(server)
    if name is None:
        return {}
    files = server_files(description, issued, issued[name].password)
    return {"certificate": files, "certificate_name": server_name(description, server)}


def server_name(description: Description, server: str) -> str:
    """A name that SERVER's certificate has: the one to verify it by on its own host."""
    names = description.credentials[description.certificates[server]].options["names"]
    return "localhost" if "localhost" in names else str(names[0])
