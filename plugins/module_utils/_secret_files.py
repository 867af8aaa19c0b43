# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a consumer finds of a credential: the files in its secrets_dir and the variables in its environment that are no URLs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ansible_collections.mainstay.backend.plugins.module_utils._credentials import Credential, Issued


def files_of(credential: Credential, issued: Issued) -> dict[str, str]:
    """File name in secrets_dir -> its whole content."""
    return {credential.name: issued.password}


def variables_of(credential: Credential, issued: Issued) -> dict[str, str]:
    """Variable -> value, for kinds that have no URL."""
    return {}
