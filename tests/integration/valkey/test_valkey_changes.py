# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Changes of running instances: live where the server can, by a restart that loses nothing where it cannot."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "lib"))
from yardstick import wait_for

TASK = "Run the instances"

#: Writes numbered keys until it is told to stop, and prints how many were acknowledged; a restart in between is waited for.
WRITER = """
import os
done = 0
client = connect({name!r})
while not os.path.exists("/tmp/written.stop"):
    try:
        if client.set("w:%d" % (done + 1), "x" * 50):
            done += 1
    except redis.RedisError:
        time.sleep(0.02)
        client = connect({name!r})
print(json.dumps(done))
"""
COUNT = """
client = connect({name!r})
for _ in range(3000):
    try:
        client.ping(); break
    except redis.RedisError:
        time.sleep(0.1)
print(json.dumps(sum(1 for n in range(1, {count} + 1) if client.get("w:%d" % n))))
"""


def written_meanwhile(valkey: Any, name: str, action: Any) -> tuple[int, int]:
    """(acknowledged, found afterwards) of writes to NAME while ACTION runs."""
    import threading

    valkey.host.run("rm -f /tmp/written.stop")
    valkey.python(f"c = admin({name!r}); c.flushall()")
    found: list[int] = []
    writer = threading.Thread(target=lambda: found.append(valkey.python(WRITER.format(name=name))))
    writer.start()
    try:
        reads = f"connect({name!r}).get('w:20') or ''"
        wait_for(lambda: valkey.python(f"print(json.dumps({reads}))"), f"20 writes to {name}")
        action()
    finally:
        valkey.host.run("touch /tmp/written.stop")
        writer.join()
    return found[0], valkey.python(COUNT.format(name=name, count=found[0]))


def test_what_can_change_live_changes_live(back: Any) -> None:
    before = back.run_ids()
    run = back.apply(
        {
            "cache": {"maxmemory": "200mb", "maxmemory_policy": "allkeys-lfu", "settings": {"hz": 20}},
            "session": {"maxclients": 500},
        }
    ).ok()
    told = run.result(TASK)
    assert "cache: maxmemory 268435456 -> 209715200 without a restart" in told["actions"]
    assert back.run_ids() == before
    assert back.python("print(json.dumps(admin('cache').config_get('maxmemory', 'maxmemory-policy', 'hz')))") == {
        "maxmemory": "209715200",
        "maxmemory-policy": "allkeys-lfu",
        "hz": "20",
    }
    assert (
        back.apply(
            {
                "cache": {"maxmemory": "200mb", "maxmemory_policy": "allkeys-lfu", "settings": {"hz": 20}},
                "session": {"maxclients": 500},
            }
        ).changed
        == []
    )


def test_a_port_changes_live(back: Any) -> None:
    before = back.run_ids()
    back.apply({"session": {"port": 6390}}).ok()
    assert back.run_ids() == before
    assert ":6390" in back.host.run("ss -Hltn") and ":6380" not in back.host.run("ss -Hltn")


def test_a_restart_happens_only_where_a_directive_needs_it_and_loses_nothing(back: Any) -> None:
    before = back.run_ids()
    runs: list[Any] = []
    wrote, found = written_meanwhile(back, "session", lambda: runs.append(back.apply({"session": {"databases": 4}})))
    told = runs[0].ok().result(TASK)
    assert "session: restarted, because databases is read at a start only" in told["actions"]
    after = back.run_ids()
    assert after["session"] != before["session"]
    assert (after["cache"], after["cable"]) == (before["cache"], before["cable"])
    assert wrote > 20 and found == wrote


def test_turning_persistence_on_together_with_a_restart_loses_nothing(back: Any) -> None:
    """A start with appendonly yes and no append-only file would come up empty."""
    runs: list[Any] = []
    wrote, found = written_meanwhile(
        back, "cache", lambda: runs.append(back.apply({"cache": {"appendonly": True, "databases": 3}}))
    )
    runs[0].ok()
    assert wrote > 20 and found == wrote
    assert back.info("cache", "aof_enabled") == 1


def test_persistence_that_was_turned_off_by_hand_is_on_again_before_a_restart(back: Any) -> None:
    back.python(
        "c = admin('session'); c.flushall(); connect('session').set('w:1', 'kept'); c.config_set('appendonly', 'no'); connect('session').set('w:2', 'kept')"
    )
    run = back.apply({"session": {"databases": 5}}).ok()
    assert any("appendonly no -> yes" in text for text in run.result(TASK)["actions"])
    assert back.python(COUNT.format(name="session", count=2)) == 2


def test_drift_is_found_on_the_running_server_undone_and_shown(valkey: Any) -> None:
    before = valkey.run_ids()
    valkey.python(
        "admin('session').config_set('maxmemory-policy', 'allkeys-lru'); admin('session').config_set('activerehashing', 'no')"
    )
    valkey.python("admin('cable').execute_command('ACL', 'SETUSER', 'intruder', 'on', 'nopass', '~*', '&*', '+@all')")
    checked = valkey.apply(check=True).ok().result(TASK)
    told = valkey.apply().ok().result(TASK)
    assert checked["actions"] == told["actions"]
    assert (
        "session: maxmemory-policy allkeys-lru -> noeviction without a restart (it had been changed by hand)"
        in told["actions"]
    )
    assert "session: activerehashing no -> yes without a restart (it had been changed by hand)" in told["actions"]
    shown = {entry["before_header"]: entry for entry in told["diff"]}
    assert "maxmemory-policy allkeys-lru" in shown["running server session"]["before"]
    assert "maxmemory-policy noeviction" in shown["running server session"]["after"]
    assert "user intruder on" in shown["running server cable"]["before"]
    assert "intruder" not in valkey.python("print(json.dumps(admin('cable').acl_users()))")
    assert valkey.run_ids() == before
    assert valkey.apply().changed == []


@pytest.mark.parametrize(
    ("settings", "words", "checks"),
    [
        ({"client-output-buffer-limit": "pubsub lots 8mb 60"}, "client-output-buffer-limit", (True, False)),
        ({"hz": "many%"}, None, (False,)),
        ({"notify-keyspace-events": "?!"}, "notify-keyspace-events", (False,)),
    ],
)
def test_a_configuration_that_the_server_refuses_replaces_nothing(
    valkey: Any, settings: dict[str, str], words: str | None, checks: tuple[bool, ...]
) -> None:
    before = valkey.run_ids(), valkey.host.run("sha256sum /etc/valkey/* /etc/systemd/system/valkey-server@*/*")
    for check in checks:
        run = valkey.apply({"session": {"settings": settings}}, check=check)
        assert run.code != 0
        if words:
            assert "the server refuses this configuration, nothing was replaced" in run.message and words in run.message
    assert (
        valkey.run_ids(),
        valkey.host.run("sha256sum /etc/valkey/* /etc/systemd/system/valkey-server@*/*"),
    ) == before


def test_an_instance_that_does_not_come_up_gets_its_previous_files_back(back: Any) -> None:
    guard = "/etc/systemd/system/valkey-server@session.service.d/zz-test.conf"
    back.python("connect('session').set('w:1', 'kept')")
    back.host.write(guard, "[Service]\nExecStartPre=+/bin/grep -q '^databases 1$' /etc/valkey/valkey-session.conf\n")
    back.host.run("systemctl daemon-reload")
    try:
        run = back.apply({"session": {"databases": 7}})
        assert run.code != 0
        assert (
            "session did not come up" in run.message
            and "Its previous files were put back and it runs with them" in run.message
        )
        assert "databases 1\n" in back.host.run("cat /etc/valkey/valkey-session.conf")
        assert back.python("print(json.dumps(connect('session').get('w:1')))") == "kept"
    finally:
        back.host.run(f"rm {guard} && systemctl daemon-reload")
    assert back.apply().changed == []


def test_a_file_that_was_broken_by_hand_is_repaired_and_its_server_started(valkey: Any) -> None:
    valkey.python("connect('session').set('w:1', 'kept')")
    valkey.host.run(
        "echo nonsense >> /etc/valkey/valkey-session.conf; systemctl restart valkey-server@session", check=False
    )
    told = valkey.apply().ok().result(TASK)
    assert "session: started" in told["actions"]
    assert valkey.python("print(json.dumps(connect('session').get('w:1')))") == "kept"
    assert valkey.apply().changed == []


def test_an_interrupted_restart_is_finished_by_the_next_run(back: Any) -> None:
    before = back.run_ids()
    back.host.run("mkdir -p /run/mainstay && echo x > /run/mainstay/valkey-cable.restart")
    told = back.apply().ok().result(TASK)
    assert told["actions"] == ["cable: restarted, because an interrupted run left it due"]
    assert back.run_ids()["cable"] != before["cable"]
    assert back.apply().changed == []


def test_data_in_another_directory_is_refused_with_the_remedy(valkey: Any) -> None:
    run = valkey.apply({"session": {"directory": "/srv/session"}})
    assert run.code != 0
    assert (
        "valkey_instances.session.directory: found /srv/session, and its data in /var/lib/valkey/session" in run.message
    )
    assert "mv /var/lib/valkey/session /srv/session" in run.message
    assert valkey.host.run("ls /srv | grep session", check=False) == ""


def test_less_memory_than_in_use_is_refused_where_nothing_may_be_evicted(back: Any) -> None:
    back.python("c = connect('session')\nfor n in range(20): c.set('big:%d' % n, 'x' * 1000000)")
    run = back.apply({"session": {"maxmemory": "16mb"}})
    assert run.code != 0 and "valkey_instances.session.maxmemory: found 16777216" in run.message
    assert back.python("print(json.dumps(admin('session').config_get('maxmemory')))") == {"maxmemory": "134217728"}
    back.python("admin('session').flushall()")


def test_an_instance_comes_goes_and_comes_back_with_its_data(back: Any) -> None:
    back.apply({"queue": {"state": "absent"}}).ok()
    assert "queue: created and started" in back.apply({"queue": {}}).ok().result(TASK)["actions"]
    back.python("connect('queue').set('job', 'one')")
    gone = back.apply({"queue": {"state": "absent"}})
    assert gone.ok().result(TASK)["actions"] == ["queue: removed; its data stays in /var/lib/valkey/queue"]
    assert back.host.run(
        "systemctl is-active valkey-server@queue valkey-watchdog@queue.timer", check=False
    ).split() == ["inactive", "inactive"]
    assert back.host.run("ls /etc/valkey /etc/systemd/system | grep -c queue", check=False).strip() == "0"
    assert back.apply({"queue": {"state": "absent"}}).changed == []
    back.apply({"queue": {}}).ok()
    assert back.python("print(json.dumps(connect('queue').get('job')))") == "one"
    back.apply({"queue": {"state": "absent"}}).ok()


def test_a_replaced_store_replaces_the_users_by_a_restart_and_says_so(valkey: Any) -> None:
    valkey.python("connect('session').set('w:1', 'kept')")
    store = valkey.host.work / "secrets"
    store.rename(store.with_name(f"before-{time.time_ns()}"))
    told = valkey.apply().ok().result(TASK)
    assert any(
        text.startswith("session: restarted, because it refuses the administrator's login") for text in told["actions"]
    )
    assert valkey.python("print(json.dumps(connect('session').get('w:1')))") == "kept"
    assert valkey.apply().changed == []


def test_client_networks_are_let_in_without_a_restart(back: Any) -> None:
    before = back.run_ids()
    run = back.apply({"cache": {"clients": ["10.1.2.0/24"]}}).ok()
    assert run.changed and back.run_ids() == before
    assert "10.1.2.0/24" in back.host.run("systemctl show -p IPAddressAllow valkey-server@cache")


def test_the_diff_of_users_shows_rights_and_no_verifier(back: Any) -> None:
    run = back.apply({"session": {"maxmemory": "120mb"}, "queue": {}}).ok()
    text = json.dumps(run.result(TASK)["diff"])
    assert "user app_queue_a on" in text and "#(verifier)" in text
    acl = back.host.run("cat /etc/valkey/users-queue.acl")
    hashes = [part[1:] for part in acl.split() if part.startswith("#")]
    assert hashes and not any(item in text for item in hashes)
    back.apply({"queue": {"state": "absent"}}).ok()
