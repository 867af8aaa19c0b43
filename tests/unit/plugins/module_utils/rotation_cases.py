# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is right for a validation of secrets, as data, and for each of its rules what breaks it and what is as near and does not."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils._credentials import ADMIN, Credential
from ansible_collections.mainstay.backend.plugins.module_utils._findings import Finding
from ansible_collections.mainstay.backend.plugins.module_utils._rotation import told
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_checks_servers import (
    postgres_logins,
    valkey_logins,
)
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_digest import digest, word_digest, words
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_validate import Evidence, Expected, evaluate
from ansible_collections.mainstay.backend.plugins.module_utils._store import Contents, Record, Version, issued

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
KEY = "of-no-worth"
SECRETS = {"shop_db": "d" * 64, "shop_cache": "c" * 64, ADMIN: "e" * 64}
OLD = "0" * 64
DB = Credential("shop_db", "postgres_role", "shop", "90d")
CACHE = Credential("shop_cache", "valkey_user", "cache", "90d")
FILE, ENV, FOLDER = "/run/secrets/shop/shop_db", "/etc/shop/.env", "/run/secrets/shop"
LINE = "DATABASE_URL=postgresql://shop_db_a:" + SECRETS["shop_db"] + "@127.0.0.1:5432/shop"


def version(secret: str, slot: str = "a", age: timedelta = timedelta(days=1), **notes: str) -> Version:
    return Version(f"v-{slot}", slot, told(NOW - age), secret, b"s" * 16, notes)


def shown(path: str, text: str, mode: str = "0600", kind: str = "file") -> dict[str, Any]:
    """A file as a host tells of it."""
    marks = sorted(word_digest(KEY, word) for word in words(text))
    whole = {"digest": digest(KEY, text), "words": marks} if kind == "file" else {"digest": "", "words": []}
    return {"path": path, "kind": kind, "mode": mode, "owner": ["1000", "shop"], "group": ["1000", "shop"], **whole}


def shall(credential: str = "", mode: str = "0600", folder: bool = False) -> dict[str, Any]:
    base = {"owner": "shop", "group": "shop", "mode": mode, "state": "present"}
    return {**base, "credential": credential, "folder": folder}


@dataclass
class Case:
    """What a case changes. `records` are the store's; evidence is made from them before `servers` changes it."""

    records: dict[str, Record] = field(default_factory=dict)
    expected: dict[str, Any] = field(default_factory=dict)
    evidence: dict[str, Any] = field(default_factory=dict)
    expect: dict[str, Any] = field(default_factory=dict)

    def findings(self, change: Callable[[Case], None] | None = None) -> list[Finding]:
        expected, evidence = self.made(change)
        return evaluate(expected, evidence)

    def made(self, change: Callable[[Case], None] | None = None) -> tuple[Expected, Evidence]:
        self.records = {name: Record(name, _kind(name), version(secret)) for name, secret in SECRETS.items()}
        self.expected = {"credentials": {"shop_db": DB, "shop_cache": CACHE}}
        self.expected["files"] = {FILE: shall("shop_db"), ENV: shall(), FOLDER: shall(mode="0700", folder=True)}
        self.expected["texts"] = {FILE: SECRETS["shop_db"]}
        self.expected["lines"] = {ENV: [("DATABASE_URL", "shop_db", LINE)]}
        self.expected["probes"] = {"db@app1": ("shop_db", "works"), "old@app1": ("shop_db", "refused")}
        self.servers()
        self.evidence["files"] = [
            shown(FILE, SECRETS["shop_db"]),
            shown(ENV, f"# made\nRAILS_MAX_THREADS=5\n{LINE}\n"),
            shown(FOLDER, "", "0700", "folder"),
        ]
        self.evidence["outcomes"] = [
            {"id": "db@app1", "outcome": "works", "said": "logged in"},
            {"id": "old@app1", "outcome": "refused", "said": "28P01"},
        ]
        self.evidence["consumers"] = [{"name": "shop", "healthy": True, "why": ""}]
        if change:
            change(self)
        return self._expected(), Evidence("db1", **self.evidence)

    def servers(self) -> None:
        """Servers as the records want them, each login in use with a session."""
        expected = self._expected()
        users = {name: _login(item.digests) for name, item in valkey_logins(expected, "cache").items()}
        users["health"] = {"on": True, "open": True, "digests": []}
        sessions = [{"user": "shop_cache_a", "address": "10.0.0.6", "count": 5}]
        instance = {"name": "cache", "error": "", "users": users, "sessions": sessions}
        self.evidence["instances"] = [{**instance, "saved": copy.deepcopy(users)}]
        roles = {name: _login(item.digests) for name, item in postgres_logins(expected).items()}
        roles["postgres"] = {"on": True, "open": False, "digests": []}
        sessions = [{"user": "shop_db_a", "database": "shop", "address": "10.0.0.6", "count": 3}]
        self.evidence["cluster"] = {"error": "", "roles": roles, "sessions": sessions}

    def _expected(self) -> Expected:
        contents = Contents("production", self.records)
        targets = {"shop_db": "shop", "shop_cache": "cache"}
        released = {name: issued(item, targets.get(name, "")) for name, item in self.records.items() if name != "other"}
        return Expected(contents=contents, issued=released, now=NOW, key=KEY, **self.expected)

    def record(self, name: str, **changes: Any) -> None:
        self.records[name] = replace(self.records[name], **changes)

    @property
    def cache(self) -> dict[str, Any]:
        return self.evidence["instances"][0]

    @property
    def cluster(self) -> dict[str, Any]:
        return self.evidence["cluster"]

    def file(self, path: str, **changes: Any) -> None:
        """Changes a file that the host shows, or adds one."""
        for item in self.evidence["files"]:
            if item["path"] == path:
                item.update(changes)
                return
        self.evidence["files"].append({"path": path, **changes})

    def show(self, path: str, text: str) -> None:
        """The file has another content, or is there beside the others."""
        self.file(**shown(path, text))

    def user(self, name: str, **changes: Any) -> None:
        """In memory and in the ACL file."""
        for part in ("users", "saved"):
            self.cache[part][name] = {**self.cache[part][name], **changes}

    def role(self, name: str, **changes: Any) -> None:
        self.cluster["roles"][name] = {**self.cluster["roles"][name], **changes}

    def outcome(self, at: int, outcome: str) -> None:
        self.evidence["outcomes"][at].update(outcome=outcome, said="why")

    def rotating(self, state: str, age: timedelta, **more: Any) -> None:
        """shop_db in STATE for AGE, servers as that wants them."""
        entry = {"state": state, "at": told(NOW - age), "id": "v-b", **more}
        other = version(OLD, "b")
        before = state in ("GENERATED", "STAGED")
        self.record("shop_db", **{"pending" if before else "previous": other}, journal=(entry,))
        self.servers()


def _kind(name: str) -> str:
    return {"shop_db": "postgres_role", "shop_cache": "valkey_user"}.get(name, "valkey_admin")


def _login(digests: tuple[str, ...]) -> dict[str, Any]:
    return {"on": bool(digests), "open": False, "digests": list(digests)}


def _one(name: str, secret: str) -> Contents:
    return Contents("staging", {name: Record(name, "postgres_role", version(secret))})


DAY = timedelta(days=1)


def certificate(end: datetime) -> Callable[[Case], None]:
    return lambda case: case.record("shop_cache", current=version(SECRETS["shop_cache"], not_after=told(end)))


#: Rule -> (what breaks it, what is as near and does not).
CASES: dict[str, tuple[Callable[[Case], None], Callable[[Case], None]]] = {
    "secret-too-old": (
        lambda case: case.record("shop_db", current=version(SECRETS["shop_db"], age=90 * DAY + timedelta(seconds=1))),
        lambda case: case.record("shop_db", current=version(SECRETS["shop_db"], age=90 * DAY)),
    ),
    "no-max-age": (
        lambda case: case.expected["credentials"].update(shop_db=replace(DB, max_age="")),
        lambda case: case.expected["credentials"].update(shop_db=replace(DB, max_age="52w")),
    ),
    "rotation-open": (
        lambda case: case.rotating("STAGED", timedelta(hours=1)),
        lambda case: case.rotating("RELOADED", timedelta(hours=1), retire_at=told(NOW + DAY)),
    ),
    "rotation-stuck": (
        lambda case: case.rotating("STAGED", 2 * DAY),
        lambda case: case.rotating("DONE", 2 * DAY) or case.record("shop_db", previous=None) or case.servers(),
    ),
    "not-in-store": (
        lambda case: case.expected["credentials"].update(blog_db=replace(DB, name="blog_db")),
        # the first host of the play tells it
        lambda case: (
            case.expected["credentials"].update(blog_db=replace(DB, name="blog_db"))
            or case.expected.update(whole=False)
        ),
    ),
    "not-declared": (
        lambda case: case.records.update(other=Record("other", "token", version("t" * 20))),
        lambda case: (
            case.records.update(other=Record("other", "token", version("t" * 20)))
            or case.expected["credentials"].update(other=replace(DB, name="other"))
        ),
    ),
    "certificate-expired": (certificate(NOW), certificate(NOW + 15 * DAY)),
    "certificate-expires-soon": (certificate(NOW + 14 * DAY), certificate(NOW + 15 * DAY)),
    "same-secret-twice": (
        lambda case: case.records.update(other=Record("other", "token", version(SECRETS["shop_db"]))),
        lambda case: case.records.update(other=Record("other", "token", version(SECRETS["shop_db"][:-1] + "x"))),
    ),
    "same-secret-in-another-environment": (
        lambda case: case.expected.update(others={"staging": _one("shop_db", SECRETS["shop_db"])}),
        lambda case: case.expected.update(others={"staging": _one("shop_db", OLD)}),
    ),
    "secret-elsewhere": (
        lambda case: case.show("/root/notes", f"password is '{SECRETS['shop_cache']}'!"),
        lambda case: case.show("/root/notes", f"password is '{SECRETS['shop_cache'][:-1]}'!"),
    ),
    "server-not-asked": (
        lambda case: case.cache.update(error="it gives no answer"),
        lambda case: case.cache.update(error=""),
    ),
    "login-missing": (
        lambda case: case.user("shop_cache_a", on=False),
        lambda case: case.user("shop_cache_a", on=True),
    ),
    "wrong-verifier": (
        lambda case: case.role("shop_db_a", digests=[digest(KEY, "another")]),
        lambda case: case.role("postgres", digests=[digest(KEY, "another")]),
    ),
    "login-without-password": (
        lambda case: case.user("shop_cache_a", open=True),
        lambda case: case.user("health", open=True),
    ),
    "old-login-open": (lambda case: case.role("shop_db_b", on=True), lambda case: case.role("shop_db_b", on=False)),
    "not-persisted": (
        lambda case: case.cache["saved"]["shop_cache_b"].update(on=True),
        lambda case: case.cache["saved"]["health"].update(on=False),
    ),
    "session-of-old": (
        lambda case: case.cluster["sessions"].append({"user": "shop_db_b", "address": "10.0.0.6", "count": 1}),
        lambda case: (
            case.rotating("RELOADED", timedelta(), retire_at=told(NOW + DAY))
            or case.cluster["sessions"].append({"user": "shop_db_b", "address": "10.0.0.6", "count": 1})
        ),
    ),
    "session-unknown": (
        lambda case: case.cluster["sessions"].append({"user": "blog", "address": "10.0.0.6", "count": 1}),
        lambda case: case.cluster["sessions"].append({"user": "postgres", "address": "local", "count": 1}),
    ),
    "current-refused": (lambda case: case.outcome(0, "refused"), lambda case: case.outcome(0, "works")),
    "login-not-proven": (lambda case: case.outcome(0, "unreachable"), lambda case: case.outcome(0, "works")),
    "old-accepted": (lambda case: case.outcome(1, "works"), lambda case: case.outcome(1, "refused")),
    "refusal-not-proven": (lambda case: case.outcome(1, "unreachable"), lambda case: case.outcome(1, "refused")),
    "file-missing": (lambda case: case.file(FILE, kind="missing", words=[]), lambda case: case.file(FILE, kind="file")),
    "file-unreadable": (lambda case: case.file(FILE, kind="link", words=[]), lambda case: case.file(FILE, kind="file")),
    "file-mode": (lambda case: case.file(FILE, mode="0640"), lambda case: case.file(FILE, mode="0400")),
    "file-owner": (
        lambda case: case.file(FILE, owner=["0", "root"]),
        lambda case: case.expected["files"][FILE].update(owner="1000"),
    ),
    "file-stale": (
        lambda case: case.show(FILE, SECRETS["shop_db"] + "\n"),
        lambda case: case.show(ENV, f"OTHER=1\n{LINE}\n"),
    ),
    "consumer-unhealthy": (
        lambda case: case.evidence["consumers"][0].update(healthy=False, why="shop.service does not run"),
        lambda case: case.evidence["consumers"][0].update(healthy=None, why="left alone"),
    ),
}
