# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host on which each test has a folder of its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def folder(host: Any) -> Iterator[str]:
    """A folder of the host that is not there yet; taken away afterwards."""
    path = "/srv/mainstay-test"
    host.run(f"rm -rf {path}")
    yield path
    host.run(f"rm -rf {path}")
