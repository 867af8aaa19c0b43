# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The secret store on the controller: the back end that the inventory names, and what the action plugins get from it.

store_file.py has the back ends' protocol and what those in a file share, store_vault.py and store_age.py the two there are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.mainstay.backend.plugins.module_utils import _store
from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._credentials import SLOTS, Credential, Issued
from ansible_collections.mainstay.backend.plugins.module_utils._store import Contents
from ansible_collections.mainstay.backend.plugins.plugin_utils.certificate_versions import (
    check_supplied,
    outdated,
    renewed,
    with_authority,
)
from ansible_collections.mainstay.backend.plugins.plugin_utils.material import make_version
from ansible_collections.mainstay.backend.plugins.plugin_utils.store_age import AgeFile
from ansible_collections.mainstay.backend.plugins.plugin_utils.store_file import Backend, FileStore, now
from ansible_collections.mainstay.backend.plugins.plugin_utils.store_vault import VaultFile

if TYPE_CHECKING:
    from ansible_collections.mainstay.backend.plugins.module_utils._description import Description


def file_stores(description: Description) -> dict[str, FileStore]:
    """Every back end in a file, as the inventory sets it up."""
    folder, environment = description.store_dir, description.environment
    return {
        "vault": VaultFile(folder, environment, description.store_vault_id),
        "age": AgeFile(folder, environment, description.store_recipients, description.store_identity),
    }


def open_store(description: Description) -> Backend:
    """The back end that backend_store names. Nothing is read yet."""
    return file_stores(description)[description.store]


def issue(description: Description, loader: Any, check_mode: bool, create: bool = True) -> dict[str, Issued]:
    """Every declared credential and ADMIN with their secrets. What is missing is created, in check mode for this run only.

    LOADER is not used by the embedded back end; others read their settings with it.
    """
    wanted = [*description.credentials.values(), description.admin]
    return issue_these(open_store(description), wanted, check_mode, create)


def check_store(description: Description) -> None:
    """Refuses, before anything is changed, a store that cannot be opened or that knows a credential as another kind."""
    check_supplied(description.credentials.values(), now())
    store = open_store(description)
    contents = store.read()
    absent = _store.missing(contents, description.credentials.values())
    for credential in absent:
        if credential.kind in ("token", "rails_master_key"):
            make_version(contents, credential, SLOTS[0], now())  # its source is looked at before anything is changed
    if absent:
        store.check()


def issue_these(store: Backend, wanted: list[Credential], check_mode: bool, make: bool) -> dict[str, Issued]:
    names = [credential.name for credential in wanted]
    wanted = with_authority(wanted)
    contents = store.read()
    absent = [credential.name for credential in _store.missing(contents, wanted)]
    if absent and not make:
        raise MainstayError(
            f"secret store: found no secret for {', '.join(absent)}; expected them: run the playbook that deploys them first"
        )

    def transition(found: Contents) -> Contents:
        return renewed(_store.create(found, wanted, now(), make_version), wanted, now())

    if absent or (make and outdated(contents, wanted, now())):
        contents = transition(contents) if check_mode else store.update(transition)
    return {
        credential.name: _store.issued(contents.records[credential.name], credential.target)
        for credential in wanted
        if credential.name in names
    }


def issue_named(description: Description, names: list[str], check_mode: bool, make: bool) -> dict[str, Issued]:
    """The declared credentials NAMES with their secrets; MAKE creates what the store lacks of them."""
    return issue_these(open_store(description), [description.credentials[name] for name in names], check_mode, make)
