# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""When certificates that somebody else makes are due: as soon as the inventory names another one than the one in use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from ansible_collections.mainstay.backend.plugins.module_utils._certificate_text import material
from ansible_collections.mainstay.backend.plugins.module_utils._credentials import Credential
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_states import OPEN
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_supply import Supply
from ansible_collections.mainstay.backend.plugins.module_utils._store import Contents
from ansible_collections.mainstay.backend.plugins.plugin_utils.supplied_certificates import read_supplied


def certificate_supplies(
    credentials: Mapping[str, Credential], contents: Contents, only: Sequence[str] = ()
) -> dict[str, Supply]:
    """How the supplied certificates stand, of those that the store knows (and ONLY names). MainstayError: one that cannot be used."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    found = {}
    for name, credential in credentials.items():
        record = contents.records.get(name)
        wanted = credential.options.get("authority") == "supplied" and (not only or name in only)
        if record is None or not wanted or record.state in OPEN:
            continue
        given, used = read_supplied(credential, now).fingerprint, material(record.current.secret).fingerprint
        until = record.current.notes.get("not_after", "")
        found[name] = (
            Supply(True, f"another certificate is supplied; the one in use expires {until}")
            if given != used
            else Supply(False, f"no other certificate is supplied; the one in use expires {until}")
        )
    return found
