# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The run is killed, at every point that matters and at random moments; the next one brings it to its end, with every invariant kept.

Scenario chaos takes a share; `make soak` all points and 50 moments (MAINSTAY_CHAOS=all, or a number of moments; MAINSTAY_CHAOS_SEED).
"""

from __future__ import annotations

import json
import os
import random
import re
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import invariants
import pytest
from hunt import search_file
from invariants import Memory
from runs import Run, Runs
from truth import Truth
from watch import APPS, DATA, Span, on, span, wait_for_work

ROOT = Path(__file__).resolve().parents[3]
#: The crash points by their numbers: kill -9 before an effect, and after it but before it is written down. Those of Rails' pair
#: (13) are in its own tests. A run:NAME kills the whole run, any other one the process that comes by there.
POINTS = {
    1: (
        "GENERATED/store.backup.temporary",
        "GENERATED/store.between",
        "GENERATED/store.temporary",
        "TESTED/store.temporary",
    ),
    2: ("run:before-GENERATED", "GENERATED/store.synced", "GENERATED/store.renamed", "run:after-GENERATED"),
    3: ("run:before-stage", "stage/valkey.set-not-saved", "stage/postgres.before-commit"),
    4: ("stage/valkey.instance-1", "stage/valkey.instance-2", "stage/valkey.saved", "stage/postgres.committed"),
    5: ("run:after-stage", "run:after-STAGED", "run:before-works", "run:before-TESTED", "run:after-TESTED"),
    6: ("secrets/files.staged", "environment/files.staged"),
    7: (
        "secrets/files.renamed",
        "environment/files.renamed",
        "run:before-PUBLISHED",
        "run:after-PUBLISHED",
        "run:before-reload",
        "reload/consumer.not-reloaded",
    ),
    8: ("reload/consumer.reloaded", "run:after-reload", "run:before-RELOADED", "run:after-RELOADED"),
    9: ("run:before-sessions", "run:after-sessions", "run:after-CONSUMERS_OK", "run:before-retire"),
    10: ("retire/valkey.set-not-saved", "retire/postgres.before-commit", "retire/valkey.instance-1"),
    11: ("retire/valkey.sessions-not-ended", "retire/postgres.sessions-not-ended"),
    12: ("run:after-retire", "run:after-RETIRED", "run:before-refused", "run:after-REFUSED"),
    14: ("stage/certificate.half", "stage/certificate.swapped", "stage/certificate.reloaded"),
    15: ("run:before-DONE", "DONE/store.temporary", "DONE/store.synced", "run:after-DONE"),
}
#: The share: one before anything works, one whose work on the hosts outlives the controller, one with half of the old taken away.
SHARE = ("stage/valkey.set-not-saved", "run:after-stage", "retire/valkey.set-not-saved")
ALL = os.environ.get("MAINSTAY_CHAOS", "")
#: The one of the share: PostgreSQL restarts while a consumer is reloaded.
MOMENTS = {"": [18], "all": range(50)}.get(ALL) or range(int(ALL))
SEED = int(os.environ.get("MAINSTAY_CHAOS_SEED", "4"))
SERVERS = ("valkey-server@cache", "valkey-server@session", "valkey-server@cable", "postgresql@17-main")
#: Keys rest until what they signed is over: they rotate in test_rotation.
ONLY = [
    "shop_db",
    "shop_cache",
    "shop_session",
    "shop_cable",
    "watcher",
    "watcher_db",
    "valkey_certificate",
    "postgres_certificate",
]


@dataclass
class Scene:
    """The scenario's hosts, with what became of the cycles so far."""

    runs: Runs
    truth: Truth
    memory: Memory
    told: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def scene(runs: Runs, truth: Truth, memory: Memory) -> Scene:
    wait_for_work()
    return Scene(runs, truth, memory)


def points() -> list[str]:
    return [point for numbered in POINTS.values() for point in numbered] if ALL == "all" else list(SHARE)


def test_every_crash_point_of_the_code_is_in_the_list() -> None:
    """And what the list names is there. Points of the store's commands and of Rails' pair are their own tests'."""
    elsewhere = r"store\.(rekeyed|moved)|rails\."
    text = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "plugins").rglob("*.py"))
    there = {re.sub(r"\{.*?\}", "*", name) for name in re.findall(r'\bcrash(?:_run)?\(f?"([^"]+)"', text)}
    there = {name for name in there if not re.match(elsewhere, name)}
    named = {point.removeprefix("run:").rpartition("/")[2] for numbered in POINTS.values() for point in numbered}
    patterns = {name: re.compile(re.escape(name).replace(r"\*", r"[\w.-]+")) for name in there}
    assert {name for name in named if not any(pattern.fullmatch(name) for pattern in patterns.values())} == set()
    assert {name for name, pattern in patterns.items() if not any(map(pattern.fullmatch, named))} == set()


@pytest.mark.parametrize("point", points())
def test_a_run_that_dies_at_a_point_is_gone_on_with(scene: Scene, point: str) -> None:
    cycle(scene, point, lambda run: run.wait())


@pytest.mark.parametrize("number", MOMENTS)
def test_a_run_that_dies_at_any_moment_is_gone_on_with(scene: Scene, number: int) -> None:
    """Every second time a server restarts meanwhile."""
    dice = random.Random(f"{SEED}/{number}")
    tasks, more = dice.randint(2, 30), dice.uniform(0, 1.5)
    server = "" if number % 2 else dice.choice(SERVERS)
    task = max(1, tasks - dice.randint(0, 4))

    def dies(run: Run) -> None:
        threads: list[threading.Thread] = []
        while run.process.poll() is None and (reached := run.out.count("\nTASK [")) < tasks:
            if server and not threads and reached >= task:
                threads.append(threading.Thread(target=restart, args=(server,)))
                threads[0].start()
            time.sleep(0.02)
        time.sleep(more)
        run.kill()
        for thread in threads:
            thread.join()

    what = f"task {tasks} and {more:.1f} s{', restart of ' + server if server else ''}"
    cycle(scene, what, dies, restarted=bool(server))


def restart(server: str) -> None:
    on(DATA, "systemctl", "restart", server)


def cycle(scene: Scene, what: str, dies: object, restarted: bool = False) -> None:
    """One rotation that dies, what is the case then, and the run that ends it."""
    truth, memory, runs = scene.truth, scene.memory, scene.runs
    before = truth.world()
    made, first = memory.made(before.store), runs.number
    crash = what if re.fullmatch(r"[\w./:-]+", what) else ""
    started = time.monotonic()
    with span() as found:
        run = runs.start(rotation_force=True, rotation_only=ONLY, crash=crash)
        dies(run)  # type: ignore[operator]
        assert not crash or run.code != 0, f"{what} was not passed: {run.out[-2000:]}"
        died = truth.world()
        memory.keep(died.store)
        wrong = {
            **invariants.at_rest(died, truth, memory),
            "10": invariants.checked_before_the_first_effect(before, died),
        }
        assert not any(wrong.values()), f"{what}: {wrong}"
        again = gone_on_with(scene, patience=3 if restarted else 1)
    world = truth.world()
    assert not found.failures, f"{what}: {found.told()}\n{found.said}"
    assert restarted or not found.down, f"{what}: {found.told()}"
    assert invariants.at_end(world, truth, memory) == {}, what
    assert invariants.one_rotation_at_a_time(world, made, memory) == [], what
    second = runs.run(rotation_only=ONLY).ok()
    assert invariants.second_run_changes_nothing(second.changed) == [], what
    logs = sorted(runs.logs.glob("*.log"))[first:]
    assert {label for log in logs for label in search_file(memory.needles, log)} == set(), what
    state = {died.store.contents.records[name].state or "PLANNED" for name in ONLY}
    tell(scene, what, "/".join(sorted(state)), found, again.log.name, time.monotonic() - started)


def gone_on_with(scene: Scene, patience: int) -> Run:
    """Runs until it comes to its end: at once, but where a server restarts in the middle of it. Meanwhile it alone holds the lock."""
    for _unused in range(patience):
        run = scene.runs.start()
        while run.process.poll() is None:
            holder = lock(scene)
            assert holder in ("", str(run.process.pid)) or not alive(holder), "somebody else holds the lock"
            time.sleep(0.2)
        if run.wait().code == 0:
            return run
    return run.ok()


def lock(scene: Scene) -> str:
    """The process that holds the lock, or ''."""
    path = scene.truth.folder / ".production.rotation"
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["pid"])
    except (OSError, ValueError):
        return ""


def alive(pid: str) -> bool:
    return Path("/proc", pid).exists()


def tell(scene: Scene, what: str, state: str, found: Span, log: str, seconds: float) -> None:
    line = f"{what}: died in {state}, ended by {log} after {seconds:.0f} s; {found.told()}"
    scene.told.append(line)
    print(line)
    with (ROOT / ".build" / "logs" / "rotation-chaos.txt").open("a", encoding="utf-8") as stream:
        stream.write(f"{line}\n")


def test_a_second_run_at_the_same_time_is_refused(scene: Scene) -> None:
    """17. Which of them comes first does not matter; the other one says who it is, and changes nothing."""
    made = scene.memory.made(scene.truth.store())
    with span() as found:
        first = scene.runs.start(rotation_force=True, rotation_only=ONLY)
        while not lock(scene) and first.process.poll() is None:
            time.sleep(0.05)
        second = scene.runs.run(rotation_force=True, rotation_only=ONLY)
        assert second.code != 0 and "holds the lock" in second.out and str(first.process.pid) in second.out, second.out[
            -2000:
        ]
        assert not any(second.changed.values())
        first.wait().ok()
    assert not found.failures and not found.down, found.said
    world = scene.truth.world()
    assert invariants.at_end(world, scene.truth, scene.memory) == {}
    assert invariants.one_rotation_at_a_time(world, made, scene.memory) == []


def test_a_remote_task_that_outlives_its_controller_does_no_harm(scene: Scene) -> None:
    """16. The controller dies while consumers are moved; the next run starts at once, and finds the lock of one that is gone."""

    def dies(run: Run) -> None:
        while run.process.poll() is None and "Reload the consumers" not in run.out:
            time.sleep(0.01)
        run.kill()
        assert lock(scene) == str(run.process.pid)

    cycle(scene, "the controller, while a consumer is reloaded", dies)
    took = [log for log in scene.runs.logs.glob("*.log") if "took the lock over" in log.read_text(encoding="utf-8")]
    assert took, "nobody said that a lock was taken over"


def test_a_server_that_restarts_half_way_is_waited_for(scene: Scene) -> None:
    """18. Everything restarts between staging and retiring; the rotation goes on where it was."""

    def dies(run: Run) -> None:
        run.wait()
        for server in SERVERS:
            restart(server)

    cycle(scene, "run:after-TESTED", dies, restarted=True)


def test_nothing_of_the_killed_runs_is_left_on_the_hosts() -> None:
    names = " -o ".join(f"-name '{name}'" for name in (".*.mainstay", ".ansible_tmp*", "ansible-tmp-*"))
    find = f"find /etc /run /var /opt /root /tmp -xdev \\( {names} \\) 2>/dev/null; true"
    assert {host: on(host, "sh", "-c", find) for host in (DATA, *APPS)} == dict.fromkeys((DATA, *APPS), "")
