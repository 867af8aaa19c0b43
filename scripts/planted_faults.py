# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plants the faults of tests/planted_faults.toml in a copy of this checkout, and sees the tests that name each of them fail, and pass without it.

Usage: python scripts/planted_faults.py [--write] [--step STEP]... [FILE-OR-PART-OF-ITS-NAME]...
--write puts the table into docs/proofs.md, where all were tried and all were caught.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COPY = ROOT / ".build" / "planted"
TABLE = ROOT / "tests" / "planted_faults.toml"
PROOFS = ROOT / "docs" / "proofs.md"
PATIENCE = 1500
BEGIN, END = "<!-- planted faults: made by scripts/planted_faults.py -->", "<!-- planted faults end -->"


class InvalidFaults(Exception):
    """The table does not fit the tree. The message names the fault."""


@dataclass(frozen=True)
class Fault:
    """In `file`, `find` (there exactly once) becomes `replace`: then `what` is so, and each of `tests` (FILE::NAME) of `step` fails."""

    file: str
    what: str
    find: str
    replace: str
    step: str
    tests: tuple[str, ...]

    def planted(self, text: str) -> str:
        """TEXT of the file with the fault. Raises InvalidFaults."""
        if text.count(self.find) != 1 or self.find == self.replace:
            raise InvalidFaults(f"{self.file}: found {text.count(self.find)} times {self.find!r}; expected it once")
        return text.replace(self.find, self.replace)


@dataclass(frozen=True)
class Outcome:
    """Of one test: `outcome` is passed, failed or skipped, `phase` setup, call or teardown."""

    test: str
    outcome: str
    phase: str

    def is_of(self, name: str) -> bool:
        """Whether it is one of the test FILE::NAME, whose parameters and leading folders may differ."""
        file, _colons, function = name.partition("::")
        own, _colons, case = self.test.partition("::")
        return Path(own).name == Path(file).name and case.split("[")[0].split("::")[-1] == function


def read(text: str) -> list[Fault]:
    return [Fault(**{**given, "tests": tuple(given["tests"])}) for given in tomllib.loads(text)["fault"]]


def not_failed(tests: Sequence[str], outcomes: Iterable[Outcome]) -> list[str]:
    """Those of TESTS no case of which failed in its own body; what broke before it ran proves nothing."""
    failed = [found for found in outcomes if found.outcome == "failed" and found.phase == "call"]
    return [name for name in tests if not any(found.is_of(name) for found in failed)]


def not_passed(tests: Sequence[str], outcomes: Sequence[Outcome]) -> list[str]:
    """Those of TESTS that did not run, or a case of which failed."""

    def passed(name: str) -> bool:
        own = [found for found in outcomes if found.is_of(name)]
        return bool(own) and all(found.outcome == "passed" for found in own)

    return [name for name in tests if not passed(name)]


def batches(faults: Sequence[Fault]) -> list[tuple[str, list[Fault]]]:
    """What is planted together: units one after another, all of a scenario or of a folder of integration in one run of it."""
    found: dict[str, list[Fault]] = {}
    for fault in faults:
        found.setdefault(fault.step if "-" in fault.step else f"{fault.file} {fault.find}", []).append(fault)
    return [(group[0].step, group) for group in found.values()]


def copy() -> None:
    """The files that git knows or would take, without what lies beside them; what the copy has built stays."""
    told = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for path in COPY.iterdir():
        if path.name not in (".venv", ".build"):
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    for name in told.stdout.decode().split("\0"):
        source = ROOT / name
        if name and (source.is_file() or source.is_symlink()):
            (COPY / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, COPY / name, follow_symlinks=False)


def run(step: str, tests: Iterable[str]) -> list[Outcome]:
    """What became of TESTS in the copy, whose fault, if any, is planted."""
    names = sorted(set(tests))
    said, log = COPY / ".build" / "outcomes", ROOT / ".build" / "logs" / "planted_faults.log"
    said.unlink(missing_ok=True)
    log.parent.mkdir(parents=True, exist_ok=True)
    kind, _dash, name = step.partition("-")
    command = {
        "unit": [".venv/bin/pytest", "-q", "-p", "no:cacheprovider", *names],
        "integration": ["scripts/integration", name, "-k", " or ".join(test.partition("::")[2] for test in names)],
        "scenario": ["scripts/scenario", name],
        "machine": [".venv/bin/pytest", "-q", "-p", "no:cacheprovider", *names],
    }[kind]
    told = {
        **os.environ,
        "PYTEST_ADDOPTS": "-p outcomes",
        "PYTHONPATH": str(COPY / "tests" / "runner"),
        "MAINSTAY_OUTCOMES": str(said),
        "MAINSTAY_IT_PREFIX": "mainstay-planted",
        "HYPOTHESIS_STORAGE_DIRECTORY": str(COPY / ".build" / "hypothesis"),
    }
    with log.open("a", encoding="utf-8") as file:
        file.write(f"\n== {step}: {' '.join(names)}\n")
        file.flush()
        with contextlib.suppress(subprocess.TimeoutExpired):  # what hangs has not failed
            subprocess.run(
                command, cwd=COPY, env=told, stdout=file, stderr=subprocess.STDOUT, check=False, timeout=PATIENCE
            )
    lines = said.read_text(encoding="utf-8").splitlines() if said.exists() else []
    return [Outcome(**json.loads(line)) for line in lines]


def try_batch(step: str, faults: Sequence[Fault]) -> dict[Fault, list[str]]:
    """Of each fault, the tests that did not fail though it was there."""
    kept = {fault.file: (COPY / fault.file).read_text(encoding="utf-8") for fault in faults}
    try:
        for fault in faults:
            path = COPY / fault.file
            path.write_text(fault.planted(path.read_text(encoding="utf-8")), encoding="utf-8")
        outcomes = run(step, (test for fault in faults for test in fault.tests))
    finally:
        for name, text in kept.items():
            (COPY / name).write_text(text, encoding="utf-8")
    return {fault: not_failed(fault.tests, outcomes) for fault in faults}


def command_of(step: str) -> str:
    kind, _dash, name = step.partition("-")
    return {
        "unit": "make unit",
        "machine": "make unit T=tests/demo",
        "integration": f"make integration F={name}",
        "scenario": f"make scenario S={name}",
    }[kind]


def table(faults: Sequence[Fault], commit: str, date: str) -> str:
    """The table of docs/proofs.md, without the marks around it."""
    rows = [
        f"| `{fault.file}`: {fault.what} | {' '.join(f'`{test}`' for test in fault.tests)} | `{command_of(fault.step)}` |"
        for fault in faults
    ]
    head = f"Planted on {date} in {commit}: {len(faults)} of {len(faults)} were caught, and the same tests passed without them.\n"
    return "\n".join([head, "| planted fault | tests that failed | run by |", "|---|---|---|", *rows])


def write(text: str) -> None:
    before, _begin, rest = PROOFS.read_text(encoding="utf-8").partition(BEGIN)
    _old, _end, after = rest.partition(END)
    PROOFS.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--step", action="append", default=[])
    parser.add_argument("names", nargs="*")
    asked = parser.parse_args()
    every = read(TABLE.read_text(encoding="utf-8"))
    faults = [
        fault
        for fault in every
        if (not asked.step or fault.step in asked.step)
        and (not asked.names or any(name in fault.file for name in asked.names))
    ]
    if not faults:
        parser.error("no fault of tests/planted_faults.toml is so called")
    COPY.mkdir(parents=True, exist_ok=True)
    alone = (COPY.parent / "planted.lock").open("w")
    try:
        fcntl.flock(alone, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        parser.error("another run plants faults in this checkout's copy; expected it to end first")
    copy()
    subprocess.run(["scripts/venv"], cwd=COPY, check=True)
    wrong, number, start = 0, 0, time.monotonic()
    by_step: dict[str, list[str]] = {fault.step: [] for fault in faults}
    for fault in faults:
        by_step[fault.step] += fault.tests
    for step, tests in by_step.items():
        for name in not_passed(tests, run(step, tests)):
            wrong += 1
            print(f"without a fault: {name} did not pass; see .build/logs/planted_faults.log", flush=True)
    for step, batch in batches(faults):
        for fault, missed in try_batch(step, batch).items():
            number += 1
            wrong += bool(missed)
            said = f"MISSED by {', '.join(missed)}" if missed else "caught"
            print(
                f"[{number}/{len(faults)} {time.monotonic() - start:.0f} s] {fault.file}: {fault.what}: {said}",
                flush=True,
            )
    print(f"planted_faults: {number} planted, {wrong} wrong")
    if asked.write and not wrong and faults == every:
        commit = subprocess.run(
            ["git", "rev-parse", "--short=12", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
        )
        write(table(every, commit.stdout.strip(), f"{datetime.now(UTC):%Y-%m-%d}"))
        print("planted_faults: docs/proofs.md has the table; commit it")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
