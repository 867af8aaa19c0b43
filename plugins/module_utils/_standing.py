# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What stands on the hosts, as rows for people: derived from what the servers said, with every password masked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils._checking import format_size
from ansible_collections.mainstay.backend.plugins.module_utils._table import table

MASK = "***"
VALKEY_HEADS = ("host", "instance", "purpose", "port", "eviction", "persistence", "used / limit", "version", "url")
POSTGRES_HEADS = ("host", "database", "port", "version", "keys", "a fresh id", "url")
_MISSING = "does not answer"


def persistence(config: Mapping[str, str]) -> str:
    """'AOF everysec', 'RDB', both, or 'none', from CONFIG GET's answers."""
    found = []
    if config.get("appendonly") == "yes":
        found.append(f"AOF {config.get('appendfsync', '')}".strip())
    if config.get("save"):
        found.append("RDB")
    return " + ".join(found) or "none"


def key_strategy(version_num: int, extension: str | None) -> str:
    """How DEFAULT uuidv7() is served, from server_version_num and the extension's installed version."""
    if extension is None:
        return "no uuidv7"
    return f"uuidv7 {extension} ({'native' if version_num >= 180000 else 'SQL'})"


def valkey_rows(host: str, instances: Iterable[Mapping[str, Any]]) -> list[list[str]]:
    """Rows of VALKEY_HEADS; each of INSTANCES holds name, purpose, port, url, and `live` (info, config) or `error`."""
    rows = []
    for item in instances:
        live = item.get("live")
        start = [host, item["name"], item["purpose"], str(item["port"])]
        if not live:
            rows.append([*start, _MISSING, item.get("error", ""), "", "", item["url"]])
            continue
        info, config = live["info"], live["config"]
        memory = f"{format_size(int(info['used_memory']))} / {format_size(int(config['maxmemory']))}"
        rows.append(
            [
                *start,
                config["maxmemory-policy"],
                persistence(config),
                memory,
                str(info.get("valkey_version", "")),
                item["url"],
            ]
        )
    return rows


def postgres_rows(host: str, databases: Iterable[Mapping[str, Any]]) -> list[list[str]]:
    """Rows of POSTGRES_HEADS; each of DATABASES holds name, port, url, and `live` (version, version_num, extension, id) or `error`."""
    rows = []
    for item in databases:
        live = item.get("live")
        start = [host, item["name"], str(item["port"])]
        if not live:
            rows.append([*start, _MISSING, item.get("error", ""), "", item["url"]])
            continue
        rows.append(
            [
                *start,
                live["version"],
                key_strategy(live["version_num"], live["extension"]),
                live["id"] or "",
                item["url"],
            ]
        )
    return rows


def report(standing: Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]]) -> list[str]:
    """Lines of the two tables, from host name -> {instances, databases}."""
    valkey = [row for host, found in standing.items() for row in valkey_rows(host, found.get("instances", ()))]
    postgres = [row for host, found in standing.items() for row in postgres_rows(host, found.get("databases", ()))]
    lines: list[str] = []
    if valkey:
        lines += [*table("Valkey", VALKEY_HEADS, valkey), ""]
    if postgres:
        lines += [*table("PostgreSQL", POSTGRES_HEADS, postgres), ""]
    return lines or ["no host of the groups valkey and postgres answered"]
