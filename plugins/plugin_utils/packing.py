# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Modules packed while the controller waits for a host. ansible-core packs each one once a run, when it is first called: up to half a second."""

from __future__ import annotations

import contextlib
import contextvars
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase


@contextlib.contextmanager
def packed_meanwhile(action: ActionBase, modules: Sequence[str], task_vars: dict[str, Any]) -> Iterator[None]:
    """While the block waits, MODULES are packed in their order, as far as its time goes; the rest is packed when it is called, as ever."""
    over = threading.Event()

    def pack() -> None:
        for name in modules:
            if over.is_set():
                return
            # whoever calls the module is told what is wrong with it
            with contextlib.suppress(AnsibleError):
                action._configure_module(name, {}, task_vars)

    thread = threading.Thread(target=contextvars.copy_context().run, args=(pack,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
