# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Logins of a running PostgreSQL cluster: their verifiers in one transaction, then the end of the sessions of those who may log in no more."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._crash import crash
from ansible_collections.mainstay.backend.plugins.module_utils._deps import require
from ansible_collections.mainstay.backend.plugins.module_utils._postgres_live import rows, said
from ansible_collections.mainstay.backend.plugins.module_utils._postgres_roles import Role, Step, role_step
from ansible_collections.mainstay.backend.plugins.module_utils._postgres_server import Cluster, wanted_roles
from ansible_collections.mainstay.backend.plugins.module_utils._scram import is_verifier

#: A server that starts is waited for so long, an ended session likewise (seconds).
PATIENCE = 20.0
PAUSE = 0.2
_WHO = "FROM pg_stat_activity WHERE usename = ANY(%s) AND pid <> pg_backend_pid()"
_SESSIONS = f"""
SELECT usename::text, coalesce(datname::text, CASE WHEN backend_type = 'walsender' THEN 'replication' ELSE '' END),
       coalesce(host(client_addr), ''), count(*) {_WHO} GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"""
_END = f"SELECT pg_terminate_backend(pid) {_WHO}"


@dataclass(frozen=True)
class WantedLogin:
    """A login as it shall be. `verifier` None: it may not log in. `spec` is what else it shall be (options of the module); None leaves that."""

    name: str
    verifier: str | None = field(repr=False)
    spec: Mapping[str, Any] | None = None
    create: bool = True
    end_sessions: bool = False
    credential: str = ""

    def role(self, found: Role | None) -> Role:
        """The role that FOUND shall become."""
        if self.spec is not None:
            spec = {"settings": {}, "connection_limit": -1, **self.spec, "name": self.name}
            (wanted,) = wanted_roles((), [spec], {self.name: self.verifier})
            return wanted
        kept = found or Role(self.name)
        return replace(kept, login=self.verifier is not None, verifier=self.verifier, expires=False)


def read_logins(items: Sequence[Mapping[str, Any]]) -> list[WantedLogin]:
    """The logins of a task; MainstayError names what is wrong and shows no verifier."""
    found: list[WantedLogin] = []
    for at, item in enumerate(items):
        name, verifier = str(item["name"]), item.get("verifier")
        if not name or "\0" in name or len(name.encode()) > 63:
            raise MainstayError(f"logins[{at}].name: found {name[:70]!r}; expected a name of 1 to 63 bytes")
        if name == "postgres" or name.startswith("pg_"):
            raise MainstayError(f"logins[{at}].name: found {name}; expected another one: it belongs to the server")
        if name in [other.name for other in found]:
            raise MainstayError(f"logins[{at}].name: found {name} twice; expected each login once")
        if verifier is not None and not is_verifier(verifier):
            expected = "a SCRAM-SHA-256 verifier, like that of the filter mainstay.backend.scram_verifier"
            raise MainstayError(f"logins[{at}].verifier: found something else (not shown); expected {expected}")
        keys = ("owner", "privileges", "settings", "connection_limit")
        spec = {key: item[key] for key in keys if item.get(key) is not None}
        if spec.get("privileges", "owner") == "owner" and spec and not spec.get("owner"):
            raise MainstayError(
                f"logins[{at}].owner: found nothing; expected the role that {name} acts as, or privileges"
            )
        create, end = bool(item.get("create", True)), bool(item.get("end_sessions"))
        found.append(WantedLogin(name, verifier, spec or None, create, end, str(item.get("credential") or "")))
    return found


def patiently(port: int) -> Cluster:
    """The cluster on PORT; one that is starting is waited for."""
    until = time.monotonic() + PATIENCE
    library = require("psycopg2")
    while True:
        try:
            return Cluster(port)
        except library.OperationalError as error:
            if time.monotonic() > until:
                raise MainstayError(f"port {port}: found no PostgreSQL: {said(error)}; expected it running") from None
        time.sleep(PAUSE)


def steps_of(cluster: Cluster, logins: Sequence[WantedLogin]) -> list[Step]:
    """What closes the gap between the server and LOGINS."""
    found = cluster.roles([login.name for login in logins])
    for login in logins:
        if login.name not in found and not login.create:
            raise MainstayError(f"logins: found no role {login.name} on the server; expected it to be there")
    steps = [role_step(found.get(login.name), login.role(found.get(login.name)), cluster.version) for login in logins]
    return [step for step in steps if step is not None]


def apply(cluster: Cluster, logins: Sequence[WantedLogin], check_mode: bool) -> tuple[list[Step], list[str]]:
    """The steps taken (in check mode: to be taken), and what was done beside them."""
    steps = steps_of(cluster, logins)
    if steps and not check_mode:
        cluster.run(steps)
        left = steps_of(cluster, logins)
        if left:
            raise MainstayError(f"PostgreSQL did not keep what was done: {'; '.join(step.text for step in left)}")
    crash("postgres.committed")
    crash("postgres.sessions-not-ended")
    names = [login.name for login in logins if login.end_sessions]
    return steps, end_sessions(cluster, names, check_mode) if names else []


def sessions(cluster: Cluster, logins: Sequence[WantedLogin]) -> list[dict[str, Any]]:
    """Who is connected as one of LOGINS."""
    credentials = {login.name: login.credential for login in logins}
    return [
        {"credential": credentials[user], "user": user, "database": database, "address": address, "count": count}
        for user, database, address, count in rows(cluster.connection, _SESSIONS, [list(credentials)])
    ]


def end_sessions(cluster: Cluster, names: Sequence[str], check_mode: bool) -> list[str]:
    """Ends the sessions of NAMES and waits until none is left. Who had logged in a moment ago may be seen a moment later: hence two looks."""
    before: dict[str, int] = {}
    for user, _database, _address, count in rows(cluster.connection, _SESSIONS, [list(names)]):
        before[user] = before.get(user, 0) + count
    until, quiet = time.monotonic() + PATIENCE, 0
    while not check_mode and quiet < 2:
        left = rows(cluster.connection, _END, [list(names)])
        quiet = 0 if left else quiet + 1
        if time.monotonic() > until:
            raise MainstayError(
                f"PostgreSQL: found {len(left)} sessions of {', '.join(names)} still there; expected none"
            )
        if quiet < 2:
            time.sleep(PAUSE)
    return [f"{count} sessions of {user} ended" for user, count in sorted(before.items())]
