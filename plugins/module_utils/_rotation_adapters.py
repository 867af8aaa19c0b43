# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every kind of credential with the adapter that rotates it."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.mainstay.backend.plugins.module_utils import (
    _adapter_certificate,
    _adapter_keys,
    _adapter_postgres,
    _adapter_rails,
    _adapter_token,
    _adapter_valkey,
)
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_kinds import Adapter, Rotating

#: In the order in which a host does their parts.
ADAPTERS: tuple[Adapter, ...] = (
    _adapter_valkey.ADAPTER,
    _adapter_postgres.ADAPTER,
    _adapter_token.ADAPTER,
    _adapter_keys.ADAPTER,
    _adapter_rails.ADAPTER,
    _adapter_certificate.ADAPTER,
)


def adapters_for(items: Sequence[Rotating]) -> list[tuple[Adapter, list[Rotating]]]:
    """The adapters that ITEMS need, each with its own of them."""
    found = [(adapter, [item for item in items if item.credential.kind in adapter.kinds]) for adapter in ADAPTERS]
    return [(adapter, mine) for adapter, mine in found if mine]
