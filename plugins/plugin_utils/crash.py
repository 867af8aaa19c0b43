# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Points at which the tests kill the whole run on the controller: MAINSTAY_CRASH=run:NAME. Unused, one costs a comparison.

A point that many steps come by is told with the verb or the state of one of them: MAINSTAY_CRASH=retire/valkey.saved, TESTED/store.synced.
"""

from __future__ import annotations

import os
import signal

from ansible_collections.mainstay.backend.plugins.module_utils import _crash
from ansible_collections.mainstay.backend.plugins.module_utils._crash import VARIABLE, crash

_WANTED = os.environ.get(VARIABLE, "")


def phase(name: str) -> None:
    """From here on this process, and the modules that it runs, are at the step NAME."""
    if _WANTED.startswith(f"{name}/"):
        _crash._POINT = _WANTED.removeprefix(f"{name}/")


def crash_run(point: str) -> None:
    """Ends ansible-playbook (the parent of this worker) and this process as kill -9 does, where the tests ask for it at POINT."""
    if f"run:{point}" == _WANTED:
        os.kill(os.getppid(), signal.SIGKILL)
        crash(_WANTED)


def handed_on() -> list[dict[str, str]]:
    """What the environment of a remote module has for its own points: nothing, but in the chaos tests."""
    return [{VARIABLE: _crash._POINT}] if _crash._POINT else []
