# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The fixtures of the behaviour tests: a host's servers through real clients, and what the secret store holds."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "leaks"))

from backend import INSTANCES, Backend  # noqa: E402
from store import Store, open_store  # noqa: E402


@pytest.fixture(scope="session")
def store() -> Store:
    """The scenario's secret store, opened with its vault password."""
    folder = os.environ.get("MAINSTAY_STORE") or os.path.join(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], "secrets")
    return open_store(Path(folder), Path(os.environ["ANSIBLE_VAULT_PASSWORD_FILE"]))


@pytest.fixture(scope="module")
def backend(host: Any, store: Store) -> Iterator[Backend]:
    """The host's servers. Afterwards all of them must stand as before, whatever the tests did."""
    found = Backend(host, store.issued)
    yield found
    for instance in INSTANCES:
        found.wait(instance)
    found.close()
