# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One verb of a rotation on the current host, for all credentials that rotate: what the adapters of their kinds ask for, one call a module."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.mainstay.backend.plugins.module_utils._adapter_token import (
    first_host,
    retire_calls,
    unproven,
)
from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._consumer_calls import reload_call
from ansible_collections.mainstay.backend.plugins.module_utils._credential_probe import probe_arguments
from ansible_collections.mainstay.backend.plugins.module_utils._credentials import ADMIN, Credential
from ansible_collections.mainstay.backend.plugins.module_utils._description import Description
from ansible_collections.mainstay.backend.plugins.module_utils._rotation import told
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_adapters import adapters_for
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_check import questions, refusals
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_kinds import Call, Context, Probe, Rotating
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_plan import active, rotatable, to_check
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_states import reached
from ansible_collections.mainstay.backend.plugins.module_utils._store import Contents, issued
from ansible_collections.mainstay.backend.plugins.plugin_utils.action import BackendAction
from ansible_collections.mainstay.backend.plugins.plugin_utils.controller_commands import (
    parted,
    probe_here,
    retire_here,
)
from ansible_collections.mainstay.backend.plugins.plugin_utils.crash import crash_run, phase
from ansible_collections.mainstay.backend.plugins.plugin_utils.inventory import plain
from ansible_collections.mainstay.backend.plugins.plugin_utils.store import issue_these, open_store

VERBS = ("check", "stage", "works", "reload", "sessions", "retire", "refused")
#: Between two questions whether the last session of an old version is gone.
PAUSE = 0.5
#: So long a probe tries again to reach a server that restarts, in seconds.
PATIENCE = 20.0


class ActionModule(BackendAction):
    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        given = self.arguments(verb="", names=[], seconds=30, end_sessions=False)
        verb, names = str(given["verb"]), [str(name) for name in plain(given["names"])]
        if verb not in VERBS:
            raise MainstayError(f"rotation_step.verb: found {verb!r}; expected one of {', '.join(VERBS)}")
        phase(verb)
        description = self.describe(task_vars)
        self._vars = task_vars
        own = self.own_servers(description, task_vars)
        known = {**rotatable(own), **rotatable(description)}
        store = open_store(description)
        contents, now = store.read(), datetime.now(UTC)
        # what other hosts have to do with is theirs
        wanted = [name for name in (names if verb == "check" else active(contents, names, now)) if name in known]
        if verb in ("retire", "refused"):
            # what rests is not retired by this run, though its time may have ended meanwhile
            wanted = [name for name in wanted if reached(contents.records[name].state, "CONSUMERS_OK")]
        items = [_rotating(known[name], contents) for name in wanted]
        admin = issue_these(store, [description.admin], True, True)[ADMIN]
        context = Context(description, admin, told(now), own)
        crash_run(f"before-{verb}")
        if verb == "check":
            result = self._check(context, items)
        elif verb == "reload":
            result = self._reload(description, wanted)
        elif verb == "sessions":
            result = self._sessions(context, items, float(given["seconds"]), boolean(given["end_sessions"]))
        elif verb in ("works", "refused"):
            result = self._probe(probes(verb, context, items))
            if verb == "refused" and not result.get("failed"):
                result["warnings"] = unproven(
                    [item for item in items if first_host(context, item) == description.host.name]
                )
        else:
            result = self._run(
                [call for adapter, mine in adapters_for(items) for call in getattr(adapter, verb)(context, mine)]
            )
            if verb == "retire" and not result.get("failed"):
                tokens = [item for item in items if item.credential.kind == "token"]
                result = _merged([result, retire_here(retire_calls(context, tokens), self._task.check_mode)])
        crash_run(f"after-{verb}")
        return result

    def _check(self, context: Context, items: Sequence[Rotating]) -> dict[str, Any]:
        """Everything that can fail, asked before the first effect: servers, current logins, consumers' health. Changes nothing."""
        mode, self._task.check_mode = self._task.check_mode, True
        try:
            calls = [call for adapter, mine in adapters_for(items) for call in adapter.check(context, mine)]
            results = [self._run(calls), self._logins(context, items)]
            records = {item.credential.name: item.record for item in items}
            results.append(self._reload(context.description, to_check(records), "checked"))
        finally:
            self._task.check_mode = mode
        return {**_merged(results), "changed": False}

    def _logins(self, context: Context, items: Sequence[Rotating]) -> dict[str, Any]:
        """Whether each credential has a version that works from here; where a rotation was cut off, the pending one may be it."""
        asked = questions(context, adapters_for(items))
        result = self._probe(asked)
        if "outcomes" not in result:
            return result
        lines = refusals(asked, result["outcomes"])
        if lines:
            remedy = "Nothing was changed, and no new secret made. Playbook site puts what the store holds on servers and consumers"
            raise MainstayError("\n".join([*[f"- {line}" for line in lines], remedy]))
        return {"changed": False}

    def _reload(self, description: Description, names: Sequence[str], state: str = "reloaded") -> dict[str, Any]:
        arguments = reload_call(description, list(names), state)
        return self._run([Call("consumer_reload", arguments)] if arguments["consumers"] else [])

    def _sessions(self, context: Context, items: Sequence[Rotating], seconds: float, anyway: bool) -> dict[str, Any]:
        """Waits until nobody uses a previous version, and fails where somebody still does after SECONDS."""
        calls = [call for adapter, mine in adapters_for(items) for call in adapter.sessions(context, mine)]
        until = time.monotonic() + seconds
        while True:
            result = self._run(calls)
            left = result.get("sessions", [])
            if result.get("failed") or not left or anyway:
                return {**result, "changed": False}
            if time.monotonic() >= until:
                told = ", ".join(f"{item['user']} from {item['address']} ({item['count']})" for item in left)
                raise MainstayError(
                    f"sessions of the old secret after {seconds:g} s: found {told}; expected none: a program that backend_consumers does not "
                    "declare, or one that keeps its connections. Nothing was retired; end it and run again, or set rotation_end_sessions"
                )
            time.sleep(PAUSE)

    def _probe(self, asked: Sequence[Probe]) -> dict[str, Any]:
        """One call for all probes of this host, after those of the controller itself."""
        remote, here = parted(asked)
        results = [probe_here(here)] if here else []
        if remote:
            results.append(self._run([Call("credential_probe", {**probe_arguments(remote), "wait": PATIENCE})]))
        outcomes = [outcome for result in results for outcome in result.get("outcomes", ())]
        return {**_merged(results), **({"outcomes": outcomes} if outcomes else {})}

    def _run(self, calls: Sequence[Call]) -> dict[str, Any]:
        results = []
        for call in calls:
            results.append(self.remote(call.module, call.arguments, self._vars))
            if results[-1].get("failed") or results[-1].get("unreachable"):
                return results[-1]
        return _merged(results)


def probes(verb: str, context: Context, items: Sequence[Rotating]) -> list[Probe]:
    return [probe for adapter, mine in adapters_for(items) for probe in getattr(adapter, verb)(context, mine)]


def _rotating(credential: Credential, contents: Contents) -> Rotating:
    record = contents.records[credential.name]
    return Rotating(credential, record, issued(record, credential.target))


def _merged(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One result of several: it failed with the first that failed."""
    failed = next((dict(item) for item in results if item.get("failed") or item.get("unreachable")), None)
    if failed:
        return failed
    found: dict[str, Any] = {"changed": any(item.get("changed") for item in results)}
    for key in ("actions", "sessions", "outcomes", "consumers", "warnings", "notes"):
        values = [value for item in results for value in item.get(key, ())]
        if values:
            found[key] = values
    return found
