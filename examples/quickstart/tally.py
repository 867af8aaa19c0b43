# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What program.py has done on each server, in a file for who watches it. Remove the file, and it counts from zero.

As a program, `tally.py FILE`: exits with 0 where every server has worked in the last three seconds. inventory.yml names it as the health check.
"""

import json
import sys
import threading
import time
from pathlib import Path

RECENT = 3
NOTHING = {"operations": 0, "failed": 0, "slowest_ms": 0.0, "worked_at": 0.0}


class Tally:
    def __init__(self, path, servers):
        self.path, self.servers, self.lock = path, servers, threading.Lock()
        # a restart of the program goes on counting
        self.counts = json.loads(path.read_text()) if path.exists() else self.zero()

    def zero(self):
        return {name: dict(NOTHING) for name in self.servers}

    def count(self, name, started, failed):
        """One operation on server NAME that began at STARTED (time.time) and ends now."""
        ended = time.time()
        with self.lock:
            entry = self.counts[name]
            entry["operations"] += 1
            entry["slowest_ms"] = max(entry["slowest_ms"], round((ended - started) * 1000, 1))
            if failed:
                entry["failed"] += 1
            else:
                entry["worked_at"] = ended

    def save(self):
        """Replaces the file as a whole, so that nobody reads half of it."""
        with self.lock:
            text = json.dumps(self.counts)
        new = self.path.with_suffix(".new")
        new.write_text(text)
        new.replace(self.path)

    def begin_anew_where_removed(self):
        with self.lock:
            if not self.path.exists():
                self.counts = self.zero()


def silent(counts, now):
    """The servers on which no operation has succeeded of late."""
    return [name for name, entry in counts.items() if now - entry["worked_at"] > RECENT]


if __name__ == "__main__":
    sys.exit(1 if silent(json.loads(Path(sys.argv[1]).read_text()), time.time()) else 0)
