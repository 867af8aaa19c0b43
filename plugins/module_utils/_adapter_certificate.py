# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rotation of certificates. A server shows one at a time, and consumers trust the authority: staging is the swap itself, and nobody has to reload.

Of a client's certificate the consumers get the new one as of any secret. The servers take both until the old one expires: Valkey knows no list
of revoked certificates, so there is none, and nothing is claimed of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ansible_collections.mainstay.backend.plugins.module_utils._certificate_specs import SERVERS
from ansible_collections.mainstay.backend.plugins.module_utils._certificate_text import bundle, material
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_kinds import Call, Context, Probe, Rotating
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_logins import trial
from ansible_collections.mainstay.backend.plugins.module_utils._tls import AUTHORITIES, CHAIN, KEY, server_name
from ansible_collections.mainstay.backend.plugins.module_utils._tls_serving import Place, places

if TYPE_CHECKING:
    from ansible_collections.mainstay.backend.plugins.plugin_utils.types import Version

#: While a swap goes on some servers show the one and some the other; each of them is verified all the same.
_SWAPPING = ("GENERATED", "STAGED")


class Certificates:
    kinds: tuple[str, ...] = ("certificate",)
    servers = True
    consumers = False

    def check(self, context: Context, items: Sequence[Rotating]) -> list[Call]:
        return self.stage(context, items)

    def stage(self, context: Context, items: Sequence[Rotating]) -> list[Call]:
        """The server shows the new certificate from here on; of clients it takes those of new authorities too."""
        clients = _client_authorities(items)
        servers, files = [], {}
        for server in SERVERS:
            mine = next(
                (item for item in items if context.servers.certificates.get(server) == item.credential.name), None
            )
            where = _listening(context, server)
            if not where or not (mine or (clients and _asks(context, server))):
                continue
            servers.append({"server": server, "name": server_name(context.servers, server), **where})
            files[server] = {"add_clients": clients} if clients and _asks(context, server) else {}
            if mine:
                found = material(trial(mine).secret)
                files[server].update({CHAIN: found.chain, KEY: found.key, AUTHORITIES: found.authorities})
        if not servers:
            return []
        login = {"user": context.admin.user, "password": context.admin.password} if context.admin else {}
        return [Call("server_certificate", {"servers": servers, "certificates": files, **login})]

    def works(self, context: Context, items: Sequence[Rotating]) -> list[Probe]:
        return [
            probe
            for item in items
            for probe in _probes(
                context, item, trial(item), "works", item.record.pending is None and item.record.state in _SWAPPING
            )
        ]

    def sessions(self, context: Context, items: Sequence[Rotating]) -> list[Call]:
        """Connections that were made before keep what they agreed on; they hold nothing that anybody could use again."""
        return []

    def retire(self, context: Context, items: Sequence[Rotating]) -> list[Call]:
        return self.stage(context, items)

    def refused(self, context: Context, items: Sequence[Rotating]) -> list[Probe]:
        """The old certificate is shown nowhere any more."""
        found = []
        for item in items:
            if item.record.previous:
                found += _probes(context, item, item.record.previous, "refused", False)
        return found


ADAPTER = Certificates()


def _asks(context: Context, server: str) -> bool:
    """Whether SERVER asks clients for a certificate."""
    description = context.servers
    if server == "postgres":
        return description.cluster.tls.clients != "off"
    return any(item.tls.on and item.tls.clients != "off" for item in description.instances if item.state == "present")


def _client_authorities(items: Sequence[Rotating]) -> str:
    """The authorities of client certificates that rotate, of every version of them."""
    clients = [item for item in items if item.credential.options.get("for") == "client"]
    return bundle(*(material(version.secret).authorities for item in clients for version in item.record.versions()))


def _listening(context: Context, server: str) -> dict[str, Any]:
    """Where SERVER listens with TLS on the described host; nothing where it does not."""
    description = context.servers
    if server not in description.certificates or server not in description.runs:
        return {}
    if server == "postgres":
        return {"port": description.cluster.port, "addresses": list(description.cluster.listen_addresses)}
    shown = [item for item in description.instances if item.state == "present" and item.tls.on]
    instances = [
        {"name": item.name, "socket": item.socket, "port": item.tls.port, "addresses": list(item.bind)}
        for item in shown
    ]
    return {"instances": instances}


def _probes(context: Context, item: Rotating, version: Version, expect: str, either: bool) -> list[Probe]:
    """Handshakes with everything that shows the certificate of ITEM: this host's servers, and those of its consumers as they find them."""
    server, name = str(item.credential.options["for"]), item.credential.name
    if server not in SERVERS:
        return []
    trust = bundle(*(material(one.secret).authorities for one in item.record.versions()))
    fingerprint = {} if either else {"fingerprint": version.notes["fingerprint"]}
    begin = {"starttls": "postgres"} if server == "postgres" else {}
    found = {}
    for host, port, verified in [*_own(context, server), *_used(context, name)]:
        at = f"{name}/{version.id}@{f'[{host}]' if ':' in host else host}:{port}"
        tls = {"ca": trust, **({"server_name": verified} if verified else {})}
        login = {"kind": "tls", "host": host, "port": port, "tls": tls, **fingerprint, **begin}
        found[at] = Probe(at, name, expect, {**login, "password": ""})
    return list(found.values())


def _own(context: Context, server: str) -> list[tuple[str, int, str]]:
    told = _listening(context, server)
    if not told:
        return []
    name = server_name(context.servers, server)
    found: list[Place] = []
    for entry in told.get("instances", [{"name": "postgres", **told}]):
        found += places(server, entry["name"], entry["addresses"], entry["port"])
    return [(item.host, item.port, name) for item in found]


def _used(context: Context, certificate: str) -> list[tuple[str, int, str]]:
    description = context.description
    wanted = {
        ({"postgres_role": "database", "valkey_user": "instance"}.get(credential.kind, ""), credential.target)
        for consumer in description.consumers_here()
        for credential in map(description.credentials.__getitem__, consumer.credentials)
    }
    found = [place for key, place in description.endpoints.items() if key in wanted and place.tls == certificate]
    return [(place.host, place.port, "") for place in found]
