# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Login probes against real servers: what works, what is refused, and all that is neither."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "lib"))
from yardstick import wall_time

SOCKET = "/var/run/postgresql/.s.PGSQL.5432"
#: Listens and accepts nobody, its queue full: whoever connects hears nothing, as behind a packet filter.
DEAF = """
import socket, time
server = socket.socket(); server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(("127.0.0.1", 6399)); server.listen(0)
held = [socket.socket() for at in range(3)]
[one.setblocking(False) or one.connect_ex(("127.0.0.1", 6399)) for one in held]
time.sleep(600)
"""


def valkey(name: str, port: int = 6379, user: str = "shop_cache_a", **more: Any) -> dict[str, Any]:
    return {"id": name, "kind": "valkey", "host": "127.0.0.1", "port": port, "user": user, **more}


def postgres(name: str, user: str = "shop_db_a", database: str = "shop", **more: Any) -> dict[str, Any]:
    return {"id": name, "kind": "postgres", "host": "127.0.0.1", "user": user, "database": database, **more}


def test_right_wrong_off_and_unknown_on_every_release(anywhere: Any) -> None:
    cache, shop = anywhere.secret("shop_cache"), anywhere.secret("shop_db")
    entries = [
        valkey("right"),
        valkey("by socket", socket="/run/valkey-cache/valkey.sock"),
        valkey("wrong"),
        valkey("off", user="shop_cache_b"),
        valkey("unknown", user="nobody"),
        valkey("another instance's", port=6380),
        postgres("pg right"),
        postgres("pg by socket", socket=SOCKET),
        postgres("pg wrong"),
        postgres("pg nologin", user="shop_db_b"),
    ]
    passwords = {item["id"]: shop if item["kind"] == "postgres" else cache for item in entries}
    passwords.update({"wrong": cache[:-1], "pg wrong": shop[:-1]})
    found = anywhere.outcomes(entries, passwords)
    works = {"right", "by socket", "pg right", "pg by socket"}
    assert {name: item[0] for name, item in found.items()} == {
        item["id"]: "works" if item["id"] in works else "refused" for item in entries
    }, found
    assert "28P01" in found["pg wrong"][1] and "WRONGPASS" in found["off"][1]


@pytest.fixture
def role(anywhere: Any) -> Iterator[Any]:
    """A role of the test's own, with its lines of pg_hba.conf before all others."""
    hba = f"/etc/postgresql/{anywhere.version}/main/pg_hba.conf"
    lines = "host all probe_md5 127.0.0.1/32 md5\\nhost all probe_plain 127.0.0.1/32 password\\n"
    lines += "host all probe_trust 127.0.0.1/32 trust\\nhost all probe_reject 127.0.0.1/32 reject\\nhost all probe 127.0.0.1/32 scram-sha-256"
    roles = ["probe", "probe_md5", "probe_plain", "probe_trust", "probe_reject"]
    anywhere.host.run(f"cp -p {hba} /root/hba && sed -i '1i {lines}' {hba}")
    anywhere.sql("".join(f"CREATE ROLE {name} LOGIN PASSWORD 'of-no-worth';" for name in roles))
    anywhere.sql("SET password_encryption = md5; ALTER ROLE probe_md5 PASSWORD 'of-no-worth'")
    anywhere.sql("SELECT pg_reload_conf()")
    yield anywhere
    anywhere.sql("".join(f"DROP ROLE {name};" for name in roles))
    anywhere.host.run(f"cp -p /root/hba {hba} && rm /root/hba")
    anywhere.sql("SELECT pg_reload_conf()")


def test_what_postgres_refuses_for_other_reasons_is_no_refusal(role: Any) -> None:
    def ask(**user: Any) -> tuple[str, str]:
        found = role.outcomes(
            [postgres("x", **{"user": "probe", "database": "postgres", **user})], {"x": "of-no-worth"}
        )
        return found["x"]

    entries = [
        postgres("right", "probe", "postgres"),
        postgres("no such database", "probe", "none"),
        postgres("no line in pg_hba", "shop_db_a", "postgres"),
        postgres("reject", "probe_reject", "postgres"),
        postgres("md5", "probe_md5", "postgres"),
        postgres("cleartext", "probe_plain", "postgres"),
        postgres("trust", "probe_trust", "postgres"),
        postgres("replication", "probe", replication=True),
    ]
    found = role.outcomes(entries, {item["id"]: "of-no-worth" for item in entries})
    assert {name: item[0] for name, item in found.items()} == {
        item["id"]: "works" if item["id"] == "right" else "error" for item in entries
    }, found
    assert "3D000" in found["no such database"][1] and "without asking" in found["trust"][1]
    assert "MD5" in found["md5"][1] and "itself" in found["cleartext"][1]
    role.sql("ALTER ROLE probe CONNECTION LIMIT 0")
    outcome, said = ask()
    assert (outcome, "53300" in said) == ("unreachable", True), said
    role.sql("ALTER ROLE probe CONNECTION LIMIT -1 NOLOGIN")
    outcome, said = ask()
    assert (outcome, "28000" in said) == ("refused", True), said
    role.sql("ALTER ROLE probe LOGIN VALID UNTIL '2020-01-01'")
    outcome, said = ask()
    assert (outcome, "28P01" in said) == ("refused", True), said


def test_down_closed_filtered_and_silent_servers_have_refused_nobody(site: Any) -> None:
    cache, shop = site.secret("shop_cache"), site.secret("shop_db")
    site.host.run("systemctl stop valkey-server@session; systemctl stop postgresql@17-main")
    # a check that is under way would end the stopped server, and a new one answers
    site.host.run("systemctl stop valkey-watchdog@cache.timer valkey-watchdog@cache.service")
    site.host.run("systemctl kill -s STOP valkey-server@cache")
    deaf = site.host.spawn(["python3", "-c", DEAF])
    try:
        site.host.until("sh -c 'ss -ltn | grep 6399'", "6399", 300)
        entries = [
            valkey("down", port=6380, expect="refused"),
            valkey("closed", port=6398, expect="refused"),
            valkey("filtered", port=6399, expect="refused"),
            valkey("silent", port=6379, expect="refused"),
            valkey("no name", expect="refused") | {"host": "no-such-host.invalid"},
            postgres("pg down", expect="refused"),
            postgres("pg filtered", expect="refused", port=6399),
        ]
        passwords = {item["id"]: shop if item["kind"] == "postgres" else cache for item in entries}
        with wall_time() as took:
            run = site.probe(entries, passwords, connect_timeout=1, timeout=2)
        assert took.calm < 15, took.told()
    finally:
        deaf.kill()
        site.host.run("systemctl kill -s CONT valkey-server@cache; pkill -f '[6]399'", check=False)
        site.host.run("systemctl start valkey-server@session postgresql@17-main valkey-watchdog@cache.timer")
    result = run.result("probe")
    assert result["failed"] and {item["outcome"] for item in result["outcomes"]} == {"unreachable"}, result
    assert "pg down: found unreachable (connection refused); expected refused" in result["msg"]
    assert "filtered: found unreachable (no connection within 1 s)" in result["msg"]
    assert "silent: found unreachable (no answer within 2 s)" in result["msg"]
    assert cache not in run.out and shop not in run.out


LOADING = "/tmp/probe-valkey"
SERVER = (
    f"valkey-server --port 6390 --dir {LOADING} --enable-debug-command local --daemonize yes"
    " --user app on '>Passw0rd-1' '~*' '+@all'"
)
CLI = "valkey-cli -p 6390 --user app --pass Passw0rd-1 --no-auth-warning"


@pytest.fixture
def slow(site: Any) -> Iterator[Any]:
    """Makes a Valkey of the test's own, with data that it can be made to load slowly."""
    site.host.run(f"rm -rf {LOADING}; mkdir -p {LOADING}; {SERVER}")
    site.host.until(f"{CLI} ping", "PONG", 300)
    site.host.run(f"{CLI} debug populate 30000 && {CLI} save && {CLI} shutdown nosave")
    site.host.run("while pgrep -f '[v]alkey-server.*6390' >/dev/null; do sleep 0.1; done")
    yield site
    site.host.run("pkill -9 -f '[v]alkey-server.*6390'", check=False)
    site.host.run(f"rm -rf {LOADING}")


def test_a_server_that_loads_is_asked_again_and_refuses_meanwhile(slow: Any) -> None:
    slow.host.run(f"{SERVER} --key-load-delay 5000 --loading-process-events-interval-bytes 1024")
    slow.host.until(f"{CLI} ping", "LOADING", 300)
    entries = [valkey("now", 6390, "app"), valkey("wrong", 6390, "app", expect="refused")]
    first = slow.outcomes(entries, {"now": "Passw0rd-1", "wrong": "Passw0rd-2"})
    assert first == {
        "now": ("unreachable", "it is loading its data"),
        "wrong": ("refused", "WRONGPASS: wrong password, or the user is off or unknown"),
    }
    slow.host.run(f"{CLI} config set key-load-delay 0")
    assert slow.outcomes([entries[0]], {"now": "Passw0rd-1"}, wait=600) == {"now": ("works", "logged in")}


def test_a_full_valkey_has_refused_nobody(slow: Any) -> None:
    slow.host.run(f"{SERVER} --maxclients 1 --save '' --dbfilename none")
    slow.host.until("ss -ltn", "6390", 300)
    holder = slow.host.spawn(
        ["python3", "-c", "import socket,time; s=socket.create_connection(('127.0.0.1', 6390)); time.sleep(1800)"]
    )
    try:
        slow.host.until("ss -tn state established", "6390", 300)
        found = slow.outcomes([valkey("x", 6390, "app")], {"x": "Passw0rd-1"})
    finally:
        holder.kill()
        slow.host.run("pkill -f '[c]reate_connection'", check=False)
    assert found["x"] == ("unreachable", "it has no connection left (maxclients)")


def test_no_password_is_shown_at_any_verbosity(site: Any) -> None:
    secret = site.secret("shop_cache")
    run = site.probe([valkey("wrong", user="nobody")], {"wrong": secret}, verbosity=4)
    assert "wrong: found refused" in run.out
    assert secret not in run.out
    assert secret not in site.host.run("journalctl --no-pager -o cat; cat /var/log/postgresql/*", check=False)


def test_fifty_logins_each_of_both_servers_take_a_second_or_so(site: Any) -> None:
    cache, shop = site.secret("shop_cache"), site.secret("shop_db")
    entries = [valkey(f"v{at}") for at in range(50)] + [postgres(f"p{at}") for at in range(50)]
    passwords = {item["id"]: cache if item["kind"] == "valkey" else shop for item in entries}
    clock = {"name": "clock", "ansible.builtin.command": "true"}
    probe = {"name": "probe", "mainstay.backend.credential_probe": {"probes": entries, "passwords": passwords}}
    with wall_time() as base:
        site.host.play(tasks=[clock]).ok()
    with wall_time() as all_of_it:
        result = site.host.play(tasks=[clock, probe]).ok().result("probe")
    took = all_of_it.seconds - base.seconds
    print(f"100 logins: {took:.2f} s with Ansible's own time for a module")
    assert {item["outcome"] for item in result["outcomes"]} == {"works"}
    assert took < 10 * all_of_it.slowness, f"without: {base.told()}; with: {all_of_it.told()}"
