# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A small application, the consumer `shop` of inventory.yml: it works on all its servers, also while their passwords rotate.

What is worth copying: on SIGHUP it reads .env again; each worker then connects with the new URL, and closes its old connection after that. Both
passwords are valid meanwhile, so no operation has to fail. On SIGTERM each worker ends the operation that it is at.
"""

import signal
import sys
import threading
import time
import uuid
from pathlib import Path

import psycopg
import redis
from dotenv import dotenv_values
from redis.backoff import NoBackoff
from redis.retry import Retry
from tally import Tally

URLS = {
    "cache": "REDIS_CACHE_URL",
    "session": "REDIS_SESSION_URL",
    "cable": "REDIS_CABLE_URL",
    "database": "DATABASE_URL",
}
TABLE = "CREATE TABLE IF NOT EXISTS visits (id uuid PRIMARY KEY DEFAULT uuidv7(), token text NOT NULL)"
SIGNALS = {signal.SIGHUP, signal.SIGTERM}
stopping = threading.Event()


def connect(name, url):
    if name != "database":
        # redis-py would try again by itself; here a failed operation shall be counted, not hidden
        return redis.Redis.from_url(url, decode_responses=True, socket_timeout=5, retry=Retry(NoBackoff(), 0))
    connection = psycopg.connect(url, autocommit=True, connect_timeout=5)
    connection.execute(TABLE)
    return connection


def operate(name, server):
    """One operation: write something new, read it back."""
    token = uuid.uuid4().hex
    if name == "database":
        (row,) = server.execute("INSERT INTO visits (token) VALUES (%s) RETURNING id", [token]).fetchone()
        (found,) = server.execute("DELETE FROM visits WHERE id = %s RETURNING token", [row]).fetchone()
    elif name == "cable":
        with server.pubsub() as channel:
            channel.subscribe(token)
            channel.get_message(timeout=5)  # the server's word that it listens now
            server.publish(token, token)
            found = channel.get_message(timeout=5)["data"]
    else:
        server.set(token, token, ex=60)
        found = server.getdel(token)
    if found != token:
        raise ValueError("what was read is not what was written")


def work(name, environment, tally):
    """Operations on one server, one after another, each with the URL that holds at its moment."""
    server = used = None
    while not stopping.wait(0.02):
        started, failed = time.time(), False
        try:
            url = environment[URLS[name]]
            if server is None or url != used:
                old, server, used = server, connect(name, url), url
                if old is not None:
                    old.close()
            operate(name, server)
        except Exception as error:  # whatever it was: it counts as failed, and the next operation connects anew
            print(f"{name}: {type(error).__name__}", file=sys.stderr, flush=True)
            server, failed = None, True
        tally.count(name, started, failed)


def main(env_file, tally):
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    environment = dotenv_values(env_file, interpolate=False)
    workers = [threading.Thread(target=work, args=[name, environment, tally]) for name in URLS]
    for worker in workers:
        worker.start()
    received = None
    while not received or received.si_signo != signal.SIGTERM:
        tally.save()
        received = signal.sigtimedwait(SIGNALS, 0.5)
        if received and received.si_signo == signal.SIGHUP:
            environment.update(dotenv_values(env_file, interpolate=False))
        tally.begin_anew_where_removed()
    stopping.set()
    for worker in workers:
        worker.join()
    tally.save()


if __name__ == "__main__":
    main(sys.argv[1], Tally(Path(sys.argv[2]), URLS))
