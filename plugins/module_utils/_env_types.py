# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The types of variables: whether a text is a value of one, and if not, what is wrong with it."""

from __future__ import annotations

from ansible_collections.mainstay.backend.plugins.module_utils._env_schema import Variable


def check_value(variable: Variable, value: str) -> str | None:
    """What is wrong with VALUE, as a phrase that goes on after the variable's name ("is no whole number"), never with the value; or None."""
    return None
