# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Valkey's users through whole rotations on real servers: both let in, also after a kill, then the old one refused and its sessions gone."""

from __future__ import annotations

import time
from typing import Any

import pytest

from ansible_collections.mainstay.backend.plugins.module_utils._credentials import ADMIN

NAMES = ("shop_cache", "shop_session", "shop_both", "cache_watch", "cache_copy")
USED = {"shop_cache": "cache", "shop_session": "session", "shop_both": "session"}
KILL = """
for name in cache session cable; do
  systemctl kill -s KILL valkey-server@$name; systemctl reset-failed valkey-server@$name; systemctl start valkey-server@$name
  until valkey-cli -s /run/valkey-$name/valkey.sock --user health --pass x ping 2>/dev/null | grep -q PONG; do sleep 0.1; done
done
"""


def killed(name: str = "kill -9 of all servers") -> dict[str, Any]:
    return {"name": name, "ansible.builtin.shell": KILL}


def settled(backend: Any, *names: str) -> None:
    """The rotation is over, and the role finds nothing to do."""
    backend.reach("DONE", *names)
    run = backend.host.play(["valkey"], variables=backend.variables)
    assert run.ok().changed == []


def failed(run: Any, name: str) -> bool:
    return bool(run.result(name).get("failed"))


def test_a_rotation_lets_both_in_and_ends_with_the_new_one_alone(backend: Any) -> None:
    old = {name: backend.password(name) for name in NAMES}
    backend.begin(*NAMES)
    tasks = [*backend.tasks("check", "check", *NAMES, check=True), *backend.tasks("stage", "stage", *NAMES)]
    tasks += [*backend.tasks("again", "stage", *NAMES), killed(), *backend.tasks("new", "works", *NAMES)]
    tasks += [backend.hold(name, USED[name], *old[name]) for name in USED]
    backend.reach("TESTED", *NAMES)
    tasks += backend.tasks("who", "sessions", *NAMES)
    backend.reach("CONSUMERS_OK", *NAMES)
    tasks += [*backend.tasks("retire", "retire", *NAMES), *backend.tasks("twice", "retire", *NAMES), killed("again -9")]
    tasks += [*backend.tasks("old", "refused", *NAMES), *backend.tasks("then", "works", *NAMES)]
    run = backend.play(tasks).ok()
    assert run.result("check")["changed"] and run.result("stage")["changed"]
    assert not run.result("again valkey_user")["changed"] and not run.result("twice")["changed"]
    seen = {item["credential"]: item["count"] for item in run.result("who")["sessions"]}
    assert {"shop_cache": 1, "shop_session": 1}.items() <= seen.items()
    assert f"cache: 1 sessions of {old['shop_cache'][0]} ended" in run.result("retire")["actions"]
    assert run.result("retire")["sessions"] == []
    assert [backend.host.run(f"tail -n 1 /tmp/{name}").strip() for name in ("shop_cache", "shop_session")] == [
        "closed"
    ] * 2
    settled(backend, *NAMES)


@pytest.mark.parametrize("point", ["set-not-saved", "saved", "instance-1"])
def test_a_run_that_dies_while_it_stages_is_gone_on_with(backend: Any, point: str) -> None:
    names = ("shop_cache", "shop_session")
    old = {name: backend.password(name) for name in names}
    backend.begin(*names)
    tasks = [*backend.tasks("dies", "stage", *names, crash=f"valkey.{point}"), killed()]
    tasks += [backend.hold(name, USED[name], *old[name]) for name in names]
    tasks += [*backend.tasks("stage", "stage", *names), killed("again -9"), *backend.tasks("new", "works", *names)]
    tasks += [backend.hold(name, USED[name], *old[name]) for name in names]
    run = backend.play(tasks).ok()
    assert failed(run, "dies") and run.result("stage valkey_user")["changed"]
    backend.reach("CONSUMERS_OK", *names)
    backend.play([*backend.tasks("retire", "retire", *names), *backend.tasks("old", "refused", *names)]).ok()
    backend.reach("DONE", *names)


@pytest.mark.parametrize("point", ["set-not-saved", "sessions-not-ended", "instance-1"])
def test_a_run_that_dies_while_it_retires_is_gone_on_with(backend: Any, point: str) -> None:
    names = ("shop_cache", "shop_session")
    old = {name: backend.password(name) for name in names}
    backend.begin(*names)
    tasks = [*backend.tasks("stage", "stage", *names)]
    tasks += [backend.hold(name, USED[name], *old[name]) for name in names]
    backend.reach("CONSUMERS_OK", *names)
    tasks += [*backend.tasks("dies", "retire", *names, crash=f"valkey.{point}")]
    tasks += [killed()] if point == "set-not-saved" else []
    tasks += [*backend.tasks("retire", "retire", *names), *backend.tasks("old", "refused", *names)]
    tasks += backend.tasks("new", "works", *names)
    run = backend.play(tasks).ok()
    assert failed(run, "dies") and run.result("retire valkey_user")["changed"]
    for name in names:
        backend.host.until(f"tail -n 1 /tmp/{name}", "closed", 300)
    backend.reach("DONE", *names)


def test_with_two_passwords_connections_are_told_apart_by_when_they_were_opened(backend: Any) -> None:
    """What was open before anybody was given the new password ends; what was opened since then stays."""
    name = "shop_both"
    old = backend.password(name)
    backend.begin(name)
    new = backend.password(name, "pending")
    assert old[0] == new[0] == name
    backend.play([*backend.tasks("stage", "stage", name), backend.hold("before", "session", *old)]).ok()
    time.sleep(2)  # connections are told apart by whole seconds; a slow machine only makes it more
    backend.reach("TESTED", name)
    time.sleep(2)
    tasks = [backend.hold("after", "session", *new), *backend.tasks("who", "sessions", name)]
    backend.reach("CONSUMERS_OK", name)
    tasks += [*backend.tasks("retire", "retire", name), *backend.tasks("then", "sessions", name)]
    tasks += [*backend.tasks("old", "refused", name), *backend.tasks("new", "works", name)]
    run = backend.play(tasks).ok()
    assert [(item["credential"], item["count"]) for item in run.result("who")["sessions"]] == [(name, 1)]
    assert f"session: 1 sessions of {name} ended" in run.result("retire")["actions"]
    assert run.result("then")["sessions"] == []
    backend.host.until("tail -n 1 /tmp/before", "closed", 300)
    assert backend.host.run("tail -n 1 /tmp/after").strip() != "closed"
    settled(backend, name)


def test_the_administrator_rotates_like_everybody_else(backend: Any) -> None:
    backend.begin(ADMIN)
    tasks = [*backend.tasks("stage", "stage", ADMIN), *backend.tasks("new", "works", ADMIN)]
    backend.reach("CONSUMERS_OK", ADMIN)
    tasks += [*backend.tasks("retire", "retire", ADMIN), killed(), *backend.tasks("old", "refused", ADMIN)]
    run = backend.play(tasks).ok()
    assert [item["outcome"] for item in run.result("old")["outcomes"]] == ["refused"] * 3
    settled(backend, ADMIN)
