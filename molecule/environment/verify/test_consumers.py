# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Programs load for real what was written for them: a unit of systemd by EnvironmentFile=, Python by python-dotenv, Ruby by dotenv.

They report values as SHA-256, and whom they reached with the URLs that they got.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from typing import Any

import pytest
import yaml
from conftest import ROOT
from hunt import files_with
from store import Store

from ansible_collections.mainstay.backend.plugins.module_utils._env_loaders import load

CONSUMERS = yaml.safe_load(
    (ROOT / "molecule/environment/host_vars/mainstay-environment.yml").read_text(encoding="utf-8")
)["backend_consumers"]
FILES = {
    "shop": ("/srv/shop/.env.production", "/srv/shop/.env"),
    "jobs": ("/etc/jobs/.env",),
    "reports": ("/opt/reports/.env",),
}
CREDENTIALS = ("shop_db", "stats_db", "shop_cache", "shop_session", "shop_cable", "shop_queue")
OWNERS = {"shop": "www-data", "jobs": "root", "reports": "daemon"}


def sha256(text: object) -> str:
    return hashlib.sha256(str(text).encode()).hexdigest()


def url(store: Store, credential: str, scheme: str, port: int, path: str) -> str:
    issued = store.issued[credential]
    return f"{scheme}://{issued.user}:{issued.password}@127.0.0.1:{port}/{path}"


@pytest.fixture(scope="module")
def described(store: Store) -> dict[str, dict[str, str]]:
    """Consumer -> variable -> SHA-256, from the inventory's own words and the secret store: what must arrive."""
    shop_db, stats_db = (url(store, f"{name}_db", "postgresql", 5432, name) for name in ("shop", "stats"))
    ports = {"cache": 6379, "session": 6380, "cable": 6381, "queue": 6382}
    redis = {name: url(store, f"shop_{name}", "redis", port, "0") for name, port in ports.items()}
    found = {
        "shop": {
            "DATABASE_URL": shop_db,
            "STATS_DATABASE_URL": stats_db,
            **{f"REDIS_{name.upper()}_URL": value for name, value in redis.items()},
            "RAILS_MAX_THREADS": 3,
            "SIDEKIQ_CONCURRENCY": 4,
            "DATABASE_POOL": 4,
            "REDIS_SESSION_POOL": 9,
            "DATABASE_CONNECT_TIMEOUT": 3,
            "DATABASE_CHECKOUT_TIMEOUT": 2.5,
            "DATABASE_STATEMENT_TIMEOUT": "15s",
            "REDIS_SESSION_READ_TIMEOUT": 2,
            "REDIS_SESSION_POOL_TIMEOUT": 2,
            "REDIS_CACHE_READ_TIMEOUT": 1,
        },
        "jobs": {
            "DATABASE_URL": stats_db,
            "REDIS_QUEUE_URL": redis["queue"],
            "RAILS_MAX_THREADS": 5,
            "DATABASE_POOL": 5,
            "REDIS_QUEUE_POOL": 8,
            "DATABASE_STATEMENT_TIMEOUT": "20s",
        },
        "reports": {
            "DATABASE_URL": shop_db,
            "REDIS_CACHE_URL": redis["cache"],
            "DATABASE_STATEMENT_TIMEOUT": "30s",
            "REDIS_CACHE_CONNECT_TIMEOUT": 1,
        },
    }
    for name, values in found.items():
        own = CONSUMERS[name].get("variables", {})
        values.update({key: value for key, value in own.items() if "{{" not in str(value)})
    return {name: {key: sha256(value) for key, value in values.items()} for name, values in found.items()}


def differing(expected: dict[str, str], found: dict[str, str]) -> list[str]:
    """Names only: a message must not show values."""
    return sorted(name for name, value in expected.items() if found.get(name) != value)


def report(host: Any, user: str, command: str) -> dict[str, Any]:
    """What a program printed that USER runs; it begins with no variable but the few that every process has."""
    found: dict[str, Any] = json.loads(
        host.check_output(f"runuser -u {user} -- env -i PATH=/usr/bin:/bin LANG=C.UTF-8 {command}")
    )
    return found


def test_a_unit_of_systemd_gets_and_reaches_what_was_described(host: Any, described: dict[str, dict[str, str]]) -> None:
    host.check_output("cp /opt/programs/jobs.service /run/systemd/system/jobs.service && systemctl daemon-reload")
    host.check_output("systemctl start jobs.service")
    found = json.loads(host.check_output("cat /run/jobs.report"))
    assert differing(described["jobs"], found["variables"]) == []
    assert found["reached"] == {"DATABASE_URL": "stats/stats_db_a", "REDIS_QUEUE_URL": "shop_queue_a@6382"}


def test_python_dotenv_gets_and_reaches_what_was_described(host: Any, described: dict[str, dict[str, str]]) -> None:
    found = report(host, "daemon", "/usr/bin/python3 /opt/programs/report.py dotenv /opt/reports/.env")
    assert differing(described["reports"], found["variables"]) == []
    assert found["reached"] == {"DATABASE_URL": "shop/shop_db_a", "REDIS_CACHE_URL": "shop_cache_a@6379"}


def test_ruby_dotenv_gets_the_layers_that_were_described(host: Any, described: dict[str, dict[str, str]]) -> None:
    text = "require 'json'; require 'digest'; require 'dotenv'; Dotenv.load(*ARGV); puts JSON.generate(ENV.to_h { |k, v| [k, Digest::SHA256.hexdigest(v)] })"
    found = report(host, "www-data", f"ruby -e {shlex.quote(text)} {' '.join(FILES['shop'])}")
    assert differing(described["shop"], found) == []
    assert len(found) >= 35


@pytest.mark.parametrize("loader", ["ruby", "python", "node", "systemd", "compose"])
def test_our_own_parsers_agree_with_what_was_described(
    host: Any, described: dict[str, dict[str, str]], loader: str
) -> None:
    for name, paths in FILES.items():
        found: dict[str, str] = {}
        for path in reversed(paths):
            loaded = load(host.file(path).content, loader, {}).variables
            found.update({key: sha256(value) for key, value in loaded.items()})
        assert differing(described[name], found) == [], name


@pytest.mark.parametrize("name", FILES)
def test_files_with_secrets_are_their_owners_alone(host: Any, name: str) -> None:
    for path in FILES[name]:
        found = host.file(path)
        assert (found.user, found.group, found.mode) == (OWNERS[name], OWNERS[name], 0o600), path


def test_layers_part_secrets_from_sizes(host: Any, store: Store) -> None:
    high, low = (host.file(path).content for path in FILES["shop"])
    assert not [label for label, needle in store.passwords().items() if needle in low]
    names = [{line.split(b"=")[0] for line in text.splitlines() if not line.startswith(b"#")} for text in (high, low)]
    assert not names[0] & names[1]
    assert b"DATABASE_POOL" in names[1] and b"DATABASE_URL" in names[0]


def test_only_the_consumers_files_hold_a_password(host: Any, store: Store) -> None:
    """Of all the files that were written into the application's tree, the two .env files and the secrets folder."""
    assert files_with(store.passwords(), str(host.backend.name), "/srv/shop", "/etc/jobs", "/opt", "/run/secrets") == {
        *(path for name, paths in FILES.items() for path in paths if path != "/srv/shop/.env"),
        *(f"/srv/shop/secrets/{name}" for name in CREDENTIALS),
        *(f"/run/secrets/jobs/{name}" for name in ("stats_db", "shop_queue")),
        *(f"/run/secrets/reports/{name}" for name in ("shop_db", "shop_cache")),
    }
