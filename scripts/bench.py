# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Measures playbooks/site.yml: round trips and time of a run that changes nothing (one host, three hosts), and of a cold run.

Times come from quiet runs, each the median of three. With --assert: only the round trips, once;
exits 1 where one is over its limit. With --cold: only cold runs, --runs of them.
"""

from __future__ import annotations

import argparse
import re
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from bench_runs import RELEASE, TOP, Figure, Run, halt, host, play, say, show, write_inventory

WORK = TOP / ".build" / "bench"
HOSTS = ("mainstay-bench-1", "mainstay-bench-2", "mainstay-bench-3")
#: Each run has a host of its own, and none is removed before the end.
FRESH, BARE = "mainstay-bench-fresh-{}", "mainstay-bench-bare-{}"
MOST_EXECUTIONS, MOST_CALLS, MOST_SECONDS, MOST_COLD, MOST_THREE = 20, 14, 12.0, 1.3, 1.6
#: A line of ansible.posix.profile_tasks: what a task was called, and its seconds.
TASK = re.compile(r"^(\S.*?) -{2,} +([\d.]+)s$", re.MULTILINE)
# What a person would type: the same packages without recommended extras. Debian starts both servers with its own defaults.
BARE_SCRIPT = """set -e
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends {packages}
"""


def inventory(name: str, hosts: tuple[str, ...]) -> Path:
    """An inventory in which each of these hosts is server and consumer at once, like the quickstart's."""
    members = {item: {"ansible_connection": "community.docker.docker"} for item in hosts}
    groups = {group: {"hosts": dict.fromkeys(hosts)} for group in ("valkey", "postgres", "app")}
    content = {
        "all": {"vars": {"backend_app": "shop", "backend_store_dir": str(WORK / "secrets")}, "hosts": members},
        **groups,
    }
    return write_inventory(WORK / name, content)


def site(path: Path, *options: str, profile: bool = False) -> Run:
    environment = {"ANSIBLE_CALLBACKS_ENABLED": "ansible.posix.profile_tasks"} if profile else {}
    return play(WORK, path, "site.yml", *options, environment=environment)


def unchanged(path: Path, *options: str) -> Run:
    """A run that must not change anything; a bench of one that does would measure something else."""
    run = site(path, *options)
    if any(run.changed.values()) or not run.changed:
        sys.exit(f"bench: found changed={run.changed} on a run that should change nothing")
    return run


def round_trips(path: Path) -> tuple[int, int]:
    """Module calls and remote executions of a run that changes nothing."""
    return unchanged(path, "-vvv").round_trips()


def packages(name: str) -> set[str]:
    command = ["docker", "exec", name, "dpkg-query", "-W", "-f", "${binary:Package}\n"]
    return set(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.split())


def bare(name: str, names: list[str]) -> float:
    """Seconds that a bare shell script takes to install these packages on a fresh host."""
    host("up", name, RELEASE)
    started = time.monotonic()
    subprocess.run(
        ["docker", "exec", "-i", name, "sh", "-s"],
        input=BARE_SCRIPT.format(packages=" ".join(names)),
        text=True,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    seconds = time.monotonic() - started
    halt(name)
    return seconds


def cold(runs: int) -> tuple[float, float]:
    """Medians of a first run on a fresh host and of the bare script, in turn, from one warm archive of packages."""
    first, *others = (FRESH.format(turn) for turn in range(runs + 1))
    host("up", first, RELEASE)
    before = packages(first)
    say("a first run that is not counted, so that both find the packages downloaded ...")
    site(inventory(first, (first,)))
    names = sorted(packages(first) - before)
    halt(first)
    ours, theirs = [], []
    for turn, name in enumerate(others):
        host("up", name, RELEASE)
        run = site(inventory(name, (name,)), profile=True)
        halt(name)
        ours.append(run.seconds)
        theirs.append(bare(BARE.format(turn), names))
        say(f"cold run: {ours[-1]:.1f} s; the bare script with the same {len(names)} packages: {theirs[-1]:.1f} s")
    tasks = [(task, float(seconds)) for task, seconds in TASK.findall(run.output) if float(seconds) >= 0.2]
    say(f"where the {ours[-1]:.1f} s of the last one went:")
    for task, seconds in [*tasks, ("everything else", ours[-1] - sum(seconds for _task, seconds in tasks))]:
        say(f"  {seconds:5.1f} s  {task}")
    say(f"medians: {statistics.median(ours):.1f} s / {statistics.median(theirs):.1f} s")
    return statistics.median(ours), statistics.median(theirs)


def steady(name: str, hosts: tuple[str, ...], runs: int) -> tuple[float, int, int]:
    """Seconds, module calls and remote executions of a run that changes nothing on these hosts."""
    path = inventory(name, hosts)
    for item in hosts:
        host("up", item, RELEASE)
    site(path)
    calls, executions = round_trips(path)
    seconds = statistics.median(unchanged(path).seconds for _run in range(runs))
    say(
        f"no change, {len(hosts)} host{'s' * (len(hosts) > 1)}:\n  wall time: {seconds:.1f} s\n  module calls: {calls}\n  remote executions: {executions}"
    )
    return seconds, calls, executions


def measure(only_counts: bool, only_cold: bool, runs: int) -> list[Figure]:
    figures: list[Figure] = []
    if not only_counts:
        ours, theirs = cold(runs)
        figures.append(Figure("cold run / bare script", ours / theirs, MOST_COLD, "x"))
    if only_cold:
        return figures
    one, calls, executions = steady("one", HOSTS[:1], runs)
    figures += [
        Figure("remote executions, one host", executions, MOST_EXECUTIONS, counted=True),
        Figure("module calls, one host", calls, MOST_CALLS, counted=True),
        Figure("no change, one host", one, MOST_SECONDS, "s"),
    ]
    if not only_counts:
        three, calls, executions = steady("three", HOSTS, runs)
        figures += [
            Figure("remote executions, a host of three", executions / 3, MOST_EXECUTIONS, counted=True),
            Figure("module calls, a host of three", calls / 3, MOST_CALLS, counted=True),
            Figure("three hosts / one host", three / one, MOST_THREE, "x"),
        ]
    return figures


def clear() -> None:
    """Hosts and the store that knows their passwords come and go together."""
    # those of HOSTS, FRESH and BARE, and not those of bench_rotation
    command = ["docker", "ps", "--all", "--format", "{{ .Names }}", "--filter", "name=^/mainstay-bench-[0-9fb]"]
    names = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    if names:
        host("down", *names)
    shutil.rmtree(WORK / "secrets", ignore_errors=True)


def main() -> int:
    parser = argparse.ArgumentParser(description="Measures playbooks/site.yml.")
    parser.add_argument(
        "--assert", dest="only_counts", action="store_true", help="only round trips; fail where one is over its limit"
    )
    parser.add_argument("--cold", dest="only_cold", action="store_true", help="only cold runs beside the bare script")
    parser.add_argument("--runs", type=int, default=3, help="how many times what is timed runs (default 3)")
    told = parser.parse_args()
    only_counts, runs = told.only_counts, 1 if told.only_counts else max(1, told.runs)
    WORK.mkdir(parents=True, exist_ok=True)
    clear()  # an interrupted bench leaves hosts behind
    try:
        figures = measure(only_counts, told.only_cold, runs)
    finally:
        clear()
    show(figures, TOP / ".build" / "bench.json")
    missed = [figure.name for figure in figures if figure.counted and not figure.met]
    return 1 if only_counts and missed else 0


if __name__ == "__main__":
    sys.exit(main())
