# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The servers that the program was told of, through the pools of redis-py and psycopg, and what a failed operation means.

Kinds of failures: `credential` (refused as this user), `cut` (the connection was ended while its server went on), `timeout`, `lost` (a message
that did not arrive), `error`; and `down`: the server was not there, or another one by the time it could be asked.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Mapping
from typing import Any

import psycopg
import redis
from psycopg_pool import ConnectionPool, PoolTimeout
from redis.backoff import NoBackoff
from redis.retry import Retry

INSTANCES = ("cache", "session", "cable")
SERVERS = (*INSTANCES, "database")
REFUSED = re.compile(
    r"WRONGPASS|NOAUTH|NOPERM|invalid username-password|user is disabled|no permissions|authentication required"
    r"|password authentication failed|not permitted to log in|no pg_hba.conf entry|role .* does not exist",
    re.IGNORECASE,
)
AWAY = re.compile(
    r"refused|starting up|shutting down|LOADING|loading the dataset|No such file|Name or service", re.IGNORECASE
)
LOST = (redis.ConnectionError, psycopg.OperationalError, psycopg.InterfaceError, ConnectionError)


class NotAsWritten(Exception):
    """What was read is not what was written: a failure, except on a cache that was restarted meanwhile."""


class Servers:
    """One reading of the configuration: its pools, and who uses them at this moment."""

    def __init__(self, told: Mapping[str, str], size: int = 6) -> None:
        self.told = told
        self.users = 0
        self.free = threading.Condition()
        # a failure must be seen, not tried again until it is gone
        options: dict[str, Any] = {"socket_timeout": 60, "socket_connect_timeout": 60, "retry": Retry(NoBackoff(), 0)}
        self.pools = {
            name: redis.BlockingConnectionPool.from_url(
                told[f"REDIS_{name.upper()}_URL"], max_connections=size, timeout=60, **options
            )
            for name in INSTANCES
        }
        self.clients = {name: redis.Redis(connection_pool=pool) for name, pool in self.pools.items()}
        self.database = ConnectionPool(
            told["DATABASE_URL"],
            min_size=size,
            max_size=size,
            timeout=60,
            reconnect_timeout=5,
            open=False,
            kwargs={"autocommit": True, "connect_timeout": 60},
        )

    def open(self) -> None:
        """Raises where one of the servers does not let this configuration in."""
        for name in SERVERS:
            self.identity(name)
        self.database.open(wait=True, timeout=60)

    def identity(self, name: str) -> str:
        """Which run of server NAME answers a fresh connection."""
        if name == "database":
            with psycopg.connect(self.told["DATABASE_URL"], connect_timeout=60, autocommit=True) as connection:
                row = connection.execute("SELECT pg_postmaster_start_time()::text").fetchone()
                return str(row and row[0])
        pool = self.pools[name]
        connection = pool.connection_class(**pool.connection_kwargs)
        try:
            connection.connect()
            connection.send_command("INFO", "server")
            text = connection.read_response()
        finally:
            connection.disconnect()
        match = re.search(r"run_id:(\w+)", text.decode() if isinstance(text, bytes) else str(text))
        return match[1] if match else ""

    def recycle(self, name: str) -> None:
        """Ends one idle connection of the pool, so that the next one is made anew."""
        if name == "database":
            connection = self.database.getconn()
            connection.close()
            self.database.putconn(connection)
        else:
            pool = self.pools[name]
            connection = pool.get_connection()
            connection.disconnect()
            pool.release(connection)

    def enter(self) -> None:
        with self.free:
            self.users += 1

    def leave(self) -> None:
        with self.free:
            self.users -= 1
            self.free.notify_all()

    def close(self, seconds: float = 30) -> None:
        """After the last operation on these pools."""
        with self.free:
            self.free.wait_for(lambda: self.users == 0, seconds)
        self.database.close()
        for pool in self.pools.values():
            pool.disconnect()


def kind(error: BaseException, servers: Servers, name: str, known: str, patience: float = 30) -> tuple[str, str]:
    """What ERROR of an operation on server NAME means, and which run of that server answers afterwards. KNOWN: the run before."""
    said = str(error)
    if REFUSED.search(said):
        return "credential", known
    if isinstance(error, NotAsWritten):
        asked = "error"
    elif isinstance(error, (PoolTimeout, redis.TimeoutError)) and not AWAY.search(said):
        asked = "timeout"
    elif isinstance(error, LOST) or AWAY.search(said):
        asked = "down" if AWAY.search(said) else "cut"
    else:
        return "error", known
    until = time.monotonic() + patience
    while time.monotonic() < until:
        try:
            now = servers.identity(name)
        except (redis.RedisError, psycopg.Error, OSError) as later:
            if REFUSED.search(str(later)):
                return "credential", known
            time.sleep(0.1)
            continue
        return ("down" if now != known else asked), now
    return "down", ""


class PoolWarnings(logging.Handler):
    """psycopg's pool connects in the background: a refusal there is told by its log alone."""

    def __init__(self, tally: Any) -> None:
        super().__init__(logging.WARNING)
        self.tally = tally

    def emit(self, record: logging.LogRecord) -> None:
        said = record.getMessage()
        if REFUSED.search(said):
            self.tally.failed("database", "credential", said, record.created)
