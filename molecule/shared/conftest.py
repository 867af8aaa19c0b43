# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the testinfra tests of all scenarios share: they reach each host of the scenario through its container."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import yaml

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).resolve().parents[2] / "tests" / "lib")]


def pytest_configure(config: pytest.Config) -> None:
    """Without --hosts: every host of the scenario (a command through `docker exec` costs a tenth of one through Ansible)."""
    if not config.option.hosts:
        scenario = yaml.safe_load(Path(os.environ["MOLECULE_FILE"]).read_text(encoding="utf-8"))
        config.option.hosts = ",".join(f"docker://{platform['name']}" for platform in scenario["platforms"])
