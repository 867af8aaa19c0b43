# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""tests/runner/bin/docker runs commands in a host as `docker exec` does: the two are asked the same."""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NEAR = ROOT / "tests" / "runner" / "bin" / "docker"
#: The real one, also where this test runs in a lane.
REAL = os.environ.get("MAINSTAY_DOCKER") or shutil.which("docker")


@pytest.fixture(scope="module")
def host() -> Iterator[str]:
    name = f"mainstay-near-{uuid.uuid4().hex[:8]}"
    subprocess.run(
        [REAL, "run", "-d", "--init", "--name", name, "--hostname", name, "mainstay-host:13", "sleep", "1000"],
        check=True,
    )
    yield name
    subprocess.run([REAL, "rm", "-fv", name], check=True)


def both(tmp_path: Path, *words: str, text: str = "") -> list[tuple[int, str, str]]:
    environment = {
        **os.environ,
        "MAINSTAY_DOCKER": str(REAL),
        "MAINSTAY_RUN_DIR": str(tmp_path),
        "OUTSIDE": "not there",
    }
    return [
        (done.returncode, done.stdout, done.stderr)
        for program in (str(REAL), str(NEAR))
        for done in [
            subprocess.run([program, *words], input=text, capture_output=True, text=True, check=False, env=environment)
        ]
    ]


@pytest.mark.parametrize(
    ("options", "command"),
    [
        ([], ["sh", "-c", "id; pwd; hostname; umask"]),
        ([], ["sh", "-c", 'for word; do echo "[$word]"; done', "sh", "a  b", "*", "", "$HOME", "it's", "-u"]),
        ([], ["sh", "-c", "exit 7"]),
        ([], ["sh", "-c", "echo out; echo err >&2"]),
        (["-i"], ["cat"]),
        (["-u", "www-data"], ["sh", "-c", "id; pwd; echo $HOME"]),
        (["--user", "postgres-is-not-here"], ["true"]),
        (["-w", "/etc"], ["pwd"]),
        (["-e", "A=b  'c' \"d\" $e", "-e", "B=="], ["sh", "-c", 'echo "$A|$B"']),
        (["-u", "www-data", "-e", "PGPASSWORD=x y"], ["sh", "-c", 'echo "$PGPASSWORD"']),
        ([], ["env"]),
        ([], ["sh", "-c", "ps -e -o comm= | sort -u | head -n 2; ls -l /proc/1/exe"]),
    ],
)
def test_a_command_is_run_as_docker_runs_it(host: str, tmp_path: Path, options: list[str], command: list[str]) -> None:
    real, near = both(tmp_path, "exec", *options, host, *command, text="what is\nsent\0")
    if "is-not-here" in str(options):  # the reason is worded differently
        assert real[0] != 0 and near[0] != 0
        return
    assert (near[0], sorted(near[1].splitlines())) == (real[0], sorted(real[1].splitlines()))
    assert near[2] == real[2]


def test_what_is_not_a_command_in_a_host_is_left_to_docker(tmp_path: Path) -> None:
    for words in (
        ["exec", "mainstay-is-not-here", "true"],
        ["--version"],
        ["inspect", "nothing"],
        ["exec"],
        ["exec", "-i"],
    ):
        real, near = both(tmp_path, *words)
        assert near == real, words


def test_a_host_that_was_restarted_is_found_again(host: str, tmp_path: Path) -> None:
    assert both(tmp_path, "exec", host, "cat", "/proc/1/comm")[1][0] == 0
    before = (tmp_path / host).read_text().split()[0]
    subprocess.run([REAL, "restart", "-t", "0", host], check=True, capture_output=True)
    real, near = both(tmp_path, "exec", host, "cat", "/proc/1/comm")
    assert near == real and near[0] == 0
    assert (tmp_path / host).read_text().split()[0] != before


def test_no_variable_is_in_a_command_line_of_the_host(host: str, tmp_path: Path) -> None:
    """It may be a password: the hunt for leaks would find it there."""
    look = "cat /proc/[0-9]*/cmdline | tr '\\0' '\\n' | grep -c hunter2"
    _real, near = both(
        tmp_path, "exec", "-e", "WORD=hunter2", host, "sh", "-c", f"{look.replace('hunter2', 'hunt[e]r2')}; true"
    )
    assert near[:2] == (0, "0\n")
