# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What each user may do, asked of the real servers: by ACL DRYRUN for whole vocabularies, and by real clients for the rest."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

RAILS_CACHE = [
    *(
        "GET k",
        "SET k v",
        "SET k v PX 5",
        "MGET k l",
        "MSET k v l w",
        "SETEX k 5 v",
        "PSETEX k 5 v",
        "SETNX k v",
        "DEL k",
        "UNLINK k",
        "EXISTS k",
    ),
    *(
        "INCRBY k 1",
        "DECRBY k 1",
        "EXPIRE k 5",
        "PEXPIRE k 5",
        "TTL k",
        "PTTL k",
        "SCAN 0",
        "FLUSHDB",
        "FLUSHDB ASYNC",
        "INFO",
        "MULTI",
        "EXEC",
    ),
    *(
        "EVALSHA x 0",
        "EVAL x 0",
        "SCRIPT|LOAD x",
        "PING",
        "SELECT 0",
        "HELLO 3",
        "CLIENT|SETNAME x",
        "CLIENT|SETINFO x y",
        "CLIENT|ID",
        "HGETALL k",
    ),
]
RAILS_SESSION = [
    *(
        "GET k",
        "SET k v",
        "SET k v EX 5",
        "SETEX k 5 v",
        "GETEX k EX 5",
        "GETDEL k",
        "MGET k l",
        "DEL k",
        "UNLINK k",
        "EXISTS k",
        "EXPIRE k 5",
    ),
    *(
        "PEXPIRE k 5",
        "EXPIREAT k 5",
        "PERSIST k",
        "TTL k",
        "PTTL k",
        "TOUCH k",
        "TYPE k",
        "HSET k a b",
        "HGETALL k",
        "SADD k m",
        "SREM k m",
    ),
    *(
        "SMEMBERS k",
        "ZADD k 1 m",
        "ZRANGE k 0 1",
        "ZREM k m",
        "EVAL x 0",
        "EVALSHA x 0",
        "SCRIPT|LOAD x",
        "MULTI",
        "EXEC",
        "DISCARD",
        "WATCH k",
    ),
    *("PING", "HELLO 3", "SELECT 0", "CLIENT|SETNAME x", "INFO"),
]
ACTION_CABLE = [
    *(
        "SUBSCRIBE c",
        "UNSUBSCRIBE c",
        "PSUBSCRIBE c*",
        "PUNSUBSCRIBE c*",
        "PUBLISH c m",
        "PUBSUB|CHANNELS",
        "PING",
        "HELLO 3",
        "CLIENT|SETNAME x",
    ),
    *(
        "CLIENT|ID",
        "XADD k * a b",
        "XREAD STREAMS k 0",
        "XRANGE k - +",
        "EXPIRE k 5",
        "LPUSH k v",
        "LRANGE k 0 1",
        "HSET k a b",
        "EVALSHA x 0",
        "INFO",
    ),
]
SIDEKIQ = [
    *(
        "BRPOP k 2",
        "BLMOVE k l LEFT RIGHT 2",
        "LPUSH k v",
        "RPOPLPUSH k l",
        "LMOVE k l LEFT RIGHT",
        "LLEN k",
        "LRANGE k 0 1",
        "LREM k 1 v",
        "ZADD k 1 m",
    ),
    *(
        "ZREM k m",
        "ZRANGE k 0 1 BYSCORE",
        "ZPOPMIN k",
        "ZCARD k",
        "SADD k m",
        "SREM k m",
        "SMEMBERS k",
        "SCARD k",
        "SSCAN k 0",
        "SCAN 0",
        "HSET k a b",
    ),
    *(
        "HGETALL k",
        "HINCRBY k a 1",
        "INCR k",
        "INCRBY k 1",
        "EXPIRE k 5",
        "EVALSHA x 0",
        "SCRIPT|LOAD x",
        "SCRIPT|EXISTS x",
        "MULTI",
        "EXEC",
        "WATCH k",
    ),
    *(
        "INFO",
        "PING",
        "GET k",
        "SET k v NX EX 5",
        "UNLINK k",
        "EXISTS k",
        "TYPE k",
        "XADD k * a b",
        "XREADGROUP GROUP g c STREAMS k >",
        "CLIENT|SETNAME x",
    ),
]
NEVER = [
    *(
        "CONFIG|GET *",
        "CONFIG|SET maxmemory 0",
        "CONFIG|REWRITE",
        "FLUSHALL",
        "KEYS *",
        "DEBUG|SLEEP 1",
        "SHUTDOWN",
        "SAVE",
        "BGSAVE",
        "BGREWRITEAOF",
    ),
    *(
        "REPLICAOF a 1",
        "MODULE|LIST",
        "ACL|LIST",
        "ACL|SETUSER x",
        "CLIENT|KILL ID 1",
        "CLIENT|LIST",
        "MONITOR",
        "SLOWLOG|GET",
        "SWAPDB 0 1",
        "SORT k",
    ),
    *(
        "RESTORE k 0 x",
        "MIGRATE h 1 k 0 1",
        "FUNCTION|LOAD x",
        "FUNCTION|FLUSH",
        "SCRIPT|FLUSH",
        "SCRIPT|KILL",
        "LATENCY|RESET",
        "ROLE",
        "PSYNC a 1",
    ),
]
NO_LISTING = ["FLUSHDB", "SCAN 0", "RANDOMKEY", "DBSIZE", "SUBSCRIBE c", "PUBLISH c m", "BRPOP k 1"]

DRYRUN = """
answers = {}
for text in json.loads({texts!r}):
    parts = text.replace("|", " ").split()
    try:
        said = admin({instance!r}).execute_command("ACL", "DRYRUN", {user!r}, *parts)
    except redis.RedisError as error:
        said = str(error)
    answers[text] = said
print(json.dumps(answers))
"""


def answers(valkey: Any, instance: str, user: str, texts: list[str]) -> dict[str, str]:
    script = (
        DRYRUN.replace("{texts!r}", repr(json.dumps(texts)))
        .replace("{instance!r}", repr(instance))
        .replace("{user!r}", repr(user))
    )
    return valkey.python(script)


@pytest.fixture(scope="module", autouse=True)
def with_queue(valkey: Any) -> Iterator[None]:
    valkey.apply({"queue": {}}).ok()
    yield
    valkey.apply({"queue": {"state": "absent"}}).ok()


@pytest.mark.parametrize(
    ("instance", "texts"),
    [("cache", RAILS_CACHE), ("session", RAILS_SESSION), ("cable", ACTION_CABLE), ("queue", SIDEKIQ)],
)
def test_a_purpose_covers_what_its_application_runs(valkey: Any, instance: str, texts: list[str]) -> None:
    said = answers(valkey, instance, f"app_{instance}_a", texts)
    assert {text: answer for text, answer in said.items() if answer != "OK"} == {}


@pytest.mark.parametrize("instance", ["cache", "session", "cable", "queue"])
def test_no_application_user_administers(valkey: Any, instance: str) -> None:
    refused = NEVER + (NO_LISTING if instance == "session" else ["FLUSHDB"] if instance != "cache" else ["SUBSCRIBE c"])
    said = answers(valkey, instance, f"app_{instance}_a", refused)
    assert [text for text, answer in said.items() if "no permissions" not in answer] == []


def test_health_may_only_ping(valkey: Any) -> None:
    assert valkey.python("print(json.dumps(connect('session', 'health', '').ping()))") is True
    said = answers(valkey, "session", "health", [*RAILS_SESSION, *NEVER])
    # HELLO is how anybody logs in
    assert {text for text, answer in said.items() if answer == "OK"} == {"PING", "HELLO 3"}


TRY = """
try:
    print(json.dumps(repr(redis.Redis(port=6380, socket_timeout=5, **json.loads({told!r})).ping())))
except redis.RedisError as error:
    print(json.dumps(str(error)))
"""


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({}, "Authentication required"),
        ({"password": "wrong"}, "invalid username-password pair"),
        ({"username": "app_session_a", "password": "wrong"}, "invalid username-password pair"),
        ({"username": "app_session_b", "password": ""}, "invalid username-password pair"),
        ({"username": "nobody", "password": "x"}, "invalid username-password pair"),
        ({"username": "default", "password": ""}, "invalid username-password pair"),
    ],
)
def test_who_does_not_know_the_password_is_refused(valkey: Any, how: dict[str, str], words: str) -> None:
    said = valkey.python(TRY.replace("{told!r}", repr(json.dumps(how))))
    assert words in said.replace("WRONGPASS ", "") or "Authentication required" in said


def test_the_user_of_one_instance_is_unknown_to_another(valkey: Any) -> None:
    script = """
try:
    print(json.dumps(connect('session', 'app_cache_a').ping()))
except redis.RedisError as error:
    print(json.dumps(str(error)))
"""
    assert "invalid username-password" in valkey.python(script)
