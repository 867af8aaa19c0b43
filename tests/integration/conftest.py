# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Debian hosts with systemd in containers, and Ansible against them, for tests of modules and roles on real servers.

MAINSTAY_IT_PREFIX names the containers (default mainstay-it), so that two runs on one machine do not meet; MAINSTAY_IT_KEEP=1 leaves them.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PREFIX = os.environ.get("MAINSTAY_IT_PREFIX", "mainstay-it")
GROUPS = ("valkey", "postgres", "app")
#: Releases of which scripts/image makes hosts with the packages inside.
READY = (12, 13, 14)


@dataclass(frozen=True)
class Run:
    """What one ansible-playbook run did: `out` is everything it printed, `tasks` are (name, result) in their order."""

    code: int
    out: str
    tasks: Sequence[tuple[str, Mapping[str, Any]]] = ()

    def result(self, name: str) -> Mapping[str, Any]:
        """The result of the last task whose name holds NAME."""
        found = [result for task, result in self.tasks if name in task]
        assert found, f"no task called {name!r} in: {self.out[-2000:]}"
        return found[-1]

    @property
    def changed(self) -> list[str]:
        return [task for task, result in self.tasks if result.get("changed")]

    @property
    def message(self) -> str:
        """Why it failed."""
        failed = [result for _task, result in self.tasks if result.get("failed")]
        return str(failed[-1].get("msg")) if failed else ""

    def ok(self) -> Run:
        assert self.code == 0, self.message or self.out[-3000:]
        return self


@dataclass
class Host:
    """One Debian host. `work` holds its inventory, vault password and secret store on the controller."""

    name: str
    work: Path
    variables: dict[str, Any] = field(default_factory=dict)

    def run(
        self, command: str | Sequence[str], check: bool = True, text: str | None = None, seconds: float = 900
    ) -> str:
        """Standard output of COMMAND on the host (a text goes through its shell)."""
        words = ["sh", "-c", command] if isinstance(command, str) else list(command)
        done = subprocess.run(
            ["docker", "exec", "-i", self.name, *words],
            input=text,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert not check or done.returncode == 0, f"{command}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def spawn(self, command: Sequence[str]) -> subprocess.Popen[str]:
        """COMMAND on the host while the test goes on."""
        return subprocess.Popen(["docker", "exec", "-i", self.name, *command], stdout=subprocess.PIPE, text=True)

    def write(self, path: str, text: str) -> None:
        self.run(f"mkdir -p $(dirname {shlex.quote(path)}) && cat > {shlex.quote(path)}", text=text)

    def play(
        self,
        roles: Sequence[str] = (),
        tasks: Sequence[Mapping[str, Any]] = (),
        variables: Mapping[str, Any] | None = None,
        check: bool = False,
        groups: Sequence[str] = GROUPS,
        verbosity: int = 0,
    ) -> Run:
        """Runs ROLES (short names), then TASKS, on this host. With VERBOSITY the text is all there is: `tasks` stays empty."""
        steps = [{"ansible.builtin.include_role": {"name": f"mainstay.backend.{role}"}} for role in roles]
        play = [{"hosts": "all", "gather_facts": False, "become": False, "tasks": [*steps, *tasks]}]
        told = {**self.variables, **(variables or {})}
        members = {group: {"hosts": {self.name: {}}} for group in groups}
        connection = {"ansible_connection": "community.docker.docker", "ansible_python_interpreter": "/usr/bin/python3"}
        inventory = {"all": {"hosts": {self.name: {**connection, **told}}, "children": members}}
        (self.work / "play.json").write_text(json.dumps(play))
        (self.work / "inventory.json").write_text(json.dumps(inventory))
        command = [str(ROOT / ".venv/bin/ansible-playbook"), "-i", str(self.work / "inventory.json"), "--diff"]
        command += ["--check"] * check + [f"-{'v' * verbosity}"] * bool(verbosity) + [str(self.work / "play.json")]
        callback = {} if verbosity else {"ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json"}
        environment = {
            **os.environ,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".build/collections"),
            "ANSIBLE_VAULT_PASSWORD_FILE": str(self.work / "vault-password"),
            **callback,
        }
        done = subprocess.run(
            command, capture_output=True, text=True, env=environment, timeout=3600, cwd=ROOT, check=False
        )
        out = done.stdout + done.stderr
        return Run(done.returncode, out, () if verbosity else tuple(_tasks(done.stdout, self.name)))

    def until(self, command: str, wanted: str, seconds: float) -> float:
        """Waits until COMMAND's output holds WANTED; how long that took."""
        start = time.monotonic()
        while time.monotonic() - start < seconds:
            if wanted in self.run(f"timeout 30 {command}", check=False):
                return time.monotonic() - start
            time.sleep(0.2)
        raise AssertionError(f"{command}: no {wanted!r} within {seconds} s")


def _tasks(out: str, host: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    start = out.find("{\n")
    if start < 0:
        return
    told = json.JSONDecoder().raw_decode(out[start:])[0]
    for play in told["plays"]:
        for task in play["tasks"]:
            for name, result in task["hosts"].items():
                if name == host:
                    yield task["task"]["name"], result


@pytest.fixture(scope="session")
def first_install() -> frozenset[int]:
    """The releases whose hosts have nothing of ours before the tests."""
    return frozenset()


@pytest.fixture(scope="session")
def host_of(tmp_path_factory: pytest.TempPathFactory, first_install: frozenset[int]) -> Iterator[Callable[[int], Host]]:
    """A host of each Debian release that a test asks for, started once a session.

    It has the servers' packages inside, not configured; a folder that is about a first installation names releases in a fixture `first_install`.
    """
    hosts: dict[int, Host] = {}

    def get(release: int) -> Host:
        if release not in hosts:
            image = f"{release}-ready" if release in READY and release not in first_install else str(release)
            name = f"{PREFIX}-{release}"
            if not os.environ.get("MAINSTAY_IT_KEEP"):
                subprocess.run([ROOT / "scripts/host", "down", name], check=True)
            started = subprocess.run(
                [ROOT / "scripts/host", "up", name, image], capture_output=True, text=True, check=False
            )
            assert started.returncode == 0, started.stdout + started.stderr
            work = _work(tmp_path_factory, name)
            hosts[release] = Host(name, work, {"backend_store_dir": str(work / "secrets")})
        return hosts[release]

    yield get
    if hosts and not os.environ.get("MAINSTAY_IT_KEEP"):
        subprocess.run([ROOT / "scripts/host", "down", *[host.name for host in hosts.values()]], check=True)


def _work(factory: pytest.TempPathFactory, name: str) -> Path:
    """A folder for the host's store; a host that is kept keeps its store."""
    keep = os.environ.get("MAINSTAY_IT_KEEP")
    work = ROOT / ".build" / "it" / name if keep else factory.mktemp(name)
    work.mkdir(parents=True, exist_ok=True)
    (work / "vault-password").write_text("of no worth outside this test\n")
    return work


@pytest.fixture(scope="session")
def host(host_of: Callable[[int], Host]) -> Host:
    """A Debian 13 host."""
    return host_of(13)
