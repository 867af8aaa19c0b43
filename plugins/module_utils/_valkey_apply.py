# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Brings all Valkey instances of a host to what is wanted, in an order that loses nothing at any point.

Live first, files second, restarts last and one at a time: whatever moment a crash picks, the files on disk start a server with its data.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ansible_collections.mainstay.backend.plugins.module_utils import _valkey_kernel as kernel
from ansible_collections.mainstay.backend.plugins.module_utils import _valkey_trial as trials
from ansible_collections.mainstay.backend.plugins.module_utils import _valkey_units as units
from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._deps import require
from ansible_collections.mainstay.backend.plugins.module_utils._file_specs import FileSpec
from ansible_collections.mainstay.backend.plugins.module_utils._files import place
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_acl import acl_differences
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_live import (
    Live,
    ask,
    connect,
    persisted,
    wait_ready,
)
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_plan import (
    Plan,
    Wanted,
    directive,
)
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_survey import (
    STOCK,
    TIMER,
    Outcome,
    Survey,
    ended,
)


@dataclass
class Fleet(Survey):
    """The survey, and what it decided put into force."""

    previous: dict[str, str | None] = field(default_factory=dict)

    def apply(self) -> Outcome:
        self.look()
        if not self.check_mode:
            self._remove()
            self._support()
            self.certificate.place()
            self._set_live()
            self._replace_files()
            self._load_users()
            self._start()
            self._restart()
            self.certificate.serve(self.login)
        return self.outcome

    def _remove(self) -> None:
        gone = [item for item in self.absent if self._is_there(item)]
        units.act("disable", [name for item in gone for name in (item.timer, item.unit)], "--now")
        place([spec for item in gone for spec in item.files()])
        for item in gone:
            trials.forget(item.name)
            with contextlib.suppress(OSError):
                os.rmdir(os.path.dirname(item.dropin_path))

    def _support(self) -> None:
        if self.kernel:
            kernel.set_now()
        place(self.support, [*self.folders, *[spec for item in self.present for spec in item.directories()]])

    def _set_live(self) -> None:
        for item in self.present:
            if self.plans[item.name].live:
                self._set_one(item, self.plans[item.name])

    def _set_one(self, item: Wanted, plan: Plan) -> None:
        """One CONFIG SET for all; what the server itself calls immutable moves to the restart."""
        client = connect(item.socket, self.login.user, self.login.password)
        refused = require("redis").exceptions.ResponseError
        while plan.live:
            try:
                client.execute_command(
                    "CONFIG", "SET", *[part for name, (_old, new) in plan.live.items() for part in (name, new)]
                )
                break
            except refused as error:
                name = next(
                    (name for name in plan.live if f"'{name}'" in str(error) and "immutable" in str(error)), None
                )
                if name is None:
                    raise MainstayError(
                        f"{item.name}: the running server refuses the change, no file was replaced: {error}"
                    ) from None
                plan.at_start[name] = plan.live.pop(name)
                plan.restart.append(f"{name} is read at a start only")
                self.outcome.did(f"{item.name}: {name} needs a restart")
        found = ask(item.socket, self.login).config
        for name, (_old, new) in plan.live.items():
            if found.get(name) != new:
                raise MainstayError(
                    f"{item.name}: CONFIG GET {name} says {found.get(name)!r} after CONFIG SET; expected {new!r}"
                )
        if plan.live.get("appendonly", ("", ""))[1] == "yes":
            persisted(item.socket, self.login, item.name)

    def _replace_files(self) -> None:
        for item in self.present:
            if self.plans[item.name].restart:
                os.makedirs(os.path.dirname(item.marker), mode=0o700, exist_ok=True)
                with open(item.marker, "w", encoding="utf-8") as handle:
                    handle.write("; ".join(self.plans[item.name].restart))
        self.previous = {
            spec.path: _content(spec.path)
            for item in self.present
            for spec in item.files()
            if spec.path in self.changes
        }
        place([spec for item in self.present for spec in item.files()])
        self._enable()

    def _enable(self) -> None:
        """Links units for the next boot; systemd reads these links and the drop-ins together."""
        stock, stale = self.units.get(STOCK, {}), any(path.startswith("/etc/systemd/") for path in self.changes)
        if stock.get("UnitFileState") == "enabled" and stock["ActiveState"] == "inactive":
            stale = units.link("disable", [STOCK]) or stale
        stale = units.link("enable", [name for item in self._fresh() for name in (item.unit, item.timer)]) or stale
        if stale:
            units.reload_units()

    def _fresh(self) -> list[Wanted]:
        return [item for item in self.present if self.plans[item.name].enable or TIMER in self.changes]

    def _load_users(self) -> None:
        for item in self.present:
            plan = self.plans[item.name]
            if plan.users and self.live[item.name].state == "up":
                connect(item.socket, self.login.user, self.login.password).execute_command("ACL", "LOAD")
                self._verify(item, ask(item.socket, self.login))

    def _start(self) -> None:
        fresh = self._fresh()
        starting = [item for item in self.present if self.plans[item.name].start]
        since = time.time()
        units.act("start", [item.unit for item in starting], "--no-block")
        for item in starting:
            self._arrive(item, since, lambda found: True)
        # a server that systemd brought back by itself left its watchdog behind
        units.act("restart", [item.timer for item in self.present if item in fresh or item in starting])
        for item in self.present:
            if not self.plans[item.name].restart:
                self._remember(item)

    def _remember(self, item: Wanted) -> None:
        """Spares the next run the trial."""
        if item.name in self.learnt:
            trials.remember(item.name, item.config, item.acl, self.expected[item.name])

    def _restart(self) -> None:
        for item in self.present:
            if not self.plans[item.name].restart:
                continue
            live, pid = self.live[item.name], self.units[item.unit].get("MainPID")
            if live.state == "up" and directive(item.config, "appendonly") == "yes":
                persisted(item.socket, self.login, item.name)
            since = time.time()
            units.act("restart", [item.unit], "--no-block")
            self.plans[item.name].at_start.clear()
            self._arrive(item, since, Newcomer(item.unit, live.info.get("run_id"), pid))
            os.unlink(item.marker)
            self._remember(item)

    def _arrive(self, item: Wanted, since: float, started: Callable[[Live], bool]) -> None:
        """Waits until ITEM is healthy and is what was wanted; where it is not, its previous files return and the task fails."""
        try:
            self._verify(item, wait_ready(item.socket, self.login, lambda: ended(item.unit), started))
        except MainstayError as error:
            said = trials.words(units.journal(item.unit, since))
            undone = self._undo(item)
            raise MainstayError(f"{item.name} did not come up: {error}. {undone} The server said: {said}") from None

    def _undo(self, item: Wanted) -> str:
        """Puts back the files that ITEM had; the server runs on with them, or stays stopped where it never ran."""
        mine = [spec for spec in item.files() if spec.path in self.previous]
        restored = []
        for spec in mine:
            restored.append(
                FileSpec(spec.path, self.previous[spec.path], spec.owner, spec.group, spec.mode, secret=spec.secret)
            )
        place(restored)
        units.reload_units()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(item.marker)
        if self.plans[item.name].start:
            units.act("disable", [item.timer, item.unit], "--now")
            return "It was stopped again and its previous files put back."
        units.act("restart", [item.unit], "--no-block")
        try:
            wait_ready(item.socket, self.login, lambda: "", lambda found: True, any_login=True)
        except MainstayError as error:
            return f"Its previous files were put back, and it does not come up with them either: {error}."
        return "Its previous files were put back and it runs with them."

    def _verify(self, item: Wanted, live: Live) -> None:
        """Everything the server says is what was wanted."""
        expected = self.expected[item.name]
        old, new = acl_differences(live.acl, expected.acl(item.wanted_acl()))
        if old or new:
            raise MainstayError(
                f"{item.name}: ACL LIST says {'; '.join(old) or 'nothing'}; expected {'; '.join(new) or 'nothing'}"
            )
        for name, value in expected.config.items():
            if live.config.get(name) != value and name not in self.plans[item.name].at_start:
                raise MainstayError(
                    f"{item.name}: CONFIG GET {name} says {live.config.get(name)!r}; expected {value!r}"
                )


@dataclass(frozen=True)
class Newcomer:
    """Tells the server that was started from the one before it."""

    unit: str
    run: object
    pid: str | None

    def __call__(self, found: Live) -> bool:
        if self.run and found.info.get("run_id"):
            return bool(found.info["run_id"] != self.run)
        return units.show([self.unit])[self.unit].get("MainPID") not in (self.pid, "0")


def _content(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8", errors="replace") as handle:
            return handle.read()
    except FileNotFoundError:
        return None
