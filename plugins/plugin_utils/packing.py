# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Modules packed while the controller waits for a host. ansible-core packs each one once a run, when it is first called: up to half a second."""

from __future__ import annotations

import contextlib
import os
import select
from collections.abc import Iterator, Sequence
from typing import Any

from ansible.plugins.action import ActionBase


@contextlib.contextmanager
def packed_meanwhile(action: ActionBase, modules: Sequence[str], task_vars: dict[str, Any]) -> Iterator[None]:
    """While the block waits, MODULES are packed in their order, as far as its time goes; the rest is packed when it is called, as ever.

    In a process and not in a thread: both would parse Python, which CPython 3.11 does wrong in threads (gh-106905).
    """
    over, going = os.pipe()  # OVER is readable as soon as the block, or this process, has ended
    child = os.fork()
    if child == 0:
        os.close(going)
        try:
            for name in modules:
                if select.select([over], [], [], 0)[0]:
                    break
                # whoever calls the module is told what is wrong with it
                with contextlib.suppress(Exception):
                    action._configure_module(name, {}, task_vars)
        finally:
            os._exit(0)  # what ansible-core does at its end is its own process's to do
    os.close(over)
    try:
        yield
    finally:
        os.close(going)
        os.waitpid(child, 0)
