# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs steps as subprocesses, as many side by side as there is room for, each as soon as what it comes after has passed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lanes.table import Step

OK, FAILED, HUNG, NOT_RUN = "ok", "FAILED", "HUNG", "NOT RUN"
NO_TIME = "no time is left for it"


@dataclass(frozen=True)
class Result:
    """How a step ended. `began` and `seconds` count from the lane's start; `why` says what kept a step from running."""

    name: str
    state: str
    began: float = 0.0
    seconds: float = 0.0
    why: str = ""

    @property
    def passed(self) -> bool:
        return self.state == OK


@dataclass
class Scheduler:
    """`room` is how many cores' work goes on at once. `began` and `ended` are called as steps begin and end."""

    steps: Sequence[Step]
    room: int
    logs: Path
    environment: Mapping[str, str]
    began: Callable[[Step], None]
    ended: Callable[[Result], None]
    deadline: float = float("inf")  # seconds after which no step begins

    def __post_init__(self) -> None:
        self.start = time.monotonic()
        self.results: dict[str, Result] = {}
        self.running: dict[str, asyncio.Task[Result]] = {}
        self._groups: dict[str, int] = {}

    async def run(self) -> list[Result]:
        """The results in the order of the steps."""
        waiting = list(self.steps)
        try:
            while waiting or self.running:
                waiting = self._begin(waiting)
                if self.running:
                    done, _others = await asyncio.wait(self.running.values(), return_when=asyncio.FIRST_COMPLETED)
                    for task in done:
                        self._finish(task.result())
        finally:
            for group in self._groups.values():
                _kill(group)
        return [self.results[step.name] for step in self.steps]

    def _begin(self, waiting: Sequence[Step]) -> list[Step]:
        """Starts what may start; the steps that go on waiting."""
        left = []
        used = sum(step.cores for step in self.steps if step.name in self.running)
        for step in waiting:
            broken = [name for name in step.after if name in self.results and not self.results[name].passed]
            if broken:
                self._finish(Result(step.name, NOT_RUN, why=f"{broken[0]} did not pass"))
            elif time.monotonic() - self.start > self.deadline:
                self._finish(Result(step.name, NOT_RUN, why=NO_TIME))
            elif all(name in self.results for name in step.after) and used + min(step.cores, self.room) <= self.room:
                used += step.cores
                self.running[step.name] = asyncio.ensure_future(self._execute(step))
                self.began(step)
            else:
                left.append(step)
        return left

    def _finish(self, result: Result) -> None:
        self.running.pop(result.name, None)
        self.results[result.name] = result
        self.ended(result)

    async def _execute(self, step: Step) -> Result:
        began = time.monotonic()
        with (self.logs / f"{step.name}.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                "bash",
                "-c",
                step.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
                env={**os.environ, **self.environment, "MAINSTAY_STEP": step.name},
                start_new_session=True,
            )
            self._groups[step.name] = process.pid
            state = HUNG
            with contextlib.suppress(asyncio.TimeoutError):
                code = await asyncio.wait_for(process.wait(), step.minutes * 60)
                state = FAILED if code else OK
            if state == HUNG:
                _kill(process.pid)
                await process.wait()
            self._groups.pop(step.name, None)
        why = f"it did not end within {step.minutes} minutes" if state == HUNG else ""
        return Result(step.name, state, began - self.start, time.monotonic() - began, why)


def _kill(group: int) -> None:
    """Ends a step with all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGTERM)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
