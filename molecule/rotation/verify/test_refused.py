# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What stops a rotation: before its first effect, or on its way with everything still working."""

from __future__ import annotations

import subprocess

import invariants
from invariants import Memory
from runs import Runs
from test_rotation import finish
from truth import Truth, as_version
from watch import APPS, DATA, FOLDER, on, span, wait_for_work


def test_a_run_that_leaves_out_a_needed_host_is_refused(runs: Runs, truth: Truth) -> None:
    before = truth.world()
    run = runs.run("--limit", f"{DATA},{APPS[0]}", rotation_force=True)
    assert run.code != 0 and APPS[1] in run.out.partition("nothing was rotated")[2], run.out[-3000:]
    after = truth.world()
    assert after.sketch() == before.sketch() and after.store.contents == before.store.contents


def test_an_unhealthy_consumer_is_refused_before_the_first_effect(runs: Runs, truth: Truth) -> None:
    before = truth.world()
    on(APPS[1], "touch", f"{FOLDER}/ill")
    try:
        run = runs.run(rotation_force=True)
    finally:
        on(APPS[1], "rm", f"{FOLDER}/ill")
    assert run.code != 0 and "jobs" in run.out, run.out[-3000:]
    after = truth.world()
    assert after.sketch() == before.sketch() and after.store.contents == before.store.contents


def test_a_consumer_that_is_ill_after_its_move_stops_the_run_and_the_next_finishes(
    runs: Runs, truth: Truth, memory: Memory
) -> None:
    finish(runs, truth)
    before = truth.world()
    made = memory.made(before.store)
    on(APPS[0], "touch", f"{FOLDER}/ill-after-next-move")
    only = ["shop_db", "shop_cache", "shop_session", "shop_cable"]
    with span() as found:
        run = runs.run(rotation_force=True, rotation_only=only)
        assert run.code != 0 and "web" in run.out, run.out[-3000:]
        world = truth.world()
        assert invariants.at_rest(world, truth, memory) == {}
        assert world.told[APPS[1]] == before.told[APPS[1]], "a consumer after the one that failed was moved"
        assert world.told[APPS[0]] != before.told[APPS[0]]
        on(APPS[0], "rm", f"{FOLDER}/ill")
        wait_for_work()
        runs.run().ok()
    assert not found.failures and not found.down, found.said
    world = truth.world()
    assert invariants.at_end(world, truth, memory) == {}
    after = memory.made(world.store)
    assert {name: after[name] - made[name] for name in only} == dict.fromkeys(only, 1)


def test_sessions_that_nobody_declared_stop_the_run_before_anything_is_retired(
    runs: Runs, truth: Truth, memory: Memory
) -> None:
    """Somebody else uses the password too. The run says who, and goes on when they are gone."""
    record = truth.store().contents.records["shop_db"]
    address = as_version(truth.addresses()["database"], record, record.current)
    script = "import psycopg, sys; c = psycopg.connect(sys.stdin.readline().strip()); print('on', flush=True); sys.stdin.read()"
    command = ["docker", "exec", "-i", APPS[0], "python3", "-c", script]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as stranger:
        assert stranger.stdin and stranger.stdout
        stranger.stdin.write(f"{address}\n")
        stranger.stdin.flush()
        assert stranger.stdout.readline() == "on\n"
        run = runs.run(rotation_force=True, rotation_only="shop_db", rotation_drain_seconds=2)
        assert run.code != 0 and "sessions of the old secret" in run.out, run.out[-3000:]
        assert invariants.at_rest(truth.world(), truth, memory) == {}
    runs.run().ok()
    assert invariants.at_end(truth.world(), truth, memory) == {}
