# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is the case at this moment: whom the servers let in, by memory and by file, who is connected, what the consumers are configured with.

Secrets are compared here and never told: labels are LOGIN names and versions' ids.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from store import Store, open_store
from watch import APPS, DATA, on

from ansible_collections.mainstay.backend.plugins.module_utils._credentials import Issued
from ansible_collections.mainstay.backend.plugins.module_utils._scram import verifier
from ansible_collections.mainstay.backend.plugins.module_utils._store import Record, Version

INSTANCES = ("cache", "session", "cable")
ENV_FILE = "/etc/shop/.env"
SERVED = ("postgres_role", "valkey_user")
#: Asks instances over their unix sockets, and reads their ACL files; the administrator's password comes in by standard input.
ASK = r"""
import json, socket, sys
told = json.load(sys.stdin)
def packed(*words):
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word.encode()), word.encode()) for word in words)
def ask(name, command):
    with socket.socket(socket.AF_UNIX) as server:
        server.settimeout(120)
        server.connect(f"/run/valkey-{name}/valkey.sock")
        stream = server.makefile("rb")
        def reply():
            line = stream.readline().decode().rstrip("\r\n")
            kind, rest = line[:1], line[1:]
            if kind == "-":
                raise SystemExit(name + ": " + rest)
            if kind == "$":
                return None if rest == "-1" else stream.read(int(rest) + 2)[:-2].decode()
            if kind == "*":
                return "\n".join(str(reply()) for _ in range(int(rest)))
            return rest
        server.sendall(packed("AUTH", told["user"], told["password"]))
        reply()
        server.sendall(packed(*command))
        return reply()
print(json.dumps([open(command[1]).read() if command[0] == "FILE" else ask(name, command) for name, command in told["asks"]]))
"""


@dataclass(frozen=True)
class Login:
    """Whom a server knows: whether it may log in, and the verifiers of its passwords."""

    on: bool
    verifiers: frozenset[str] = field(repr=False)

    def lets_in(self, check: str) -> bool:
        return self.on and check in self.verifiers


class Mark(str):
    """The SHA-256 of a password: to compare, and not to show."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "(not shown)"


@dataclass(frozen=True)
class World:
    """`memory` and `disk`: (server, login) -> Login. `sessions`: (server, login, address). `told`: host -> credential -> (login, SHA-256)."""

    store: Store
    memory: Mapping[tuple[str, str], Login]
    disk: Mapping[tuple[str, str], Login]
    sessions: frozenset[tuple[str, str, str]]
    told: Mapping[str, Mapping[str, tuple[str, Mark]]]

    def records(self) -> dict[str, Record]:
        """The credentials that servers know."""
        return {name: item for name, item in self.store.contents.records.items() if item.kind in SERVED}

    def sketch(self) -> dict[str, object]:
        """Everything that an effect would change; two of them are equal where there was none."""
        return {"memory": self.memory, "disk": self.disk, "told": self.told}


class Truth:
    """Asks the scenario's hosts. `store_folder` and the vault password are the controller's."""

    def __init__(self, folder: Path, password_file: Path) -> None:
        self.folder, self.password_file = folder, password_file

    def store(self) -> Store:
        return open_store(self.folder, self.password_file)

    def valkey(self, *asks: tuple[str, Sequence[str]]) -> list[str]:
        """What instances answer their administrator: (name, command) each, or (name, (FILE, path))."""
        admin = self.store().issued["mainstay_admin"]
        told = {"user": admin.user, "password": admin.password, "asks": asks}
        found: list[str] = json.loads(on(DATA, "python3", "-c", ASK, text=json.dumps(told)))
        return found

    def psql(self, sql: str) -> str:
        return on(DATA, "runuser", "-u", "postgres", "--", "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", text=sql).strip()

    def world(self) -> World:
        store = self.store()
        memory: dict[tuple[str, str], Login] = {}
        disk: dict[tuple[str, str], Login] = {}
        sessions: set[tuple[str, str, str]] = set()
        kinds = (("ACL", "LIST"), ("CLIENT", "LIST"))
        asks = [(name, ask) for name in INSTANCES for ask in (*kinds, ("FILE", f"/etc/valkey/users-{name}.acl"))]
        for (name, ask), said in zip(asks, self.valkey(*asks), strict=True):
            if ask[0] == "CLIENT":
                for line in said.splitlines():
                    items = dict(item.split("=", 1) for item in line.split() if "=" in item)
                    sessions.add((name, items["user"], items["addr"].rpartition(":")[0]))
            else:
                place = memory if ask[0] == "ACL" else disk
                place.update({(name, user): login for user, login in users(said).items()})
        rows = self.psql("SELECT rolname, rolcanlogin, coalesce(rolpassword, '') FROM pg_authid")
        for row in rows.splitlines():
            user, may, check = row.split("|")
            memory[("database", user)] = disk[("database", user)] = Login(may == "t", frozenset({check} - {""}))
        for row in self.psql(
            "SELECT usename, coalesce(host(client_addr), '') FROM pg_stat_activity WHERE backend_type = 'client backend'"
        ).splitlines():
            user, address = row.split("|")
            sessions.add(("database", user, address))
        told = {host: self.configured(host, store) for host in APPS}
        return World(store, memory, disk, frozenset(sessions), told)

    def configured(self, host: str, store: Store) -> dict[str, tuple[str, Mark]]:
        """Credential -> the login and the SHA-256 of the password in the URLs of the consumer's .env."""
        found: dict[str, tuple[str, Mark]] = {}
        for line in on(host, "cat", ENV_FILE).splitlines():
            name, _unused, value = line.partition("=")
            url = urlsplit(value.strip("'\""))
            if name.endswith("_URL") and url.username:
                credential = next(
                    item for item, record in store.contents.records.items() if url.username in logins(record)
                )
                found[credential] = (url.username, sha256(unquote(url.password or "")))
        return found

    def addresses(self) -> dict[str, str]:
        """Server -> its URL as the first consumer is told it."""
        told = dict(line.split("=", 1) for line in on(APPS[0], "cat", ENV_FILE).splitlines() if "=" in line)
        names = {"database": "DATABASE_URL", **{name: f"REDIS_{name.upper()}_URL" for name in INSTANCES}}
        return {server: told[name].strip("'\"") for server, name in names.items()}

    def outcomes(self, host: str, urls: Mapping[str, str] | None = None) -> dict[str, str]:
        """Label -> works, refused or away, by fresh connections from HOST: of its own .env, or of URLS."""
        place, text = (ENV_FILE, None) if urls is None else ("-", json.dumps(dict(urls)))
        said = on(host, "runuser", "-u", "www-data", "--", "python3", "/opt/shop/probe.py", place, text=text)
        found: dict[str, str] = json.loads(said)
        return found


def as_version(address: str, record: Record, version: Version) -> str:
    """The URL ADDRESS with the login of VERSION; a database that every login may connect to where it is none of the application's."""
    parts = urlsplit(address)
    user = Issued(record.name, record.kind, "", version.slot, {}, record.mode).login(version.slot)
    place = parts.netloc.rpartition("@")[2]
    path = "/postgres" if record.name == "watcher_db" else parts.path
    return urlunsplit(parts._replace(netloc=f"{user}:{quote(version.secret, safe='')}@{place}", path=path))


def logins(record: Record) -> set[str]:
    return {Issued(record.name, record.kind, "", slot, {}, record.mode).login(slot) for slot in ("a", "b")}


def sha256(text: str) -> Mark:
    return Mark(hashlib.sha256(text.encode()).hexdigest())


def check_of(record: Record, version: Version) -> str:
    """What a server holds for VERSION."""
    return sha256(version.secret) if record.kind == "valkey_user" else verifier(version.secret, version.salt)


def users(text: str) -> dict[str, Login]:
    """The lines of ACL LIST or of an ACL file."""
    found = {}
    for line in text.splitlines():
        words = line.split()
        if words[:1] == ["user"]:
            hashes = frozenset(word[1:] for word in words[2:] if re.fullmatch(r"#[0-9a-f]{64}", word))
            found[words[1]] = Login("on" in words[2:4], hashes)
    return found


def login_of(store: Store, name: str) -> str:
    """The login that consumers use of credential NAME."""
    return store.issued[name].user
