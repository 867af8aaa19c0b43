# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the rotation of certificates asks of hosts, and what consumers get of TLS."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "lib"))

from inventories import describe_case

from ansible_collections.mainstay.backend.plugins.module_utils._adapter_certificate import ADAPTER
from ansible_collections.mainstay.backend.plugins.module_utils._certificate_text import AUTHORITY, material
from ansible_collections.mainstay.backend.plugins.module_utils._credentials import ADMIN, Credential
from ansible_collections.mainstay.backend.plugins.module_utils._environment import build
from ansible_collections.mainstay.backend.plugins.module_utils._rotation import advance, begin
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_kinds import Context, Rotating
from ansible_collections.mainstay.backend.plugins.module_utils._secret_files import files_of
from ansible_collections.mainstay.backend.plugins.module_utils._store import Contents, create, issued
from ansible_collections.mainstay.backend.plugins.module_utils._tls_consumer import trusted
from ansible_collections.mainstay.backend.plugins.plugin_utils.certificate_versions import with_authority
from ansible_collections.mainstay.backend.plugins.plugin_utils.material import make_version

NOW = "2026-11-23T00:00:00Z"
HOSTS = {
    "db1": {"groups": ["valkey", "postgres"], "address": "10.0.0.5"},
    "web1": {"groups": ["app"], "address": "10.0.0.9"},
}
CHANGE = {
    "valkey_tls": "on",
    "postgres_tls": "required",
    "valkey_instances": {
        name: {"bind": ["10.0.0.5", "127.0.0.1"], "clients": ["10.0.0.0/24"]} for name in ("cache", "session", "cable")
    },
    "postgres_listen_addresses": ["0.0.0.0"],
    "postgres_clients": ["10.0.0.0/24"],
}


def described(current: str, **change: Any) -> Any:
    found, problems = describe_case({"hosts": HOSTS, "current": current, "change": {**CHANGE, **change}})
    assert problems == []
    return found


@pytest.fixture(scope="module")
def contents() -> Contents:
    wanted = with_authority([*described("db1").credentials.values(), Credential(ADMIN, "valkey_admin")])
    return create(Contents("production"), wanted, NOW, make_version)


def rotating(contents: Contents, name: str, current: str, *states: str) -> tuple[Context, Rotating]:
    found = described(current)
    if states:
        contents = begin(contents, {name: (found.credentials[name], "test")}, NOW, make_version)
    for state in states[1:]:
        contents = advance(contents, [name], state, NOW)
    record = contents.records[name]
    item = Rotating(found.credentials[name], record, issued(record, ""))
    return Context(found, issued(contents.records[ADMIN], ""), NOW), item


def test_names_of_all_data_hosts_are_in_the_certificate() -> None:
    options = described("web1").credentials["valkey_certificate"].options
    assert options["names"] == ("db1", "10.0.0.5", "localhost", "127.0.0.1", "::1")
    assert described("db1").credentials["postgres_certificate"].max_age == "60d"


def test_the_new_certificate_is_staged_on_the_host_that_serves_it_and_nowhere_else(contents: Contents) -> None:
    context, item = rotating(contents, "valkey_certificate", "db1", "GENERATED")
    (call,) = ADAPTER.stage(context, [item])
    (server,) = call.arguments["servers"]
    assert call.module == "server_certificate" and server["server"] == "valkey" and server["name"] == "localhost"
    assert [(one["name"], one["port"]) for one in server["instances"]] == [
        ("cache", 16379),
        ("session", 16380),
        ("cable", 16381),
    ]
    pending = material(item.record.pending.secret)
    assert call.arguments["certificates"]["valkey"]["server.key"] == pending.key
    assert "PRIVATE" not in repr(call)
    elsewhere, item = rotating(contents, "valkey_certificate", "web1", "GENERATED")
    assert ADAPTER.stage(elsewhere, [item]) == []


def test_servers_and_consumers_shake_hands_with_what_they_use(contents: Contents) -> None:
    context, item = rotating(contents, "postgres_certificate", "db1", "GENERATED", "STAGED")
    (own,) = ADAPTER.works(context, [item])
    assert (own.login["host"], own.login["port"], own.login["starttls"]) == ("127.0.0.1", 5432, "postgres")
    assert own.login["fingerprint"] == item.record.pending.notes["fingerprint"]
    context, item = rotating(contents, "valkey_certificate", "web1", "GENERATED", "STAGED")
    asked = ADAPTER.works(context, [item])
    assert {(one.login["host"], one.login["port"]) for one in asked} == {
        ("10.0.0.5", 16379),
        ("10.0.0.5", 16380),
        ("10.0.0.5", 16381),
    }
    assert all(one.login["tls"] == {"ca": material(item.record.current.secret).authorities} for one in asked)


def test_while_servers_swap_either_certificate_is_well(contents: Contents) -> None:
    """A run that was killed between two servers finds one certificate on the one and the other on the other."""
    from dataclasses import replace

    context, item = rotating(contents, "valkey_certificate", "db1", "GENERATED", "STAGED")
    asked = ADAPTER.works(context, [replace(item, record=replace(item.record, pending=None))])
    assert asked and all("fingerprint" not in one.login for one in asked)


def test_the_old_one_is_to_be_seen_nowhere(contents: Contents) -> None:
    states = ("GENERATED", "STAGED", "TESTED", "PUBLISHED", "RELOADED", "CONSUMERS_OK", "RETIRED")
    context, item = rotating(contents, "valkey_certificate", "db1", *states)
    asked = ADAPTER.refused(context, [item])
    assert len(asked) == 6 and {one.expect for one in asked} == {"refused"}
    assert {one.login["fingerprint"] for one in asked} == {item.record.previous.notes["fingerprint"]}


def test_consumers_get_authorities_and_no_key_of_a_server(contents: Contents) -> None:
    found = described("web1")
    (consumer,) = found.consumers
    assert trusted(found, consumer) == {"valkey_certificate", "postgres_certificate"}
    credential = found.credentials["valkey_certificate"]
    files = files_of(credential, issued(contents.records["valkey_certificate"], ""))
    assert files == {"valkey_certificate_ca.pem": material(contents.records[AUTHORITY].current.secret).chain}


def test_urls_verify(contents: Contents) -> None:
    found = described("web1")
    every = {name: issued(contents.records[name], item.target) for name, item in found.credentials.items()}
    variables = build(found, found.consumers[0], every).variables
    ca = f"{found.consumers[0].secrets_dir}/{{}}_certificate_ca.pem"
    assert variables["DATABASE_URL"].endswith(
        f"@10.0.0.5:5432/shop?sslmode=verify-full&sslrootcert={ca.format('postgres')}"
    )
    assert variables["REDIS_CACHE_URL"].startswith("rediss://shop_cache_a:")
    assert variables["REDIS_CACHE_URL"].endswith(
        f"@10.0.0.5:16379/0?ssl_cert_reqs=required&ssl_check_hostname=true&ssl_ca_certs={ca.format('valkey')}"
    )
    assert variables["REDIS_CACHE_CA_FILE"] == ca.format("valkey")
    assert variables["DATABASE_CA_FILE"] == ca.format("postgres")


def test_without_tls_nothing_of_it_is_there() -> None:
    found = describe_case({})[0]
    assert not found.certificates and not [name for name in found.credentials if "certificate" in name]
    assert not any(place.tls for place in found.endpoints.values())
    for item in found.instances:
        assert not [name for name, _value in item.directives if name.startswith("tls")]


def test_rails_verifies_with_the_files_that_it_is_given() -> None:
    """Ruby's clients read no parameters of a URL."""
    import yaml

    from ansible_collections.mainstay.backend.plugins.module_utils._rails_files import rails_files

    consumer = {"app_dir": "/srv/shop", "files": ["rails"]}
    found = described("web1", backend_consumers={"shop": consumer})
    files = rails_files(found, found.consumers[0])
    ca = 'ENV.fetch("REDIS_CABLE_CA_FILE")'
    assert yaml.safe_load(files["config/cable.yml"])["production"]["ssl_params"] == {"ca_file": f"<%= {ca} %>"}
    assert (
        '  ssl_params: { ca_file: ENV.fetch("REDIS_CACHE_CA_FILE") },\n'
        in files["config/initializers/mainstay_cache.rb"]
    )
    plain = rails_files(described("web1", backend_consumers={"shop": consumer}, valkey_tls="off"), found.consumers[0])
    assert not [text for text in plain.values() if "ssl_params" in text or "@TLS" in text]
