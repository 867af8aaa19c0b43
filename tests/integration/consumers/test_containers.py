# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Containers of the engine on this machine: the module runs here, as on a host that has one."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

IMAGE = "mainstay-host:13"
#: Counts its SIGHUPs, and dies of a file.
PROGRAM = """
import os, signal, time
told = []
signal.signal(signal.SIGHUP, lambda *_unused: told.append(1) or open("/tmp/told", "w").write(str(len(told))))
while not os.path.exists("/srv/die"):
    time.sleep(0.1)
raise SystemExit(3)
"""


def docker(*words: str) -> str:
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=True, timeout=600).stdout.strip()


@pytest.fixture
def containers(host: Any) -> Iterator[Callable[..., str]]:
    """Starts a container of PROGRAM; needs the image that the hosts have, so a host comes first."""
    names: list[str] = []

    def start(name: str, *options: str) -> str:
        names.append(f"{host.name}-{name}")
        docker("run", "--detach", "--init", "--name", names[-1], *options, IMAGE, "python3", "-c", PROGRAM)
        return names[-1]

    yield start
    for name in names:
        docker("rm", "--force", name)


@pytest.fixture
def here(host: Any) -> Callable[..., Any]:
    def call(*consumers: Mapping[str, Any], **options: Any) -> Any:
        task = {"name": "act", "mainstay.backend.consumer_reload": {"consumers": list(consumers), **options}}
        local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        return host.play(tasks=[task], variables=local)

    return call


def state(name: str) -> Any:
    return json.loads(docker("inspect", "--format", "{{json .State}}", name))


def test_containers_are_restarted_or_signalled_and_their_own_health_check_counts(
    containers: Callable[..., str], here: Callable[..., Any]
) -> None:
    check = ("--health-cmd", "test -e /tmp/told || sleep 1", "--health-interval", "1s")
    one, two, three = containers("one"), containers("two"), containers("three", *check)
    before = {name: state(name) for name in (one, two, three)}
    run = here(
        {"name": "web", "container": one},
        {"name": "jobs", "container": two, "reload_method": "HUP"},
        {"name": "mail", "container": [three]},
    ).ok()
    assert run.result("act")["actions"] == [f"web: restart {one}", f"jobs: HUP {two}", f"mail: restart {three}"]
    assert all(item["healthy"] for item in run.result("act")["consumers"])
    after = {name: state(name) for name in (one, two, three)}
    changed = [name for name in before if after[name]["StartedAt"] != before[name]["StartedAt"]]
    assert changed == [one, three] and docker("exec", two, "cat", "/tmp/told") == "1"
    assert after[three]["Health"]["Status"] == "healthy"


def test_a_container_that_dies_after_its_restart_stops_it(
    containers: Callable[..., str], here: Callable[..., Any]
) -> None:
    """Once for good, and once where the engine starts it again and again."""
    dies, returns, later = containers("dies"), containers("returns", "--restart", "always"), containers("later")
    before = state(later)["StartedAt"]
    for name in (dies, returns):
        docker("exec", name, "touch", "/srv/die")
        docker("wait", name)
    docker("start", dies) if not state(dies)["Running"] else None
    for name in (dies, returns):
        run = here({"name": "web", "container": name}, {"name": "jobs", "container": later})
        assert run.code and f"consumer web: {name} " in run.message
        assert run.message.endswith(f"(docker logs {name})\nleft alone: jobs"), run.message
    assert state(later)["StartedAt"] == before


def test_what_cannot_be_moved_is_refused(
    containers: Callable[..., str], here: Callable[..., Any], tmp_path: Any
) -> None:
    """One that is not there; one that was stopped; one whose environment was made with it, which no restart changes."""
    stopped = containers("stopped")
    docker("kill", stopped)
    env_file = tmp_path / ".env"
    env_file.write_text("DATABASE_URL='postgresql://shop_db_a:Pl4nted@127.0.0.1/shop'\nRAILS_MAX_THREADS=5\n")
    kept = containers(
        "kept", "--env", "DATABASE_URL=postgresql://shop_db_a:Pl4nted@127.0.0.1/shop", "--env", "RAILS_MAX_THREADS=5"
    )
    run = here(
        {"name": "web", "container": "no-such-container"},
        {"name": "jobs", "container": stopped},
        {"name": "mail", "container": kept, "env_files": [str(env_file)]},
        state="checked",
    )
    first, second, third = run.message.splitlines()
    assert first == "consumer web: docker knows no container no-such-container; expected it to run"
    assert second.startswith(
        f"consumer jobs: {stopped} does not run (exited, exit code 137); expected it to run: start it"
    )
    assert third.startswith(
        f"consumer mail: container: found {kept}, whose environment has held DATABASE_URL since it was made; expected"
    )
    assert "Pl4nted" not in run.out
