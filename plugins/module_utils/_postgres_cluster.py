# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Brings a cluster to what the controller derived: files, then reload or restart, proven by pg_settings; a failed start is rolled back."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._deps import require
from ansible_collections.mainstay.backend.plugins.module_utils._file_specs import Change, FileSpec
from ansible_collections.mainstay.backend.plugins.module_utils._files import place
from ansible_collections.mainstay.backend.plugins.module_utils._postgres_drift import (
    Live,
    Override,
    ask,
    differences,
    drift,
    overrides,
)
from ansible_collections.mainstay.backend.plugins.module_utils._postgres_layout import NAME, Layout, Wanted, owned_files
from ansible_collections.mainstay.backend.plugins.module_utils._postgres_live import execute, quoted, rows
from ansible_collections.mainstay.backend.plugins.module_utils._postgres_process import META, Server, run
from ansible_collections.mainstay.backend.plugins.module_utils._postgres_tls import Certificate
from ansible_collections.mainstay.backend.plugins.module_utils._probe import data_checksums
from ansible_collections.mainstay.backend.plugins.module_utils._tls_serving import placement_of

RELOAD_SECONDS = 20


@dataclass
class Outcome:
    """What was done, for people; `diff` entries are before/after."""

    diff: list[dict[str, str]] = field(default_factory=list)
    actions: list[str] = field(default_factory=list)
    changed: bool = False

    def did(self, text: str) -> None:
        self.changed = True
        self.actions.append(text)


def apply(wanted: Wanted, check_mode: bool) -> Outcome:
    """Brings the cluster to WANTED; in check mode says what would be done."""
    layout, outcome = Layout(wanted.version), Outcome()
    if not os.path.exists(f"{layout.binaries}/postgres"):
        if not check_mode:
            raise MainstayError(f"postgresql-{wanted.version} is not installed on this host; install it first")
        _note_files(outcome, place(*owned_files(wanted, layout, layout.data()), check_mode=True))
        _certificate(wanted, outcome, check_mode)
        outcome.did(f"would create and start cluster {wanted.version}/{NAME}")
        return outcome
    _ensure_cluster(wanted, layout, outcome, check_mode)
    data = layout.data()
    if wanted.data_checksums and data_checksums(f"{data}/global/pg_control") is False:
        binary = f"{layout.binaries}/pg_checksums"
        remedy = f"systemctl stop {layout.unit}; runuser -u postgres -- {binary} --enable -D {data}; systemctl start {layout.unit}"
        raise MainstayError(
            f"postgres_data_checksums: found true, and the cluster has no checksums; expected them switched on ({remedy}), or false"
        )
    server = Server(layout)
    if server.place() is not None and not server.active():
        remedy = f"pg_ctlcluster {wanted.version} {NAME} stop"
        raise MainstayError(f"the cluster runs outside {layout.unit}, which must start it; stop it first: {remedy}")
    files, directories = owned_files(wanted, layout, data)
    certificate = _certificate(wanted, outcome, check_mode)
    if check_mode:
        _note_files(outcome, place(files, directories, check_mode=True))
        _foresee(wanted, layout, server, outcome)
        return outcome
    before = _snapshot(files)
    changes = place(files, directories)
    _note_files(outcome, changes)
    try:
        _act(wanted, layout, server, outcome, {change.path for change in changes})
        certificate.serve(wanted.port)
    except MainstayError as error:
        certificate.go_back(wanted.port)
        raise _roll_back(error, layout, server, before, changes) from None
    _enable(outcome)
    return outcome


def _certificate(wanted: Wanted, outcome: Outcome, check_mode: bool) -> Certificate:
    """The certificate, its files in place before any setting names them."""
    found = Certificate(placement_of("postgres", vars(wanted)), wanted.settings)
    for text in found.place(check_mode):
        outcome.did(text)
    return found


def _note_files(outcome: Outcome, changes: Sequence[Change]) -> None:
    for change in changes:
        outcome.diff.append(change.diff())
        outcome.did(f"{change.path}: {', '.join(change.what)}")


def _ensure_cluster(wanted: Wanted, layout: Layout, outcome: Outcome, check_mode: bool) -> None:
    if os.path.exists(layout.main_file):
        return
    outcome.did(f"{'would create' if check_mode else 'created'} cluster {wanted.version}/{NAME}")
    if not check_mode:
        options = ["--encoding=UTF8", "--locale=C.UTF-8"] + (["--data-checksums"] if wanted.data_checksums else [])
        run("pg_createcluster", f"--port={wanted.port}", "--start-conf=auto", str(wanted.version), NAME, "--", *options)


def _snapshot(files: Sequence[FileSpec]) -> list[FileSpec]:
    """The files as they are, so that they can be put back; a missing one has no content."""
    found = []
    for spec in files:
        content = None
        with contextlib.suppress(OSError), open(spec.path, encoding="utf-8") as handle:
            content = handle.read()
        found.append(FileSpec(spec.path, content, spec.owner, spec.group, spec.mode))
    return found


def _act(wanted: Wanted, layout: Layout, server: Server, outcome: Outcome, changed: set[str]) -> None:
    """Starts, reloads or restarts as little as makes the server run what is wanted, then proves that it does."""
    if layout.unit_file in changed:
        run("systemctl", "daemon-reload")
    if server.place() is None:
        _start(server, outcome, "start", f"started {layout.unit}")
    connection = server.connection()
    try:
        _check_hba(connection, layout)
        if _reset(connection, wanted, layout, outcome):
            changed = changed | {layout.settings_file}
        live = ask(connection, wanted.settings, layout.settings_file)
        differing = differences(live, wanted.settings)
        if changed & {layout.settings_file, layout.hba_file} or differing or _stale(connection, layout):
            _reload(connection)
            if not changed & {layout.settings_file, layout.hba_file}:
                outcome.diff.append(drift(differing))
            outcome.did("reloaded the configuration")
            live = ask(connection, wanted.settings, layout.settings_file)
        reasons = [f"{name} ({item.shown} runs)" for name, item in live.items() if item.pending]
        if _older(connection, layout):
            reasons.append("the unit's drop-in")
    finally:
        connection.close()
    if reasons:
        _start(server, outcome, "restart", f"restarted {layout.unit}: {', '.join(reasons)} needs it")
        connection = server.connection()
        try:
            live = ask(connection, wanted.settings, layout.settings_file)
        finally:
            connection.close()
    _prove(live, wanted)


def _start(server: Server, outcome: Outcome, verb: str, text: str) -> None:
    trouble = server.start(verb)
    if trouble:
        raise MainstayError(f"PostgreSQL did not {verb}: {trouble}")
    outcome.did(text)


def _check_hba(connection: Any, layout: Layout) -> None:
    """Lines of pg_hba.conf that the server would refuse at the next reload (it then keeps the old rules, and does not start again)."""
    wrong = rows(
        connection,
        "SELECT line_number, error FROM pg_hba_file_rules WHERE error IS NOT NULL ORDER BY line_number LIMIT 3",
    )
    if wrong:
        raise MainstayError(f"{layout.hba_file}: {'; '.join(f'line {line}: {text}' for line, text in wrong)}")


def _overrides(connection: Any, wanted: Wanted, layout: Layout) -> list[Override]:
    """What ALTER SYSTEM set of the declared parameters; an entry of any other file that wins over ours is for people to take away."""
    found = overrides(connection, wanted.settings, layout.settings_file)
    others = [item for item in found if not item.by_alter_system]
    if others:
        told = "; ".join(f"{item}, not {wanted.settings[item.name]}" for item in others)
        raise MainstayError(
            f"{told}: read after {layout.settings_file}; take that away or declare it in postgres_settings"
        )
    return found


def _reset(connection: Any, wanted: Wanted, layout: Layout, outcome: Outcome) -> bool:
    """Takes back what ALTER SYSTEM set of the parameters that the inventory declares; others are left alone."""
    found = _overrides(connection, wanted, layout)
    for item in found:
        execute(connection, [f"ALTER SYSTEM RESET {quoted(item.name)}"])
        header = f"{item.file} (ALTER SYSTEM)"
        before = f"{item.name} = {item.value}\n"
        outcome.diff.append({"before_header": header, "after_header": header, "before": before, "after": ""})
        outcome.did(f"took back ALTER SYSTEM SET {item.name} = {item.value}: {wanted.settings[item.name]} is declared")
    return bool(found)


def _stale(connection: Any, layout: Layout) -> bool:
    """Whether a file was replaced after the server last read them (a run that was cut off in between)."""
    newest = max(os.path.getmtime(path) for path in (layout.settings_file, layout.hba_file))
    return bool(rows(connection, "SELECT extract(epoch FROM pg_conf_load_time())::float8 < %s", [newest])[0][0])


def _older(connection: Any, layout: Layout) -> bool:
    """Whether the server started before the unit's drop-in was written."""
    written = os.path.getmtime(layout.unit_file)
    return bool(rows(connection, "SELECT extract(epoch FROM pg_postmaster_start_time())::float8 < %s", [written])[0][0])


def _reload(connection: Any) -> None:
    """Reloads, and waits until this session has read the new configuration too: pending_restart is right from then on."""
    loaded = rows(connection, "SELECT pg_conf_load_time(), pg_reload_conf()")[0][0]
    until = time.monotonic() + RELOAD_SECONDS
    while rows(connection, "SELECT pg_conf_load_time()")[0][0] == loaded:
        if time.monotonic() > until:
            raise MainstayError(
                f"PostgreSQL did not reload its configuration within {RELOAD_SECONDS} s; its log says why"
            )
        time.sleep(0.02)


def _prove(live: dict[str, Live], wanted: Wanted) -> None:
    wrong = [
        f"{item.live.name} is {item.live.shown} by {item.live.origin}, not {item.wanted}"
        for item in differences(live, wanted.settings)
    ]
    if wrong:
        raise MainstayError(
            f"PostgreSQL does not run what is declared: {'; '.join(wrong)}; take that away or declare it in postgres_settings"
        )


def _foresee(wanted: Wanted, layout: Layout, server: Server, outcome: Outcome) -> None:
    """Check mode: what the running server would be told."""
    if server.place() is None:
        outcome.did(f"would start {layout.unit}")
        return
    try:
        require("psycopg2")
    except MainstayError:  # its package is among those that are still missing
        return
    connection = server.connection()
    try:
        live = ask(connection, wanted.settings, layout.settings_file)
        found = _overrides(connection, wanted, layout)
    finally:
        connection.close()
    differing = differences(live, wanted.settings)
    if differing:
        outcome.diff.append(drift(differing))
    for item in found:
        outcome.did(
            f"would take back ALTER SYSTEM SET {item.name} = {item.value}: {wanted.settings[item.name]} is declared"
        )
    restarts = [item.live.name for item in differing if item.restarts]
    if restarts:
        outcome.did(f"would restart {layout.unit}: {', '.join(restarts)} needs it")
    elif differing:
        outcome.did("would reload the configuration")


def _roll_back(
    error: MainstayError, layout: Layout, server: Server, before: Sequence[FileSpec], changes: Sequence[Change]
) -> MainstayError:
    """Puts the previous files back and the server up with them; returns the error to raise."""
    paths = {change.path for change in changes}
    if not paths:
        return error
    try:
        place([spec for spec in before if spec.path in paths])
        run("systemctl", "daemon-reload")
        trouble = server.start("restart" if server.place() is None or not server.active() else "reload")
    except MainstayError as second:
        trouble = str(second)
    if trouble:
        return MainstayError(
            f"{error}. The previous configuration was put back, and the server does not run with it either: {trouble}"
        )
    return MainstayError(f"{error}. The previous configuration was put back and runs")


def _enable(outcome: Outcome) -> None:
    """The meta unit must be enabled, or the cluster stays down after a reboot of the host."""
    if not os.path.lexists(f"/etc/systemd/system/multi-user.target.wants/{META}"):
        run("systemctl", "enable", META)
        outcome.did(f"enabled {META}")
