# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The states of a rotation. The store holds the last one reached; what it says that servers and consumers should have follows from it.

GENERATED: servers let the pending version in beside the current one. TESTED: the pending version is the current one, and consumers get it.
CONSUMERS_OK: the previous version is let in no more. DONE: it is forgotten. So the journal is always written before the effect.
"""

from __future__ import annotations

STATES = (
    "PLANNED",
    "GENERATED",
    "STAGED",
    "TESTED",
    "PUBLISHED",
    "RELOADED",
    "CONSUMERS_OK",
    "RETIRED",
    "REFUSED",
    "DONE",
)
#: States in which a rotation goes on.
OPEN = STATES[1:-1]
#: States in which the previous version shall not be valid any more, though the store still knows it to prove that.
RETIRING = ("CONSUMERS_OK", "RETIRED", "REFUSED")


def reached(state: str, wanted: str) -> bool:
    """Whether a rotation in STATE has come to WANTED."""
    return state in STATES and STATES.index(state) >= STATES.index(wanted)
