# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The files of an application's tree: from an inventory to the arguments of the one call, and what is refused before it.

That Rails, Sidekiq and git take them for real is shown by the scenario `environment`.
"""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.mainstay.backend.plugins.module_utils import _store
from ansible_collections.mainstay.backend.plugins.module_utils._budget import budget_rows, budget_table
from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._env_schema import read_schema
from ansible_collections.mainstay.backend.plugins.module_utils._ignore import ALWAYS, BEGIN, END, ignored, with_block
from ansible_collections.mainstay.backend.plugins.module_utils._publish import environment_call
from ansible_collections.mainstay.backend.plugins.module_utils._publish_check import check_call
from ansible_collections.mainstay.backend.plugins.module_utils._settings_files import settings_text

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "lib"))

from inventories import describe_case

SCHEMA = """
variables:
  DATABASE_URL: {type: url, schemes: [postgresql], required: true, database: shop}
  STRIPE_KEY: {type: string, source: secret}
  SHOP_NAME: {type: string, required: true, sensitive: false, min_length: 3}
  MAIL_PASSWORD: {type: string}
  MAIL_TOKEN: {type: string, source: settings, sensitive: false}
"""
ALL = ["env_example", "reference", "gitignore", "settings", "rails"]


def issue(description: Any) -> dict[str, Any]:
    """Fixed secrets: the same in every call."""
    wanted = list(description.credentials.values())
    contents = _store.create(
        _store.Contents("production"),
        wanted,
        "2026-11-22T12:00:00Z",
        _store.random_versions(random.Random(7).randbytes),
    )
    return {item.name: _store.issued(contents.records[item.name], item.target) for item in wanted}


def call(options: dict[str, Any], schema: str = "", **change: Any) -> dict[str, Any]:
    """The arguments of the call for one consumer with OPTIONS; with a SCHEMA also checked against it."""
    consumer = {
        "app_dir": "/srv/shop",
        "files": ["rails"],
        **({"schema": "env.schema.yml"} if schema else {}),
        **options,
    }
    description, problems = describe_case({"change": {**change, "backend_consumers": {"shop": consumer}}})
    assert [str(problem) for problem in problems] == []
    schemas = {"shop": read_schema(schema, "env.schema.yml")} if schema else {}
    found = environment_call(description, issue(description), schemas)
    check_call(description, found, schemas, "error")
    return found


def tree(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Path below /srv/shop -> its entry."""
    return {
        item["path"].removeprefix("/srv/shop/"): item
        for item in found["files"]
        if item["path"].startswith("/srv/shop/")
    }


def test_nothing_of_the_tree_is_written_unasked() -> None:
    description, _problems = describe_case({})
    assert [item["path"] for item in environment_call(description, issue(description))["files"]] == ["/etc/shop/.env"]
    assert list(tree(call({"files": []}))) == []


@pytest.mark.parametrize(
    ("options", "schema", "expected"),
    [
        ({}, "", [".gitignore"]),
        ({"variables": {"SHOP_NAME": "Shop"}}, SCHEMA, [".env.example", "docs/environment.md", ".gitignore"]),
        ({"settings": {"a": 1}}, "", [".gitignore", "config/settings.yml", "config/settings/production.yml"]),
    ],
)
def test_what_is_written_where_no_list_says_it(options: dict[str, Any], schema: str, expected: list[str]) -> None:
    assert list(tree(call({"files": None, **options}, schema))) == expected


def test_rails_files_follow_the_servers_that_the_consumer_has() -> None:
    cache, session = "config/initializers/mainstay_cache.rb", "config/initializers/mainstay_session.rb"
    assert list(tree(call({}))) == ["config/database.yml", "config/cable.yml", cache, session]
    assert list(tree(call({"credentials": ["shop_cache"]}))) == [cache]
    jobs = tree(call({"sidekiq_concurrency": 7}, valkey_instances={"queue": {}}))
    assert list(jobs)[-2:] == ["config/sidekiq.yml", "config/initializers/mainstay_sidekiq.rb"]
    assert '"7"' in jobs["config/sidekiq.yml"]["content"]
    assert "REDIS_QUEUE_URL" in jobs["config/initializers/mainstay_sidekiq.rb"]["content"]


def test_everything_goes_in_one_call_and_no_file_of_the_tree_holds_a_secret() -> None:
    options = {"files": ALL, "settings": {"a": 1}, "sidekiq_concurrency": 5, "variables": {"SHOP_NAME": "Shop"}}
    found = call(options, SCHEMA, valkey_instances={"queue": {}})
    assert list(found["secrets"]) == ["/etc/shop/.env"]
    description, _problems = describe_case({"change": {"valkey_instances": {"queue": {}}}})
    secrets = [slot.password for item in issue(description).values() for slot in item.slots.values()]
    assert len(secrets) >= 5
    assert not [item["path"] for item in found["files"] if any(secret in repr(item) for secret in secrets)]
    modes = {item["path"]: item["mode"] for item in found["files"]}
    assert modes.pop("/etc/shop/.env") == "0600"
    assert {modes.pop(f"/srv/shop/config/{name}") for name in ("settings.yml", "settings/production.yml")} == {"0640"}
    assert set(modes.values()) == {"0644"}


def test_every_folder_of_the_tree_is_looked_at_so_that_no_link_leads_out() -> None:
    found = call({"settings": {"a": 1}, "files": ALL[2:], "owner": "deploy"})
    folders = {item["path"]: item for item in found["directories"]}
    assert list(folders) == [
        "/etc/shop",
        "/srv/shop",
        "/srv/shop/config",
        "/srv/shop/config/initializers",
        "/srv/shop/config/settings",
    ]
    assert all(item["keep"] for item in folders.values())
    assert {item.get("owner") for path, item in folders.items() if path.startswith("/srv")} == {"deploy"}


@pytest.mark.parametrize(
    ("version", "pool", "store"),
    [("6.1", "pool: <%=", "pool_size:"), ("7.1", "pool: <%=", "pool: {"), ("8.1", "max_connections: <%=", "pool: {")],
)
def test_options_are_called_as_the_version_of_rails_calls_them(version: str, pool: str, store: str) -> None:
    found = tree(call({"rails_version": version}))
    assert f"\n  {pool}" in found["config/database.yml"]["content"]
    assert f"\n  {store}" in found["config/initializers/mainstay_cache.rb"]["content"]


def test_several_databases_are_primary_and_their_names() -> None:
    text = tree(call({}, postgres_databases={"stats": {}, "shop": {}}))["config/database.yml"]["content"]
    lines = [line.strip() for line in text.splitlines()]
    assert lines[lines.index("production:") + 1 :] == [
        "primary:",
        "<<: *default",
        "url: '<%= ENV.fetch(\"DATABASE_URL\") %>'",
        "stats:",
        "<<: *default",
        "url: '<%= ENV.fetch(\"STATS_DATABASE_URL\") %>'",
        "migrations_paths: db/stats_migrate",
    ]


SECRET = next(iter(issue(describe_case({})[0]).values())).password


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"stripe_key": "abc"}, "settings.stripe_key: found a value of STRIPE_KEY, which the schema keeps secret"),
        ({"mail": {"password": ""}}, "settings.mail.password: found a value of MAIL_PASSWORD, which the schema keeps"),
        ({"x": f"see {SECRET}!"}, "settings.x: found a secret of the store"),
    ],
)
def test_a_secret_in_settings_is_refused_by_schema_and_by_store(settings: dict[str, Any], said: str) -> None:
    options = {"files": ["settings"], "settings": settings, "variables": {"SHOP_NAME": "Shop"}}
    with pytest.raises(MainstayError, match=said.replace(".", r"\.")) as error:
        call(options, SCHEMA)
    assert SECRET not in str(error.value) and "abc" not in str(error.value)


def test_what_the_schema_places_in_settings_may_stand_there() -> None:
    options = {"files": ["settings"], "settings": {"shop": {"name": "x"}}, "variables": {"SHOP_NAME": "Shop"}}
    assert "config/settings.yml" in tree(call(options, SCHEMA))


@pytest.mark.parametrize(
    ("variables", "rule"), [({}, "missing"), ({"SHOP_NAME": ""}, "empty"), ({"SHOP_NAME": "ab"}, "wrong-length")]
)
def test_what_does_not_pass_its_schema_is_not_written(variables: dict[str, str], rule: str) -> None:
    with pytest.raises(MainstayError, match=f"so nothing was:\n- /etc/shop/.env: {rule}: SHOP_NAME") as error:
        call({"variables": variables}, SCHEMA)
    assert "ab" not in str(error.value).split("SHOP_NAME", 1)[1].split()


def test_how_severe_a_finding_must_be() -> None:
    consumer = {"schema": "x", "variables": {"SHOP_NAME": "Shop", "UNKNOWN": "1"}}
    description, _problems = describe_case({"change": {"backend_consumers": {"shop": consumer}}})
    schemas = {"shop": read_schema(SCHEMA, "x")}
    found = environment_call(description, issue(description), schemas)
    check_call(description, found, schemas, "error")
    with pytest.raises(MainstayError, match="unknown: UNKNOWN"):
        check_call(description, found, schemas, "warning")
    with pytest.raises(MainstayError, match="environment_fail_on: found 'sometimes'; expected one of error"):
        check_call(description, found, schemas, "sometimes")
    schemas["shop"] = read_schema(SCHEMA + "  OTHER: {type: string, required: true}\n", "x")
    check_call(description, found, schemas, "never")


# .gitignore


def test_the_other_lines_of_gitignore_stay_and_the_block_comes_once() -> None:
    first = with_block("/log\n/tmp", ["a", "b"])
    assert first == f"/log\n/tmp\n\n{BEGIN}\na\nb\n{END}\n"
    assert with_block(first, ["a", "b"]) == first
    edited = first.replace("/log", "/logs") + "later\n"
    assert with_block(edited, ["a", "c"]) == f"/logs\n/tmp\n\n{BEGIN}\na\nc\n{END}\nlater\n"
    assert with_block("", ["a"]) == f"{BEGIN}\na\n{END}\n"
    assert with_block(f"{BEGIN}\nhalf", ["a"]) == f"{BEGIN}\nhalf\n\n{BEGIN}\na\n{END}\n"


@settings(deadline=None)
@given(st.lists(st.sampled_from([BEGIN, END, "a", "", "#", ".env", "\t"]), max_size=8).map("\n".join))
def test_writing_the_block_twice_is_writing_it_once(text: str) -> None:
    once = with_block(text, ALWAYS)
    assert with_block(once, ALWAYS) == once


def test_git_itself_ignores_what_is_secret_and_keeps_what_is_not(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    lines = ignored(str(folder), [f"{folder}/conf/shop.env", f"{folder}/secrets/", "/etc/shop/.env"])
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    (folder / ".gitignore").write_text(with_block("!.env\n", lines), encoding="utf-8")
    secret = [".env", ".env.production", "sub/.env.local", "conf/shop.env", "secrets/shop_db", "config/master.key"]
    secret += ["config/credentials/staging.key", "config/settings.local.yml", "config/settings/test.local.yml"]
    public = [".env.example", "sub/.env.example", ".gitignore", "config/settings.yml", "config/credentials.yml.enc"]
    asked = ["git", "-C", str(folder), "check-ignore", "--no-index", *secret, *public]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == secret


# settings

TEXTS = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x2FF, exclude_characters="\x7f"))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.from_regex(r"[A-Za-z_][a-z0-9_]{0,5}", fullmatch=True), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(["yes", "no", "on", "null", "mail", "_x"]), VALUES, max_size=4))
def test_settings_read_back_as_they_were_given(data: dict[str, Any]) -> None:
    assert yaml.safe_load(settings_text(data, ["written by …"])) == data


# the example and its page

ROOT = Path(__file__).resolve().parents[4]


def test_the_example_is_accepted_passes_its_schema_and_gives_the_table_of_its_page() -> None:
    inventory = yaml.safe_load((ROOT / "examples/rails/inventory.yml").read_text(encoding="utf-8"))
    hosts = {"web1": {"groups": ["valkey", "postgres", "app"], "address": "192.0.2.10"}}
    description, problems = describe_case({"change": inventory["all"]["vars"], "hosts": hosts})
    assert [str(problem) for problem in problems] == []
    schema = read_schema((ROOT / "examples/rails/env.schema.yml").read_text(encoding="utf-8"), "env.schema.yml")
    found = environment_call(description, issue(description), {"shop": schema})
    check_call(description, found, {"shop": schema}, "error")
    assert len(tree(found)) == 13
    shown = [item for item in description.budgets() if item.server in ("cache", "queue", "postgres")]
    page = (ROOT / "docs/environment.md").read_text(encoding="utf-8")
    assert "\n".join(budget_table(budget_rows("web1", shown))) in page
