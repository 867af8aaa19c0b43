# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Bytes of any kind: python-dotenv itself agrees with ours, nothing crashes, hangs, or shows a value. `make soak` asks more of the same."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from yardstick import cpu_time

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "lib"))
from env_fuzz import FILES, PROCESS, hostile
from real_loaders import read_by_python

from ansible_collections.mainstay.backend.plugins.module_utils._env_loaders import LOADERS, LoaderRefuses, load

INPUTS = int(os.environ.get("MAINSTAY_FUZZ_INPUTS", "1000"))
BYTES = int(os.environ.get("MAINSTAY_FUZZ_BYTES", "200000"))
#: Of tests/lib/yardstick.py. Generous: the slowest input takes 160 for 1 MB; a quadratic parser takes thousands for a fifth of that.
LOOPS = 400 + 480 * BYTES / 1_000_000
fuzzed = settings(max_examples=INPUTS, deadline=None, database=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module", autouse=True)
def quiet() -> Iterator[None]:
    """python-dotenv warns of each line that it drops."""
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "file.env"


def test_python_dotenv_reads_the_same(path: Path) -> None:
    @fuzzed
    @given(FILES)
    def compare(data: bytes) -> None:
        try:
            ours = load(data, "python", PROCESS).variables
        except LoaderRefuses:
            ours = None
        assert ours == read_by_python(data, path)

    compare()


@pytest.mark.parametrize("loader", LOADERS)
def test_no_bytes_crash_a_loader_or_show_in_its_refusal(loader: str) -> None:
    @fuzzed
    @given(FILES)
    def read(data: bytes) -> None:
        secret = data.replace(b"word", b"S3cr3tW0rd").replace(b"b", b"Qz7x")
        try:
            loaded = load(secret, loader, PROCESS)
        except LoaderRefuses as refusal:
            assert not re.search("S3cr3t|Qz7x", str(refusal)), "a refusal shows a value"
        else:
            assert loaded.variables.keys() <= {item.key for item in loaded.assignments}
            assert not any(
                item.value and len(item.value) > 12 and item.value in repr(item) for item in loaded.assignments
            )

    read()


@pytest.mark.parametrize("kind", hostile(1))
@pytest.mark.parametrize("loader", LOADERS)
def test_hostile_bytes_take_time_in_proportion(loader: str, kind: str) -> None:
    data = hostile(BYTES)[kind]
    with cpu_time() as took:
        try:
            load(data, loader, PROCESS)
        except LoaderRefuses as refusal:
            assert len(str(refusal)) < 300
    assert took.loops < LOOPS, took.told()
