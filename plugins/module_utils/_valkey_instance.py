# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One Valkey instance as a value: every option resolved, and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ansible_collections.mainstay.backend.plugins.module_utils._tls import (
    CHAIN,
    CLIENT_AUTHORITIES,
    KEY,
    ServerTls,
    path,
)
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_purposes import PURPOSES

#: What a connected client costs beside the data: its query and output buffers while it is at rest.
CLIENT_BYTES = 32 * 1024
#: Directives that every instance gets; `settings` can override them.
COMMON = {"latency-monitor-threshold": "100", "tcp-keepalive": "60"}


@dataclass(frozen=True)
class Instance:
    """One Valkey server with every option resolved. Sizes are in bytes."""

    name: str
    purpose: str
    port: int
    bind: tuple[str, ...]
    clients: tuple[str, ...]
    maxmemory: int
    maxmemory_policy: str
    appendonly: bool
    save: str
    appendfsync: str
    maxclients: int
    timeout: int
    databases: int
    directory: str
    settings: Mapping[str, str] = field(default_factory=dict)
    state: str = "present"
    tls: ServerTls = field(default_factory=ServerTls)

    @property
    def served(self) -> int:
        """The port that consumers use."""
        return self.tls.port if self.tls.on else self.port

    @property
    def ports(self) -> dict[str, int]:
        """Option -> the port that it opens."""
        found = {} if self.tls.level == "required" else {"port": self.port}
        return {**found, "tls_port": self.tls.port} if self.tls.on else found

    @property
    def unit(self) -> str:
        return f"valkey-server@{self.name}.service"

    @property
    def socket(self) -> str:
        return f"/run/valkey-{self.name}/valkey.sock"

    @property
    def keeps(self) -> bool:
        """Whether what it acknowledged must never be lost."""
        return PURPOSES[self.purpose].keeps

    @property
    def forks(self) -> bool:
        """Whether it forks to persist: pages written meanwhile exist twice."""
        return self.appendonly or bool(self.save)

    @property
    def memory(self) -> int:
        """What it may take of the host's memory at worst."""
        return self.maxmemory * (2 if self.forks else 1) + self.maxclients * CLIENT_BYTES

    @property
    def nofile(self) -> int:
        """File descriptors: Debian's own limit, or what maxclients needs (the server keeps 32 for itself)."""
        return max(65535, self.maxclients + 1024)

    @property
    def allowed(self) -> tuple[str, ...]:
        """Who may connect besides loopback: the clients, and this host by the addresses it listens on."""
        own = [address for address in self.bind if address not in ("0.0.0.0", "::") and not address.startswith("127.")]
        return (*self.clients, *[address for address in own if address != "::1"])

    @property
    def directives(self) -> tuple[tuple[str, str], ...]:
        """valkey.conf as pairs, in the order in which it is written."""
        fixed = {
            "bind": " ".join(self.bind),
            "port": "0" if self.tls.level == "required" else str(self.port),
            **self._tls_directives,
            "unixsocket": self.socket,
            "unixsocketperm": "700",
            "pidfile": f"/run/valkey-{self.name}/valkey-server.pid",
            "logfile": "",
            "aclfile": f"/etc/valkey/users-{self.name}.acl",
            "dir": self.directory,
            "databases": str(self.databases),
            "maxmemory": str(self.maxmemory),
            "maxmemory-policy": self.maxmemory_policy,
            "maxclients": str(self.maxclients),
            "timeout": str(self.timeout),
            "save": self.save,
            "appendonly": "yes" if self.appendonly else "no",
            "appendfsync": self.appendfsync,
        }
        return tuple({**fixed, **COMMON, **PURPOSES[self.purpose].settings, **self.settings}.items())

    @property
    def _tls_directives(self) -> dict[str, str]:
        if not self.tls.on:
            return {}
        files = {"tls-cert-file": path("valkey", CHAIN), "tls-key-file": path("valkey", KEY)}
        asked = {"off": "no", "optional": "optional", "required": "yes"}[self.tls.clients]
        found = {"tls-port": str(self.tls.port), **files, "tls-auth-clients": asked}
        return found if self.tls.clients == "off" else {**found, "tls-ca-cert-file": path("valkey", CLIENT_AUTHORITIES)}
