# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The real dotenv of Node and of Ruby read random files as ours does. Debian 14 has the very version of Ruby's that is ours; see VERSIONS."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "lib"))
from env_fuzz import FILES, PROCESS
from real_loaders import LIB, RAN, VERSIONS, Process, node, ruby

from ansible_collections.mainstay.backend.plugins.module_utils import _env_ruby
from ansible_collections.mainstay.backend.plugins.module_utils._env_loaders import LoaderRefuses, load

ROOT = LIB.parents[1]
INPUTS = int(os.environ.get("MAINSTAY_FUZZ_INPUTS", "1000"))
KNOWN = json.loads((ROOT / "tests" / "data" / "dotenv_found.json").read_text())["cases"]
INSTALL = (
    "command -v ruby >/dev/null && ruby -e 'require \"dotenv\"' 2>/dev/null"
    " || (apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends ruby-dotenv)"
)


@pytest.fixture(scope="module")
def real_node() -> Iterator[Process]:
    installed = subprocess.run([ROOT / "scripts" / "node_dotenv"], capture_output=True, text=True, check=False)
    assert installed.returncode == 0, installed.stdout + installed.stderr
    process = node()
    yield process
    process.close()


@pytest.fixture(scope="module")
def real_ruby(host_of: Callable[[int], Any]) -> Iterator[Process]:
    host = host_of(14)
    host.run(INSTALL, seconds=1800)
    host.write("/srv/dotenv_ruby.rb", (LIB / "dotenv_ruby.rb").read_text(encoding="utf-8"))
    process = ruby(host.name)
    yield process
    process.close()


def ours(data: bytes, loader: str) -> dict[str, str | None] | None:
    try:
        return load(data, loader, PROCESS).variables
    except LoaderRefuses:
        return None


@pytest.mark.parametrize("loader", ["node", "ruby"])
def test_the_real_one_reads_the_same(
    loader: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    real: Process = request.getfixturevalue(f"real_{loader}")
    assert real.version == VERSIONS[loader]
    monkeypatch.setattr(_env_ruby, "kept", lambda _command: RAN)

    @settings(max_examples=INPUTS, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(FILES)
    def compare(data: bytes) -> None:
        assert ours(data, loader) == real.read(data)

    compare()


@pytest.mark.parametrize("loader", ["node", "ruby"])
def test_the_kept_cases_are_what_the_real_one_gives(loader: str, request: pytest.FixtureRequest) -> None:
    real: Process = request.getfixturevalue(f"real_{loader}")
    for case in [case for case in KNOWN if case["loader"] == loader]:
        assert real.read(base64.b64decode(case["input_b64"])) == case["vars"], case["id"]
