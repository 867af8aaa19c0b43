# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The real systemd and Docker Compose of Debian 13, and this machine's docker, read random files as ours does."""

from __future__ import annotations

import base64
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "lib"))
from env_fuzz import FILES, PROCESS
from real_loaders import ROOT, Variables
from real_services import PROGRAM, PROGRAM_PATH, VERSIONS, Batches, Docker, on_debian

from ansible_collections.mainstay.backend.plugins.module_utils._env_loaders import LoaderRefuses, load

INPUTS = int(os.environ.get("MAINSTAY_FUZZ_INPUTS", "1000"))
KNOWN = json.loads((ROOT / "tests" / "data" / "dotenv_found.json").read_text())["cases"]
MEASURED = json.loads((ROOT / "tests" / "data" / "dotenv_loaders.json").read_text())["cases"]
IMAGE = "mainstay-host:13"
BATCH = 100
INSTALL = (
    "command -v docker-compose >/dev/null || (apt-get -qq update"
    " && DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends docker-compose)"
)


@pytest.fixture(scope="module")
def real(host_of: Callable[[int], Any]) -> Iterator[Callable[[str], Batches]]:
    host = host_of(13)
    host.write(PROGRAM_PATH, PROGRAM)
    started: dict[str, Batches] = {}

    def get(loader: str) -> Batches:
        if loader not in started:
            if loader == "compose":
                host.run(INSTALL, seconds=1800)
            started[loader] = on_debian(host.name, loader)
        assert started[loader].version == VERSIONS[loader]
        return started[loader]

    yield get
    for process in started.values():
        process.close()


@pytest.fixture(scope="module")
def docker(host_of: Callable[[int], Any], tmp_path_factory: pytest.TempPathFactory) -> Docker:
    host_of(13)  # it has the image
    found = Docker(IMAGE, tmp_path_factory.mktemp("docker"))
    if found.read_many([b"A='b'\n"]) != [{"A": "'b'"}]:
        pytest.skip("this docker takes quotes away: a later one than 28.2, which is the one that ours follows")
    return found


def ours(data: bytes, loader: str) -> Variables | None:
    try:
        return load(data, loader, PROCESS).variables
    except LoaderRefuses:
        return None


def files(number: int) -> list[bytes]:
    """NUMBER random files."""
    made: list[bytes] = []

    @settings(max_examples=number, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(FILES)
    def collect(data: bytes) -> None:
        made.append(data)

    collect()
    return made[:number]


def differences(
    inputs: Sequence[bytes], loader: str, read: Callable[[Sequence[bytes], Sequence[bool]], Sequence[Variables | None]]
) -> list[tuple[bytes, Variables | None, Variables | None]]:
    """Each input that ours and the real one read differently, shortest first: the bytes, what ours gives, what the real one gives."""
    found = []
    for start in range(0, len(inputs), BATCH):
        batch = inputs[start : start + BATCH]
        mine = [ours(data, loader) for data in batch]
        theirs = read(batch, [one is not None for one in mine])
        found += [item for item in zip(batch, mine, theirs, strict=True) if item[1] != item[2]]
    return sorted(found, key=lambda item: len(item[0]))[:5]


def test_systemd_reads_the_same(real: Callable[[str], Batches]) -> None:
    process = real("systemd")

    @settings(max_examples=INPUTS, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(FILES)
    def compare(data: bytes) -> None:
        assert ours(data, "systemd") == process.read(data)

    compare()


def test_the_processes_of_units_get_the_same(real: Callable[[str], Batches]) -> None:
    """The function of systemd's library that the test above calls is what units go by."""
    inputs = [*files(INPUTS // 5), *[base64.b64decode(case["input_b64"]) for case in MEASURED]]
    assert not differences(inputs, "systemd", real("units").read_many)


def test_compose_reads_the_same(real: Callable[[str], Batches]) -> None:
    assert not differences(files(INPUTS), "compose", real("compose").read_many)


def test_docker_reads_the_same(docker: Docker) -> None:
    assert not differences(files(INPUTS // 5), "docker", lambda inputs, _accepted: docker.read_many(inputs))


def test_the_kept_cases_are_what_the_real_ones_give(real: Callable[[str], Batches], docker: Docker) -> None:
    readers: dict[str, Callable[..., Sequence[Variables | None]]] = {
        "systemd": lambda inputs, accepted: real("units").read_many(inputs, accepted),
        "compose": lambda inputs, accepted: real("compose").read_many(inputs, accepted),
        "docker": lambda inputs, _accepted: docker.read_many(inputs),
    }
    for loader in readers:
        cases = [case for case in KNOWN if case["loader"] == loader]
        inputs = [base64.b64decode(case["input_b64"]) for case in cases]
        accepted = [case["vars"] is not None for case in cases]
        found = readers[loader](inputs, accepted)
        assert dict(zip([case["id"] for case in cases], found, strict=True)) == {
            case["id"]: case["vars"] for case in cases
        }
