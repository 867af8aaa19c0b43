# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Units of systemd take up what is new, by reload where that suffices; the first that does not become well is found, and stops the rest."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conftest import HUP

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "lib"))
from yardstick import wall_time

#: Holds the lock until somebody waits for it and then for two seconds, restarts the unit, and says which process that is.
OTHER = """
import fcntl, glob, os, subprocess, sys, time
lock = open(sys.argv[1], "a")
fcntl.flock(lock, fcntl.LOCK_EX)
def opened(path):
    try:
        return os.readlink(path) == sys.argv[1]
    except OSError:
        return False
mine, until = f"/proc/{os.getpid()}/", time.monotonic() + 600
def waits():
    return [path for path in glob.glob("/proc/[0-9]*/fd/*") if not path.startswith(mine) and opened(path)]
while time.monotonic() < until:
    if waits():
        time.sleep(2)
        if waits():
            break
    time.sleep(0.1)
subprocess.run(["systemctl", "restart", "shop"], check=True)
print(subprocess.run(["systemctl", "show", "-P", "MainPID", "shop"], capture_output=True, text=True, check=True).stdout)
"""


def consumer(name: str, **options: Any) -> dict[str, Any]:
    return {"name": name, "unit": name, **options}


def became(run: Any, *keys: str) -> list[tuple[Any, ...]]:
    """What became of each consumer."""
    return [tuple(item[key] for key in ("name", *keys)) for item in run.result("act")["consumers"]]


def test_a_unit_is_reloaded_where_it_can_be_and_restarted_where_it_cannot(
    units: Any, reload: Callable[..., Any]
) -> None:
    units.add("can", HUP)
    units.add("cannot")
    before = {name: units.pid(name) for name in ("can", "cannot")}
    units.write("new")
    run = reload(consumer("can"), consumer("cannot")).ok()
    assert became(run, "how", "done", "healthy", "why") == [
        ("can", "reload can.service", True, True, ""),
        ("cannot", "restart cannot.service", True, True, ""),
    ]
    assert run.result("act")["actions"] == ["can: reload can.service", "cannot: restart cannot.service"]
    assert units.pid("can") == before["can"] and units.pid("cannot") != before["cannot"]
    assert units.words("can") == "new -" and units.words("cannot") == "new -"


def test_the_method_may_be_told(units: Any, reload: Callable[..., Any]) -> None:
    units.add("can", HUP)
    units.add("cannot")
    before = {name: units.pid(name) for name in ("can", "cannot")}
    units.write("new")
    run = reload(consumer("can", reload_method="restart"), consumer("cannot", reload_method="HUP")).ok()
    assert became(run, "how") == [("can", "restart can.service"), ("cannot", "HUP cannot.service")]
    assert units.pid("can") != before["can"] and units.pid("cannot") == before["cannot"]
    assert units.words("cannot") == "new -"
    refused = reload(consumer("can"), consumer("cannot", reload_method="reload"))
    expected = "consumer cannot: reload_method: found reload; expected restart: cannot.service has no ExecReload"
    assert refused.code and refused.message == expected
    assert not refused.result("act")["changed"], "nothing is done where one of them cannot be moved"


def test_what_systemd_reads_at_the_start_only_takes_a_restart(units: Any, reload: Callable[..., Any]) -> None:
    """A reload would leave the old environment in place, and the consumer on the old secret."""
    units.add("env", HUP, "EnvironmentFile=/srv/shop/.env")
    units.add("cred", HUP, "SetCredential=word:old")
    units.write("new")
    run = reload(consumer("env", env_files=["/srv/shop/.env"]), consumer("cred")).ok()
    assert became(run, "how") == [("env", "restart env.service"), ("cred", "restart cred.service")]
    assert units.words("env") == "new new"


def test_readiness_comes_from_systemd_or_from_the_health_check(units: Any, reload: Callable[..., Any]) -> None:
    units.add("notifies", ready=2, notify=True)
    url = units.add("slow", ready=3)
    with wall_time() as took:
        run = reload(consumer("notifies", health={"settle": 0}), consumer("slow", health={"url": url})).ok()
    (_name, first), (_name, second) = became(run, "seconds")
    assert first >= 2 and second >= 3, (first, second)
    assert max(first, second) < 10 * took.slowness, (first, second, took.told())
    assert units.words("slow")


def test_one_that_dies_after_its_restart_is_found_and_the_later_ones_are_left_alone(
    units: Any, reload: Callable[..., Any]
) -> None:
    """Once for good, and once where systemd starts it again so soon that nobody sees it dead."""
    units.add("first")
    units.add("later")
    for name, lines, dies in (("dies", ("Restart=no",), 0.6), ("returns", ("Restart=always", "RestartSec=1ms"), -0.6)):
        units.add(name, *lines)
        units.add(name, *lines, dies=dies)
        before = units.pid("first"), units.pid("later")
        run = reload(consumer("first"), consumer(name, health={"settle": 60, "timeout": 120}), consumer("later"))
        assert run.code
        told = became(run, "done", "healthy")
        assert told == [("first", True, True), (name, True, False), ("later", False, None)]
        assert f"consumer {name}: {name}.service " in run.message and "after its restart" in run.message
        assert run.message.endswith(f"(journalctl -u {name}.service)\ndone before it: first\nleft alone: later")
        assert units.pid("first") != before[0] and units.pid("later") == before[1]
        assert run.result("act")["changed"]


def test_a_health_check_that_says_no_stops_it_in_time(units: Any, reload: Callable[..., Any]) -> None:
    url = units.add("sick")
    units.add("later")
    before = units.pid("later")
    units.write("broken")
    with wall_time() as took:
        run = reload(consumer("sick", health={"url": url, "timeout": 3}), consumer("later"))
    expected = f"consumer sick: {url}: found status 503; expected 200 after 3 s (journalctl -u sick.service)"
    assert run.code and run.message == f"{expected}\nleft alone: later"
    assert became(run, "seconds")[0][1] < 8 * took.slowness, took.told()
    assert units.pid("later") == before
    run = reload(consumer("sick", health={"tcp": 9, "timeout": 2}))
    assert "port 9 of 127.0.0.1: Connection refused after 2 s" in run.message
    run = reload(consumer("sick", health={"url": url, "status": 503}))
    assert became(run.ok(), "healthy") == [("sick", True)]


def test_a_reload_that_fails_is_told(units: Any, reload: Callable[..., Any]) -> None:
    units.add("odd", "ExecReload=/bin/false")
    units.add("fragile", "ExecReload=/bin/kill -USR1 $MAINPID")
    run = reload(consumer("odd"))
    assert run.code and "consumer odd: its reload failed" in run.message
    run = reload(consumer("fragile"))
    # SIGUSR1 ends what does not know it: while systemd still reloads, or just after
    assert run.code and re.match(
        r"consumer fragile: (its reload failed \(signal 10\)|.* after its reload)", run.message
    )


def test_what_failed_before_is_started_again(units: Any, reload: Callable[..., Any]) -> None:
    """As in a rotation that is run again after the program was mended, even where systemd has given up."""
    lines = ("Restart=always", "RestartSec=10ms", "StartLimitInterval=1h")
    units.add("tried", *lines)
    units.add("tried", *lines, dies=0.05)
    units.host.run("systemctl restart tried")
    units.host.until("systemctl is-failed tried", "failed", 300)
    units.host.run("sed -i 's/ 0.05 no/ 0 no/' /etc/systemd/system/tried.service && systemctl daemon-reload")
    assert became(reload(consumer("tried")).ok(), "how", "healthy") == [("tried", "restart tried.service", True)]


def test_a_consumer_with_two_units_stops_at_the_first_that_fails(units: Any, reload: Callable[..., Any]) -> None:
    url = units.add("web")
    units.add("jobs")
    before = units.pid("jobs")
    both = {"name": "shop", "unit": ["web", "jobs.service"], "health": {"url": url, "timeout": 2}}
    units.write("broken")
    assert reload(both).code and units.pid("jobs") == before
    units.write("new")
    both["health"] = {"url": url, "timeout": 300}
    assert became(reload(both).ok(), "how") == [("shop", "restart web.service, restart jobs.service")]
    assert units.pid("jobs") != before


def test_checked_changes_nothing_and_says_what_would_stand_in_the_way(units: Any, reload: Callable[..., Any]) -> None:
    url = units.add("well", HUP)
    units.add("sick")
    units.add("stopped")
    units.host.run("systemctl stop stopped")
    before = units.pid("well"), units.pid("sick")
    run = reload(consumer("well", health={"url": url}), state="checked").ok()
    assert became(run, "how", "done", "healthy") == [("well", "reload well.service", False, True)]
    assert not run.result("act")["changed"]
    run = reload(consumer("sick", health={"tcp": 9}), consumer("stopped"), consumer("nowhere"), state="checked")
    first, second, third = run.message.splitlines()
    assert first.startswith("consumer sick: port 9 of 127.0.0.1: Connection refused after ")
    told = "stopped.service does not run (inactive); expected it to run: start it, or take it out of backend_consumers"
    assert second == f"consumer stopped: {told}"
    assert third == "consumer nowhere: systemd knows no unit nowhere.service; expected it to run"
    assert (units.pid("well"), units.pid("sick")) == before
    run = reload(consumer("stopped"), consumer("nowhere"), consumer("well"), stopped="leave").ok()
    assert became(run, "done") == [("stopped", False), ("nowhere", False), ("well", True)]
    assert units.pid("stopped") == "0", "what was stopped is never started"


def test_check_mode_says_what_would_be_done(units: Any, reload: Callable[..., Any]) -> None:
    units.add("can", HUP)
    before = units.pid("can")
    run = reload(consumer("can"), {"name": "jobs", "reload": ["/bin/true"]}, check=True).ok()
    assert run.result("act")["actions"] == ["can: would reload can.service", "jobs: would run /bin/true"]
    assert run.result("act")["changed"] and units.pid("can") == before
    assert reload(consumer("nowhere"), check=True).code


def test_two_runs_on_one_host_go_one_after_another(units: Any, reload: Callable[..., Any]) -> None:
    """A controller that was killed leaves one going on; each would take the other's restart for a death."""
    units.add("shop")
    lock = "/run/mainstay.backend.consumer_reload.lock"
    other = units.host.spawn(["python3", "-c", OTHER, lock])
    units.host.until(f"sh -c 'flock --nonblock {lock} true || echo taken'", "taken", 300)
    run = reload(consumer("shop")).ok()
    theirs = other.communicate(timeout=900)[0].strip()
    assert theirs not in ("", "0") and units.pid("shop") != theirs, "it waited for the other, and restarted after it"
    assert became(run, "healthy") == [("shop", True)]
