# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reloads the consumers of a host one after another, each until it is well, and stops at the first that is not."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._consumer_reload import NONE, Health, Reload
from ansible_collections.mainstay.backend.plugins.module_utils._crash import crash
from ansible_collections.mainstay.backend.plugins.module_utils._health import ask, missing, run
from ansible_collections.mainstay.backend.plugins.module_utils._lock import locked
from ansible_collections.mainstay.backend.plugins.module_utils._reload_targets import Seen, Target, targets

LOCK = "/run/mainstay.backend.consumer_reload.lock"
#: systemd bounds a stop and a start by itself, with 90 seconds each where the unit says nothing.
_ACT_SECONDS = 300.0
#: A consumer that is asked whether it is well now gets a second chance, and no more.
_CHECK_SECONDS = 5.0
_NOTHING = Seen()


@dataclass(frozen=True)
class Wanted:
    """A consumer on this host."""

    name: str
    reload: Reload
    owner: str = "root"
    group: str = "root"
    env_files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What became of a consumer. `how` is what was done, or would be; `healthy` None where nobody asked; `why` what is wrong."""

    name: str
    how: str = ""
    done: bool = False
    healthy: bool | None = None
    seconds: float = 0
    why: str = ""

    def action(self, dry: bool) -> str:
        return f"{self.name}: {'would ' if dry else ''}{self.how}"


@dataclass(frozen=True)
class _Plan:
    wanted: Wanted
    steps: tuple[tuple[Target, str], ...] = ()
    problem: str = ""
    #: Nothing is done, as what there is to move does not run, and that is meant so.
    leave: str = ""

    @property
    def how(self) -> str:
        told = [f"{way} {target.name}" for target, way in self.steps]
        return ", ".join(told + [f"run {word}" for word in self.wanted.reload.command[:1]])


def check(consumers: Sequence[Wanted], leave_stopped: bool = False) -> list[Outcome]:
    """Whether each could be moved, and is well now. Changes nothing."""
    found = []
    for plan in [_plan(wanted, leave_stopped) for wanted in consumers]:
        start, health = time.monotonic(), plan.wanted.reload.health
        why = plan.problem
        if not why and not plan.leave:
            quick = replace(health, settle=0, timeout=min(health.timeout, _CHECK_SECONDS))
            why = _wait(plan.wanted, quick, [target for target, _way in plan.steps])
        healthy = None if plan.leave else not why
        seconds = round(time.monotonic() - start, 2)
        found.append(Outcome(plan.wanted.name, plan.how, False, healthy, seconds, why or plan.leave))
    return found


def reload(consumers: Sequence[Wanted], dry: bool, leave_stopped: bool = False) -> list[Outcome]:
    """Moves one after another. Nothing is done where one of them could not be moved; from the first that does not become well, all others stay.

    DRY says what would be done.
    """
    with _alone() if not dry else contextlib.nullcontext():
        plans = [_plan(wanted, leave_stopped) for wanted in consumers]
        if dry or any(plan.problem for plan in plans):
            return [
                Outcome(
                    plan.wanted.name, plan.how, False, False if plan.problem else None, why=plan.problem or plan.leave
                )
                for plan in plans
            ]
        found: list[Outcome] = []
        for plan in plans:
            if found and found[-1].healthy is False:
                found += [Outcome(rest.wanted.name, rest.how, why="left alone") for rest in plans[len(found) :]]
                break
            found.append(Outcome(plan.wanted.name, why=plan.leave) if plan.leave else _moved(plan))
        return found


def _plan(wanted: Wanted, leave_stopped: bool) -> _Plan:
    """What is to be done for WANTED, or what stands against it."""
    how, steps, left = wanted.reload.how, [], []
    try:
        for target in targets(how, wanted.reload.names):
            seen = target.look()
            if seen.stopped and leave_stopped:
                left.append(seen.why)
            elif seen.stopped or not seen.there:
                remedy = "" if not seen.there else ": start it, or take it out of backend_consumers"
                return _Plan(wanted, problem=f"{seen.why}; expected it to run{remedy}")
            else:
                steps.append((target, target.way(wanted.reload.method, wanted.env_files)))
        if how == "command" and (told := missing(wanted.reload.command, as_root=True)):
            return _Plan(wanted, problem=f"reload: {told}")
        health = wanted.reload.health
        if health.probe == "command" and (told := missing(health.command, wanted.owner in ("root", "0"))):
            return _Plan(wanted, problem=f"health.command: {told}")
    except MainstayError as error:
        return _Plan(wanted, problem=str(error))
    return _Plan(wanted, tuple(steps), leave="" if steps or not left else ", ".join(left))


def _moved(plan: _Plan) -> Outcome:
    start, wanted = time.monotonic(), plan.wanted
    crash("consumer.not-reloaded")
    try:
        why = _move(plan)
    except MainstayError as error:
        why = str(error)
    crash("consumer.reloaded")
    seconds = round(time.monotonic() - start, 2)
    return Outcome(wanted.name, plan.how, wanted.reload.how != NONE, not why, seconds, why)


def _move(plan: _Plan) -> str:
    """One step after another, and after each of them the consumer must be well; '' or why it is not."""
    wanted, health = plan.wanted, plan.wanted.reload.health
    limit = max(_ACT_SECONDS, health.timeout)
    for target, way in plan.steps:
        before = target.look()
        why = target.act(way, limit) or _wait(wanted, health, [target], way, before)
        if why:
            return f"{why} ({target.where})"
    if wanted.reload.how == "command":
        said = run(wanted.reload.command, limit)
        return f"the reload command {said}" if said else _wait(wanted, health, [])
    return _wait(wanted, replace(health, settle=0), []) if wanted.reload.how == NONE else ""


def _wait(wanted: Wanted, health: Health, here: Sequence[Target], way: str = "", before: Seen = _NOTHING) -> str:
    """'' once HERE have run for as long as HEALTH's `settle` and it says yes, or why not. Ended by its timeout.

    BEFORE is what the only one of HERE was before it went its WAY: a restart must have made it another, anything else must not.
    """
    start = time.monotonic()
    now = [target.look() for target in here]
    if way == "restart" and before.mark and now[0].mark == before.mark:
        return f"{here[0].name} still is what it was before the restart"
    if way == "restart" and now[0].again:
        return f"{here[0].name} died, and was started again, after its restart"
    marks = [seen.mark for seen in now] if way in ("", "restart") else [before.mark]
    while True:
        waited = time.monotonic() - start
        why, final = _unwell(here, marks, way)
        if not why and waited >= health.settle:
            why = ask(health, wanted.owner, wanted.group, max(0.1, health.timeout - waited)) if health.probe else ""
            if not why:
                return _unwell(here, marks, way)[0]
        if final:
            return why
        waited = time.monotonic() - start
        if waited >= health.timeout:
            return f"{why or 'not ready'} after {waited:.0f} s"
        rest = health.settle - waited
        time.sleep(min(health.interval, rest if rest > 0 else health.interval, health.timeout - waited))


def _unwell(here: Sequence[Target], marks: Sequence[str], way: str) -> tuple[str, bool]:
    """What is wrong with the running of HERE ('' for nothing), and whether waiting is of no use."""
    why = ""
    for target, mark in zip(here, marks, strict=True):
        seen = target.look()
        if seen.moving:
            why = seen.why
        elif not seen.running:
            return f"{seen.why}, after its {_noun(way)}" if way else seen.why, True
        elif seen.mark != mark:
            return f"{target.name} died, and was started again{', after its ' + _noun(way) if way else ''}", True
        elif not seen.ready:
            why = seen.why
    return why, False


def _noun(way: str) -> str:
    return way if way in ("reload", "restart") else f"signal {way}"


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """One run at a time: a controller that died may have left one going on, and two would see each other's restarts as deaths."""
    if os.geteuid() != 0:
        yield
        return
    with open(LOCK, "a", encoding="utf-8") as handle:
        if not locked(handle, 2 * _ACT_SECONDS):
            raise MainstayError(f"another run has reloaded consumers for {2 * _ACT_SECONDS:.0f} s ({LOCK})")
        yield
