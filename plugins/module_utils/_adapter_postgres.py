# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rotation of PostgreSQL's logins: a verifier for the other slot, and in the end NOLOGIN for the one before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils._postgres_live import SOCKET
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_kinds import Call, Context, Probe, Rotating
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_logins import Place, local, probes


class Postgres:
    kinds: tuple[str, ...] = ("postgres_role",)
    servers = True
    consumers = False

    def check(self, context: Context, items: Sequence[Rotating]) -> list[Call]:
        return self.stage(context, items)

    def stage(self, context: Context, items: Sequence[Rotating]) -> list[Call]:
        return _call(context, "present", [login for item in items for login in _logins(item)])

    def works(self, context: Context, items: Sequence[Rotating]) -> list[Probe]:
        return probes(context, items, "works", lambda item: _places(context), _login)

    def sessions(self, context: Context, items: Sequence[Rotating]) -> list[Call]:
        """Of the previous version's login, in all databases."""
        asked = [
            {"name": item.issued.login(item.record.previous.slot), "credential": item.credential.name}
            for item in items
            if item.record.previous
        ]
        return _call(context, "sessions", asked)

    def retire(self, context: Context, items: Sequence[Rotating]) -> list[Call]:
        logins = [{**login, "end_sessions": login["verifier"] is None} for item in items for login in _logins(item)]
        return _call(context, "present", logins)

    def refused(self, context: Context, items: Sequence[Rotating]) -> list[Probe]:
        return probes(context, items, "refused", lambda item: _places(context), _login)


ADAPTER = Postgres()


def _logins(item: Rotating) -> list[dict[str, Any]]:
    """Both logins of ITEM; what else they are stays as it is."""
    return [
        {"name": name, "verifier": verifier, "create": False, "credential": item.credential.name}
        for name, verifier in item.issued.scram_verifiers().items()
    ]


def _call(context: Context, state: str, logins: Sequence[dict[str, Any]]) -> list[Call]:
    if not logins or "postgres" not in context.servers.runs:
        return []
    return [Call("postgres_login", {"state": state, "port": context.servers.cluster.port, "logins": list(logins)})]


def _places(context: Context) -> list[Place]:
    """This host's own server; where it may want TLS, by its Unix socket, which asks for the same password."""
    if "postgres" not in context.servers.runs:
        return []
    cluster = context.servers.cluster
    if cluster.tls.on:
        return [{"socket": f"{SOCKET}/.s.PGSQL.{cluster.port}"}]
    return [{"host": local(cluster.listen_addresses), "port": cluster.port}]


def _login(item: Rotating) -> dict[str, Any]:
    if item.credential.privileges == "replication":
        return {"kind": "postgres", "replication": True}
    return {"kind": "postgres", "database": item.credential.target or "postgres"}
