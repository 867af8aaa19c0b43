# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""`make demo` in copies of this checkout, on machines that lack something: another user, another PATH, mounts of one process's own.

The demo under test has a container of its own, named by MAINSTAY_DEMO_PREFIX (default mainstay-demo-test).
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HOST = os.environ.get("MAINSTAY_DEMO_PREFIX", "mainstay-demo-test")
PARTS = ("scripts", "examples/quickstart", "playbooks", "Makefile", "ansible.cfg")
SYSTEM = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
#: Logs, locks and the packages' cache: nothing that a later run could take for finished.
HARMLESS = (".build", ".build/logs", ".build/apt", ".build/pip.log")


def docker(*words: str) -> str:
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=False).stdout.strip()


@dataclass
class Run:
    code: int
    out: str
    sentences: list[str]


@dataclass
class Tree:
    """A copy of what the demo needs. `shell` comes before it, in a mount namespace of its own where it mounts something."""

    top: Path
    environment: dict[str, str] = field(default_factory=dict)
    user: str = ""
    shell: str = ""
    before: set[str] = field(default_factory=set)

    @property
    def tree(self) -> Path:
        return self.top / "tree"

    def files(self) -> set[str]:
        found = {str(path.relative_to(self.tree)) for path in self.tree.rglob("*")}
        return {name for name in found if not name.startswith((".venv/", ".build/collections/", ".build/logs/"))}

    def command(self) -> list[str]:
        demo = ["scripts/demo"]
        if self.user:
            group = "nogroup" if self.user == "nobody" else self.user
            demo = ["setpriv", f"--reuid={self.user}", f"--regid={group}", "--clear-groups", *demo]
        if not self.shell:
            return demo
        return ["unshare", "--mount", "sh", "-ec", f"{self.shell}\n exec {shlex.join(demo)}"]

    def start(self) -> subprocess.Popen[str]:
        if self.user:
            subprocess.run(["chown", "-R", self.user, self.top], check=True)
        self.before = self.files()
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "PIP_", "DOCKER_"))
        }
        environment = {**kept, "PATH": ":".join(SYSTEM), "MAINSTAY_DEMO_HOST": HOST, **self.environment}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL}
        return subprocess.Popen(
            self.command(), cwd=self.tree, env=environment, text=True, start_new_session=True, **pipes
        )

    def end(self, process: subprocess.Popen[str]) -> Run:
        try:
            out, err = process.communicate(timeout=240)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        return Run(
            process.returncode, out, [line for line in err.splitlines() if line.startswith(("demo: ", "engine: "))]
        )

    def run(self) -> Run:
        return self.end(self.start())

    def left(self) -> set[str]:
        """What a run has made and not taken away, of this tree and of Docker's."""
        made = {name for name in self.files() - self.before if name not in HARMLESS and not name.endswith(".lock")}
        made = {name for name in made if not name.startswith(".build/apt/")}
        return made | {f"container {name}" for name in docker("ps", "-aq", "--filter", f"name=^{HOST}$").split()}

    def script(self, name: str, text: str) -> None:
        """Another script in the place of scripts/NAME."""
        path = self.tree / "scripts" / name
        path.write_text(f"#!/bin/bash\n{text}\n")
        path.chmod(0o755)

    def programs(self, without: Sequence[str] = (), **others: str) -> None:
        """A PATH with the machine's programs except those that begin so, and OTHERS, which are shell scripts."""
        folder = self.top / "bin"
        folder.mkdir()
        places = dict.fromkeys(Path(place).resolve() for place in reversed(SYSTEM) if Path(place).is_dir())
        for place in places:
            for path in place.iterdir():
                link = folder / path.name
                if not path.name.startswith((*without, *others)):
                    link.unlink(missing_ok=True)
                    link.symlink_to(path)
        for name, text in others.items():
            (folder / name).write_text(f"#!/bin/sh\n{text}\n")
            (folder / name).chmod(0o755)
        self.environment["PATH"] = str(folder)

    def use_venv_of_checkout(self) -> None:
        """The set-up is not what is tried: .venv and the collections are those of the checkout, the image is the one that is there."""
        (self.tree / ".venv").symlink_to(ROOT / ".venv")
        (self.tree / ".build").mkdir()
        (self.tree / ".build/collections").symlink_to(ROOT / ".build/collections")
        self.script("venv", "exit 0")
        shutil.copy(ROOT / "scripts/image", self.tree / "scripts/real-image")
        self.script("image", 'docker image inspect "mainstay-host:$1" >/dev/null 2>&1 || exec scripts/real-image "$1"')

    def wait_for(self, name: str, seconds: float = 90) -> None:
        until = time.monotonic() + seconds
        while not (self.tree / name).exists():
            assert time.monotonic() < until, f"{name} is not there after {seconds:g} s"
            time.sleep(0.05)


@pytest.fixture
def tree() -> Iterator[Tree]:
    # not pytest's own folder, which other users may not enter
    top = Path(tempfile.mkdtemp(prefix="mainstay-demo-"))
    top.chmod(0o755)
    made = Tree(top)
    for part in PARTS:
        source, target = ROOT / part, made.tree / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", ".vault-password", "secrets"))
        else:
            shutil.copy(source, target)
    for source in ROOT.glob("requirements*"):
        shutil.copy(source, made.tree)
    yield made
    docker("rm", "-fv", HOST)
    shutil.rmtree(top)
