# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host on which the packages are to be installed."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def first_install() -> frozenset[int]:
    return frozenset({13})
