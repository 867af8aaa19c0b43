# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Usage: python -m lanes test|test-all|ci|affected|STEP...

test: what people run before a commit. test-all: everything. ci: `test`, then what the changes since tests/whole-run.md touch.
affected: prints those steps and runs nothing. STEP...: these alone, with what they need.
"""

from __future__ import annotations

import asyncio
import os
import platform
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from lanes import repository, telling, whole_run
from lanes.schedule import NO_TIME, Result, Scheduler
from lanes.table import Choice, InvalidTable, Table, choose, read

ROOT = Path(__file__).resolve().parents[2]
LOGS = ROOT / ".build" / "logs" / "lane"
#: What .ci/run may take, in seconds: what is chosen beforehand fits in, and after LATEST nothing begins, however slow the machine is.
BUDGET, LATEST = 45 * 60, 65 * 60


def choice(table: Table) -> Choice:
    """What CI runs. Says which paths changed since which commit."""
    last = whole_run.read(ROOT)
    paths = repository.changed_since(ROOT, last.commit) if last else None
    if paths is None:
        print("affected: this clone knows no commit on which a whole run passed; everything counts as changed")
        paths = repository.tracked(ROOT)
    elif last:
        print(
            f"affected: {len(paths)} paths differ from {last.commit[:12]}, on which the whole run of {last.date[:10]} passed"
        )
    return choose(table, paths, last.seconds if last else {}, BUDGET, last.at_once if last else 2)


def identity() -> str:
    """This process, so that nobody takes what it made for what a dead one left: its number and when it began."""
    started = Path("/proc/self/stat").read_text(encoding="ascii").rpartition(")")[2].split()[19]
    return f"{os.getpid()}-{started}"


async def run(
    table: Table, names: Sequence[str], deadline: float = float("inf")
) -> tuple[list[Result], telling.Telling]:
    LOGS.mkdir(parents=True, exist_ok=True)
    for old in LOGS.glob("*.log"):
        old.unlink()
    show = telling.Telling(len(names), LOGS)
    with tempfile.TemporaryDirectory(prefix="mainstay-lane-") as place:
        path = f"{place}/tell"
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: show, local_addr=path, family=socket.AF_UNIX)
        environment = {
            "MAINSTAY_TELL": path,
            "MAINSTAY_RUN": identity(),
            "PYTEST_ADDOPTS": "-p tell_lane",
            "PYTHONPATH": str(ROOT / "tests" / "runner"),
        }
        room = int(os.environ.get("MAINSTAY_ROOM", "0")) or max(2, (os.cpu_count() or 2) * 3 // 2)
        steps = [table.steps[name] for name in names]
        scheduler = Scheduler(steps, room, LOGS, environment, show.began, show.finished, deadline)
        minutes = asyncio.ensure_future(show.keep_telling())
        work = asyncio.ensure_future(scheduler.run())
        for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(sign, work.cancel)
        try:
            return await work, show
        finally:
            minutes.cancel()
            subprocess.run([ROOT / "scripts" / "leftovers", environment["MAINSTAY_RUN"]], check=False)


def keep(results: Sequence[Result], total: float, before: str) -> None:
    """Writes tests/whole-run.md, where this was a whole run of a commit."""
    unfinished = repository.unfinished(ROOT)
    if unfinished or repository.git(ROOT, "rev-parse", "HEAD").strip() != before:
        print(
            f"lane: {whole_run.PATH} stays as it is: {len(unfinished)} changes are not committed, or HEAD moved meanwhile"
        )
        return
    seconds = {result.name: result.seconds for result in results}
    date = datetime.now(UTC).strftime("%Y-%m-%dT%H:%MZ")
    text = whole_run.WholeRun(before, date, platform.python_version(), total, seconds).text()
    (ROOT / whole_run.PATH).write_text(text, encoding="utf-8")
    print(f"lane: {whole_run.PATH} names {before[:12]}; commit it")


def main(words: Sequence[str]) -> int:
    if not words or words[0].startswith("-"):
        print(__doc__)
        return 2
    lane, start = words[0], time.monotonic()
    try:
        table = read(ROOT)
    except InvalidTable as error:
        print(f"lane: tests/lanes.toml: {error}", file=sys.stderr)
        return 2
    left: Sequence[str] = ()
    if lane in ("ci", "affected"):
        told = choice(table)
        names, left = told.steps, told.left
        extra = [name for name in names if name not in table.lane("test")]
        print(
            f"affected: chosen beside `make test`: {', '.join(extra) or 'nothing'}; left to test-all: {', '.join(left) or 'nothing'}"
        )
        if lane == "affected":
            return 0
    elif lane in ("test", "test-all"):
        names = table.lane("all" if lane == "test-all" else "test")
    else:
        unknown = [name for name in words if name not in table.steps]
        if unknown:
            print(
                f"lane: found {', '.join(unknown)}; expected test, test-all, ci, affected or steps: {', '.join(table.steps)}",
                file=sys.stderr,
            )
            return 2
        names = table.with_needs(words)
    before = repository.git(ROOT, "rev-parse", "HEAD").strip()
    try:
        results, show = asyncio.run(run(table, names, LATEST if lane == "ci" else float("inf")))
    except (asyncio.CancelledError, KeyboardInterrupt):
        print("lane: stopped; what it had started was ended", file=sys.stderr)
        return 130
    total = time.monotonic() - start
    print(f"\n{telling.table(results, show.closings)}")
    # on a slow machine some of what was chosen does not begin; `make test` itself always does, or the run is red
    must = {*table.lane("test")} if lane == "ci" else {*names}
    late = [result.name for result in results if result.why == NO_TIME and result.name not in must]
    for name in [*left, *late]:
        print(f"left to test-all: {name}")
    failed = [result.name for result in results if not result.passed and result.name not in late]
    print(
        f"\n{lane}: {'red' if failed else 'green'} after {total:.0f} s"
        f"{'; did not pass: ' + ', '.join(failed) if failed else ''}"
    )
    print(f"{len(results) - len(failed) - len(late)} passed, {len(failed)} failed")
    if lane == "test-all" and not failed:
        keep(results, total, before)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
