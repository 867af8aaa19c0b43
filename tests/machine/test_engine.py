# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""scripts/engine after an engine that was killed: what it left is told apart from what lives, and a new engine starts."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# An engine of its own: nothing of it reaches the one that the other tests use. The numbers that the dead engine left are those of
# processes that live, but are no engine: Docker's own program takes them for one, and refuses to start.
WORLD = """
set -eu
for place in /run /var/lib/docker /var/log; do mkdir -p "$place"; mount -t tmpfs none "$place"; done
mkdir -p /run/lock /run/docker/containerd
ip link set lo up
sleep 600 & echo $! >/run/docker.pid
sleep 600 & echo $! >/run/docker/containerd/containerd.pid
before=$(cat /run/docker.pid /run/docker/containerd/containerd.pid)
{commands}
"""


def world(commands: str) -> subprocess.CompletedProcess[str]:
    if os.geteuid() != 0:
        pytest.fail("found no root; expected root, which alone may make namespaces for an engine of their own")
    apart = [
        "unshare",
        "--mount",
        "--net",
        "--pid",
        "--fork",
        "--kill-child",
        "--mount-proc",
        "--propagation",
        "private",
    ]
    environment = {key: value for key, value in os.environ.items() if key != "DOCKER_HOST"}
    return subprocess.run(
        [*apart, "sh", "-c", WORLD.replace("{commands}", commands)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_an_engine_starts_where_a_killed_one_left_its_process_ids() -> None:
    done = world("""
        scripts/engine
        docker version --format '{{ .Server.Version }}'
        test "$before" != "$(cat /run/docker.pid /run/docker/containerd/containerd.pid)"
        grep -q dockerd /proc/$(cat /run/docker.pid)/comm
    """)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "engine: starting dockerd" in done.stdout


def test_dockers_own_program_would_not_have_started() -> None:
    """What the case above is about; else it would prove nothing."""
    done = world("dockerd")
    assert done.returncode != 0 and "failed to start daemon" in done.stderr, done.stdout + done.stderr
    assert "docker.pid" in done.stderr or "still running" in done.stderr, done.stderr


def test_what_a_living_engine_left_stays() -> None:
    """One that lives and does not answer is not started twice beside itself."""
    done = world("""
        rm -r /run/docker.pid /run/docker
        scripts/engine
        kept=$(cat /run/docker.pid)
        sed -n '/^clear_leftovers/,/^}/p' scripts/engine >/run/functions
        . /run/functions
        clear_leftovers
        test "$kept" = "$(cat /run/docker.pid)"
    """)
    assert done.returncode == 0, done.stdout + done.stderr
