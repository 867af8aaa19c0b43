# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Points at which the tests kill a process, to prove that what it leaves behind can be gone on with. Unused, one costs a look at a constant."""

from __future__ import annotations

import os
import signal

#: Set by the chaos tests only; plugin_utils/action.py hands it on to the hosts.
VARIABLE = "MAINSTAY_CRASH"
_POINT = os.environ.get(VARIABLE, "")


def crash(point: str) -> None:
    """Ends this process as kill -9 does, where the tests ask for it at POINT."""
    if point == _POINT:
        os.kill(os.getpid(), signal.SIGKILL)
