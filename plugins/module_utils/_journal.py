# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Says in the host's own journal what was changed there: `journalctl -t mainstay.backend`."""

from __future__ import annotations

import syslog
from collections.abc import Iterable

IDENT = "mainstay.backend"
_LONGEST = 500


def journal(module: str, actions: Iterable[str], check_mode: bool) -> None:
    """One line for each of ACTIONS, which are what the module returns to people too; nothing in check mode, as nothing was done.

    Ansible's own line, which quotes a module's parameters, is left out for these modules: they hold whole configuration files.
    """
    lines = [] if check_mode else list(actions)
    if not lines:
        return
    syslog.openlog(IDENT, syslog.LOG_PID, syslog.LOG_USER)
    for line in lines:
        syslog.syslog(syslog.LOG_INFO, f"{module}: {line.replace(chr(0), '')[:_LONGEST]}")
    syslog.closelog()
