# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Measures playbooks/rotate_secrets.yml: 1 and 50 credentials on 1 and 5 consumers, time and number of remote executions.

A data host, and a host for each consumer, which is a unit that reloads. Times are medians of --runs quiet runs; round trips are counted in one
more at -vvv. With --small: 1 and 5 credentials on 1 consumer, once, to see that it works.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench_runs import RELEASE, TOP, Figure, host, play, say, show, write_inventory

WORK = TOP / ".build" / "bench-rotation"
DATA, APPS = "mainstay-bench-data", tuple(f"mainstay-bench-app{number}" for number in range(1, 6))
NETWORKS = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]
#: One credential within these seconds on one consumer; fifty in less than so many times that.
MOST_SECONDS, MOST_TIMES = 15.0, 10.0
UNIT = """[Service]
ExecStart=/bin/sleep infinity
ExecReload=/bin/true
"""


def address(name: str) -> str:
    command = ["docker", "inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", name]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def credentials(count: int) -> list[str]:
    """Half of them logins of PostgreSQL, half users of Valkey."""
    return [f"{'database' if number % 2 else 'cache'}_{number}" for number in range(1, count + 1)]


def inventory(consumers: int, count: int) -> Path:
    apps = APPS[:consumers]
    declared = {
        name: {"kind": "postgres_role", "database": "shop"}
        if name.startswith("database")
        else {"kind": "valkey_user", "instance": "cache"}
        for name in credentials(count)
    }
    served = {"bind": ["0.0.0.0"], "clients": NETWORKS}
    shared: dict[str, Any] = {
        "ansible_connection": "community.docker.docker",
        "backend_app": "shop",
        "backend_store_dir": str(WORK / "secrets"),
        "backend_credentials": declared,
        "backend_consumers": {"shop": {"unit": "bench.service", "threads": 1, "credentials": list(declared)}},
        "valkey_instances": {"cache": served, "session": served, "cable": served},
        "postgres_listen_addresses": ["0.0.0.0"],
        "postgres_clients": NETWORKS,
        "postgres_settings": {"max_connections": 400},
    }
    data = {"backend_address": address(DATA)}
    return write_inventory(
        WORK / f"{consumers}-{count}",
        {
            "all": {"vars": shared, "hosts": {DATA: data, **dict.fromkeys(apps)}},
            "valkey": {"hosts": {DATA: None}},
            "postgres": {"hosts": {DATA: None}},
            "app": {"hosts": dict.fromkeys(apps)},
        },
    )


def rotated(path: Path, count: int, *options: str) -> tuple[float, tuple[int, int]]:
    """Seconds, and module calls and remote executions, of a rotation of everything; one that changes nothing would measure something else."""
    wanted = json.dumps({"rotation_force": True, "rotation_only": credentials(count)})
    run = play(WORK, path, "rotate_secrets.yml", "-e", wanted, *options)
    if not all(run.changed.values()):
        sys.exit(f"bench: found changed={run.changed} in a rotation that should concern every host")
    return run.seconds, run.round_trips()


def measure(sizes: list[tuple[int, int]], runs: int) -> list[Figure]:
    figures: list[Figure] = []
    medians: dict[tuple[int, int], float] = {}
    for consumers, count in sizes:
        path = inventory(consumers, count)
        play(WORK, path, "site.yml")
        calls, executions = rotated(path, count, "-vvv")[1]
        times = [rotated(path, count)[0] for _unused in range(runs)]
        medians[consumers, count] = statistics.median(times)
        what = f"{count} credential{'s' * (count > 1)}, {consumers} consumer{'s' * (consumers > 1)}"
        say(
            f"{what}: {', '.join(f'{item:.1f}' for item in times)} s; {executions} remote executions, {calls} module calls"
        )
        limit = MOST_SECONDS if (consumers, count) == (1, 1) else 0.0
        figures += [
            Figure(what, medians[consumers, count], limit, "s"),
            Figure(f"{what}: remote executions", executions),
            Figure(f"{what}: module calls", calls),
        ]
    for consumers in {consumers for consumers, _count in sizes}:
        most = max(count for number, count in sizes if number == consumers)
        times_one = medians[consumers, most] / medians[consumers, 1]
        figures.append(
            Figure(f"{most} credentials / one, {consumers} consumer{'s' * (consumers > 1)}", times_one, MOST_TIMES, "x")
        )
    return figures


def clear() -> None:
    """Hosts and the store that knows their passwords come and go together."""
    host("down", DATA, *APPS)
    shutil.rmtree(WORK / "secrets", ignore_errors=True)


def main() -> int:
    parser = argparse.ArgumentParser(description="Measures playbooks/rotate_secrets.yml.")
    parser.add_argument("--runs", type=int, default=3, help="how many times what is timed runs (default 3)")
    parser.add_argument("--small", action="store_true", help="a short one, to see that it works")
    told = parser.parse_args()
    sizes = [(1, 1), (1, 5)] if told.small else [(1, 1), (1, 50), (5, 1), (5, 50)]
    WORK.mkdir(parents=True, exist_ok=True)
    clear()  # an interrupted bench leaves hosts behind
    try:
        for name in (DATA, *APPS[: max(consumers for consumers, _count in sizes)]):
            host("up", name, RELEASE)
            write = ["docker", "exec", "-i", name, "sh", "-c"]
            script = "cat > /etc/systemd/system/bench.service && systemctl daemon-reload && systemctl start bench"
            subprocess.run([*write, script], input=UNIT, text=True, check=True)
        figures = measure(sizes, 1 if told.small else max(1, told.runs))
    finally:
        clear()
    show(figures, TOP / ".build" / "bench-rotation.json")
    return 0


if __name__ == "__main__":
    sys.exit(main())
