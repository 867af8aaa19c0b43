# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The servers of a host as an application on it sees them: what it is told stands in its .env, and nowhere else."""

from __future__ import annotations

import time
from collections.abc import Callable
from io import StringIO
from typing import Any
from urllib.parse import quote, urlsplit

import psycopg
import redis
from dotenv import dotenv_values
from redis.backoff import NoBackoff
from redis.retry import Retry
from tunnel import Tunnel

ENV_FILE = "/etc/shop/.env"
SECRETS = "/run/secrets/shop"
INSTANCES = ("cache", "session", "cable")
#: For an event whose only failure is that it never comes.
PATIENCE = 300.0
#: For who expects to be refused: redis-py takes a refused login for a lost connection, and tries again for seconds.
ONCE: dict[str, Any] = {"retry": Retry(NoBackoff(), 0)}


def until(check: Callable[[], Any], what: str, seconds: float = PATIENCE) -> float:
    """Waits until CHECK answers something true, and tells after how many seconds it did; errors of a server on its way up count as no."""
    start = time.monotonic()
    while True:
        try:
            if check():
                return time.monotonic() - start
        except (redis.RedisError, psycopg.OperationalError, OSError):
            pass
        assert time.monotonic() - start < seconds, f"after {seconds:g} s still not: {what}"
        time.sleep(0.1)


class Backend:
    """A host's servers through tunnels. `issued` are the store's credentials, for what an application may not ask."""

    def __init__(self, host: Any, issued: Any) -> None:
        self.host = host
        self.issued = issued
        self.env: dict[str, str] = dict(
            dotenv_values(stream=StringIO(host.file(ENV_FILE).content_string), interpolate=False)
        )
        self.tunnels: dict[str, Tunnel] = {}
        self.clients: list[redis.Redis] = []
        self.shared: dict[str, redis.Redis] = {}

    def port(self, target: str) -> int:
        if target not in self.tunnels:
            self.tunnels[target] = Tunnel(self.host.backend.name, target)
        return self.tunnels[target].port

    def url(self, name: str) -> Any:
        return urlsplit(self.env["DATABASE_URL" if name == "database" else f"REDIS_{name.upper()}_URL"])

    def connect(self, instance: str, user: str | None = "", password: str | None = "", **options: Any) -> redis.Redis:
        """A client of INSTANCE as its application's user; USER and PASSWORD instead where given, None for none."""
        url = self.url(instance)
        options = {"socket_timeout": 60, "socket_connect_timeout": 60, "decode_responses": True, **options}
        client = redis.Redis(
            host="127.0.0.1",
            port=self.port(f"{url.hostname}:{url.port}"),
            db=int(url.path.strip("/") or 0),
            username=url.username if user == "" else user,
            password=url.password if password == "" else password,
            **options,
        )
        self.clients.append(client)
        return client

    def client(self, instance: str) -> redis.Redis:
        """The one client of the application's user that the tests of a module share."""
        if instance not in self.shared:
            self.shared[instance] = self.connect(instance)
        return self.shared[instance]

    def admin(self, instance: str) -> redis.Redis:
        """Over the unix socket, as the role itself administers it."""
        admin = self.issued["mainstay_admin"]
        port = self.port(f"/run/valkey-{instance}/valkey.sock")
        client = redis.Redis(
            host="127.0.0.1",
            port=port,
            username=admin.user,
            password=admin.password,
            socket_timeout=60,
            decode_responses=True,
        )
        self.clients.append(client)
        return client

    def database(
        self, user: str = "", password: str | None = "", name: str = "", **options: Any
    ) -> psycopg.Connection[Any]:
        """A connection to PostgreSQL as the application's user, or as USER."""
        url = self.url("database")
        secret = url.password if password == "" else password
        address = f"127.0.0.1:{self.port(f'{url.hostname}:{url.port}')}"
        login = quote(user or url.username) + (f":{quote(secret)}" if secret else "")
        return psycopg.connect(
            f"postgresql://{login}@{address}/{name or url.path[1:]}?connect_timeout=60&gssencmode=disable", **options
        )

    def superuser(self, sql: str, database: str = "postgres") -> str:
        """The answer of psql on the host as postgres, unaligned; the text goes in through stdin."""
        command = f"runuser -u postgres -- psql -XqAt -v ON_ERROR_STOP=1 -d {database} <<'SQL'\n{sql}\nSQL"
        return str(self.host.check_output(command)).strip()

    def restart(self, instance: str) -> None:
        self.host.check_output(f"systemctl restart valkey-server@{instance}")
        self.wait(instance)

    def wait(self, instance: str) -> float:
        """Until the application's user gets an answer; a fresh connection each time, which hears its end and does not sit out a time of its own."""

        def answers() -> bool:
            with self.connect(instance, socket_timeout=PATIENCE, **ONCE) as client:
                return bool(client.ping())

        return until(answers, f"{instance} answers its application")

    def main_pid(self, unit: str) -> str:
        return str(self.host.check_output(f"systemctl show -P MainPID {unit}")).strip()

    def close(self) -> None:
        for client in self.clients:
            client.close()
        for tunnel in self.tunnels.values():
            tunnel.close()
