# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A real Rails application (Debian's, with Sidekiq) runs with the files that were written, and nothing else: database, cache, sessions, cable, jobs."""

from __future__ import annotations

import hashlib
import json
import shlex
from pathlib import PurePosixPath
from typing import Any

import pytest
from conftest import ROOT
from playbook import play
from store import Store

TREE = PurePosixPath("/srv/shop")
CONFIG = ("database.yml", "cable.yml", "sidekiq.yml", "settings.yml", "settings/production.yml")
INITIALIZERS = ("mainstay_cache.rb", "mainstay_session.rb", "mainstay_sidekiq.rb")


def shop(host: Any, command: str, **environment: str) -> str:
    """What COMMAND prints when the application's user runs it with no variable of the caller's."""
    given = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": "/tmp", "RAILS_ENV": "production", **environment}
    words = " ".join(shlex.quote(f"{name}={value}") for name, value in given.items())
    return str(host.check_output(f"cd {TREE} && runuser -u www-data -- env -i {words} {command}"))


def last_json(text: str) -> dict[str, Any]:
    """Sidekiq's own log goes to stdout too."""
    found: dict[str, Any] = json.loads([line for line in text.splitlines() if line.startswith("{")][-1])
    return found


@pytest.fixture(scope="module")
def told(host: Any) -> dict[str, Any]:
    """What the application said of itself after it had used everything once."""
    return last_json(shop(host, "ruby /opt/programs/rails.rb enqueue"))


@pytest.fixture(scope="module")
def yaml_files(host: Any) -> dict[str, Any]:
    """The YAML files as ERB and YAML of Ruby read them, by name; URLs as SHA-256."""
    found = json.loads(
        shop(host, "ruby /opt/programs/yaml.rb " + " ".join(str(TREE / "config" / item) for item in CONFIG))
    )
    return {path.removeprefix(f"{TREE}/config/"): value for path, value in found.items()}


def test_active_record_connects_to_both_databases(told: dict[str, Any]) -> None:
    sizes = {"statement_timeout": "15s", "pool": 4, "checkout": 2.5, "connect": 3}
    assert told["primary"] == {"database": "shop", "user": "shop_db_a", **sizes}
    assert told["stats"] == {"database": "stats", "user": "stats_db_a", **sizes}


def test_the_cache_is_a_pool_on_its_own_instance(told: dict[str, Any]) -> None:
    assert told["cache"] == {
        "store": "ActiveSupport::Cache::RedisCacheStore",
        "read": "hello",
        "pool": 9,
        "controllers": True,
        "local": True,
    }
    assert 3_000_000 < told["ages"]["cache"] <= 3_600_000


def test_sessions_are_kept_on_the_session_instance_for_their_age(told: dict[str, Any]) -> None:
    """The store's key is there, and ends with the cookie."""
    assert told["basket"] == "42"
    assert told["cookie"].startswith("_shop_session=") and "httponly" in told["cookie"].lower()
    assert 172_000_000 < told["ages"]["session"] <= 172_800_000


def test_cable_delivers_after_more_than_the_read_timeout_of_silence(told: dict[str, Any]) -> None:
    assert told["cable"]["adapter"] == "ActionCable::SubscriptionAdapter::Redis"
    assert told["cable"]["message"] == "42 sold"
    assert "shop_production:orders" in told["cable"]["channels"]


def test_a_job_is_enqueued_and_a_real_sidekiq_runs_it(host: Any, told: dict[str, Any]) -> None:
    """The job writes what it computed into the cache; Sidekiq's pools are those that the connection budget counts."""
    assert told["sidekiq"]["client_pool"] == 9 and told["sidekiq"]["job"]
    wait = "until grep -q 'elapsed.*done' /tmp/sidekiq.log; do sleep 0.2; done"
    run = "sidekiq -r /srv/shop -e production -C config/sidekiq.yml > /tmp/sidekiq.log 2>&1 & pid=$!"
    shop(
        host,
        f"bash -c {shlex.quote(f'{run}; timeout 900 bash -c {shlex.quote(wait)}; result=$?; kill $pid; wait $pid; exit $result')}",
    )
    log = host.file("/tmp/sidekiq.log").content_string
    assert ':size=>4, :pool_name=>"default"' in log and ':size=>10, :pool_name=>"internal"' in log
    assert (
        shop(
            host, 'ruby -e \'require "/srv/shop/config/environment"; $stdout.puts Rails.cache.read("counted")\''
        ).split()[-1]
        == "42"
    )


def test_an_outage_of_the_cache_is_survived_and_reported(host: Any) -> None:
    """Rails swallows the error; without the handler nobody would know."""
    found = last_json(shop(host, "ruby /opt/programs/rails.rb outage", REDIS_CACHE_URL="redis://127.0.0.1:1/0"))
    assert found["read"] is None
    assert [(item[1]["store"], item[1]["method"], item[2]) for item in found["reports"]] == [
        ("cache", "read_entry", "true"),
        ("cache", "write_entry", "true"),
    ]


def test_yaml_files_give_what_was_described(yaml_files: dict[str, Any], store: Store) -> None:
    database = yaml_files["database.yml"]["production"]
    assert list(database) == ["primary", "stats"]
    assert (database["primary"]["pool"], database["primary"]["checkout_timeout"]) == (4, 2.5)
    issued = store.issued["shop_db"]
    expected = f"postgresql://{issued.user}:{issued.password}@127.0.0.1:5432/shop"
    assert database["primary"]["url"] == hashlib.sha256(expected.encode()).hexdigest()
    assert yaml_files["cable.yml"]["production"]["channel_prefix"] == "shop_production"
    assert yaml_files["sidekiq.yml"] == {"concurrency": 4} or yaml_files["sidekiq.yml"] == {":concurrency": 4}


def test_settings_are_read_by_ruby_as_they_were_given(yaml_files: dict[str, Any]) -> None:
    """NO is a country and 010 a text: YAML has its own mind about both."""
    assert yaml_files["settings.yml"] == {
        "mail": {"from": "shop@example.org", "retries": 3, "enabled": True},
        "currencies": ["EUR", "NO", "010"],
    }
    assert yaml_files["settings/production.yml"] == {"mail": {"retries": 5}, "currencies": ["CHF"]}


@pytest.mark.parametrize("name", INITIALIZERS)
def test_initializers_are_ruby_without_warnings(host: Any, name: str) -> None:
    assert shop(host, f"ruby -wc config/initializers/{name} 2>&1").strip() == "Syntax OK"


def test_git_ignores_what_is_secret_and_nothing_else(host: Any) -> None:
    secret = [
        *(".env", ".env.production", ".env.local", "config/master.key", "config/credentials/production.key"),
        *("config/settings.local.yml", "config/settings/production.local.yml", "secrets/shop_db"),
    ]
    public = [
        ".env.example",
        ".env.schema",
        "config/database.yml",
        "config/settings.yml",
        "config/credentials.yml.enc",
        ".gitignore",
    ]
    asked = " ".join([*secret, *public])
    assert shop(host, f"git check-ignore --no-index {asked}").split() == secret


def test_the_applications_own_lines_of_gitignore_stay(host: Any) -> None:
    text = host.file(str(TREE / ".gitignore")).content_string
    assert text.startswith("/log/*\n/tmp\n\n# BEGIN mainstay.backend\n") and text.count("# BEGIN") == 1


def test_what_was_written_is_valid_for_all_five_loaders() -> None:
    """validate_env on the hosts, with the consumers' own schemas."""
    code, output = play(ROOT / "playbooks" / "validate_env.yml")
    assert code == 0, output[-4000:]
    for path in ("/srv/shop/.env.production", "/etc/jobs/.env", "/opt/reports/.env"):
        assert path in output
