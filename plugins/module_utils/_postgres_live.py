# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Connections to the live PostgreSQL of this host: over its Unix socket, as its superuser by peer authentication."""

from __future__ import annotations

import os
import pwd
import re
from collections.abc import Iterable, Sequence
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._deps import require

SOCKET = "/var/run/postgresql"
SUPERUSER = "postgres"
#: Nothing that this session says reaches the server's log, pg_stat_activity or pg_stat_statements: it sends SCRAM verifiers.
_QUIET = {
    "log_statement": "none",
    "log_min_error_statement": "panic",
    "log_min_duration_statement": "-1",
    "log_min_duration_sample": "-1",
    "log_transaction_sample_rate": "0",
    "track_activities": "off",
    "pg_stat_statements.track": "none",
    "pgaudit.log": "none",
    "search_path": "pg_catalog",
    "standard_conforming_strings": "on",
    "statement_timeout": "120s",
    "lock_timeout": "20s",
    "role": "none",
}


def connect(database: str, port: int, socket: str = SOCKET, quiet: bool = True) -> Any:
    """A psycopg2 connection to DATABASE as the superuser; the caller closes it. One that is not QUIET sees the cluster's own settings."""
    library = require("psycopg2")
    try:
        uid = pwd.getpwnam(SUPERUSER).pw_uid
    except KeyError:
        raise MainstayError("this host has no user postgres; install PostgreSQL first") from None
    before = os.geteuid()
    if before not in (0, uid):
        raise MainstayError(
            "PostgreSQL's socket knows its administrator by the process's user; run this as root (become: true)"
        )
    options = " ".join(f"-c {name}={value}" for name, value in _QUIET.items()) if quiet else ""
    os.seteuid(uid)
    try:
        connection = library.connect(
            dbname=database,
            user=SUPERUSER,
            host=socket,
            port=port,
            options=options,
            connect_timeout=10,
            application_name="mainstay.backend",
        )
    finally:
        os.seteuid(before)
    connection.autocommit = True
    return connection


def rows(connection: Any, query: str, arguments: Sequence[object] = ()) -> list[tuple[Any, ...]]:
    """All rows of QUERY."""
    with connection.cursor() as cursor:
        cursor.execute(query, tuple(arguments) or None)
        return [tuple(row) for row in cursor.fetchall()]


def execute(connection: Any, statements: Iterable[str]) -> None:
    """Runs STATEMENTS; a refusal names what the server said, and never the statement, which may hold a verifier."""
    errors = require("psycopg2").Error
    with connection.cursor() as cursor:
        for statement in statements:
            try:
                cursor.execute(statement)
            except errors as error:
                raise MainstayError(f"PostgreSQL refused a statement ({subject(statement)}): {said(error)}") from None


def subject(statement: str) -> str:
    """What a message may show of STATEMENT: its words up to the first literal."""
    return re.split(r"PASSWORD|'", statement, maxsplit=1)[0].strip()[:120]


def said(error: Any) -> str:
    """The server's own message without the statement's text."""
    told = getattr(error, "diag", None)
    primary = getattr(told, "message_primary", None)
    if not primary:
        return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    hint = getattr(told, "message_hint", None)
    return f"{primary} ({hint})" if hint else str(primary)


def quoted(name: str) -> str:
    """NAME as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """TEXT as an SQL literal (standard_conforming_strings is on)."""
    return "'" + text.replace("'", "''") + "'"
