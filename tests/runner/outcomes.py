# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A pytest plugin that writes a line for each test that ran: its name, what became of it, and at which phase. scripts/planted_faults.py reads it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    path = os.environ.get("MAINSTAY_OUTCOMES", "")
    if path and (report.when == "call" or report.failed):
        said = {"test": report.nodeid, "outcome": report.outcome, "phase": report.when}
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(f"{json.dumps(said)}\n")
