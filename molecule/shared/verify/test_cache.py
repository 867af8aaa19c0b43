# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the cache promises: it forgets what was not used, never refuses a write, and takes nothing else with it."""

from __future__ import annotations

import os

from backend import Backend

VALUE = 64 * 1024


def flood(backend: Backend, times: float) -> int:
    """Writes TIMES the cache's maxmemory of incompressible values into it; returns how many keys that were."""
    cache = backend.connect("cache", decode_responses=False)
    limit = int(backend.admin("cache").info("memory")["maxmemory"])
    count = int(limit * times / VALUE)
    for start in range(0, count, 50):
        with cache.pipeline(transaction=False) as batch:
            for number in range(start, start + 50):
                batch.set(f"verify:flood:{number}", os.urandom(VALUE), ex=600)
            batch.execute()
    return count


def test_a_full_cache_evicts_and_every_session_key_is_still_there(backend: Backend) -> None:
    session, admin = backend.connect("session"), backend.admin("cache")
    kept = {f"verify:kept:{number}": os.urandom(8).hex() for number in range(500)}
    for key, value in kept.items():
        session.set(key, value, ex=600)
    before = int(admin.info("stats")["evicted_keys"])
    written = flood(backend, 1.5)
    memory = admin.info("memory")
    assert int(admin.info("stats")["evicted_keys"]) > before
    assert 0 < admin.dbsize() < written
    assert int(memory["used_memory"]) <= int(memory["maxmemory"]) * 1.1
    assert dict(zip(kept, session.mget(list(kept)), strict=True)) == kept
    session.delete(*kept)


def test_a_restarted_cache_is_empty_and_works(backend: Backend) -> None:
    cache = backend.connect("cache")
    cache.set("verify:gone", "1", ex=600)
    backend.restart("cache")
    assert backend.connect("cache").get("verify:gone") is None
    assert backend.admin("cache").dbsize() == 0
    assert cache.set("verify:here", "1", ex=60) and cache.get("verify:here") == "1"


def test_the_caches_user_may_clear_it_as_rails_does(backend: Backend) -> None:
    cache = backend.connect("cache")
    cache.set("verify:cleared", "1", ex=600)
    assert cache.flushdb() is True
    assert cache.get("verify:cleared") is None
