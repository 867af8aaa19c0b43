# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Commands on the secret store: list, show one, re-key, restore. Runs on the controller and asks no host."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean
from ansible.utils.display import Display

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._description import Description, describe
from ansible_collections.mainstay.backend.plugins.module_utils._store import Contents
from ansible_collections.mainstay.backend.plugins.module_utils._store_table import ROLES, entries, lines
from ansible_collections.mainstay.backend.plugins.plugin_utils.action import BackendAction
from ansible_collections.mainstay.backend.plugins.plugin_utils.inventory import group_members, read_hosts
from ansible_collections.mainstay.backend.plugins.plugin_utils.rotation_lock import RunLock
from ansible_collections.mainstay.backend.plugins.plugin_utils.store import file_stores
from ansible_collections.mainstay.backend.plugins.plugin_utils.store_commands import Outcome, rekey, restore
from ansible_collections.mainstay.backend.plugins.plugin_utils.store_file import FileStore
from ansible_collections.mainstay.backend.plugins.plugin_utils.terminal import tell

_OURS = ("backend_store", "backend_environment")


class ActionModule(BackendAction):
    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        given = self.arguments(
            command=None, credential="", version=ROLES[0], show_to="", reveal=False, force=False, unlock=False
        )
        commands: dict[str, Callable[[Description, dict[str, Any]], dict[str, Any]]] = {
            "list": self._list,
            "show": self._show,
            "rekey": self._rekey,
            "restore": self._restore,
        }
        if given["command"] not in commands:
            raise MainstayError(
                f"secret_store.command: found {given['command']!r}; expected one of {', '.join(commands)}"
            )
        return commands[given["command"]](self._described(task_vars), given)

    def _described(self, task_vars: dict[str, Any]) -> Description:
        """Only problems of the store's own variables count: it is to be opened also where the rest of the inventory is broken."""
        hosts = read_hosts(self._templar, task_vars)
        description, problems = describe(hosts, str(task_vars["inventory_hostname"]), group_members(task_vars))
        mine = [problem for problem in problems if problem.variable.startswith(_OURS)]
        if mine:
            raise MainstayError("the inventory cannot be used:\n" + "\n".join(f"- {problem}" for problem in mine))
        return description

    def _list(self, description: Description, given: dict[str, Any]) -> dict[str, Any]:
        store = file_stores(description)[description.store]
        opened = store.load()
        readers = store.told(opened.readers) if opened.readers is not None else []
        found = entries(opened.contents, description.credentials, datetime.now(UTC))
        told = lines(f"Secret store {store.path}", readers, found)
        self._say(told)
        return {"changed": False, "path": store.path, "credentials": found, "readers": readers, "lines": told}

    def _show(self, description: Description, given: dict[str, Any]) -> dict[str, Any]:
        store = file_stores(description)[description.store]
        name, role, path = str(given["credential"]), str(given["version"]), str(given["show_to"])
        value = _secret(store.read(), name, role)
        if path:
            return self._written(os.path.abspath(os.path.expanduser(path)), value, f"the {role} secret of {name}")
        if not boolean(given["reveal"]):
            expected = "a path for it, or reveal=true to have it printed at this terminal"
            raise MainstayError(f"secret_store.show_to: found nothing; expected {expected}")
        if not tell(f"\n{value}\n\n", os.getppid()):
            found = "found no terminal, or one that is recorded"
            raise MainstayError(
                f"secret_store.reveal: {found}; expected a terminal. Use show_to with the path of a file"
            )
        return {
            "changed": False,
            "path": store.path,
            "actions": [f"printed the {role} secret of {name} at the terminal"],
        }

    def _written(self, path: str, value: str, what: str) -> dict[str, Any]:
        """VALUE in the new file PATH, which only its owner reads."""
        where = f"secret_store.show_to: found {path}"
        if os.path.lexists(path):
            raise MainstayError(f"{where}, which is there; expected a file that is not: it would be lost")
        actions = [f"wrote {what} to {path}"]
        if not self._task.check_mode:
            try:
                handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    file.write(value if value.endswith("\n") else value + "\n")
            except OSError as error:
                raise MainstayError(f"{where} ({error.strerror}); expected a path in a folder of yours") from None
        self._say([f"Wrote {what} to {path}. Remove it when it is no longer needed."])
        return {"changed": True, "path": path, "actions": actions}

    def _rekey(self, description: Description, given: dict[str, Any]) -> dict[str, Any]:
        stores = file_stores(description)
        store = stores.pop(description.store)

        def act() -> Outcome:
            return rekey(store, stores.values(), self._task.check_mode)

        gone = "Who could read the store before knows these secrets, and copies in git or backups still open: rotate them with "
        advice = [gone + "ansible-playbook mainstay.backend.rotate_secrets -e rotation_force=true"]
        return self._done(description, store, boolean(given["unlock"]), act, advice)

    def _restore(self, description: Description, given: dict[str, Any]) -> dict[str, Any]:
        store = file_stores(description)[description.store]

        def act() -> Outcome:
            return restore(store, self._task.check_mode, boolean(given["force"]))

        advice = [
            "What was written last is not in it. A rotation that was going on is taken up again by rotate_secrets; "
            "otherwise playbook site brings servers and consumers to what the store holds."
        ]
        return self._done(description, store, boolean(given["unlock"]), act, advice)

    def _done(
        self, description: Description, store: FileStore, unlock: bool, act: Callable[[], Outcome], advice: list[str]
    ) -> dict[str, Any]:
        """What ACT did, while no rotation runs."""
        if self._task.check_mode or not os.path.isdir(store.directory):
            found = act()
        else:
            lock = RunLock(description.store_dir, description.environment)
            lock.take(os.getppid(), unlock)
            try:
                found = act()
            finally:
                lock.release(os.getppid())
        would = "would have " if self._task.check_mode else ""
        told = [f"{would}{action}" for action in found.actions] or [f"nothing to do: {', '.join(found.after)}"]
        told += ["", *advice] if found.changed else []
        self._say(told)
        result: dict[str, Any] = {
            "changed": found.changed,
            "path": store.path,
            "actions": list(found.actions),
            "lines": told,
        }
        if found.changed:
            before, after = ("\n".join(item) + "\n" for item in (found.before, found.after))
            result["diff"] = {"before": before, "after": after}
        return result

    @staticmethod
    def _say(text: list[str]) -> None:
        Display().display("\n".join(["", *text, ""]))


def _secret(contents: Contents, name: str, role: str) -> str:
    if role not in ROLES:
        raise MainstayError(f"secret_store.version: found {role!r}; expected one of {', '.join(ROLES)}")
    record = contents.records.get(name)
    if record is None:
        known = ", ".join(sorted(contents.records)) or "none is there"
        raise MainstayError(f"secret_store.credential: found {name!r}; expected one that the store holds: {known}")
    version = getattr(record, role)
    if version is None:
        raise MainstayError(f"secret_store.version: found no {role} version of {name}; expected {ROLES[0]}")
    return str(version.secret)
