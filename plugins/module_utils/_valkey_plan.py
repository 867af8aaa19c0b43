# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Decides what an instance needs: pure, from what is wanted, what the server makes of it, and what runs."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._file_specs import Change, DirectorySpec, FileSpec
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_acl import acl_differences, masked, parse_acl
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_directives import AT_START
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_live import Acl, Live
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_trial import PLACES, Expected

#: Unit settings that a daemon-reload puts into force; any other needs the process to start anew.
_RELOADED = (
    "IPAddressAllow",
    "IPAddressDeny",
    "RestartSec",
    "StartLimitIntervalSec",
    "TimeoutStartSec",
    "TimeoutStopSec",
)


@dataclass(frozen=True)
class Wanted:
    """An instance as the module is told of it: texts rendered on the controller."""

    name: str
    state: str
    directory: str
    keeps: bool
    config: str = ""
    acl: str = field(default="", repr=False)
    dropin: str = ""

    @property
    def unit(self) -> str:
        return f"valkey-server@{self.name}.service"

    @property
    def timer(self) -> str:
        return f"valkey-watchdog@{self.name}.timer"

    @property
    def socket(self) -> str:
        return f"/run/valkey-{self.name}/valkey.sock"

    @property
    def marker(self) -> str:
        """Says that a restart is due: an interrupted run is finished by the next one, and a boot makes it needless."""
        return f"/run/mainstay/valkey-{self.name}.restart"

    @property
    def config_path(self) -> str:
        return f"/etc/valkey/valkey-{self.name}.conf"

    @property
    def acl_path(self) -> str:
        return f"/etc/valkey/users-{self.name}.acl"

    @property
    def dropin_path(self) -> str:
        return f"/etc/systemd/system/{self.unit}.d/mainstay.conf"

    @property
    def places(self) -> dict[str, str]:
        """Where the instance lives, from its own configuration."""
        return {key: directive(self.config, key) for key in PLACES}

    def files(self) -> list[FileSpec]:
        """Its files; of an absent instance, that they shall not exist."""
        gone = self.state == "absent"
        shown = {"before": masked(_read(self.acl_path)), "after": masked(self.acl)}
        return [
            FileSpec(self.config_path, None if gone else self.config, "root", "valkey", 0o640),
            FileSpec(self.acl_path, None if gone else self.acl, "root", "valkey", 0o640, secret=True, shown=shown),
            FileSpec(self.dropin_path, None if gone else self.dropin),
        ]

    def directories(self) -> list[DirectorySpec]:
        return [
            DirectorySpec(self.directory, "valkey", "valkey", 0o700),
            DirectorySpec(os.path.dirname(self.dropin_path)),
        ]

    def wanted_acl(self) -> Acl:
        return parse_acl(self.acl.splitlines())


@dataclass
class Plan:
    """What one instance needs. `live` and `at_start`: directive -> (what runs, what is wanted)."""

    live: dict[str, tuple[str, str]] = field(default_factory=dict)
    at_start: dict[str, tuple[str, str]] = field(default_factory=dict)
    acl: tuple[list[str], list[str]] = field(default_factory=lambda: ([], []))
    drifted: bool = False
    start: bool = False
    enable: bool = False
    restart: list[str] = field(default_factory=list)

    @property
    def users(self) -> bool:
        return self.acl != ([], [])

    def needed(self) -> bool:
        return bool(self.live or self.at_start or self.users or self.start or self.enable or self.restart)


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as handle:
            return handle.read()
    except OSError:
        return ""


def directive(config: str, name: str) -> str:
    """The value of the last line of CONFIG that sets NAME."""
    found = re.findall(rf"^{re.escape(name)} +(.*)$", config, re.MULTILINE)
    return found[-1].strip().strip('"') if found else ""


def has_data(directory: str) -> bool:
    """Whether a server left anything in DIRECTORY."""
    return any(os.path.exists(f"{directory}/{name}") for name in ("appendonlydir", "dump.rdb"))


def needs_process(before: str, after: str) -> list[str]:
    """The settings of a drop-in that differ and that only a new process sees."""

    def lines(text: str) -> set[str]:
        return {line.strip() for line in text.splitlines() if "=" in line and not line.lstrip().startswith("#")}

    names = {line.split("=", 1)[0] for line in lines(before) ^ lines(after)}
    return sorted(names - set(_RELOADED))


def decide(
    item: Wanted, unit: Mapping[str, str], live: Live, expected: Expected | None, changes: Mapping[str, Change]
) -> Plan:
    """What ITEM needs. EXPECTED None: unknown before the packages are installed. CHANGES are those of its files, by path."""
    plan = Plan(enable=unit.get("UnitFileState") != "enabled")
    _refuse_move(item, live)
    if live.state == "down" and unit.get("ActiveState") not in ("active", "activating"):
        plan.start = True
        _refuse_trap(item)
        return plan
    dropin = changes.get(item.dropin_path)
    if dropin:
        plan.restart += [f"{name} of its unit" for name in needs_process(dropin.before, dropin.after)]
    if os.path.exists(item.marker):
        plan.restart.append("an interrupted run left it due")
    if live.state == "refused":
        plan.restart.append("it refuses the administrator's login, so its users can only be replaced by a start")
        return plan
    if expected is None or live.state != "up":
        return plan
    if set(expected.config) - set(live.config):
        plan.restart.append("the installed server was upgraded and knows directives that the running one does not")
    for name, value in expected.config.items():
        if live.config.get(name, value) != value:
            target = plan.at_start if name in AT_START else plan.live
            target[name] = (live.config[name], value)
    if dropin and "LimitNOFILE" in needs_process(dropin.before, dropin.after) and "maxclients" in plan.live:
        plan.at_start["maxclients"] = plan.live.pop("maxclients")
    plan.restart += [f"{name} is read at a start only" for name in plan.at_start]
    plan.acl = acl_differences(live.acl, expected.acl(item.wanted_acl()))
    plan.drifted = bool(plan.live) and item.config_path not in changes
    _refuse_shrink(item, live, plan)
    return plan


def _refuse_move(item: Wanted, live: Live) -> None:
    """Another directory would be an empty one: the server would start without its data."""
    old = live.config.get("dir") or directive(_read(item.config_path), "dir")
    if old and os.path.normpath(old) != item.directory and has_data(old) and item.keeps:
        raise MainstayError(
            f"valkey_instances.{item.name}.directory: found {item.directory}, and its data in {old}; expected {old}, or its data moved first: "
            f"systemctl stop {item.unit}; mv {old} {item.directory}; then run this again"
        )


def _refuse_trap(item: Wanted) -> None:
    """With appendonly yes and no append-only file, a server ignores dump.rdb and starts empty."""
    snapshot = f"{item.directory}/dump.rdb"
    if (
        directive(item.config, "appendonly") == "yes"
        and os.path.exists(snapshot)
        and not os.path.exists(f"{item.directory}/appendonlydir")
    ):
        raise MainstayError(
            f"{item.name}: found {snapshot} and no append-only file beside it, which a start with appendonly yes would ignore; expected the "
            f"old server running ('systemctl start {item.unit}'), so that it writes its append-only file first, or the snapshot moved away"
        )


def _refuse_shrink(item: Wanted, live: Live, plan: Plan) -> None:
    """Below what is in use, a server that must not evict would refuse every write."""
    new = plan.live.get("maxmemory", ("0", "0"))[1]
    used = int(live.info.get("used_memory", 0))
    if item.keeps and 0 < int(new) < used:
        raise MainstayError(
            f"valkey_instances.{item.name}.maxmemory: found {new}, and {used} bytes in use; expected more: it would refuse every write"
        )


def describe_live(before: Sequence[tuple[str, str]]) -> str:
    return "".join(f"{name} {value}\n" for name, value in sorted(before))
