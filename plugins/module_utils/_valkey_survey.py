# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds what is there on a host, decides what every Valkey instance needs, and tells it before anything is done."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.mainstay.backend.plugins.module_utils import _valkey_kernel as kernel
from ansible_collections.mainstay.backend.plugins.module_utils import _valkey_trial as trials
from ansible_collections.mainstay.backend.plugins.module_utils import _valkey_units as units
from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._file_specs import Change, DirectorySpec, FileSpec
from ansible_collections.mainstay.backend.plugins.module_utils._files import place
from ansible_collections.mainstay.backend.plugins.module_utils._tls_files import Placement
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_live import (
    Live,
    Login,
    ask,
    wait_ready,
)
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_plan import (
    Plan,
    Wanted,
    decide,
    describe_live,
    directive,
)
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_tls import Certificate
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_trial import Expected

STOCK = "valkey-server.service"
TIMER = "/etc/systemd/system/valkey-watchdog@.timer"


@dataclass
class Outcome:
    """What was done (or would be), and why."""

    changed: bool = False
    actions: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    diff: list[dict[str, str]] = field(default_factory=list)

    def did(self, text: str) -> None:
        self.changed = True
        self.actions.append(text)

    def differs(self, header: str, before: str, after: str) -> None:
        self.changed = True
        self.diff.append({"before_header": header, "after_header": header, "before": before, "after": after})


@dataclass
class Survey:
    """All instances of one host, what is known of them at this moment, and what follows. Nothing here changes the host."""

    wanted: Sequence[Wanted]
    support: Sequence[FileSpec]
    folders: Sequence[DirectorySpec]
    login: Login
    check_mode: bool
    outcome: Outcome = field(default_factory=Outcome)
    units: dict[str, Mapping[str, str]] = field(default_factory=dict)
    live: dict[str, Live] = field(default_factory=dict)
    expected: dict[str, Expected] = field(default_factory=dict)
    plans: dict[str, Plan] = field(default_factory=dict)
    changes: dict[str, Change] = field(default_factory=dict)
    learnt: set[str] = field(default_factory=set)
    kernel: bool = False
    certificate: Certificate = field(default_factory=lambda: Certificate(Placement("valkey", {})))

    @property
    def present(self) -> list[Wanted]:
        return [item for item in self.wanted if item.state == "present"]

    @property
    def absent(self) -> list[Wanted]:
        return [item for item in self.wanted if item.state == "absent"]

    def states(self) -> dict[str, str]:
        present = {
            item.name: "unknown" if self.check_mode and self.live[item.name].state != "up" else "running"
            for item in self.present
        }
        return {**present, **{item.name: "absent" for item in self.absent}}

    def look(self) -> None:
        """Reads everything, starts trials where a configuration is new, decides, and tells."""
        installed = os.path.exists(trials.SERVER)
        if not installed and not self.check_mode:
            raise MainstayError(
                "valkey-server: found no server on this host; expected the package valkey-server to be installed"
            )
        names = [name for item in self.wanted for name in (item.unit, item.timer)]
        self.units = units.show([STOCK, *names]) if installed else {}
        self._look_at_kernel()
        specs = [*self.support, *[spec for item in self.wanted for spec in item.files()]]
        directories = [*self.folders, *[spec for item in self.present for spec in item.directories()]]
        for change in place(specs, directories, check_mode=True):
            self.changes[change.path] = change
        for item in self.present:
            self.live[item.name] = self._ask(item)
            if installed:
                self.expected[item.name] = self._expect(item)
            plan = self.plans[item.name] = decide(
                item, self.units.get(item.unit, {}), self.live[item.name], self.expected.get(item.name), self.changes
            )
            plan.enable = plan.enable or self._unwatched(item)
        self._tell()
        for text in self.certificate.look(self.present):
            self.outcome.did(text)

    def _look_at_kernel(self) -> None:
        why = kernel.skipped()
        if why:
            self.outcome.notes.append(why)
            return
        self.support = [*self.support, kernel.kernel_file()]
        self.kernel = bool(kernel.differs())
        if self.kernel:
            self.outcome.did(f"{kernel.NAME}: {kernel.differs()} -> {kernel.VALUE}")

    def _ask(self, item: Wanted) -> Live:
        live = ask(item.socket, self.login)
        runs = self.units.get(item.unit, {}).get("ActiveState") in ("active", "activating")
        if self.check_mode or live.state in ("up", "refused") or not (runs or live.state != "down"):
            return live
        seen: list[str] = []

        def dead() -> str:
            """Remembered: systemd may be at its next try by the time that it is asked again."""
            why = ended(item.unit)
            seen.extend([why] if why else [])
            return why

        # Loading takes as long as it takes; a hung server is its watchdog's, which needs some seconds.
        try:
            return wait_ready(item.socket, self.login, dead, lambda found: True)
        except MainstayError as error:
            if seen or ended(item.unit):
                self.units[item.unit] = {**self.units[item.unit], "ActiveState": "failed"}
                return Live("down")
            remedy = f"an instance of this role that answers: systemctl stop {item.unit}, then run this again"
            raise MainstayError(
                f"{item.unit}: found it running, and on {item.socket} {error}; expected {remedy}"
            ) from None

    def _expect(self, item: Wanted) -> Expected:
        changed = item.config_path in self.changes or item.acl_path in self.changes
        found = None if changed else trials.remembered(item.name, item.config, item.acl)
        if found is None:
            found = trials.trial(item.name, item.config, item.acl, item.places, self.login)
            self.learnt.add(item.name)
        return found

    def _tell(self) -> None:
        """The outcome as far as it is known before anything is done: files, and what running servers say."""
        out = self.outcome
        for change in self.changes.values():
            out.changed = True
            out.diff.append(change.diff())
        for item in self.absent:
            if self._is_there(item):
                left = f"; its data stays in {item.directory}" if os.path.isdir(item.directory) else ""
                out.did(f"{item.name}: removed{left}")
        for item in self.present:
            self._tell_one(item, self.plans[item.name])
        if self.units.get(STOCK, {}).get("UnitFileState") == "enabled":
            if self.units[STOCK]["ActiveState"] == "inactive":
                out.did(f"{STOCK}: disabled, it would take port 6379 at the next boot")
            else:
                out.notes.append(f"{STOCK} runs beside the described instances and was left alone")

    def _tell_one(self, item: Wanted, plan: Plan) -> None:
        out, changed = self.outcome, {**plan.live, **plan.at_start}
        if changed or plan.users:
            before = describe_live([(name, old) for name, (old, new) in changed.items()])
            after = describe_live([(name, new) for name, (old, new) in changed.items()])
            out.differs(f"running server {item.name}", before + "\n".join(plan.acl[0]), after + "\n".join(plan.acl[1]))
        cause = " (it had been changed by hand)" if plan.drifted else ""
        for name, (old, new) in plan.live.items():
            out.did(f"{item.name}: {name} {old or repr('')} -> {new or repr('')} without a restart{cause}")
        if plan.users and self.live[item.name].state == "up":
            by_hand = "" if item.acl_path in self.changes else " (they had been changed by hand)"
            out.did(f"{item.name}: users loaded{by_hand}")
        if plan.start:
            out.did(f"{item.name}: {'started' if os.path.exists(item.config_path) else 'created and started'}")
        elif plan.enable:
            out.did(f"{item.name}: enabled at boot, with its watchdog")
        if plan.restart:
            lost = "" if directive(item.config, "appendonly") == "yes" else "; it starts empty"
            out.did(f"{item.name}: restarted, because {'; '.join(plan.restart)}{lost}")

    def _is_there(self, item: Wanted) -> bool:
        unit = self.units.get(item.unit, {})
        running = unit.get("ActiveState") in ("active", "activating") or unit.get("UnitFileState") == "enabled"
        return running or any(spec.path in self.changes for spec in item.files())

    def _unwatched(self, item: Wanted) -> bool:
        timer = self.units.get(item.timer, {})
        running = self.units.get(item.unit, {}).get("ActiveState") == "active"
        return timer.get("UnitFileState") != "enabled" or (running and timer.get("ActiveState") != "active")


def ended(unit: str) -> str:
    """Why UNIT's server does not stay up, or ''."""
    told = units.show([unit])[unit]
    over = told["ActiveState"] == "failed" or told["SubState"] == "auto-restart"
    return f"it ends as soon as it starts ({told['Result']})" if over else ""
