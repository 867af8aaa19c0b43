# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a lane shows: a line as each step ends, where the long ones are, the first failure at once, and one table at the end."""

from __future__ import annotations

import asyncio
import json
import re
import textwrap
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lanes.schedule import FAILED, HUNG, NOT_RUN, Result

#: How often the lane says what it is doing while nothing ends, in seconds.
EVERY = 60
TAIL = 40
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_CLOSING = re.compile(r"[0-9]+ (?:passed|failed|errors?)\b.* in [0-9.]+s|^(?:lint|sanity|bench|demo): ")
_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+::\S+)", re.MULTILINE)


def clock(seconds: float) -> str:
    return f"{int(seconds) // 60:02d}:{int(seconds) % 60:02d}"


def closing_line(text: str) -> str:
    """The line in which a runner says how it went."""
    lines = [line.strip("= ") for line in _COLOUR.sub("", text).splitlines() if _CLOSING.search(line)]
    return lines[-1] if lines else ""


def failed_tests(text: str) -> list[str]:
    return list(dict.fromkeys(_FAILED.findall(_COLOUR.sub("", text))))


def table(results: Sequence[Result], closings: dict[str, str]) -> str:
    """Every step with its result, its seconds and what it said last, 100 columns wide."""
    width = max(len(result.name) for result in results)
    rows = [f"{'step':{width}}  {'result':7}  seconds  closing line"]
    for result in results:
        said = result.why or closings.get(result.name, "")
        text = textwrap.shorten(said, 98 - width - 20, placeholder="…") if said else ""
        rows.append(f"{result.name:{width}}  {result.state:7}  {result.seconds:7.0f}  {text}".rstrip())
    return "\n".join(rows)


class Telling(asyncio.DatagramProtocol):
    """Shows what happens as it happens. pytest's plugin tests/runner/tell_lane.py sends how far a step is, and what failed."""

    def __init__(self, count: int, logs: Path) -> None:
        self.count, self.logs, self.start = count, logs, time.monotonic()
        self.ended = 0
        self.running: dict[str, str] = {}
        self.closings: dict[str, str] = {}
        self.failures = 0
        self.last = self.start

    def say(self, text: str) -> None:
        self.last = time.monotonic()
        print(text, flush=True)

    def began(self, step: Any) -> None:
        self.running[step.name] = ""

    def finished(self, result: Result) -> None:
        self.running.pop(result.name, None)
        self.ended += 1
        log = self.logs / f"{result.name}.log"
        text = log.read_text(encoding="utf-8", errors="replace") if result.state != NOT_RUN else ""
        self.closings[result.name] = closing_line(text)
        if result.state == FAILED and failed_tests(text):
            self.closings[result.name] += f"; {failed_tests(text)[0]}"
        said = result.why or self.closings[result.name]
        passed = time.monotonic() - self.start
        self.say(
            f"[{self.ended:2}/{self.count} {clock(passed)}] {result.state:7} {result.name} {result.seconds:.0f} s  {said}".rstrip()
        )
        if result.state in (FAILED, HUNG):
            self.say(textwrap.indent("\n".join([f"the end of {log}:", *text.splitlines()[-TAIL:]]), "    "))

    def datagram_received(self, data: bytes, addr: Any) -> None:
        said = json.loads(data)
        if said["step"] in self.running and "of" in said:
            self.running[said["step"]] = f" {said['done']}/{said['of']}"
        if "failed" in said:
            self.failures += 1
            self.say(f"[      {clock(time.monotonic() - self.start)}] failed  {said['step']}: {said['failed']}")
            if self.failures == 1:
                self.say(textwrap.indent("\n".join(said["why"].splitlines()[-TAIL:]), "    "))

    async def keep_telling(self) -> None:
        """Until cancelled: a line after each minute in which nothing was shown."""
        while True:
            await asyncio.sleep(max(1.0, self.last + EVERY - time.monotonic()))
            if time.monotonic() - self.last >= EVERY:
                running = ", ".join(f"{name}{far}" for name, far in self.running.items())
                self.say(f"[{self.ended:2}/{self.count} {clock(time.monotonic() - self.start)}] running: {running}")
