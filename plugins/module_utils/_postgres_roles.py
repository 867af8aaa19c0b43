# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Roles and databases as they shall be against what the server says: the statements that close the gap, and a before/after for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._postgres_live import literal, quoted

#: What a login may be for.
PRIVILEGES = ("owner", "monitoring", "replication")
#: Whose members read the statistics of everybody, and no table.
MONITOR = "pg_monitor"
#: What no role of an application may ever be; who copies the cluster needs `replication`.
POWERS = ("superuser", "createdb", "createrole", "replication", "bypassrls")


@dataclass(frozen=True)
class Role:
    """A role: an owner (no login) or a login slot. `verifier` is what pg_authid holds; its repr shows nothing."""

    name: str
    login: bool = False
    inherit: bool = True
    powers: frozenset[str] = frozenset()
    connection_limit: int = -1
    expires: bool = False
    verifier: str | None = field(default=None, repr=False)
    member_of: frozenset[str] = frozenset()
    settings: Mapping[str, str] = field(default_factory=dict)

    def text(self, other: Role | None = None) -> str:
        """The role for people, with those settings and memberships alone that OTHER has too or that this collection gives."""
        lines = [f"login: {'yes' if self.login else 'no'}", f"password: {'set' if self.verifier else 'none'}"]
        if other is not None and self.verifier and other.verifier and self.verifier != other.verifier:
            lines[1] = "password: (changes)"
        lines += [f"{power}: yes" for power in sorted(self.powers)]
        lines += ["inherit: no"] if not self.inherit else []
        lines += [f"connection limit: {self.connection_limit}"] if self.connection_limit != -1 else []
        lines += ["expires: yes"] if self.expires else []
        lines += [f"member of: {', '.join(sorted(self.member_of))}"] if self.member_of else []
        lines += [f"{name} = {value}" for name, value in sorted(self.settings.items())]
        return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Extension:
    """An extension of a database; `trusted` ones are the owner's to install, others the superuser's."""

    name: str
    version: str
    trusted: bool = False
    owner: str = ""


@dataclass(frozen=True)
class Database:
    """A database. `public` lists what everyone may do with it and with its schema public."""

    name: str
    owner: str
    encoding: str = "UTF8"
    locale: str = "C.UTF-8"
    public: frozenset[str] = frozenset()
    schema_owner: str = ""
    monitored: bool = False
    extensions: Mapping[str, Extension] = field(default_factory=dict)

    def text(self) -> str:
        lines = [f"owner: {self.owner}", f"encoding: {self.encoding}", f"locale: {self.locale}"]
        lines += [f"everyone may: {', '.join(sorted(self.public))}"] if self.public else []
        lines += [f"schema public belongs to: {self.schema_owner}"] if self.schema_owner else []
        lines += [f"{MONITOR} may: CONNECT"] if self.monitored else []
        lines += [f"extension {item.name}: {item.version}" for name, item in sorted(self.extensions.items())]
        return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Step:
    """Statements that belong together. `database` '' is the cluster (one transaction); `alone` is outside of any transaction."""

    subject: str
    text: str
    statements: tuple[str, ...] = field(repr=False)
    before: str
    after: str
    database: str = ""
    alone: bool = False

    def diff(self) -> dict[str, str]:
        return {"before_header": self.subject, "after_header": self.subject, "before": self.before, "after": self.after}


def role_step(found: Role | None, wanted: Role, version: int) -> Step | None:
    """What makes role FOUND the WANTED one. Memberships and settings beyond the wanted ones are left alone."""
    name, statements = quoted(wanted.name), []
    current = found or Role(wanted.name, inherit=True)
    if found is None:
        statements.append(f"CREATE ROLE {name}")
    attributes = _attributes(current, wanted)
    if attributes:
        statements.append(f"ALTER ROLE {name} WITH {' '.join(attributes)}")
    options = " WITH INHERIT TRUE, SET TRUE" if version >= 160000 else ""
    statements += [
        f"GRANT {quoted(owner)} TO {name}{options}" for owner in sorted(wanted.member_of - current.member_of)
    ]
    changed = {key: value for key, value in wanted.settings.items() if current.settings.get(key) != value}
    statements += [f"ALTER ROLE {name} SET {quoted(key)} = {literal(value)}" for key, value in sorted(changed.items())]
    if not statements:
        return None
    kept = {key: value for key, value in current.settings.items() if key in wanted.settings}
    seen = Role(**{**current.__dict__, "settings": kept, "member_of": current.member_of & wanted.member_of})
    what = "created" if found is None else "changed"
    return Step(
        f"role {wanted.name}",
        f"{what} role {wanted.name}",
        tuple(statements),
        seen.text() if found else "",
        wanted.text(found),
    )


def _attributes(current: Role, wanted: Role) -> list[str]:
    found = []
    if current.login != wanted.login:
        found.append("LOGIN" if wanted.login else "NOLOGIN")
    if current.inherit != wanted.inherit:
        found.append("INHERIT" if wanted.inherit else "NOINHERIT")
    found += [f"NO{power.upper()}" for power in POWERS if power in current.powers - wanted.powers]
    found += [power.upper() for power in POWERS if power in wanted.powers - current.powers]
    if current.connection_limit != wanted.connection_limit:
        found.append(f"CONNECTION LIMIT {wanted.connection_limit}")
    if current.expires:
        found.append("VALID UNTIL 'infinity'")
    if current.verifier != wanted.verifier:
        found.append(f"PASSWORD {literal(wanted.verifier)}" if wanted.verifier else "PASSWORD NULL")
    return found


def _plain_locale(name: str) -> str:
    return name.lower().replace("-", "")


def database_steps(found: Database | None, wanted: Database, known: Mapping[str, Extension]) -> list[Step]:
    """What makes database FOUND the WANTED one. KNOWN are the extensions that the server can install."""
    steps = []
    name, owner = quoted(wanted.name), quoted(wanted.owner)
    subject = f"database {wanted.name}"
    if found is None:
        options = (
            f"OWNER {owner} ENCODING {literal(wanted.encoding)} LOCALE {literal(wanted.locale)} TEMPLATE template0"
        )
        creation = f"CREATE DATABASE {name} {options}"
        before = Database(wanted.name, wanted.owner, wanted.encoding, wanted.locale)
        steps.append(Step(subject, f"created {subject}", (creation,), "", before.text(), alone=True))
        found = Database(wanted.name, wanted.owner, wanted.encoding, wanted.locale, frozenset({"CONNECT", "TEMPORARY"}))
        new = True
    else:
        new = False
    _refuse(found, wanted)
    statements, inside = [], []
    if found.owner != wanted.owner:
        statements.append(f"ALTER DATABASE {name} OWNER TO {owner}")
    if found.public - {"CREATE IN public"}:
        statements.append(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC")
    if statements:
        after = Database(
            **{**found.__dict__, "owner": wanted.owner, "public": found.public & {"CREATE IN public"}, "extensions": {}}
        )
        before = Database(**{**found.__dict__, "extensions": {}})
        text = (
            f"closed {subject} to everyone but its logins"
            if len(statements) == 1 and found.owner == wanted.owner
            else f"changed the owner of {subject}"
        )
        steps.append(
            Step(
                subject,
                text,
                tuple(statements),
                "" if new else before.text(),
                after.text() if not new else "everyone may: nothing\n",
            )
        )
    if found.schema_owner not in ("", "pg_database_owner", wanted.owner):
        inside.append("ALTER SCHEMA public OWNER TO pg_database_owner")
    if "CREATE IN public" in found.public:
        inside.append("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    if inside:
        before_text = f"owner: {found.schema_owner}\n" + (
            "everyone may: CREATE\n" if "CREATE IN public" in found.public else ""
        )
        steps.append(
            Step(
                f"{subject}, schema public",
                f"closed schema public of {subject}",
                tuple(inside),
                before_text,
                "owner: pg_database_owner\n",
                wanted.name,
            )
        )
    if wanted.monitored and not found.monitored:
        grant = f"GRANT CONNECT ON DATABASE {name} TO {MONITOR}"
        text = f"opened {subject} to who monitors"
        steps.append(Step(f"{subject}, {MONITOR}", text, (grant,), "", f"{MONITOR} may: CONNECT\n"))
    steps += _extension_steps(found, wanted, known)
    return steps


def _refuse(found: Database, wanted: Database) -> None:
    """What a database keeps for life."""
    where = f"postgres_databases.{wanted.name}"
    for option, is_, shall in (("encoding", found.encoding, wanted.encoding), ("locale", found.locale, wanted.locale)):
        if _plain_locale(is_) != _plain_locale(shall):
            kept = "a database keeps what it was created with: declare that, or dump it and restore it into a new one"
            raise MainstayError(
                f"{where}.{option}: found {shall!r}, and the database has {is_!r}; expected {is_!r} ({kept})"
            )


def _extension_steps(found: Database, wanted: Database, known: Mapping[str, Extension]) -> list[Step]:
    steps = []
    for name in wanted.extensions:
        has, can = found.extensions.get(name), known.get(name)
        if can is None:
            expected = "one that it can install (in pg_available_extensions): install its package first"
            raise MainstayError(
                f"postgres_databases.{wanted.name}.extensions: found {name!r}, which the server does not have; expected {expected}"
            )
        if has is not None and has.version == can.version:
            continue
        if has is None:
            statement, what, before = f"CREATE EXTENSION {quoted(name)} SCHEMA public", "installed", ""
            by_owner = can.trusted
        else:
            statement, what, before = f"ALTER EXTENSION {quoted(name)} UPDATE", "upgraded", f"version: {has.version}\n"
            by_owner = can.trusted and has.owner == wanted.owner
        # A trusted extension is installed by the owner: no superuser's right goes into it.
        statements = [f"SET LOCAL ROLE {quoted(wanted.owner)}", statement, "RESET ROLE"] if by_owner else [statement]
        subject = f"database {wanted.name}, extension {name}"
        steps.append(
            Step(
                subject,
                f"{what} extension {name} {can.version} in {wanted.name}",
                tuple(statements),
                before,
                f"version: {can.version}\n",
                wanted.name,
            )
        )
    return steps


def plan(
    roles: Sequence[Role],
    databases: Sequence[Database],
    found_roles: Mapping[str, Role],
    found_databases: Mapping[str, Database],
    known: Mapping[str, Extension],
    version: int,
) -> list[Step]:
    """All steps in the order in which they can run: owners, logins, databases, what lies in them."""
    steps = [
        role_step(found_roles.get(role.name), role, version)
        for role in sorted(roles, key=lambda item: bool(item.member_of))
    ]
    found = [step for step in steps if step is not None]
    for database in databases:
        found += database_steps(found_databases.get(database.name), database, known)
    return found
