# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a program printed that a test or its set-up called and that failed: `subprocess.run(..., check=True)` tells its exit code alone."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

#: The end is where the reason stands.
MOST = 4000


def printed(error: BaseException | None) -> Iterator[tuple[str, str]]:
    """(title, text) for each output that was kept of the programs that ERROR and what led to it are about."""
    while error is not None:
        if isinstance(error, (subprocess.CalledProcessError, subprocess.TimeoutExpired)):
            for name, output in (("output", error.stdout), ("standard error", error.stderr)):
                text = output.decode("utf-8", "replace") if isinstance(output, bytes) else output
                if text:
                    yield f"{name} of the program that failed", text[-MOST:]
        error = error.__cause__ or error.__context__


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report = yield
    if report.failed and call.excinfo:
        report.sections.extend(printed(call.excinfo.value))
    return report
