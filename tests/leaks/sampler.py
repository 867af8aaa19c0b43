# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs on a host while it is deployed: keeps every distinct command line that a process list would have shown, and every environment.

Usage: sampler.py FILE SECONDS [PROCESS]. With PROCESS only that one and who descends from it. Each line of FILE: `cmdline ` or
`environ `, and the text with spaces for its zero bytes.
"""

from __future__ import annotations

import os
import sys
import time

PAUSE = 0.02


def read(path: str) -> bytes:
    try:
        with open(path, "rb") as handle:
            return handle.read()
    except OSError:
        return b""


def sample(path: str, seconds: float, root: str = "") -> None:
    seen: set[bytes] = set()
    family = {root.encode()}
    last: dict[str, bytes] = {}
    until = time.monotonic() + seconds
    with open(path, "ab", buffering=0) as stream:
        while time.monotonic() < until:
            names = sorted((name for name in os.listdir("/proc") if name.isdigit()), key=int)
            last = {name: last[name] for name in names if name in last}
            for name in names:
                if root and name.encode() not in family:
                    if not family.intersection(read(f"/proc/{name}/stat").rpartition(b")")[2].split()[1:2]):
                        continue
                    family.add(name.encode())
                line = read(f"/proc/{name}/cmdline")
                if last.get(name) == line:
                    continue
                last[name] = line  # an environment comes with a program: both are new at the same time
                for kind, text in ((b"cmdline ", line), (b"environ ", read(f"/proc/{name}/environ"))):
                    if text and kind + text not in seen:
                        seen.add(kind + text)
                        stream.write(kind + text.replace(b"\0", b" ").replace(b"\n", b" ") + b"\n")
            time.sleep(PAUSE)


if __name__ == "__main__":
    sample(sys.argv[1], float(sys.argv[2]), *sys.argv[3:4])
