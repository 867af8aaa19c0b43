# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The secret stores of other environments beside the current one, where what is given opens them."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._store import Contents
from ansible_collections.mainstay.backend.plugins.plugin_utils.store import open_store
from ansible_collections.mainstay.backend.plugins.plugin_utils.store_file import ENDINGS

if TYPE_CHECKING:
    from ansible_collections.mainstay.backend.plugins.module_utils._description import Description


def other_stores(description: Description) -> tuple[dict[str, Contents], list[str]]:
    """Environment -> contents, and notes for people on those that cannot be opened."""
    found: dict[str, Contents] = {}
    notes = []
    for kind, environment in _beside(description):
        try:
            found[environment] = open_store(replace(description, environment=environment, store=kind)).read()
        except MainstayError:
            notes.append(f"the store of environment {environment} cannot be opened with what was given: not compared")
    return found, notes


def _beside(description: Description) -> list[tuple[str, str]]:
    """(back end, environment) of every other store in the folder."""
    try:
        names = sorted(os.listdir(description.store_dir))
    except OSError:
        return []
    found = []
    for name in names:
        for kind, ending in ENDINGS.items():
            environment = name.removesuffix(ending)
            if (
                environment != name
                and environment
                and not name.startswith(".")
                and environment != description.environment
            ):
                found.append((kind, environment))
    return found
