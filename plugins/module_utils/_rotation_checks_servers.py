# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a host's servers tell: logins against the store, sessions by login, and the outcomes of logins that were tried from the host."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.mainstay.backend.plugins.module_utils._credentials import ADMIN, SLOTS, Issued
from ansible_collections.mainstay.backend.plugins.module_utils._findings_report import count
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_digest import digest

if TYPE_CHECKING:
    from ansible_collections.mainstay.backend.plugins.plugin_utils.types import Evidence, Expected

Say = Callable[[str, str, str, str], None]
#: Users that a server has without any credential: Valkey's `health` may only PING, and a replica takes what comes from its primary as superuser.
_OWN = {"valkey_user": ("health", "(superuser)"), "postgres_role": ("postgres",)}
#: Expected outcome -> outcome found -> rule; what is not here says that nobody could tell.
_WRONG = {"works": {"refused": "current-refused"}, "refused": {"works": "old-accepted"}}
_UNPROVEN = {"works": "login-not-proven", "refused": "refusal-not-proven"}


@dataclass(frozen=True)
class Wanted:
    """A login as it shall be. Without digests it shall be closed."""

    credential: str
    digests: tuple[str, ...] = field(default=(), repr=False)


def check(expected: Expected, evidence: Evidence, say: Say) -> None:
    for item in evidence.instances:
        place = f"valkey:{evidence.host}/{item['name']}"
        if item["error"]:
            say("server-not-asked", place, "", str(item["error"]))
            continue
        wanted = valkey_logins(expected, str(item["name"]))
        _check_logins(wanted, item["users"], place, say)
        _check_saved(wanted, item, place, say)
        _check_sessions(expected, wanted, item["sessions"], "valkey_user", place, say)
    if evidence.cluster is not None:
        place = f"postgres:{evidence.host}"
        if evidence.cluster["error"]:
            say("server-not-asked", place, "", str(evidence.cluster["error"]))
        else:
            wanted = postgres_logins(expected)
            _check_logins(wanted, evidence.cluster["roles"], place, say)
            _check_sessions(expected, wanted, evidence.cluster["sessions"], "postgres_role", place, say)
    _check_outcomes(expected, evidence, say)


def valkey_logins(expected: Expected, instance: str) -> dict[str, Wanted]:
    """Every user of INSTANCE that a credential stands for."""
    found = {}
    for name, issued in expected.issued.items():
        if (issued.kind == "valkey_user" and issued.target == instance) or name == ADMIN:
            for user, hashes in issued.valkey_hashes().items():
                found[user] = Wanted(name, tuple(sorted(digest(expected.key, item) for item in hashes)))
    return found


def postgres_logins(expected: Expected) -> dict[str, Wanted]:
    found = {}
    for name, issued in expected.issued.items():
        if issued.kind == "postgres_role":
            for user, text in issued.scram_verifiers().items():
                found[user] = Wanted(name, (digest(expected.key, text),) if text else ())
    return found


def _check_logins(wanted: Mapping[str, Wanted], found: Mapping[str, Mapping[str, Any]], place: str, say: Say) -> None:
    for user, shall in wanted.items():
        has = found.get(user)
        if has is not None and has["open"]:
            say("login-without-password", place, shall.credential, f"{user} needs no password")
        elif not shall.digests:
            what = "is on" if has and has["on"] else "has a password" if has and has["digests"] else ""
            if what:
                say("old-login-open", place, shall.credential, f"{user} {what}; expected it off, without a password")
        elif has is None or not has["on"]:
            say("login-missing", place, shall.credential, f"{user} is {'off' if has else 'not there'}")
        elif list(has["digests"]) != list(shall.digests):
            extra = len(set(has["digests"]) - set(shall.digests))
            lacks = len(set(shall.digests) - set(has["digests"]))
            told = f"{user} has another password than the store's" if lacks else f"{user} has {extra} more"
            say("wrong-verifier", place, shall.credential, told)


def _check_saved(wanted: Mapping[str, Wanted], item: Mapping[str, Any], place: str, say: Say) -> None:
    """What the instance would have after a restart, against what it has now."""
    if item["saved"] is None:
        say("not-persisted", place, "", "it has no ACL file that can be read")
        return
    for user, shall in wanted.items():
        if item["users"].get(user) != item["saved"].get(user):
            say("not-persisted", place, shall.credential, f"{user} is another one in the ACL file than in memory")


def _check_sessions(
    expected: Expected, wanted: Mapping[str, Wanted], sessions: Any, kind: str, place: str, say: Say
) -> None:
    known = {user for issued in expected.issued.values() for user in _users(issued)}
    for item in sessions:
        user, told = item["user"], f"{count(item['count'], 'session')} of {item['user']} from {item['address']}"
        shall = wanted.get(user)
        if shall is not None and not shall.digests:
            say("session-of-old", place, shall.credential, told)
        elif shall is None and user not in _OWN[kind]:
            why = "" if user in known else ", which no credential declares"
            say("session-unknown", place, "", told + why)


def _users(issued: Issued) -> list[str]:
    return [issued.login(slot) for slot in SLOTS]


def _check_outcomes(expected: Expected, evidence: Evidence, say: Say) -> None:
    for item in evidence.outcomes:
        credential, expect = expected.probes[item["id"]]
        if item["outcome"] != expect:
            rule = _WRONG[expect].get(item["outcome"], _UNPROVEN[expect])
            what = "let in" if item["outcome"] == "works" else item["outcome"]
            say(rule, f"probe:{evidence.host}", credential, f"{item['id']}: {what} ({item['said']})")


def session_rows(expected: Expected, evidence: Evidence) -> list[dict[str, Any]]:
    """Who uses which login: dicts of place, credential ('' for none), user, standing (current, old, other), address, count."""
    found = []
    parts = [(f"valkey:{evidence.host}/{item['name']}", item) for item in evidence.instances]
    parts += [(f"postgres:{evidence.host}", evidence.cluster)] if evidence.cluster else []
    for place, part in parts:
        for item in part["sessions"]:
            credential, standing = _standing(expected, item["user"])
            row = {"place": place, "credential": credential, "user": item["user"], "standing": standing}
            found.append({**row, "address": item["address"], "count": item["count"]})
    return found


def _standing(expected: Expected, user: str) -> tuple[str, str]:
    for name, issued in expected.issued.items():
        if issued.kind in ("valkey_user", "postgres_role", "valkey_admin") and user in _users(issued):
            valid = any(issued.login(slot) == user for slot in issued.slots)
            return name, "current" if user == issued.user else "valid" if valid else "old"
    return "", "other"
