# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What cable promises: messages arrive while the cache is busy, and to those who subscribed only."""

from __future__ import annotations

import os
import threading
import time

from backend import Backend
from test_cache import flood
from yardstick import wall_time


def test_a_message_arrives_while_the_cache_is_hammered(backend: Backend) -> None:
    done = threading.Event()

    def hammer() -> None:
        while not done.is_set():
            flood(backend, 0.3)

    hammering = threading.Thread(target=hammer, daemon=True)
    hammering.start()
    try:
        with wall_time() as took, backend.connect("cable").pubsub() as subscriber:
            subscriber.subscribe("verify:room")
            assert subscriber.get_message(timeout=60)["type"] == "subscribe"
            publisher, waits = backend.connect("cable"), []
            for _unused in range(50):
                text, sent = os.urandom(8).hex(), time.monotonic()
                assert publisher.publish("verify:room", text) == 1
                message = subscriber.get_message(timeout=60)
                assert message is not None and message["data"] == text
                waits.append(time.monotonic() - sent)
    finally:
        done.set()
        hammering.join(300)
    assert max(waits) < 2 * took.slowness, f"the slowest of 50 messages took {max(waits):.2f} s; all: {took.told()}"


def test_a_pattern_subscription_gets_its_messages_only(backend: Backend) -> None:
    with backend.connect("cable").pubsub() as subscriber:
        subscriber.psubscribe("verify:room:*")
        assert subscriber.get_message(timeout=60)["type"] == "psubscribe"
        publisher = backend.connect("cable")
        publisher.publish("verify:elsewhere", "no")
        publisher.publish("verify:room:1", "yes")
        message = subscriber.get_message(timeout=60)
        assert message is not None and (message["channel"], message["data"]) == ("verify:room:1", "yes")
