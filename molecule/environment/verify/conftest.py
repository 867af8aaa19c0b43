# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the tests of this scenario share with those of the others: the hosts, the secret store, the leak hunt."""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SHARED = ROOT / "molecule" / "shared"
sys.path[:0] = [str(SHARED), str(SHARED / "verify"), str(ROOT / "tests" / "leaks"), str(ROOT / "tests" / "lib")]

from store import Store, open_store  # noqa: E402

pytest_configure = runpy.run_path(str(SHARED / "conftest.py"))["pytest_configure"]


@pytest.fixture(scope="session")
def store() -> Store:
    """The scenario's secret store, opened with its vault password."""
    return open_store(
        Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], "secrets"), Path(os.environ["ANSIBLE_VAULT_PASSWORD_FILE"])
    )
