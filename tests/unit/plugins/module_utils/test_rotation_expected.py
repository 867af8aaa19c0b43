# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a validation expects of a host: its consumers' files and lines, and which secret is tried from where."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[4]
sys.path.insert(0, str(ROOT / "tests" / "lib"))

from inventories import describe_case  # noqa: E402

from ansible_collections.mainstay.backend.plugins.module_utils import _store  # noqa: E402
from ansible_collections.mainstay.backend.plugins.module_utils._credentials import ADMIN, Credential  # noqa: E402
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_expected import (  # noqa: E402
    expected_files,
    expected_probes,
    known_part,
)
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_kinds import Context  # noqa: E402

NOW = "2026-11-23T12:00:00Z"
HOSTS = {
    "db1": {"groups": ["valkey", "postgres"], "address": "10.0.0.5"},
    "app1": {"groups": ["app"], "address": "10.0.0.6"},
}
OPEN = {"bind": ["10.0.0.5"], "clients": ["10.0.0.0/24"]}
CHANGE = {
    "valkey_instances": dict.fromkeys(("cache", "session", "cable"), OPEN),
    "postgres_listen_addresses": ["10.0.0.5"],
    "postgres_clients": ["10.0.0.0/24"],
    "backend_credentials": {"watcher": {"kind": "postgres_role", "privileges": "monitoring"}},
}


def seen_from(host: str, state: str = "", absent: str = "", **consumer: Any) -> tuple[Any, Any, Any, Any]:
    """The context of HOST, the store, and what it issues; shop_db in STATE with a previous version, ABSENT not in the store."""
    change = {**CHANGE, "backend_consumers": {"shop": {"hosts": ["app1"], "unit": "shop.service", **consumer}}}
    description, problems = describe_case({"hosts": HOSTS, "current": host, "change": change})
    assert problems == []
    wanted = [item for name, item in description.credentials.items() if name != absent]
    wanted.append(Credential(ADMIN, "valkey_admin"))
    contents = _store.create(_store.Contents("production"), wanted, NOW, _store.random_versions(os.urandom))
    if state:
        previous = _store.new_version("b", NOW, os.urandom)
        record = replace(contents.records["shop_db"], previous=previous, journal=({"state": state, "at": NOW},))
        contents = replace(contents, records={**contents.records, "shop_db": record})
    known = known_part(description, contents)
    issued = {
        name: _store.issued(record, known.credentials[name].target if name in known.credentials else "")
        for name, record in contents.records.items()
    }
    return Context(known, issued[ADMIN], NOW), contents, issued, description


def asked(host: str, state: str = "") -> dict[str, set[str]]:
    """Expected outcome -> the credentials that are tried from HOST."""
    context, contents, issued, _description = seen_from(host, state)
    found: dict[str, set[str]] = {"works": set(), "refused": set()}
    for probe in expected_probes(context, contents, issued):
        found[probe.expect].add(probe.credential)
    return found


def test_a_data_host_is_not_told_what_consumers_use() -> None:
    assert asked("db1") == {"works": {"watcher"}, "refused": set()}
    assert asked("app1")["works"] == {"shop_db", "shop_cache", "shop_session", "shop_cable"}


@pytest.mark.parametrize("host", HOSTS)
def test_what_is_retired_is_tried_from_everywhere_and_nothing_before(host: str) -> None:
    assert asked(host, "RELOADED")["refused"] == set()
    for state in ("CONSUMERS_OK", "RETIRED", "REFUSED"):
        assert asked(host, state)["refused"] == {"shop_db"}


def test_the_version_in_use_is_tried_and_not_a_pending_one() -> None:
    context, contents, issued, _description = seen_from("app1")
    pending = _store.new_version("b", NOW, os.urandom)
    record = replace(contents.records["shop_db"], pending=pending, journal=({"state": "GENERATED", "at": NOW},))
    changed = replace(contents, records={**contents.records, "shop_db": record})
    (probe,) = [item for item in expected_probes(context, changed, issued) if item.credential == "shop_db"]
    assert probe.login["password"] == record.current.secret


def test_the_files_of_a_consumer() -> None:
    context, _contents, issued, _description = seen_from("app1", owner="shop")
    found = expected_files(context.description, issued)
    assert found.folders == ["/run/secrets/shop"]
    assert found.files["/run/secrets/shop"]["mode"] == "0700"
    assert found.files["/run/secrets/shop/shop_db"] == {
        "owner": "shop",
        "group": "shop",
        "mode": "0600",
        "state": "present",
        "credential": "shop_db",
        "folder": False,
    }
    assert found.texts["/run/secrets/shop/shop_db"] == issued["shop_db"].password
    lines = {name: (owner, line) for name, owner, line in found.lines["/etc/shop/.env"]}
    assert set(lines) == {"DATABASE_URL", "REDIS_CACHE_URL", "REDIS_SESSION_URL", "REDIS_CABLE_URL"}
    assert lines["DATABASE_URL"][0] == "shop_db" and issued["shop_db"].password in lines["DATABASE_URL"][1]
    assert issued["shop_db"].password not in repr(found)


def test_no_file_where_systemd_hands_secrets_over_and_none_on_a_data_host() -> None:
    context, _contents, issued, _description = seen_from("app1", secrets_as="credentials", env_file="/etc/shop/.env")
    found = expected_files(context.description, issued)
    assert not [path for path in found.files if path.startswith("/run/secrets")] and found.folders
    context, _contents, issued, _description = seen_from("db1")
    assert expected_files(context.description, issued).files == {}


def test_of_what_the_store_lacks_nothing_is_expected() -> None:
    context, contents, issued, description = seen_from("app1", absent="shop_db")
    assert "shop_db" in description.credentials and "shop_db" not in context.description.credentials
    found = expected_files(context.description, issued)
    assert "/run/secrets/shop/shop_db" not in found.files
    assert "shop_db" not in {item.credential for item in expected_probes(context, contents, issued)}
