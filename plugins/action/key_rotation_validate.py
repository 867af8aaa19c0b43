# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Judges on the controller, which knows the store, what one remote call a host brought: digests, never a secret."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean
from ansible.utils.display import Display

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError, shown
from ansible_collections.mainstay.backend.plugins.module_utils._consumer_calls import reload_call
from ansible_collections.mainstay.backend.plugins.module_utils._credential_probe import probe_arguments
from ansible_collections.mainstay.backend.plugins.module_utils._credentials import ADMIN
from ansible_collections.mainstay.backend.plugins.module_utils._description import everywhere
from ansible_collections.mainstay.backend.plugins.module_utils._findings import FAIL_ON, Finding, counts, fails
from ansible_collections.mainstay.backend.plugins.module_utils._findings_report import report_lines, summary
from ansible_collections.mainstay.backend.plugins.module_utils._rotation import parse_age, told
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_checks_servers import session_rows
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_expected import (
    Files,
    expected_files,
    expected_probes,
    known_part,
)
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_kinds import Context, Probe
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_plan import rotatable
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_rules import RULES
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_validate import (
    Evidence,
    Expected,
    check_severities,
    evaluate,
)
from ansible_collections.mainstay.backend.plugins.module_utils._store import issued
from ansible_collections.mainstay.backend.plugins.module_utils._table import table
from ansible_collections.mainstay.backend.plugins.plugin_utils.action import BackendAction
from ansible_collections.mainstay.backend.plugins.plugin_utils.controller_commands import parted, probe_here
from ansible_collections.mainstay.backend.plugins.plugin_utils.inventory import group_members, plain
from ansible_collections.mainstay.backend.plugins.plugin_utils.other_stores import other_stores
from ansible_collections.mainstay.backend.plugins.plugin_utils.reports import report_path, write_junit, write_sarif
from ansible_collections.mainstay.backend.plugins.plugin_utils.store import open_store

OPTIONS: dict[str, Any] = {
    "only": [],
    "search": [],
    "stuck_after": "1d",
    "severities": {},
    "fail_on": "error",
    "sarif": "",
    "junit": "",
    "show": False,
}
SESSIONS = ("server", "login", "credential", "standing", "from", "sessions")


class ActionModule(BackendAction):
    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        given = plain(self.arguments(**OPTIONS))
        for option in ("only", "search"):
            given[option] = _listed(given[option], option)
        description = self.describe(task_vars)
        credentials = rotatable(everywhere(description, group_members(task_vars)))
        self._check(given, credentials)
        contents = open_store(description).read()
        known = known_part(description, contents)
        own = known_part(self.own_servers(description, task_vars), contents)
        here = {**known.credentials, **own.credentials}
        released = {
            name: issued(record, here[name].target if name in here else "")
            for name, record in contents.records.items()
            if name in here or name == ADMIN
        }
        now, key = datetime.now(UTC), secrets.token_hex(32)
        files = expected_files(known, released)
        context = Context(known, released.get(ADMIN), told(now), own)
        probes = expected_probes(context, contents, released)
        remote, here = parted(probes)
        call = self._call(context, files, remote, given["search"])
        result = self.remote("key_rotation_validate", {"key": key, **call}, task_vars) if any(call.values()) else {}
        if result.get("failed") or result.get("unreachable"):
            return result
        whole = str(task_vars["inventory_hostname"]) == str((task_vars.get("ansible_play_hosts") or [""])[0])
        others, notes = other_stores(description) if whole else ({}, [])
        expected = Expected(
            credentials=credentials,
            contents=contents,
            issued=released,
            now=now,
            key=key,
            files=files.files,
            texts=files.texts,
            lines=files.lines,
            probes={item.id: (item.credential, item.expect) for item in probes},
            others=others,
            whole=whole,
            only=given["only"],
            stuck_after=parse_age(given["stuck_after"]) or Expected.stuck_after,
            severities={str(key): str(value) for key, value in given["severities"].items()},
        )
        shown_by_host = result.get("evidence", {})
        outcomes = [*shown_by_host.get("outcomes", ()), *(probe_here(here)["outcomes"] if here else ())]
        evidence = Evidence(description.host.name, **{**shown_by_host, "outcomes": outcomes})
        return self._result(expected, evidence, given, notes, task_vars)

    def _check(self, given: Mapping[str, Any], credentials: Collection[str]) -> None:
        """Refuses options that make no sense before anything is asked."""
        if given["fail_on"] not in FAIL_ON:
            raise MainstayError(f"fail_on: found {shown(given['fail_on'])}; expected one of {', '.join(FAIL_ON)}")
        if parse_age(str(given["stuck_after"])) is None:
            raise MainstayError(f"stuck_after: found {shown(given['stuck_after'])}; expected an age like 2h or 1d")
        if not isinstance(given["severities"], dict):
            raise MainstayError(f"severities: found {shown(given['severities'])}; expected a mapping")
        for name in given["only"]:
            if name not in credentials:
                expected = f"some of backend_credentials: {', '.join(credentials)}"
                raise MainstayError(f"only: found {shown(name)}; expected {expected}")
        check_severities({str(key): str(value) for key, value in given["severities"].items()})

    @staticmethod
    def _call(context: Context, files: Files, probes: Sequence[Probe], search: Sequence[str]) -> dict[str, Any]:
        """What the host is asked, as the module's arguments; all of them empty where there is nothing to ask."""
        own, admin = context.servers, context.admin
        instances = [item for item in own.instances if item.state == "present"] if "valkey" in own.runs else []
        return {
            "instances": [{"name": item.name, "socket": item.socket} for item in instances],
            "user": admin.user if admin and instances else "",
            "password": admin.password if admin and instances else "",
            "port": own.cluster.port if "postgres" in own.runs else None,
            "files": list(files.files),
            "folders": [*files.folders, *[str(path) for path in search]],
            **probe_arguments(probes),
            "consumers": reload_call(context.description, None, "checked")["consumers"],
        }

    def _result(
        self,
        expected: Expected,
        evidence: Evidence,
        given: Mapping[str, Any],
        notes: Sequence[str],
        task_vars: dict[str, Any],
    ) -> dict[str, Any]:
        findings = evaluate(expected, evidence)
        sessions = session_rows(expected, evidence)
        failed, many = fails(findings, given["fail_on"]), len(expected.only or expected.credentials)
        lines = report_lines("secrets", findings, many, notes, "credential")
        if sessions:
            lines = [*_session_table(sessions), "", *lines]
        show = boolean(given["show"])
        if show:
            Display().display("\n".join(["", f"{evidence.host}:", *lines]))
        return {
            "changed": False,
            "failed": failed,
            "fails": failed,
            "msg": summary(findings, many, "credential") if show else "\n".join(lines),
            "findings": [item.data() for item in findings],
            "counts": counts(findings),
            "sessions": sessions,
            "notes": list(notes),
            "lines": lines,
            "reports": [] if self._task.check_mode else self._reports(findings, given, evidence, task_vars),
        }

    @staticmethod
    def _reports(
        findings: Sequence[Finding], given: Mapping[str, Any], evidence: Evidence, task_vars: Mapping[str, Any]
    ) -> list[str]:
        hosts = [str(name) for name in task_vars.get("ansible_play_hosts_all", ())]
        written = []
        if given["sarif"]:
            written.append(report_path(str(given["sarif"]), evidence.host, hosts))
            write_sarif(written[-1], findings, RULES)
        if given["junit"]:
            written.append(report_path(str(given["junit"]), evidence.host, hosts))
            looked_at = [str(item["path"]) for item in evidence.files]
            write_junit(written[-1], findings, RULES, looked_at, given["fail_on"])
        return written


def _listed(value: object, option: str) -> list[str]:
    """A list of texts, or one text with commas."""
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise MainstayError(f"{option}: found {shown(value)}; expected a list of texts")
    return [item.strip() for item in items if item.strip()]


def _session_table(sessions: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = [
        [item["place"], item["user"], item["credential"] or "-", item["standing"], item["address"], item["count"]]
        for item in sessions
    ]
    return table("sessions", SESSIONS, rows)
