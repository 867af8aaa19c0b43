# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Commands of the inventory's that are run on the controller itself: those that try a token, and those that revoke one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils._credential_probe import (
    Limits,
    probe_all,
    probe_arguments,
    read_logins,
    told,
)
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_kinds import Probe
from ansible_collections.mainstay.backend.plugins.module_utils._token_retire import Revoke, revoke

CONTROLLER = "controller"
SECONDS = 60.0


def parted(asked: Sequence[Probe]) -> tuple[list[Probe], list[Probe]]:
    """ASKED of the current host, and asked on the controller."""
    remote, here = [], []
    for item in asked:
        login = {key: value for key, value in item.login.items() if key != "runs_on"}
        (here if item.login.get("runs_on") == CONTROLLER else remote).append(replace(item, login=login))
    return remote, here


def probe_here(asked: Sequence[Probe]) -> dict[str, Any]:
    """What module credential_probe would return."""
    given = probe_arguments(asked)
    logins = read_logins(given["probes"], given["passwords"])
    outcomes = probe_all(logins, Limits(SECONDS, SECONDS, 0))
    found = [
        {"id": login.id, "outcome": outcome.outcome, "said": outcome.said, "expect": login.expect}
        for login, outcome in zip(logins, outcomes, strict=True)
    ]
    wrong = told(logins, outcomes)
    if wrong:
        lines = "\n".join(f"- {line}" for line in wrong)
        return {"changed": False, "failed": True, "msg": f"on the controller:\n{lines}", "outcomes": found}
    return {"changed": False, "outcomes": found}


def retire_here(calls: Sequence[Mapping[str, Any]], check_mode: bool) -> dict[str, Any]:
    """What module token_retire would return for all of CALLS, its arguments."""
    done = [
        revoke(
            Revoke(item["name"], item["test"], item["retire"], item["current"], item["previous"]), check_mode, SECONDS
        )
        for item in calls
        if item["runs_on"] == CONTROLLER
    ]
    actions = [text for text in done if text]
    return {"changed": bool(actions), "actions": actions}
