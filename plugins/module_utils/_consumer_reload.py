# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How a consumer takes up new secrets, and how one knows that it is well: read from the inventory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ansible_collections.mainstay.backend.plugins.module_utils._checking import Checker


@dataclass(frozen=True)
class Reload:
    """`how` is '' where the consumer declares none."""

    how: str = ""


def read_reload(check: Checker) -> Reload:
    """The options unit, container, reload and health of a consumer."""
    return Reload()
