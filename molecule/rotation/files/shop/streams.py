# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the program does all day: on each server a fixed number of operations a second, each of them timed and judged by itself."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

import psycopg
import redis
from servers import AWAY, NotAsWritten, Servers, kind

if TYPE_CHECKING:
    from shop import Shop

#: Operations a second on each server; the reach is 200. More threads where the server waits for its disk.
RATE = 220
#: Seconds after which each thread makes two connections anew.
RENEWED = 3
THREADS = {"cache": 2, "session": 4, "cable": 2, "database": 4}
TABLE = """CREATE TABLE IF NOT EXISTS orders
  (id uuid PRIMARY KEY DEFAULT uuidv7(), place text NOT NULL, number integer NOT NULL)"""
Operation = Callable[[Servers], None]


class Listener(threading.Thread):
    """Hears what this program publishes, through the pools of one configuration; after a restart of the server it listens anew."""

    def __init__(self, shop: Shop, servers: Servers) -> None:
        super().__init__(daemon=True)
        self.shop, self.servers = shop, servers
        self.closing = False
        self.known = servers.identity("cable")
        self.pubsub = self.subscribe()

    def subscribe(self) -> redis.client.PubSub:
        pubsub = self.servers.clients["cable"].pubsub(ignore_subscribe_messages=False)
        pubsub.subscribe(*self.shop.channels)
        for _unused in self.shop.channels:
            if not pubsub.get_message(timeout=60):
                raise redis.TimeoutError("no answer to SUBSCRIBE")
        return pubsub

    def run(self) -> None:
        while not self.closing:
            try:
                self.take(0.5)
            except (redis.RedisError, OSError, ValueError, AttributeError) as error:
                if not self.closing:
                    self.again(error)
        try:
            # what was published before the next one listened is for this one, and may still be on its way
            self.pubsub.unsubscribe()
            while self.pubsub.subscribed and self.take(5):
                pass
        except (redis.RedisError, OSError, ValueError, AttributeError) as error:
            found = kind(error, self.servers, "cable", self.known)[0]
            self.shop.tally.failed("cable", found, f"listening to the end: {error}", time.time())
        self.pubsub.close()

    def take(self, seconds: float) -> bool:
        """Waits so long for the next message; whether one came."""
        message = self.pubsub.get_message(timeout=seconds)
        if message and message["type"] == "message":
            self.shop.heard(message["channel"].decode(), message["data"].decode())
        return message is not None

    def again(self, error: BaseException) -> None:
        started = time.time()
        found, self.known = kind(error, self.servers, "cable", self.known)
        self.shop.deaf = time.time()
        self.shop.tally.failed("cable", found, f"listening: {error}", started)
        while not self.closing:
            try:
                self.pubsub.close()
                self.pubsub = self.subscribe()
                return
            except (redis.RedisError, OSError) as later:
                if not AWAY.search(str(later)):
                    self.shop.tally.failed(
                        "cable", kind(later, self.servers, "cable", self.known)[0], f"listening: {later}", started
                    )
                time.sleep(0.2)


class Stream(threading.Thread):
    """Operations on server NAME: one pair after another, at an even pace, and now and then two connections made anew."""

    def __init__(self, shop: Shop, name: str, number: int) -> None:
        super().__init__(daemon=True)
        self.shop, self.server, self.number = shop, name, number
        self.count = 0
        self.value = ""
        self.heard = threading.Event()
        self.known = ""
        self.pairs: dict[str, tuple[Operation, Operation]] = {
            "cache": (self.store, self.fetch),
            "session": (self.store, self.fetch),
            "cable": (self.publish, self.hear),
            "database": (self.insert, self.select),
        }

    def run(self) -> None:
        pair = self.pairs[self.server]
        pace = len(pair) * THREADS[self.server] / RATE
        due = renewed = time.monotonic()
        while not self.shop.stopping.is_set():
            self.count += 1
            self.value = uuid.uuid4().hex
            if not self.known or time.monotonic() - renewed >= RENEWED:
                renewed = time.monotonic()
                self.attempt(self.renew, connects=2)
            if self.attempt(pair[0]):
                self.attempt(pair[1])
            due += pace
            wait = due - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            elif wait < -0.5:
                due = time.monotonic()  # what was missed is not made up for

    def attempt(self, operation: Operation, connects: int = 0) -> bool:
        servers = self.shop.enter()
        started = time.time()
        try:
            operation(servers)
            self.shop.tally.done(self.server, started, connects)
            return True
        except (redis.RedisError, psycopg.Error, OSError, NotAsWritten) as error:
            before = self.known
            found, self.known = kind(error, servers, self.server, before)
            if found == "down" and self.server == "database":
                servers.database.check()
            self.shop.tally.failed(
                self.server, found, f"{operation.__name__}: {type(error).__name__}: {error}", started
            )
            time.sleep(0.05)
            return False
        finally:
            servers.leave()

    def renew(self, servers: Servers) -> None:
        """A pool's connection made anew, and one beside the pool: a login that is refused shows soon."""
        now = servers.identity(self.server)
        if self.server == "database" and self.known not in ("", now):
            servers.database.check()
        self.known = now
        servers.recycle(self.server)

    def key(self) -> str:
        return f"{self.shop.place}:{self.number}:{self.count % 500}"

    def store(self, servers: Servers) -> None:
        servers.clients[self.server].set(self.key(), self.value, ex=600)

    def fetch(self, servers: Servers) -> None:
        found = servers.clients[self.server].get(self.key())
        if found is None or found.decode() != self.value:
            raise NotAsWritten(f"{self.server}: read {'nothing' if found is None else 'something else'}")

    def publish(self, servers: Servers) -> None:
        self.heard.clear()
        self.shop.expected[self.value] = self.heard
        servers.clients["cable"].publish(self.shop.channels[0], self.value)

    def hear(self, servers: Servers) -> None:
        arrived = self.heard.wait(60)
        self.shop.expected.pop(self.value, None)
        if not arrived and time.time() - self.shop.deaf > 65:
            raise NotAsWritten("a message was not heard within 60 s")

    def insert(self, servers: Servers) -> None:
        with servers.database.connection() as connection:
            row = connection.execute(
                "INSERT INTO orders (place, number) VALUES (%s, %s) RETURNING id", (self.shop.place, self.count)
            ).fetchone()
        self.value = str(row and row[0])

    def select(self, servers: Servers) -> None:
        with servers.database.connection() as connection:
            row = connection.execute("SELECT number FROM orders WHERE id = %s", (self.value,)).fetchone()
            if self.count % 2000 == 0:
                connection.execute("DELETE FROM orders WHERE id < uuidv7_lower_bound(now() - interval '60 s')")
        if row is None or row[0] != self.count:
            raise NotAsWritten("database: read something else than what was inserted")
