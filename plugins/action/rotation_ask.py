# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Takes tokens from the keyboard into the secret store."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ansible.errors import AnsiblePromptInterrupt, AnsiblePromptNoninteractive
from ansible.utils.display import Display

from ansible_collections.mainstay.backend.plugins.module_utils import _rotation, _store
from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError, shown
from ansible_collections.mainstay.backend.plugins.module_utils._credentials import Credential
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_supply import KINDS, REPLACEABLE, replaced
from ansible_collections.mainstay.backend.plugins.module_utils._store import Contents, Version
from ansible_collections.mainstay.backend.plugins.plugin_utils.action import BackendAction
from ansible_collections.mainstay.backend.plugins.plugin_utils.inventory import plain
from ansible_collections.mainstay.backend.plugins.plugin_utils.store import open_store
from ansible_collections.mainstay.backend.plugins.plugin_utils.supplied import check_value, version_of


class ActionModule(BackendAction):
    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        given = plain(self.arguments(names=[])["names"])
        parts = given if isinstance(given, list) else [given]
        names = [name for part in parts for name in str(part).replace(",", " ").split()]
        description = self.describe(task_vars)
        tokens = [item.name for item in description.credentials.values() if item.kind in KINDS]
        unknown = [name for name in names if name not in tokens]
        if unknown or not names:
            expected = ", ".join(tokens) or "backend_credentials declares none"
            raise MainstayError(
                f"rotation_ask: found {shown(unknown[0]) if unknown else 'nothing'}; expected some of the tokens: {expected}"
            )
        if self._task.check_mode:
            return {"changed": True, "actions": [f"{name}: would be asked for" for name in names]}
        store = open_store(description)
        store.read()  # a store that cannot be opened is told of before anything is typed
        actions = []
        for name in names:
            value = _typed(name)
            now = _rotation.told(datetime.now(UTC))
            credential = description.credentials[name]
            after = store.update(lambda contents, item=credential, text=value, at=now: kept(contents, item, text, at))
            actions.append(f"{name}: {_told(after, name)}")
        return {"changed": True, "actions": actions}


def kept(contents: Contents, credential: Credential, value: str, now: str) -> Contents:
    """CONTENTS with VALUE, typed in at NOW: as the first one, or as the pending one."""

    def make(_contents: Contents, _credential: Credential, slot: str, at: str) -> Version:
        return version_of(value, slot, at)

    record = contents.records.get(credential.name)
    if record is None:
        return _store.create(contents, [credential], now, make)
    if record.pending or record.previous:
        return replaced(contents, credential, version_of(value, record.current.slot, now), now)
    if value == record.current.secret:
        raise MainstayError(f"rotation_ask: found the value of {credential.name} that is in use; expected a new one")
    return _rotation.begin(contents, {credential.name: (credential, "typed in")}, now, make)


def _told(contents: Contents, name: str) -> str:
    record = contents.records[name]
    if record.state in REPLACEABLE:
        return "a new value waits in the secret store for its rotation"
    return "its rotation is given up" if record.state else "its first value is in the secret store"


def _typed(name: str) -> str:
    """One line from the terminal, which does not show it."""
    try:
        data = Display().prompt_until(f"New value of token {name} (not shown, Enter ends it):", private=True)
    except AnsiblePromptNoninteractive:
        expected = "a terminal; without one let `value` of the credential name a file or a variable"
        raise MainstayError(f"rotation_ask: found nothing to type {name} into; expected {expected}") from None
    except AnsiblePromptInterrupt:
        raise MainstayError(f"rotation_ask: found that {name} was not typed in; nothing was changed") from None
    try:
        value = bytes(data).decode().strip("\r\n")
    except UnicodeDecodeError:
        raise MainstayError(
            f"rotation_ask: found {name} with what is not UTF-8 (not shown); expected a token"
        ) from None
    if not value:
        raise MainstayError(f"rotation_ask: found nothing typed in for {name}; expected its value")
    check_value(f"rotation_ask: found {name} with", "token", value)
    return value
