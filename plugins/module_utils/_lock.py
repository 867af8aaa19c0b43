# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A lock that ends with its process, waited for within bounds."""

from __future__ import annotations

import fcntl
import time
from typing import IO

PAUSE = 0.1


def locked(handle: int | IO[str], seconds: float) -> bool:
    """Takes the exclusive lock of the open file HANDLE; False where another process has held it for SECONDS from now on."""
    until = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= until:
                return False
        time.sleep(PAUSE)
