# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the session instance promises: nothing acknowledged is lost, and nothing is evicted."""

from __future__ import annotations

import os
import threading

import pytest
import redis
from backend import ONCE, Backend, until
from test_cache import flood
from yardstick import wall_time

VALUE = 64 * 1024


def test_a_full_session_instance_refuses_writes_and_evicts_nothing(backend: Backend) -> None:
    session, admin = backend.connect("session", decode_responses=False), backend.admin("session")
    session.set("verify:oldest", "here", ex=600)
    written, twice = 0, 2 * int(admin.info("memory")["maxmemory"]) // VALUE
    try:
        with pytest.raises(redis.exceptions.OutOfMemoryError):
            for written in range(1, twice):
                session.set(f"verify:full:{written}", os.urandom(VALUE), ex=600)
        assert int(admin.info("stats")["evicted_keys"]) == 0
        assert session.get("verify:oldest") == b"here"
        assert sum(session.exists(f"verify:full:{number}") for number in range(1, written)) == written - 1
    finally:
        for number in range(written + 1):
            session.delete(f"verify:full:{number}")
    assert session.set("verify:oldest", "again", ex=60) is True
    session.delete("verify:oldest")


class Writer(threading.Thread):
    """Writes numbered keys as fast as it can until told to stop; `acknowledged` are those that the server said yes to."""

    def __init__(self, backend: Backend, number: int) -> None:
        super().__init__(daemon=True)
        self.backend = backend
        self.number = number
        self.acknowledged: list[str] = []
        self.stop = threading.Event()

    def run(self) -> None:
        sequence = 0
        while not self.stop.is_set():
            try:
                # Without retries: each answer belongs to the write just sent.
                with self.backend.connect("session", **ONCE) as client:
                    while not self.stop.is_set():
                        sequence += 1
                        key = f"verify:ack:{self.number}:{sequence}"
                        if client.set(key, key, ex=900):
                            self.acknowledged.append(key)
            except redis.RedisError:
                self.stop.wait(0.1)


def test_kill_9_under_load_loses_no_acknowledged_write(backend: Backend) -> None:
    writers = [Writer(backend, number) for number in range(4)]
    for writer in writers:
        writer.start()

    def total() -> int:
        return sum(len(writer.acknowledged) for writer in writers)

    until(lambda: total() > 500, "500 writes were acknowledged")
    killed = backend.main_pid("valkey-server@session")
    backend.host.check_output(f"kill -9 {killed}")
    before = total()
    until(lambda: backend.main_pid("valkey-server@session") not in ("0", killed), "systemd started session again")
    until(lambda: total() > before + 100, "writes were acknowledged again")
    for writer in writers:
        writer.stop.set()
    for writer in writers:
        writer.join(300)
    session = backend.connect("session")
    keys = [key for writer in writers for key in writer.acknowledged]
    batches = [keys[start : start + 500] for start in range(0, len(keys), 500)]
    lost = [key for batch in batches for key, value in zip(batch, session.mget(batch), strict=True) if value != key]
    for batch in batches:
        session.delete(*batch)
    assert lost == [], f"{len(lost)} of {len(keys)} acknowledged writes are lost"


def test_a_session_token_is_found_at_once_and_survives_a_restart_and_a_flood_of_the_cache(backend: Backend) -> None:
    token = f"verify:token:{os.urandom(8).hex()}"
    backend.connect("session").set(token, "user 1", ex=900)
    other = backend.connect("session")
    assert other.get(token) == "user 1"
    backend.restart("session")
    flood(backend, 1.2)
    assert backend.connect("session").get(token) == "user 1"
    other.delete(token)


def test_a_revoked_session_token_is_gone_at_once_and_stays_gone_after_kill_9(backend: Backend) -> None:
    token = f"verify:token:{os.urandom(8).hex()}"
    session = backend.connect("session")
    session.set(token, "user 1", ex=900)
    assert session.delete(token) == 1
    assert backend.connect("session").get(token) is None
    backend.host.check_output(f"kill -9 {backend.main_pid('valkey-server@session')}")
    backend.wait("session")
    assert backend.connect("session").get(token) is None


def test_a_session_ends_at_its_time(backend: Backend) -> None:
    session = backend.connect("session")
    with wall_time() as took:
        session.set("verify:short", "1", px=300)
        until(lambda: session.get("verify:short") is None, "the session ended")
    assert took.calm < 5, took.told()
