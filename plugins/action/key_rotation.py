# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The plan, the lock and the journal of a rotation: one transition of the store a state, for all credentials together. Asks no host."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean
from ansible.utils.display import Display

from ansible_collections.mainstay.backend.plugins.module_utils import _rotation
from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._description import Description, everywhere
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_plan import (
    active,
    batch_steps,
    batches,
    check_known,
    early,
    hook_files,
    needed_hosts,
    plan_table,
    preconditions,
    rotatable,
    round_of,
    steps,
)
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_states import STATES
from ansible_collections.mainstay.backend.plugins.module_utils._store import Contents
from ansible_collections.mainstay.backend.plugins.plugin_utils.action import BackendAction
from ansible_collections.mainstay.backend.plugins.plugin_utils.crash import crash_run, phase
from ansible_collections.mainstay.backend.plugins.plugin_utils.inventory import group_members, plain
from ansible_collections.mainstay.backend.plugins.plugin_utils.material import make_version
from ansible_collections.mainstay.backend.plugins.plugin_utils.rotation_lock import RunLock
from ansible_collections.mainstay.backend.plugins.plugin_utils.store import Backend, open_store
from ansible_collections.mainstay.backend.plugins.plugin_utils.supplied import supplies, take_up


class ActionModule(BackendAction):
    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        given = self.arguments(
            state="", names=[], only=[], force=False, unlock=False, serial=1, hooks={}, retire_now=[]
        )
        state = str(given["state"])
        if state not in STATES:
            raise MainstayError(f"key_rotation.state: found {state!r}; expected one of {', '.join(STATES)}")
        description = everywhere(self.describe(task_vars), group_members(task_vars))
        store = open_store(description)
        lock = RunLock(description.store_dir, description.environment)
        if state == "PLANNED":
            return self._alone(
                lock, boolean(given["unlock"]), lambda: self._planned(description, store, given, task_vars)
            )
        if self._task.check_mode:
            raise MainstayError("key_rotation: in check mode only state PLANNED can be asked for")
        lock.check(os.getppid())
        play = [str(host) for host in task_vars.get("ansible_play_hosts", ())]
        gone = [
            host for host in needed_hosts(description, group_members(task_vars), given["names"]) if host not in play
        ]
        if gone:
            raise MainstayError(
                f"hosts of the play: found that {', '.join(gone)} failed; expected all: {state} is not reached"
            )
        found = self._reached(description, store, lock, state, plain(given["names"]))
        return {**found, "batches": batches(description, found["round"], play, plain(given["serial"]))}

    def _planned(
        self,
        description: Description,
        store: Backend,
        given: Mapping[str, Any],
        task_vars: dict[str, Any],
    ) -> dict[str, Any]:
        """What rotates and why."""
        only, leaked = _names(given["only"]), _names(given["retire_now"])
        known = [item.name for item in description.credentials.values() if early(item)]
        if set(leaked) - set(known):
            told = ", ".join(name for name in leaked if name not in known)
            raise MainstayError(
                f"rotation_retire_now: found {told}; expected some of the keys: {', '.join(known) or 'none is declared'}"
            )
        started = _rotation.told(datetime.now(UTC))
        contents = _rotation.retire_now(store.read(), leaked, started)
        check_known(description, contents)
        force = boolean(given["force"])
        found = supplies(description.credentials, contents, only)
        planned = _rotation.plan(rotatable(description), contents, datetime.now(UTC), only, force, found)
        names = [item.name for item in planned if item.rotates]
        play = [str(host) for host in task_vars.get("ansible_play_hosts_all", ())]
        hooks = hook_files(plain(given["hooks"]), str(task_vars.get("playbook_dir", ".")), os.path.isfile)
        soon = any(early(rotatable(description)[name]) for name in names)
        problems = preconditions(description, group_members(task_vars), names, play)
        if problems:
            raise MainstayError("nothing was rotated:\n" + "\n".join(f"- {item}" for item in problems))
        if names:
            store.check()
        if names and not self._task.check_mode:
            store.update(
                lambda found_by_now: take_up(
                    _rotation.retire_now(found_by_now, leaked, started), rotatable(description), found, started
                )
            )
        lines = plan_table(description, planned)
        Display().display("\n".join(["", *lines, ""]))
        return {
            "changed": bool(names) and self._task.check_mode,
            "rotating": {item.name: item.reason if item.due else "" for item in planned if item.rotates},
            "steps": [] if self._task.check_mode else steps(hooks, soon),
            "batch_steps": batch_steps(hooks),
            "moved": [host for batch in batches(description, names, play, plain(given["serial"])) for host in batch],
            "lines": lines,
        }

    def _alone(self, lock: RunLock, unlock: bool, plan: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """PLAN made under the lock, which stays taken where something rotates."""
        if self._task.check_mode:
            return plan()
        notice = lock.take(os.getppid(), unlock)
        result: dict[str, Any] = {}
        try:
            result = plan()
        finally:
            if not result.get("rotating"):
                lock.release(os.getppid())
        if notice:
            Display().display(notice)
            result["lines"].append(notice)
        return result

    def _reached(
        self, description: Description, store: Backend, lock: RunLock, state: str, names: Any
    ) -> dict[str, Any]:
        """Writes down that NAMES came to STATE. For GENERATED it is a mapping of credential to reason, and makes the new versions."""
        now = datetime.now(UTC)

        def transition(contents: Contents) -> Contents:
            if state == "GENERATED":
                due = {name: (rotatable(description)[name], reason) for name, reason in names.items() if reason}
                return _rotation.begin(contents, due, _rotation.told(now), make_version)
            # without consumers nobody has written down PUBLISHED
            for step in ("PUBLISHED", state) if state == "RELOADED" else (state,):
                contents = _rotation.advance(contents, active(contents, names, now), step, _rotation.told(now))
            return contents

        phase(state)
        crash_run(f"before-{state}")
        before = store.read()
        after = store.update(transition)
        crash_run(f"after-{state}")
        if state == STATES[-1]:
            lock.release(os.getppid())
        moved = [name for name in names if name in after.records and after.records[name] != before.records.get(name)]
        return {
            "changed": bool(moved),
            "actions": [f"{name}: {state}" for name in moved],
            "round": round_of(after, rotatable(description), active(after, names, now), state),
        }


def _names(value: Any) -> list[str]:
    """A list, or a text with commas or spaces, as names."""
    return [item for part in _listed(plain(value)) for item in part.replace(",", " ").split()]


def _listed(value: Any) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else [str(value)] if value else []
