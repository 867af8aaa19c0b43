# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A pytest plugin that tells the lane that runs this (scripts/lanes) how far it is, and what failed, at that moment."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time

import pytest

#: A datagram holds this much, and a person reads no more.
LONGEST = 20_000


class Teller:
    def __init__(self, path: str, step: str) -> None:
        self.path, self.step = path, step
        self.done, self.of, self.told = 0, 0, 0.0

    def send(self, **what: object) -> None:
        # a lane that is gone, or busy, is no reason for a test to fail
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as there:
            there.settimeout(5)
            there.sendto(json.dumps({"step": self.step, **what}).encode(), self.path)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.of = max(self.of, len(session.items))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: object, ids: list[str]) -> None:
        self.of = max(self.of, len(ids))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.send(failed=report.nodeid, why=report.longreprtext[-LONGEST:])
        if report.when == "teardown":
            self.done += 1
            if time.monotonic() - self.told > 1:
                self.told = time.monotonic()
                self.send(done=self.done, of=self.of)


def pytest_configure(config: pytest.Config) -> None:
    path = os.environ.get("MAINSTAY_TELL", "")
    if path and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Teller(path, os.environ.get("MAINSTAY_STEP", "")), "tell_lane_teller")
