# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs on a host while it is deployed: keeps every distinct command line that a process list would have shown."""

from __future__ import annotations

import os
import sys
import time


def sample(path: str, seconds: float) -> None:
    seen: set[bytes] = set()
    until = time.monotonic() + seconds
    with open(path, "ab", buffering=0) as stream:
        while time.monotonic() < until:
            for name in os.listdir("/proc"):
                if name.isdigit():
                    try:
                        with open(f"/proc/{name}/cmdline", "rb") as handle:
                            line = handle.read()
                    except OSError:
                        continue
                    if line and line not in seen:
                        seen.add(line)
                        stream.write(line.replace(b"\0", b" ") + b"\n")
            time.sleep(0.02)


if __name__ == "__main__":
    sample(sys.argv[1], float(sys.argv[2]))
