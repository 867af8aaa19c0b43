# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The encrypted credentials of Rails applications in their repositories on the controller, brought to the key that their hosts get."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils._adapter_rails import KIND, key_list
from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._credentials import Issued
from ansible_collections.mainstay.backend.plugins.module_utils._description import Description
from ansible_collections.mainstay.backend.plugins.module_utils._rails_pair import Outcome, Wanted, apply


def repository_files(
    description: Description, issued: Mapping[str, Issued], task_vars: Mapping[str, Any], check_mode: bool
) -> list[tuple[str, Outcome]]:
    """(path, what was done) of the repository files that the current host answers for: the first host of those who use the key."""
    found = []
    for credential in description.credentials.values():
        wanted = credential.options.get("repository_file") if credential.kind == KIND else ""
        users = [item for item in description.consumers if credential.name in item.credentials]
        if not wanted or not users or users[0].hosts[0] != description.host.name:
            continue
        base = task_vars.get("inventory_dir") or task_vars.get("playbook_dir") or "."
        path = os.path.join(str(base), os.path.expanduser(wanted))
        where = f"backend_credentials.{credential.name}.repository_file"
        if not os.path.isfile(path):
            raise MainstayError(f"{where}: found no file {path}; expected the application's encrypted credentials")
        keys = tuple(key_list(issued[credential.name]))
        try:
            found.append((path, apply(Wanted(path, new_key=keys[0], known=keys), check_mode)))
        except MainstayError as error:
            raise MainstayError(f"{where}: {error}") from None
        except OSError as error:
            raise MainstayError(f"{where}: found {path}, which cannot be replaced: {error.strerror}") from None
    return found
