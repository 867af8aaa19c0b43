# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the programs on the consumers' hosts did in a span of time: operations, failures by kind, the slowest of each server."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from yardstick import wait_for

SCENARIO = os.environ["MOLECULE_SCENARIO_NAME"]
DATA, APPS = f"mainstay-{SCENARIO}-data", (f"mainstay-{SCENARIO}-app1", f"mainstay-{SCENARIO}-app2")
STREAMS = ("cache", "session", "cable", "database")
FOLDER = "/var/lib/shop"


def on(host: str, *command: str, text: str | None = None, check: bool = True, seconds: float = 600) -> str:
    """What COMMAND prints on HOST; TEXT goes to its standard input."""
    done = subprocess.run(
        ["docker", "exec", "-i", host, *command],
        input=text,
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
    )
    assert not check or done.returncode == 0, f"{host}: {' '.join(command)[:80]}: {done.stderr[-500:]}"
    return done.stdout


@dataclass
class Span:
    """What happened between two moments. `failures` does not count operations on a server that was away: those are in `down`."""

    begin: float
    end: float = 0.0
    rates: dict[str, float] = field(default_factory=dict)
    slowest: dict[str, float] = field(default_factory=dict)
    operations: int = 0
    connects: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    down: int = 0
    said: list[str] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return self.end - self.begin

    def told(self) -> str:
        slow = ", ".join(f"{name} {value:.0f} ms" for name, value in self.slowest.items())
        gaps = f"; away for its restarts {', '.join(f'{gap:.2f} s' for gap in self.gaps)}" if self.gaps else ""
        return (
            f"{self.operations} operations and {self.connects} new connections in {self.seconds:.1f} s, failed: "
            f"{dict(self.failures) or 'none'}, while a server was away: {self.down}; slowest: {slow}{gaps}"
        )


def totals(host: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(on(host, "cat", f"{FOLDER}/load.json"))
    return found


def wait_for_work(seconds: float = 600) -> None:
    """Until both programs say that they are well: every stream goes on, nothing failed in the last second."""
    until = time.monotonic() + seconds
    for host in APPS:
        # a program that has just begun is well before it has told anything
        told = f'test -s {FOLDER}/load.json && python3 -c "$0"'
        while "well" not in on(host, "sh", "-c", told, HEALTH, check=False):
            assert time.monotonic() < until, (
                f"{host}: the program does not work: {on(host, 'systemctl', 'status', 'shop', check=False)}"
            )
            time.sleep(0.3)


HEALTH = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8090/', timeout=60).read().decode())"


def wait_for_refusals(stream: str) -> None:
    """Until both programs were refused on STREAM once more than now."""

    def refused() -> list[int]:
        return [totals(host)["streams"].get(stream, {"failures": {}})["failures"].get("credential", 0) for host in APPS]

    before = refused()
    wait_for(
        lambda: all(now > then for now, then in zip(refused(), before, strict=True)), f"both were refused on {stream}"
    )


@contextmanager
def span(settle: float = 1.2) -> Iterator[Span]:
    """Filled in when the block ends, SETTLE seconds later: by then what began in it is written down."""
    before = {host: totals(host) for host in APPS}
    found = Span(time.time())
    try:
        yield found
    finally:
        time.sleep(settle)
        end = time.time()
        wait_for(lambda: all(totals(host)["at"] >= end for host in APPS), "what both programs did is written down")
        found.end = time.time()
        fill(found, before)


def fill(found: Span, before: dict[str, dict[str, Any]]) -> None:
    done: Counter[str] = Counter()
    for host in APPS:
        after = totals(host)
        for name, stream in after["streams"].items():
            was = before[host]["streams"].get(name, {"operations": 0, "connects": 0, "failures": {}})
            done[name] += stream["operations"] - was["operations"]
            found.connects += stream["connects"] - was["connects"]
            for kind, number in stream["failures"].items():
                more = number - was["failures"].get(kind, 0)
                if kind == "down":
                    found.down += more
                elif more:
                    found.failures[f"{name}: {kind}"] += more
        found.gaps += [end - begin for begin, end in after["gaps"][len(before[host]["gaps"]) :]]
        for line in on(host, "tail", "-n", "2000", f"{FOLDER}/seconds.jsonl").splitlines():
            second = json.loads(line)
            if found.begin <= second["at"] <= found.end:
                for name in STREAMS:
                    slow = second.get(name, [0, 0.0])[1]
                    found.slowest[name] = max(found.slowest.get(name, 0.0), slow)
        if any(found.failures.values()):
            lines = on(host, "tail", "-n", "200", f"{FOLDER}/failures.jsonl").splitlines()
            events = [json.loads(line) for line in lines]
            found.said += [
                f"{host[-4:]} {event['stream']} {event['kind']}: {event['said']}"
                for event in events
                if event["until"] >= found.begin and event["kind"] != "down"
            ]
    found.operations = sum(done.values())
    found.rates = {name: number / len(APPS) / found.seconds for name, number in done.items()}
