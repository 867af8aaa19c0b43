# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A server that hangs is noticed and started again, without anyone's help."""

from __future__ import annotations

import threading

from backend import INSTANCES, PATIENCE, Backend, until
from yardstick import wall_time


def test_every_instance_that_is_stopped_by_sigstop_is_healthy_again_within_20_s(backend: Backend) -> None:
    """All at once, which is harder than one after another. Healthy: the application's user gets an answer."""
    backend.connect("session").set("verify:hung", "still here", ex=600)
    hung = {name: backend.main_pid(f"valkey-server@{name}") for name in INSTANCES}
    backend.host.check_output(f"kill -STOP {' '.join(hung.values())}")
    took: dict[str, float] = {}

    def ask(name: str) -> None:
        # who waits for the hung server's answer hears that its connection ended when it is killed
        took[name] = backend.wait(name)

    asking = [threading.Thread(target=ask, args=(name,), daemon=True) for name in INSTANCES]
    with wall_time() as measured:
        for thread in asking:
            thread.start()
        for thread in asking:
            thread.join(PATIENCE)
    assert took.keys() == set(INSTANCES), f"not healthy again: {set(INSTANCES) - took.keys()}"
    assert max(took.values()) <= 20 * measured.slowness, (took, measured.told())
    assert all(backend.main_pid(f"valkey-server@{name}") != hung[name] for name in INSTANCES)
    assert backend.connect("session").get("verify:hung") == "still here"


def fired(backend: Backend) -> dict[str, str]:
    """Per instance: when its watchdog last started."""
    command = "systemctl show -P LastTriggerUSec valkey-watchdog@{}.timer"
    return {name: str(backend.host.check_output(command.format(name))).strip() for name in INSTANCES}


def test_a_healthy_server_is_left_alone(backend: Backend) -> None:
    """The watchdog passes twice, and every server runs on."""
    servers = {name: backend.main_pid(f"valkey-server@{name}") for name in INSTANCES}
    for _unused in range(2):
        before = fired(backend)
        until(
            lambda before=before: all(now != before[name] for name, now in fired(backend).items()),
            "the watchdogs passed",
        )
    assert {name: backend.main_pid(f"valkey-server@{name}") for name in INSTANCES} == servers
