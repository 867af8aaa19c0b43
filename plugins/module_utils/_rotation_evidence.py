# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a host has to say about secrets, read and never changed: its servers' logins and sessions, and its consumers' files, as digests."""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import stat
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._deps import require
from ansible_collections.mainstay.backend.plugins.module_utils._postgres_live import connect as connect_postgres
from ansible_collections.mainstay.backend.plugins.module_utils._postgres_live import rows
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_digest import digest, word_digest, words
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_acl import parse_acl
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_live import connect as connect_valkey

#: Secrets are small; of a larger file the beginning is looked at.
MOST_BYTES = 1 << 20
MOST_FILES = 2000
#: What a connection of Valkey may have run that has not logged in yet.
_BEFORE_LOGIN = ("NULL", "auth", "hello", "quit", "reset")
_ROLES = """
SELECT rolname::text, rolcanlogin, rolpassword, coalesce(rolvaliduntil < now(), false) FROM pg_authid
 WHERE rolname !~ '^pg_'"""
_SESSIONS = """
SELECT usename::text, coalesce(datname::text, ''), coalesce(host(client_addr), 'local'), count(*)::int FROM pg_stat_activity
 WHERE usename IS NOT NULL AND backend_type IN ('client backend', 'walsender') AND pid <> pg_backend_pid()
 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"""


def ask_instances(instances: Iterable[Mapping[str, Any]], user: str, password: str, key: str) -> list[dict[str, Any]]:
    """Of each instance its `users` in memory, those `saved` in its ACL file, and its `sessions`; or `error`."""
    found = []
    for item in instances:
        entry: dict[str, Any] = {"name": item["name"], "error": "", "users": {}, "saved": None, "sessions": []}
        try:
            entry.update(_ask_instance(item["socket"], user, password, key))
        except (MainstayError, OSError) as error:
            entry["error"] = str(error)
        found.append(entry)
    return found


def _ask_instance(socket: str, user: str, password: str, key: str) -> dict[str, Any]:
    errors = require("redis").exceptions
    client = connect_valkey(socket, user, password)
    try:
        pipe = client.pipeline(transaction=False)
        pipe.acl_list()
        pipe.client_list()
        pipe.client_id()
        pipe.config_get("aclfile")
        acl, clients, own, config = pipe.execute()
    except errors.BusyLoadingError:
        raise MainstayError("it is loading its data") from None
    except errors.AuthenticationError:
        raise MainstayError("it refuses the administrator") from None
    except errors.TimeoutError:
        raise MainstayError("it gives no answer") from None
    except errors.ConnectionError:
        raise MainstayError("nobody listens on its socket") from None
    except errors.RedisError as error:
        raise MainstayError(f"it answered with {type(error).__name__}") from None
    finally:
        client.close()
    saved = None
    if config.get("aclfile"):
        with contextlib.suppress(OSError), open(config["aclfile"], encoding="utf-8", errors="replace") as handle:
            saved = _users(handle.read(MOST_BYTES).splitlines(), key)
    known = _users(acl, key)
    closed = not known.get("default", {"on": True})["on"]
    others = [item for item in clients if str(item["id"]) != str(own) and not (closed and _anonymous(item))]
    sessions = Counter((item.get("user", ""), _address(item.get("addr", ""))) for item in others)
    told = [{"user": name, "address": place, "count": count} for (name, place), count in sorted(sessions.items())]
    return {"users": known, "saved": saved, "sessions": told}


def _anonymous(client: Mapping[str, str]) -> bool:
    """Whether this line of CLIENT LIST may be a connection that has not logged in yet: it is listed as `default`."""
    return client.get("user") == "default" and client.get("cmd", "").partition("|")[0] in _BEFORE_LOGIN


def _address(text: str) -> str:
    """10.0.0.5 of 10.0.0.5:4711; a Unix socket is local."""
    return "local" if text.startswith("/") else text.rpartition(":")[0].strip("[]")


def _users(lines: Iterable[str], key: str) -> dict[str, dict[str, Any]]:
    found = {}
    for name, (hashes, rest) in parse_acl(lines).items():
        rules = rest.split()
        marks = sorted(digest(key, item) for item in hashes)
        found[name] = {"on": "on" in rules, "open": "nopass" in rules, "digests": marks}
    return found


def ask_cluster(port: int, key: str) -> dict[str, Any]:
    """The `roles` of the cluster and its `sessions`, or `error`."""
    found: dict[str, Any] = {"error": "", "roles": {}, "sessions": []}
    try:
        connection = connect_postgres("postgres", port)
    except MainstayError as error:
        return {**found, "error": str(error)}
    except require("psycopg2").Error:
        return {**found, "error": "nobody answers on its socket"}
    try:
        for name, login, verifier, over in rows(connection, _ROLES):
            marks = [digest(key, verifier)] if verifier else []
            found["roles"][name] = {"on": login and not over, "open": False, "digests": marks}
        found["sessions"] = [
            {"user": user, "database": database, "address": place, "count": count}
            for user, database, place, count in rows(connection, _SESSIONS)
        ]
    except require("psycopg2").Error:
        return {**found, "error": "it did not answer the question for its roles and sessions"}
    finally:
        connection.close()
    return found


def look_at(paths: Sequence[str], folders: Sequence[str], key: str) -> list[dict[str, Any]]:
    """Each of PATHS, and every file below FOLDERS: kind, mode, owner, and digests of the whole and of its words."""
    wanted = dict.fromkeys(paths)
    wanted.update(dict.fromkeys(_below(folders)))
    return [_look(path, key) for path in wanted]


def _below(folders: Sequence[str]) -> Iterator[str]:
    count = 0
    for folder in folders:
        if not os.path.isdir(folder):
            yield folder
        for place, _inner, names in os.walk(folder):
            for name in sorted(names):
                count += 1
                if count > MOST_FILES:
                    raise MainstayError(
                        f"search: found more than {MOST_FILES} files below {', '.join(folders)}; expected smaller folders"
                    )
                yield os.path.join(place, name)


def _look(path: str, key: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"path": path, "kind": "missing", "mode": "", "owner": [], "group": [], "digest": ""}
    entry["words"] = []
    try:
        seen = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return entry
    except OSError:
        return {**entry, "kind": "unreadable"}
    kinds = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link"}
    entry["kind"] = kinds.get(stat.S_IFMT(seen.st_mode), "other")
    entry["mode"] = f"{stat.S_IMODE(seen.st_mode):04o}"
    entry["owner"], entry["group"] = [str(seen.st_uid)], [str(seen.st_gid)]
    with contextlib.suppress(KeyError):
        entry["owner"].append(pwd.getpwuid(seen.st_uid).pw_name)
    with contextlib.suppress(KeyError):
        entry["group"].append(grp.getgrgid(seen.st_gid).gr_name)
    if entry["kind"] != "file":
        return entry
    try:
        # O_NONBLOCK: a pipe that took the file's place meanwhile must not hold the module up
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as stream:
            data = stream.read(MOST_BYTES)
    except OSError:
        return {**entry, "kind": "unreadable"}
    entry["digest"] = digest(key, data)
    entry["words"] = sorted(word_digest(key, word) for word in words(data.decode("utf-8", "replace")))
    return entry
