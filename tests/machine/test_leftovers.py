# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a killed run left is told apart from what somebody uses, and taken away by name."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
IMAGE = "mainstay-host:13"
OTHERS = {name: value for name, value in os.environ.items() if name != "MAINSTAY_RUN"}


def docker(*words: str, check: bool = True) -> str:
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=check).stdout.strip()


def run_of(process: subprocess.Popen[bytes]) -> str:
    """The label that a run with this process puts on what it makes."""
    started = Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[19]
    return f"{process.pid}-{started}"


@pytest.fixture
def living() -> Iterator[str]:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield run_of(process)
        process.kill()


@pytest.fixture
def gone() -> str:
    """A process that was; another one may have its number by now, but did not begin at that moment."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        found = run_of(process)
        process.kill()
    return found


@pytest.fixture
def prefix() -> Iterator[str]:
    found = f"mainstay-left-{uuid.uuid4().hex[:8]}"
    yield found
    for name in docker("ps", "-aq", "--filter", f"name={found}").split():
        docker("rm", "-fv", name)
    for name in docker("network", "ls", "-q", "--filter", f"name={found}").split():
        docker("network", "rm", name)


def make(name: str, run: str) -> None:
    label = ["--label", f"mainstay.run={run}"] if run else []
    docker("create", "--name", name, *label, IMAGE, "true")
    docker("network", "create", *label, f"{name}-net")


def there(prefix: str) -> set[str]:
    containers = docker("ps", "-a", "--format", "{{.Names}}", "--filter", f"name={prefix}").split()
    return {*containers, *docker("network", "ls", "--format", "{{.Name}}", "--filter", f"name={prefix}").split()}


def test_only_what_a_dead_run_left_is_removed_and_each_is_named(prefix: str, living: str, gone: str) -> None:
    make(f"{prefix}-dead", gone)
    make(f"{prefix}-same-number", f"{living.partition('-')[0]}-1")  # the number is another process's now
    make(f"{prefix}-used", living)
    make(f"{prefix}-by-hand", "")
    said = subprocess.run([ROOT / "scripts/leftovers"], capture_output=True, text=True, check=True, env=OTHERS).stdout
    kept = {f"{prefix}-{name}{kind}" for name in ("used", "by-hand") for kind in ("", "-net")}
    assert there(prefix) == kept
    for name in ("dead", "same-number"):
        assert f"removed the container {prefix}-{name} of" in said
        assert f"removed the network {prefix}-{name}-net of" in said
    assert not any(f"{name} of" in said for name in kept)


def test_a_run_that_ends_takes_its_own_ones(prefix: str, living: str) -> None:
    make(f"{prefix}-own", living)
    subprocess.run([ROOT / "scripts/leftovers", living], check=True, capture_output=True, env=OTHERS)
    assert there(prefix) == set()


def test_a_host_that_another_run_uses_is_refused_by_name(prefix: str, living: str) -> None:
    make(prefix, living)
    done = subprocess.run(
        [ROOT / "scripts/host", "up", prefix, "13"], capture_output=True, text=True, check=False, env=OTHERS
    )
    assert done.returncode == 1
    assert f"found {prefix} in use by process {living.partition('-')[0]}, another run" in done.stderr
    assert prefix in there(prefix)


def test_a_host_of_a_dead_run_is_made_anew(prefix: str, gone: str) -> None:
    make(prefix, gone)
    before = docker("inspect", "-f", "{{.Id}}", prefix)
    subprocess.run([ROOT / "scripts/host", "up", prefix, "13"], check=True, capture_output=True, env=OTHERS)
    assert docker("inspect", "-f", "{{.Id}} {{.State.Running}}", prefix) != f"{before} true"
    assert docker("inspect", "-f", "{{.State.Running}}", prefix) == "true"


def test_half_an_image_of_a_killed_build_is_cleared(tmp_path: Path) -> None:
    """Its folder is named like the image and not the image itself; its builder has a name of its own."""
    text = (ROOT / "scripts/image").read_text(encoding="utf-8")
    place = next(line for line in text.splitlines() if line.startswith("place="))
    assert place == "place=.build/image-$kind-$release"
    script = text.split("# A folder of this name")[1].split("\n\n")[0].partition("\n")[2]
    (tmp_path / ".build/image-host-13").mkdir(parents=True)
    (tmp_path / ".build/image-host-13/root.tar").write_text("half of it")
    command = f"kind=host release=13\n{script}\nls -A $place"
    done = subprocess.run(["bash", "-ec", command], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "" and not (tmp_path / ".build/image-host-13").exists()
