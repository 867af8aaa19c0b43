# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Users that watch and that copy: what they are for they can do, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest

#: What a watcher of Valkey may, and what it may not: the second would show or change data, or the configuration with its secrets.
MAY = (
    ("ping",),
    ("info",),
    ("slowlog", "len"),
    ("latency", "latest"),
    ("latency", "history", "command"),
    ("latency", "histogram"),
)
MAY_NOT = (
    *(("get", "x"), ("set", "x", "1"), ("keys", "*"), ("scan", "0"), ("flushall",), ("config", "get", "*")),
    *(
        ("slowlog", "get"),
        ("client", "list"),
        ("client", "kill", "user", "shop_cache_a"),
        ("acl", "list"),
        ("monitor",),
    ),
    *(
        ("publish", "x", "1"),
        ("subscribe", "x"),
        ("eval", "return 1", "0"),
        ("replicaof", "no", "one"),
        ("shutdown",),
        ("failover",),
    ),
    *(
        ("module", "list"),
        ("save",),
        ("object", "freq", "x"),
        ("memory", "usage", "x"),
        ("dump", "x"),
    ),
)


def test_who_watches_valkey_sees_figures_and_nothing_else(backend: Any) -> None:
    user, password = backend.password("cache_watch")
    for words in MAY:
        assert not backend.valkey("cache", user, password, *words).startswith("NOPERM"), words
    assert "used_memory:" in backend.valkey("cache", user, password, "info")
    for words in MAY_NOT:
        assert backend.valkey("cache", user, password, *words).startswith("NOPERM"), words
    assert "NOAUTH" in backend.valkey("session", user, password, "ping"), "it belongs to one instance"


REPLICA = """
import json, os, re, subprocess, tempfile, time
import redis
told = json.loads({told!r})
folder = tempfile.mkdtemp()
os.chmod(folder, 0o777)
words = ["/usr/bin/valkey-server", "--port", "0", "--unixsocket", folder + "/s", "--dir", folder, "--save", "", "--replicaof", "127.0.0.1 6379"]
words += ["--primaryuser", told["user"], "--primaryauth", told["password"]]
server = subprocess.Popen(words, stdout=open(folder + "/log", "w"))
refused = lambda: re.search("WRONGPASS|NOPERM", open(folder + "/log").read())
try:
    client = redis.Redis(unix_socket_path=folder + "/s", decode_responses=True)
    end, found = time.time() + told["seconds"], None
    while time.time() < end and found is None and not refused():
        time.sleep(0.2)
        try:
            found = client.get("copied")
        except redis.RedisError:
            pass
    print(json.dumps([client.info("replication")["master_link_status"], found, bool(refused())]))
finally:
    server.kill()
"""


def replica(backend: Any, user: str, password: str, seconds: int = 300) -> Any:
    """What a second server on the host says that copies instance cache as USER."""
    told = json.dumps({"user": user, "password": password, "seconds": seconds})
    return json.loads(backend.host.run(["python3", "-"], text=REPLICA.replace("{told!r}", repr(told)), seconds=600))


def test_who_copies_valkey_feeds_a_replica_and_can_do_nothing_else(backend: Any) -> None:
    user, password = backend.password("cache_copy")
    backend.admin("cache", "set", "copied", "yes")
    assert replica(backend, user, password) == ["up", "yes", False]
    assert replica(backend, user, "wrong") == ["down", None, True]
    watcher = backend.password("cache_watch")
    assert replica(backend, *watcher) == ["down", None, True]
    for words in [words for words in (*MAY, *MAY_NOT) if words[0] != "ping"]:
        assert backend.valkey("cache", user, password, *words).startswith("NOPERM"), words


def test_who_watches_postgres_sees_what_others_do(backend: Any) -> None:
    user, password = backend.password("db_watch")
    shop = backend.password("shop_db")
    seen = "SELECT count(*) > 0 FROM pg_stat_activity WHERE usename = 'postgres' AND query NOT LIKE '<insufficient%'"
    assert backend.psql(user, password, seen, "postgres") == (0, "t")
    assert backend.psql(*shop, seen) == (0, "f"), "the test tells watchers from others"
    for database in ("postgres", "shop", "stats"):
        code, told = backend.psql(user, password, "SELECT count(*) >= 0 FROM pg_stat_user_tables", database)
        assert (code, told) == (0, "t"), database
    assert backend.psql(user, password, "SHOW default_transaction_read_only", "shop") == (0, "on")


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM kept",
        "INSERT INTO kept VALUES (1)",
        "CREATE TABLE own (n int)",
        "CREATE TEMP TABLE own (n int)",
        "SELECT rolpassword FROM pg_authid",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT pg_reload_conf()",
        "ALTER ROLE shop_db_a PASSWORD 'x'",
        "SET ROLE shop_owner",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'logical replication launcher'",
    ],
)
def test_who_watches_postgres_can_do_nothing_else(backend: Any, query: str) -> None:
    shop = backend.password("shop_db")
    backend.psql(*shop, "CREATE TABLE IF NOT EXISTS kept (n int)")
    user, password = backend.password("db_watch")
    code, told = backend.psql(user, password, f"BEGIN READ WRITE; {query}", "shop")
    assert code != 0 and ("denied" in told or "must be" in told or "permission" in told), told


def test_who_copies_postgres_streams_and_can_do_nothing_else(backend: Any) -> None:
    user, password = backend.password("db_copy")
    base = f"PGPASSWORD={password} timeout 600 pg_basebackup -h 127.0.0.1 -U {user} -D /var/tmp/copy -X stream -c fast"
    backend.host.run(
        f"rm -rf /var/tmp/copy; {base}; test -s /var/tmp/copy/PG_VERSION; rm -rf /var/tmp/copy", seconds=900
    )
    receive = f"PGPASSWORD={password} timeout 600 pg_receivewal -h 127.0.0.1 -U {user} -D /var/tmp/wal"
    arrives = "until ls /var/tmp/wal/*.partial; do kill -0 $! || exit 1; sleep 0.2; done; kill $!"
    backend.host.run(f"rm -rf /var/tmp/wal; mkdir /var/tmp/wal; {receive} & {arrives}", seconds=900)
    for database in ("postgres", "shop", "template1"):
        code, told = backend.psql(user, password, "SELECT 1", database)
        assert code != 0 and "no pg_hba.conf entry" in told
    watcher, word = backend.password("db_watch")
    code = backend.host.run(
        f"PGPASSWORD={word} pg_basebackup -h 127.0.0.1 -U {watcher} -D /var/tmp/none; echo $?", check=False
    )
    assert code.strip() == "1"
