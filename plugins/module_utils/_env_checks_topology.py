# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where URLs point: one Valkey instance for each purpose, nothing kept where it is evicted, the targets of the description, TLS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils._env_reader import Reader
from ansible_collections.mainstay.backend.plugins.module_utils._env_readings import Place, View
from ansible_collections.mainstay.backend.plugins.module_utils._env_rules import MOST_PEERS, RELAXED_IN
from ansible_collections.mainstay.backend.plugins.module_utils._env_urls import Url, normal_host, read
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_purposes import EVICTING, PURPOSES

_SAFE_MODES = ("require", "verify-ca", "verify-full")
#: Word of a variable's name -> purpose of the instance that it should point at.
_PURPOSES = {
    "CACHE": "cache",
    "SESSION": "session",
    "SESSIONS": "session",
    "CABLE": "cable",
    "QUEUE": "queue",
    "SIDEKIQ": "queue",
    "JOBS": "queue",
    "CELERY": "queue",
    "BROKER": "queue",
}


def check(reader: Reader) -> None:
    if not (reader.env or reader.process):
        return
    for view in reader.views:
        working = reader.working(view)
        urls = {name: url for name, value in working.items() if "://" in value and (url := read(value)) and url.kind}
        if not urls:
            continue
        valkey = {name: url for name, url in urls.items() if url.kind == "valkey"}
        _shared(reader, view, valkey)
        _evicting(reader, view, valkey)
        for name, url in urls.items():
            _target(reader, view, name, url)
            _plain_text(reader, view, name, url, working)


def _place(reader: Reader, view: View, name: str) -> Place:
    """Where the URL was written: a file, the secrets folder, or the schema for its default."""
    if name in view.places:
        return view.places[name]
    for path, (known, _value) in reader.secrets.items():
        if known == name:
            return Place(path)
    variable = reader.variable(name)
    return Place(reader.schema.path, variable.line) if reader.schema and variable else Place("")


def _shown(reader: Reader, name: str) -> str:
    return reader.named(name) or "A Valkey URL"


def purpose(reader: Reader, name: str) -> str:
    """What the instance that NAME points at is for: by the schema's instance, else by the variable's name; '' where nothing tells."""
    variable = reader.variable(name)
    if variable and variable.instance:
        described = reader.options.instances.get(variable.instance, {})
        found = str(described.get("purpose") or variable.instance)
        if found in PURPOSES:
            return found
    return next((_PURPOSES[word] for word in name.upper().split("_") if word in _PURPOSES), "")


def _shared(reader: Reader, view: View, urls: Mapping[str, Url]) -> None:
    first: dict[tuple[str, int], list[str]] = {}
    for name, url in urls.items():
        before = first.setdefault(url.endpoint, [])
        for other in before:
            if _one_on_purpose(reader, name, other):
                continue
            known = purpose(reader, name) and purpose(reader, other)
            message = (
                f"{'' if reader.named(name) else 'A Valkey URL '}points at the same instance as {_shown(reader, other)}"
            )
            reader.report(
                "shared-instance",
                _place(reader, view, name),
                reader.named(name),
                f"{message}; expected an instance for each purpose",
                severity="" if known else "warning",
            )
            break
        if len(before) < MOST_PEERS:
            before.append(name)


def _one_on_purpose(reader: Reader, name: str, other: str) -> bool:
    one, two = reader.variable(name), reader.variable(other)
    if one and two and (one.instance or two.instance):
        return one.instance == two.instance
    return bool(purpose(reader, name)) and purpose(reader, name) == purpose(reader, other)


def _evicting(reader: Reader, view: View, urls: Mapping[str, Url]) -> None:
    for name, url in urls.items():
        wanted = purpose(reader, name)
        if not wanted or not PURPOSES[wanted].keeps:
            continue
        for instance, described in reader.options.instances.items():
            if not _at(described, url) or not _evicts(described):
                continue
            reader.report(
                "evicting-instance",
                _place(reader, view, name),
                reader.named(name),
                f"points at the instance {instance}, which evicts; expected one that keeps what is stored (purpose {wanted})",
            )
            break


def _evicts(described: Mapping[str, Any]) -> bool:
    policy = str(described.get("policy") or "")
    return policy in EVICTING if policy else str(described.get("purpose")) == "cache"


def _at(described: Mapping[str, Any], url: Url) -> bool:
    """Whether URL points at what is DESCRIBED, which must have a port at least."""
    return bool(described.get("port")) and not _mismatch(described, url)


def _mismatch(described: Mapping[str, Any], url: Url) -> str:
    """What of URL is not as DESCRIBED: 'host', 'port' or ''."""
    host, port = str(described.get("host") or ""), described.get("port")
    if url.host.startswith("/"):
        return ""
    if host and normal_host(host) != url.host:
        return "host"
    return "port" if port and str(port) != str(url.port) else ""


def _target(reader: Reader, view: View, name: str, url: Url) -> None:
    variable = reader.variable(name)
    for rule, kind, what, target, known in (
        ("wrong-instance", "valkey", "instance", variable.instance if variable else "", reader.options.instances),
        ("wrong-database", "postgres", "database", variable.database if variable else "", reader.options.databases),
    ):
        described = known.get(target) if target else None
        if described is None:
            continue
        found = "scheme" if url.kind != kind else _mismatch(described, url)
        if not found and what == "database":
            wanted = str(described.get("database") or target)
            found = "" if url.database == wanted else "name"
        if found:
            message = f"does not point at the {what} {target}: its {found} differs"
            reader.report(
                rule,
                _place(reader, view, name),
                reader.named(name),
                f"{message}; expected {_expected(what, target, described)}",
            )


def _expected(what: str, target: str, described: Mapping[str, Any]) -> str:
    host, port = str(described.get("host") or ""), str(described.get("port") or "")
    place = f"[{host}]" if ":" in host else host
    database = f"/{described.get('database') or target}" if what == "database" else ""
    return f"{'postgresql' if database else 'redis'}://{place}{':' + port if port else ''}{database}"


def _plain_text(reader: Reader, view: View, name: str, url: Url, working: Mapping[str, str]) -> None:
    if reader.options.environment in ("", *RELAXED_IN) or url.local:
        return
    ssl = url.query.get("ssl", "").lower() in ("true", "1", "require") or url.query.get("tls", "").lower() in (
        "true",
        "1",
    )
    if url.kind == "valkey":
        safe = url.scheme.split("+")[0].endswith("s") and url.scheme.split("+")[0] != "redis"
        wanted = "rediss:// or valkeys://"
    else:
        safe = url.query.get("sslmode", working.get("PGSSLMODE", "")) in _SAFE_MODES
        wanted = "sslmode=verify-full"
    if not (safe or ssl):
        shown = reader.named(name)
        message = f"{'' if shown else 'A URL '}connects over the network without TLS; expected {wanted}"
        reader.report("no-tls", _place(reader, view, name), shown, message)
