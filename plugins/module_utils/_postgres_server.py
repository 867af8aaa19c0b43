# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads roles and databases from the live server, runs a plan on it, and proves by reading again that nothing is left to do."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._crash import crash
from ansible_collections.mainstay.backend.plugins.module_utils._postgres_live import connect, execute, rows
from ansible_collections.mainstay.backend.plugins.module_utils._postgres_roles import (
    MONITOR,
    PRIVILEGES,
    Database,
    Extension,
    Role,
    Step,
    plan,
)

_ROLES = """
SELECT r.rolname, r.rolcanlogin, r.rolinherit, r.rolsuper, r.rolcreatedb, r.rolcreaterole, r.rolreplication, r.rolbypassrls, r.rolconnlimit,
       coalesce(r.rolvaliduntil, 'infinity') <> 'infinity', r.rolpassword,
       ARRAY(SELECT o.rolname::text FROM pg_auth_members m JOIN pg_roles o ON o.oid = m.roleid WHERE m.member = r.oid {usable}),
       coalesce((SELECT s.setconfig FROM pg_db_role_setting s WHERE s.setrole = r.oid AND s.setdatabase = 0), '{{}}')
  FROM pg_authid r WHERE r.rolname = ANY(%s)"""
_DATABASES = """
SELECT d.datname, pg_get_userbyid(d.datdba), pg_encoding_to_char(d.encoding), d.datcollate,
       ARRAY(SELECT a.privilege_type FROM aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a WHERE a.grantee = 0),
       EXISTS (SELECT FROM aclexplode(d.datacl) a WHERE a.grantee = 'pg_monitor'::regrole AND a.privilege_type = 'CONNECT')
  FROM pg_database d WHERE d.datname = ANY(%s)"""
_SCHEMA = """
SELECT pg_get_userbyid(n.nspowner),
       EXISTS (SELECT FROM aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a WHERE a.grantee = 0 AND a.privilege_type = 'CREATE')
  FROM pg_namespace n WHERE n.nspname = 'public'"""
_INSTALLED = "SELECT extname, extversion, pg_get_userbyid(extowner) FROM pg_extension"
_KNOWN = """
SELECT e.name, e.default_version, v.trusted FROM pg_available_extensions e
  JOIN pg_available_extension_versions v ON v.name = e.name AND v.version = e.default_version WHERE e.name = ANY(%s)"""


class Cluster:
    """The running cluster as this module sees it; one connection to `postgres`, and one to each database while it is looked at."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.connection = connect("postgres", port)
        self.version: int = self.connection.server_version

    def close(self) -> None:
        self.connection.close()

    def roles(self, names: Sequence[str]) -> dict[str, Role]:
        # Since 16 a membership may be given without the right to use it.
        usable = "AND m.inherit_option AND m.set_option" if self.version >= 160000 else ""
        found = {}
        for row in rows(self.connection, _ROLES.format(usable=usable), [list(names)]):
            powers = ("superuser", "createdb", "createrole", "replication", "bypassrls")
            found[row[0]] = Role(
                name=row[0],
                login=row[1],
                inherit=row[2],
                powers=frozenset(power for power, has in zip(powers, row[3:8], strict=True) if has),
                connection_limit=row[8],
                expires=row[9],
                verifier=row[10],
                member_of=frozenset(row[11]),
                settings=dict(entry.split("=", 1) for entry in row[12]),
            )
        return found

    def databases(self, names: Sequence[str]) -> dict[str, Database]:
        found = {}
        for name, owner, encoding, locale, public, monitored in rows(self.connection, _DATABASES, [list(names)]):
            connection = connect(name, self.port)
            try:
                schema = rows(connection, _SCHEMA)
                installed = rows(connection, _INSTALLED)
            finally:
                connection.close()
            rights = {*public, *(["CREATE IN public"] if schema and schema[0][1] else [])}
            extensions = {item: Extension(item, version, owner=by) for item, version, by in installed}
            found[name] = Database(
                name, owner, encoding, locale, frozenset(rights), schema[0][0] if schema else "", monitored, extensions
            )
        return found

    def extensions(self, names: Sequence[str]) -> dict[str, Extension]:
        return {
            name: Extension(name, version, trusted)
            for name, version, trusted in rows(self.connection, _KNOWN, [list(names)])
        }

    def plan(self, roles: Sequence[Role], databases: Sequence[Database]) -> list[Step]:
        names = sorted({name for database in databases for name in database.extensions})
        found = self.databases([database.name for database in databases])
        known = self.extensions(names) if names else {}
        return plan(roles, databases, self.roles([role.name for role in roles]), found, known, self.version)

    def run(self, steps: Sequence[Step]) -> None:
        """Runs STEPS: all of the cluster's in one transaction up to a step that cannot be in one, then those within each database."""
        shared: list[Step] = []
        for step in steps:
            if step.database or step.alone:
                self._transaction(self.connection, shared)
                shared = []
                if step.alone:
                    execute(self.connection, step.statements)
                else:
                    self._inside(step)
            else:
                shared.append(step)
        self._transaction(self.connection, shared)

    def _inside(self, step: Step) -> None:
        connection = connect(step.database, self.port)
        try:
            self._transaction(connection, [step])
        finally:
            connection.close()

    @staticmethod
    def _transaction(connection: Any, steps: Sequence[Step]) -> None:
        if steps:
            statements = [statement for step in steps for statement in step.statements]
            try:
                execute(connection, ["BEGIN", *statements])
                crash("postgres.before-commit")
                execute(connection, ["COMMIT"])
            except MainstayError:
                execute(connection, ["ROLLBACK"])
                raise


@contextlib.contextmanager
def opened(port: int) -> Iterator[Cluster]:
    cluster = Cluster(port)
    try:
        yield cluster
    finally:
        cluster.close()


def wanted_roles(
    owners: Sequence[str], logins: Sequence[Mapping[str, Any]], verifiers: Mapping[str, str | None]
) -> list[Role]:
    """Owners that cannot log in, and each login slot: with a verifier it may log in, without one it may not and has no password."""
    found = [Role(name) for name in owners]
    for login in logins:
        verifier = verifiers.get(login["name"])
        settings = {str(key): str(value) for key, value in login["settings"].items()}
        privileges = login.get("privileges", PRIVILEGES[0])
        group = {"owner": login.get("owner"), "monitoring": MONITOR}.get(privileges)
        found.append(
            Role(
                name=login["name"],
                login=verifier is not None,
                powers=frozenset({"replication"} if privileges == "replication" else ()),
                connection_limit=int(login["connection_limit"]),
                verifier=verifier,
                member_of=frozenset({group} if group else ()),
                settings={**settings, "role": group} if privileges == "owner" and group else settings,
            )
        )
    return found


def wanted_databases(items: Sequence[Mapping[str, Any]]) -> list[Database]:
    return [
        Database(
            item["name"],
            item["owner"],
            item["encoding"],
            item["locale"],
            monitored=bool(item.get("monitored")),
            extensions={name: Extension(name, "") for name in item["extensions"]},
        )
        for item in items
    ]
