# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Says something to the person at the terminal and to nobody else: no callback, no log file, no pipe gets it."""

from __future__ import annotations

import contextlib
import os

#: ansible-runner, and so AWX, gives Ansible a terminal that it records.
_RECORDED = "AWX_ISOLATED_DATA_DIR"


def tell(text: str, controller: int) -> bool:
    """Writes TEXT to the terminal of the ansible process CONTROLLER; False where there is none, or one that is recorded.

    Workers have no terminal of their own (ansible-core 2.19 detaches them), so the controller's is opened by its number. Needs Linux' /proc.
    """
    if os.environ.get(_RECORDED):
        return False
    for number in (2, 1, 0):
        with contextlib.suppress(OSError):
            handle = os.open(f"/proc/{controller}/fd/{number}", os.O_WRONLY | os.O_NOCTTY)
            try:
                if os.isatty(handle):
                    data = text.encode()
                    while data:
                        data = data[os.write(handle, data) :]
                    return True
            finally:
                os.close(handle)
    return False
