# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Bounds on time that hold on a machine that others use: what is measured is compared with a fixed loop, timed in the same run.

- CPU time (`Measured.loops`): how often the loop could have run. A neighbour does not count, and a slow processor slows both.
- Wall time (`Measured.calm`): the seconds that it would have taken had every program got a processor at once.
- What only has to happen at some time: `wait_for`, which ends as soon as it has, and says what never came.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

#: So long the loop takes, in seconds of CPU, on a machine of 2026: 80 loops are about a second there.
LOOP_SECONDS = 0.0125
#: So many loops in a row say how slow the machine is.
WINDOW = 5
#: For an event whose only failure is that it never comes.
PATIENCE = 300.0


def loop() -> tuple[float, float]:
    """The seconds of wall and of CPU time that a fixed amount of work takes this thread now."""
    wall, cpu = time.monotonic(), time.thread_time()
    total = 0
    for number in range(250_000):
        total += number * number % 7
    return time.monotonic() - wall, time.thread_time() - cpu


def machine_slowness(loops: Sequence[tuple[float, float]] = ()) -> float:
    """How often longer than its own CPU time work takes, since others have the processor: 1 on a quiet machine.

    The worst five LOOPS in a row; without them: five that run now. One alone says little: a neighbour's turn may be ten times as long as it.
    """
    taken = loops or [loop() for _turn in range(WINDOW)]
    windows = [taken[start : start + WINDOW] for start in range(max(1, len(taken) - WINDOW + 1))]
    return max(1.0, *(sum(wall for wall, _cpu in part) / sum(cpu for _wall, cpu in part) for part in windows))


@dataclass
class Measured:
    """What a block took; filled in when it ends. `slowness` is machine_slowness() of loops before, beside and after it."""

    seconds: float = 0.0
    cpu: float = 0.0
    loop_cpu: float = LOOP_SECONDS
    slowness: float = 1.0

    @property
    def loops(self) -> float:
        """Its CPU time, in loops."""
        return self.cpu / self.loop_cpu

    @property
    def calm(self) -> float:
        """Its wall time on a quiet machine."""
        return self.seconds / self.slowness

    def told(self) -> str:
        said = f"{self.seconds:.2f} s, {self.cpu:.2f} s of CPU ({self.loops:.0f} loops of {self.loop_cpu:.3f} s)"
        return (
            f"{said}; the machine was {self.slowness:.1f} times as slow as a quiet one" if self.slowness > 1 else said
        )


@contextlib.contextmanager
def cpu_time() -> Iterator[Measured]:
    """Measures the CPU time of the block in this process; the yardstick is a loop right after it."""
    found = Measured()
    wall, cpu = time.monotonic(), time.process_time()
    yield found
    found.cpu, found.seconds = time.process_time() - cpu, time.monotonic() - wall
    found.loop_cpu = loop()[1]


@contextlib.contextmanager
def wall_time() -> Iterator[Measured]:
    """Measures the wall time of a block that waits. The yardstick is taken before it, three times a second beside it, and after
    it: a neighbour may come and go meanwhile."""
    found, over = Measured(), threading.Event()
    loops = [loop() for _turn in range(WINDOW)]

    def sample() -> None:
        while not over.wait(0.3):
            loops.append(loop())

    beside = threading.Thread(target=sample, daemon=True)
    wall, cpu = time.monotonic(), time.process_time()
    beside.start()
    try:
        yield found
    finally:
        found.seconds, found.cpu = time.monotonic() - wall, time.process_time() - cpu
        over.set()
        beside.join()
        loops += [loop() for _turn in range(WINDOW)]
        found.slowness = machine_slowness(loops)


def wait_for(holds: Callable[[], object], what: str, seconds: float = PATIENCE, pause: float = 0.05) -> None:
    """Until HOLDS answers something true. WHAT is what is waited for, for who reads why it failed."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"waited {seconds:g} s, and it never came: {what}"
        time.sleep(pause)
