# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the program did, on disk for who watches it: totals (load.json, replaced whole), a line a second, a line a failure.

Totals go on after a restart; the time in which the program was away stands in `gaps`.
"""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

EVERY = 0.5


class Tally:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lock = threading.Lock()
        self.totals: dict[str, Any] = {"streams": {}, "gaps": [], "reloads": 0, "starts": 0, "stopped": None}
        if (folder / "load.json").exists():
            self.totals = json.loads((folder / "load.json").read_text(encoding="utf-8"))
        if self.totals["stopped"]:
            self.totals["gaps"].append([self.totals["stopped"], time.time()])
        self.totals.update(stopped=None, starts=self.totals["starts"] + 1)
        self.second: dict[str, list[float]] = {}
        self.last_done: dict[str, float] = {}
        self.last_failed = 0.0
        self.lines = (folder / "seconds.jsonl").open("a", encoding="utf-8")
        self.failures = (folder / "failures.jsonl").open("a", encoding="utf-8", buffering=1)

    def stream(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.totals["streams"].setdefault(
            name, {"operations": 0, "connects": 0, "failures": {}, "slowest": [0.0, 0.0]}
        )
        return found

    def done(self, name: str, started: float, connects: int = 0) -> None:
        """An operation of stream NAME that began at STARTED (time.time) has ended well."""
        now = time.time()
        with self.lock:
            total = self.stream(name)
            total["operations"] += 1
            total["connects"] += connects
            milliseconds = round((now - started) * 1000, 2)
            if milliseconds > total["slowest"][0]:
                total["slowest"] = [milliseconds, started]
            entry = self.second.setdefault(name, [0, 0.0])
            entry[0] += 1
            entry[1] = max(entry[1], milliseconds)
            self.last_done[name] = now

    def failed(self, name: str, kind: str, said: str, started: float) -> None:
        with self.lock:
            failures = self.stream(name)["failures"]
            failures[kind] = failures.get(kind, 0) + 1
            self.last_failed = time.time()
            event = {"at": started, "until": self.last_failed, "stream": name, "kind": kind, "said": said[:300]}
            self.failures.write(json.dumps(event) + "\n")

    def count(self, what: str) -> None:
        with self.lock:
            self.totals[what] += 1

    def write(self, stopped: bool = False) -> None:
        with self.lock:
            now = time.time()
            self.totals.update(at=now, stopped=now if stopped else None)
            text = json.dumps(self.totals)
            seconds, self.second = self.second, {}
        temporary = self.folder / ".load.json.new"
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(self.folder / "load.json")
        if seconds:
            self.lines.write(json.dumps({"at": now, **seconds}) + "\n")
            self.lines.flush()

    def keep_writing(self, stop: threading.Event) -> None:
        while not stop.wait(EVERY):
            self.write()

    def well(self, streams: list[str]) -> str:
        """Why the program is not well; '' where it is: every stream goes on, and nothing failed in the last second."""
        now = time.time()
        with self.lock:
            if now - self.last_failed < 1:
                return "an operation failed"
            still = [name for name in streams if now - self.last_done.get(name, 0) > 2]
        return f"no operation for two seconds: {', '.join(still)}" if still else ""
