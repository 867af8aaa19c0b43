# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Everything rotates while two programs work on it, and no operation fails."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import time
from pathlib import Path

import invariants
from invariants import Memory
from runs import Runs
from truth import Truth
from watch import APPS, DATA, STREAMS, Span, on, span, wait_for_work
from yardstick import wall_time

CREDENTIALS = ("shop_db", "shop_cache", "shop_session", "shop_cable", "watcher", "watcher_db", "shop_tokens", "partner")
CREDENTIALS += ("valkey_certificate", "postgres_certificate")
FIGURES = Path(__file__).resolve().parents[3] / ".build" / "rotation-load.json"
#: In milliseconds, on a quiet machine. What is found is in FIGURES.
SLOWEST = 10_000


def new_token() -> None:
    """What an operator does at the third party's: lets it make another token, and puts it where the inventory says."""
    token = secrets.token_hex(24)
    mark = hashlib.sha256(token.encode()).hexdigest()
    on(DATA, "sh", "-c", "cat >> /var/lib/partner/known", text=f"{mark}\n")
    path = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], "partner-token")
    path.write_text(token, encoding="ascii")


def finish(runs: Runs, truth: Truth, seconds: float = 1800) -> None:
    """Runs until nothing goes on: what a key signed has its time to end."""
    until = time.monotonic() + seconds
    while any(record.state not in ("", "DONE") for record in truth.store().contents.records.values()):
        assert time.monotonic() < until, f"a rotation does not come to its end within {seconds:g} s"
        if not any(runs.run().ok().changed.values()):
            time.sleep(5)


def show(what: str, found: Span) -> None:
    print(f"{what}: {found.told()}")


def test_check_says_what_would_rotate_and_why_and_changes_nothing(runs: Runs, truth: Truth) -> None:
    before = truth.world()
    run = runs.run("--check", rotation_force=True).ok()
    table = run.out.partition("credential ")[2]
    assert [name for name in CREDENTIALS if name not in table] == []
    assert "rotation_force" in table and "source has no new value" in table, table[:2000]
    after = truth.world()
    assert after.sketch() == before.sketch() and after.store.contents == before.store.contents


def test_status_lists_every_credential(runs: Runs) -> None:
    out = runs.run(playbook="rotation_status").ok().out
    lines = [line.split() for line in out.splitlines()]
    assert [name for name in CREDENTIALS if not any(line[:1] == [name] for line in lines)] == []
    assert any(line[:1] == ["shop_db"] and "90d" in line and "jobs" in line for line in lines), out


def test_nothing_is_due_and_nothing_happens(runs: Runs, truth: Truth) -> None:
    finish(runs, truth)
    run = runs.run().ok()
    assert run.changed and not any(run.changed.values()), run.changed


def test_everything_rotates_without_a_failed_operation(runs: Runs, truth: Truth, memory: Memory) -> None:
    before = truth.world()
    made = memory.made(before.store)
    new_token()
    wait_for_work()
    with span() as calm:
        time.sleep(8)
    with wall_time() as took, span() as found:
        run = runs.run(rotation_force=True, verbosity=4)
    show("before the rotation", calm)
    show(f"rotating everything in {found.seconds:.0f} s", found)
    slowest = {name: {"before_ms": calm.slowest[name], "during_ms": found.slowest[name]} for name in STREAMS}
    figures = {"seconds": found.seconds, "operations": found.operations, "failed": sum(found.failures.values())}
    FIGURES.write_text(
        json.dumps({**figures, "gaps": found.gaps, "slowest": slowest}, indent=2) + "\n", encoding="utf-8"
    )
    run.ok()
    assert not found.failures and not found.down, found.said
    assert max(found.slowest.values()) < SLOWEST * took.slowness, (found.told(), took.told())
    world = truth.world()
    assert invariants.at_end(world, truth, memory) == {}
    after = memory.made(world.store)
    assert {name: after[name] - made[name] for name in CREDENTIALS} == dict.fromkeys(CREDENTIALS, 1)
    for name in CREDENTIALS:
        assert world.store.contents.records[name].current.id != before.store.contents.records[name].current.id, name


def test_when_the_tokens_of_the_old_key_are_over_it_goes_and_then_nothing_changes(runs: Runs, truth: Truth) -> None:
    with span() as found:
        finish(runs, truth)
        run = runs.run().ok()
    assert run.changed and not any(run.changed.values()), run.changed
    assert not found.failures and not found.down, found.said
    for host in APPS:
        ring = json.loads(on(host, "cat", "/etc/shop/secrets/shop_tokens.keys"))
        assert [item["use"] for item in ring] == ["sign"]


def test_the_validation_finds_nothing(runs: Runs) -> None:
    runs.run(playbook="validate_rotation").ok()


def test_one_alone_and_the_other_direction(runs: Runs, truth: Truth, memory: Memory) -> None:
    before = truth.store().contents.records
    with span() as found:
        runs.run(rotation_force=True, rotation_only=["shop_db", "shop_cable"]).ok()
    show("two of them, in the other direction", found)
    assert not found.failures and not found.down, found.said
    world = truth.world()
    assert invariants.at_end(world, truth, memory) == {}
    after = world.store.contents.records
    assert {name for name in after if after[name] != before[name]} == {"shop_db", "shop_cable"}
    assert {after["shop_db"].current.slot, before["shop_db"].current.slot} == {"a", "b"}


def test_what_was_retired_stays_refused_when_the_servers_start_anew(truth: Truth, memory: Memory) -> None:
    on(DATA, "systemctl", "restart", "valkey-server@cache", "valkey-server@session", "valkey-server@cable")
    on(DATA, "systemctl", "restart", "postgresql@17-main")
    wait_for_work()
    assert invariants.at_end(truth.world(), truth, memory) == {}
