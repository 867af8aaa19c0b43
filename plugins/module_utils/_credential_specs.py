# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Credentials read from the inventory: the derived ones, with what backend_credentials declares over them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils._certificate_specs import derived, read_certificate
from ansible_collections.mainstay.backend.plugins.module_utils._certificate_text import AUTHORITY
from ansible_collections.mainstay.backend.plugins.module_utils._checking import NAME, Checker, Problem, shown
from ansible_collections.mainstay.backend.plugins.module_utils._credentials import ADMIN, KINDS, MODES, Credential
from ansible_collections.mainstay.backend.plugins.module_utils._key_specs import READERS as KEY_READERS

#: PostgreSQL cuts names at 63 bytes; a slot's suffix takes two.
_LONGEST = 48
_AGE, _AGES = r"(?:\d+[hdw])?", "an age like 90d, 12w or 24h"


def read_credentials(
    app: str,
    declared: object,
    databases: Sequence[str],
    instances: Sequence[str],
    problems: list[Problem],
    tls: Sequence[str] = (),
) -> dict[str, Credential]:
    """The derived credentials (DATABASE_db, APP_INSTANCE) with the DECLARED ones over them. TLS: the servers that need a certificate."""
    wanted: dict[str, dict[str, Any]] = {
        f"{name}_db": {"kind": "postgres_role", "database": name} for name in databases
    }
    wanted.update({f"{app}_{name}": {"kind": "valkey_user", "instance": name} for name in instances})
    for name, entry in Checker("", {"backend_credentials": declared}, problems).mapping("backend_credentials").items():
        if name == ADMIN:
            continue
        if entry is not None and not isinstance(entry, Mapping):
            problems.append(
                Problem(
                    f"backend_credentials.{name}",
                    "a value of its own (not shown)",
                    "a mapping, like {kind: postgres_role, database: shop}; the secret store makes the secrets",
                )
            )
            continue
        wanted[name] = {**wanted.get(name, {}), **(entry or {})}
    wanted = {**derived(wanted, tls), **wanted}
    found = {name: _credential(name, entry, databases, instances, problems) for name, entry in wanted.items()}
    return {name: credential for name, credential in found.items() if credential is not None}


def read_admin(declared: object, problems: list[Problem]) -> Credential:
    """The administrator of the Valkey instances, of which only its age can be declared."""
    entry = declared.get(ADMIN) if isinstance(declared, Mapping) else None
    check = Checker(f"backend_credentials.{ADMIN}", entry, problems)
    age = check.text("max_age", "", _AGE, _AGES)
    check.done()
    return Credential(ADMIN, "valkey_admin", max_age=age)


def _credential(
    name: str, entry: Mapping[str, Any], databases: Sequence[str], instances: Sequence[str], problems: list[Problem]
) -> Credential | None:
    check = Checker(f"backend_credentials.{name}", entry, problems)
    if not NAME.fullmatch(name) or len(name) > _LONGEST:
        check.say(
            "",
            f"the name {shown(name)}",
            f"lower-case letters, digits and _, beginning with a letter, at most {_LONGEST}: login names are made of it",
        )
        return None
    if name == AUTHORITY or re.fullmatch(r"health|default|postgres|pg_.*", name):
        check.say("", f"the name {name}", "another name: this one is reserved")
        return None
    if check.get("kind") is None:
        check.say("kind", "nothing", f"one of {', '.join(KINDS)}")
        return None
    kind = check.choice("kind", "", tuple(KINDS))
    target = privileges = ""
    mode = MODES[0]
    known_kind = KINDS.get(kind)
    if known_kind and known_kind.privileges:
        privileges = check.choice("privileges", known_kind.privileges[0], known_kind.privileges)
    if known_kind and known_kind.target and (kind == "valkey_user" or privileges == "owner"):
        known = databases if known_kind.target == "database" else instances
        source = "postgres_databases" if known_kind.target == "database" else "valkey_instances"
        target = str(check.get(known_kind.target, ""))
        if target not in known:
            check.problem(
                known_kind.target, target or None, f"one of {source}: {', '.join(known) or 'none is declared'}"
            )
    if kind == "valkey_user":
        mode = check.choice("mode", MODES[0], MODES)
    age = check.text("max_age", "", _AGE, _AGES)
    options = read_options(kind, check) if kind else {}
    age = age or str(options.pop("max_age", ""))
    check.done()
    return Credential(name, kind, target, age, privileges, mode, options) if kind else None


def read_options(kind: str, check: Checker) -> dict[str, Any]:
    """The options that only KIND has."""
    return _READERS[kind](check) if kind in _READERS else {}


_READERS: Mapping[str, Callable[[Checker], dict[str, Any]]] = {**KEY_READERS, "certificate": read_certificate}
