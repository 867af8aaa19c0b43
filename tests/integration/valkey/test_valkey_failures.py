# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What happens when a server is killed, hangs, fills up or takes long to load."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "lib"))
from yardstick import wait_for, wall_time

TASK = "Run the instances"
WRITE = """
client, done, errors, again = connect({name!r}), [], 0, 0
n = 0
while again < 20: # until it was away and is back
    n += 1
    try:
        client.set("k:%d" % n, "v")
        done.append(n)
        again += errors > 0
    except redis.RedisError:
        errors += 1
        time.sleep(0.02)
for _ in range(3000):
    try:
        client.ping(); break
    except redis.RedisError:
        time.sleep(0.1)
lost = [n for n in done if client.get("k:%d" % n) is None]
print(json.dumps([len(done), errors, len(lost)]))
"""
PING = "valkey-cli -s /run/valkey-{name}/valkey.sock --user health --pass '' --no-auth-warning PING"


def pid(valkey: Any, name: str) -> str:
    return valkey.host.run(f"systemctl show -p MainPID --value valkey-server@{name}").strip()


def test_a_kill_under_load_loses_no_acknowledged_write(valkey: Any) -> None:
    """With a disk that is busy: that is when a server which syncs every second answers before it has written."""
    found: list[Any] = []
    burn = "while :; do dd if=/dev/zero of=/var/lib/valkey/busy bs=1M count=40 conv=fsync status=none; done"
    valkey.python("admin('session').flushall(); admin('session').bgrewriteaof()")
    valkey.host.run(f"systemd-run --quiet --unit=busy-disk --property=RuntimeMaxSec=900 sh -c '{burn}'")
    writer = threading.Thread(target=lambda: found.append(valkey.python(WRITE.format(name="session"))))
    writer.start()
    grown = "test $(cat /var/lib/valkey/session/appendonlydir/*.incr.aof | wc -c) -gt 20000 && echo yes"
    try:
        valkey.host.until(f"sh -c '{grown}'", "yes", 300)
        before = pid(valkey, "session")
        valkey.host.run(f"kill -9 {before}")
    finally:
        valkey.host.run("systemctl stop busy-disk; rm -f /var/lib/valkey/busy")
        writer.join()
    assert pid(valkey, "session") not in (before, "0")
    done, errors, lost = found[0]
    assert done > 50 and errors > 0 and lost == 0
    valkey.python("admin('session').flushall()")


def test_a_hung_server_is_healthy_again_within_20_seconds(valkey: Any) -> None:
    before = pid(valkey, "session")
    valkey.host.run(f"kill -STOP {before}")
    with wall_time() as took:
        valkey.host.until(PING.format(name="session"), "PONG", 300)
    assert took.calm < 20, took.told()
    assert pid(valkey, "session") != before
    assert "did not answer 3 times in a row" in valkey.host.run(
        "journalctl --no-pager -o cat -u valkey-watchdog@session"
    )


def test_a_server_that_crashes_again_and_again_comes_back_and_keeps_its_watchdog(valkey: Any) -> None:
    for _turn in range(7):
        before = pid(valkey, "cable")
        valkey.host.run(f"kill -9 {before}")
        valkey.host.until(PING.format(name="cable"), "PONG", 300)
    active = "systemctl is-active valkey-server@cable.service valkey-watchdog@cable.timer"
    assert valkey.host.run(active, check=False).split() == ["active", "active"]


def fired(valkey: Any) -> set[str]:
    """When the watchdog of each instance last started."""
    names = [
        line.split()[0]
        for line in valkey.host.run("systemctl list-units --plain --no-legend 'valkey-watchdog@*.timer'").splitlines()
    ]
    assert names
    return {f"{name} {valkey.host.run(f'systemctl show -P LastTriggerUSec {name}').strip()}" for name in names}


def test_the_watchdog_is_silent_while_all_is_well(valkey: Any) -> None:
    since = valkey.host.run("date '+%F %T'").strip()
    for _turn in range(2):
        before = fired(valkey)
        wait_for(lambda before=before: not before & fired(valkey), "every watchdog passed", pause=0.3)
    assert (
        valkey.host.run(["journalctl", "--no-pager", "-o", "cat", "-u", "valkey-watchdog@*.service", "--since", since])
        .replace("-- No entries --", "")
        .strip()
        == ""
    )


def slow_restart(valkey: Any) -> str:
    """Restarts cable so that its 1500 keys take 15 seconds and PINGs are answered once in 10, longer than the watchdog waits."""
    valkey.host.run("printf 'key-load-delay 10000\\n' >> /etc/valkey/valkey-cable.conf")
    before = pid(valkey, "cable")
    valkey.host.run("systemctl restart --no-block valkey-server@cable")
    wait_for(lambda: pid(valkey, "cable") not in ("0", before), "systemd started cable", pause=0.1)
    return pid(valkey, "cable")


def test_loading_takes_its_time_and_the_watchdog_and_the_role_wait(valkey: Any) -> None:
    valkey.python(
        "c = connect('cable'); p = c.pipeline(transaction=False)\nfor n in range(1500): p.set('k:%d' % n, 'x' * 50)\np.execute()"
    )
    start = (
        time.monotonic()
    )  # of the load, or before it: however late the role comes to look, it must not have ended before that
    loading = slow_restart(valkey)
    valkey.apply().ok()
    assert time.monotonic() - start > 12
    assert pid(valkey, "cable") == loading
    assert valkey.python("print(json.dumps(connect('cable').dbsize()))") == 1500


STOP_AT_ONCE = """
before=$(systemctl show -P MainPID valkey-server@cable); systemctl restart --no-block valkey-server@cable
while :; do
  now=$(systemctl show -P MainPID valkey-server@cable)
  [ "$now" = 0 ] || [ "$now" = "$before" ] || break
done
kill -STOP "$now"; echo "$now"
"""


@pytest.mark.parametrize("how", ["while it loads", "before it listens"])
def test_a_server_stopped_at_its_start_is_started_again(valkey: Any, how: str) -> None:
    valkey.python("c = connect('cable')\nfor n in range(1500): c.set('k:%d' % n, 'x' * 50)")
    if how == "while it loads":
        stopped = slow_restart(valkey)
        valkey.host.until("ss -Hxl", "/run/valkey-cable/valkey.sock", 300)
        valkey.host.run(f"kill -STOP {stopped}")
    else:
        stopped = valkey.host.run(STOP_AT_ONCE).strip()
    wait_for(lambda: pid(valkey, "cable") not in ("0", stopped), "the stopped server was started again", pause=0.3)
    valkey.apply().ok()
    assert valkey.python("print(json.dumps(connect('cable').dbsize()))") == 1500
    valkey.python("admin('cable').flushall()")


def test_a_full_cache_evicts_and_the_sessions_stay(valkey: Any) -> None:
    valkey.python("c = connect('session')\nfor n in range(500): c.set('token:%d' % n, 'user')")
    flood = """
c = connect('cache')
for n in range(330): c.set('big:%d' % n, 'x' * 1000000)
print(json.dumps(admin('cache').info()['evicted_keys']))
"""
    assert valkey.python(flood) > 0
    assert (
        valkey.python("c = connect('session'); print(json.dumps(sum(1 for n in range(500) if c.get('token:%d' % n))))")
        == 500
    )
    valkey.python("admin('cache').flushall(); admin('session').flushall()")


def test_a_full_session_instance_refuses_writes_and_evicts_nothing(back: Any) -> None:
    back.apply({"session": {"maxmemory": "16mb"}}).ok()
    script = """
c, said = connect('session'), ''
c.set('first', 'here')
try:
    for n in range(40): c.set('big:%d' % n, 'x' * 1000000)
except redis.RedisError as error:
    said = str(error)
print(json.dumps([said, c.get('first'), admin('session').info()['evicted_keys'], c.delete('first')]))
"""
    said, first, evicted, deleted = back.python(script)
    assert "OOM" in said or "maxmemory" in said
    assert (first, evicted, deleted) == ("here", 0, 1)
    back.python("admin('session').flushall()")


def test_a_restarted_cache_is_empty_and_fine(valkey: Any) -> None:
    valkey.python("connect('cache').set('k', 'v')")
    valkey.host.run("systemctl restart valkey-server@cache")
    assert valkey.python("c = connect('cache'); print(json.dumps([c.get('k'), c.set('k', 'v')]))") == [None, True]


def test_messages_arrive_while_the_cache_is_hammered(valkey: Any) -> None:
    script = """
import threading
stop = []
def hammer():
    c = connect('cache')
    while not stop: c.set('x', 'y' * 1000)
threading.Thread(target=hammer, daemon=True).start()
listener = connect('cable').pubsub()
listener.subscribe('room')
listener.get_message(timeout=60)
got = 0
for n in range(200):
    connect('cable').publish('room', str(n))
    message = listener.get_message(timeout=60)
    got += message is not None and message['data'] == str(n)
stop.append(1)
print(json.dumps(got))
"""
    assert valkey.python(script) == 200


def test_the_client_networks_of_the_unit_are_in_force(valkey: Any) -> None:
    """In systemd's, that is: a container lacks the right to attach the filter, so what it drops cannot be seen here."""
    told = valkey.host.run("systemctl show -p IPAddressDeny -p IPAddressAllow valkey-server@session")
    assert "0.0.0.0/0" in told and "127.0.0.0/8" in told
