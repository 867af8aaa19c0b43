# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host whose servers speak TLS only, and a consumer on it that reads its .env as an application does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

ROLES = ["valkey", "postgres", "secrets", "environment"]
VARIABLES: dict[str, Any] = {
    "backend_app": "shop",
    "valkey_instances": {"cache": {}, "session": {}},
    "valkey_tls": "required",
    "postgres_tls": "required",
    "backend_consumers": {"shop": {"secrets_dir": "/etc/shop/secrets"}},
}
#: What an application does with its .env: redis-py and psycopg2 take everything from the URLs.
CLIENT = """
import json, os, socket, ssl, struct, sys
import psycopg2, redis
def environment(path="/etc/shop/.env"):
    lines = [line.rstrip("\\n").split("=", 1) for line in open(path) if "=" in line and not line.startswith("#")]
    return {key: value.strip("'") for key, value in lines}
env = environment()
def valkey(name="CACHE", **changes):
    url = changes.pop("url", env["REDIS_%s_URL" % name])
    return redis.Redis.from_url(url, socket_timeout=60, retry=redis.retry.Retry(redis.backoff.NoBackoff(), 0), **changes)
def postgres(url=None, **changes):
    return psycopg2.connect(url or env["DATABASE_URL"], connect_timeout=60, **changes)
def served(kind, port, host="127.0.0.1"):
    with socket.create_connection((host, port), 60) as plain:
        if kind == "postgres":
            plain.sendall(struct.pack("!ii", 8, 80877103))
            assert plain.recv(1) == b"S"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(env["DATABASE_CA_FILE" if kind == "postgres" else "REDIS_CACHE_CA_FILE"])
        with context.wrap_socket(plain, server_hostname=host) as secure:
            return secure.getpeercert()["serialNumber"]
def said(action):
    try:
        action()
    except Exception as error:
        return "%s: %s" % (type(error).__name__, error)
    return "works"
"""


@dataclass
class Tls:
    """The host with the roles applied to it; `script` runs Python there, which prints JSON."""

    host: Any
    variables: Mapping[str, Any] = field(default_factory=lambda: VARIABLES)

    def apply(self, roles: Any = None, **options: Any) -> Any:
        told = {**self.variables, **options.pop("variables", {})}
        return self.host.play(ROLES if roles is None else roles, variables=told, **options)

    def script(self, text: str, check: bool = True) -> Any:
        out = self.host.run(["python3", "-"], text=CLIENT + text, check=check)
        return json.loads(out) if out.strip() else None

    def serials(self) -> dict[str, str]:
        return self.script(
            "print(json.dumps({'cache': served('valkey', 16379), 'session': served('valkey', 16380), 'postgres': served('postgres', 5432)}))"
        )

    def processes(self) -> dict[str, str]:
        """Unit -> the process that serves."""
        units = ["valkey-server@cache", "valkey-server@session", "postgresql@*-main"]
        return {
            unit: self.host.run(["systemctl", "show", "--property=MainPID", "--value", unit]).strip() for unit in units
        }


@pytest.fixture(scope="session")
def tls(host: Any) -> Tls:
    found = Tls(host)
    found.apply().ok()
    return found
