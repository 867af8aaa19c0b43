# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Commands that reload, commands that tell health, consumers that need neither, and consumers as the inventory has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conftest import HUP

SECRET = "Pl4nted-in-output"


def test_a_command_reloads_and_its_failure_is_told_without_its_output(
    host: Any, units: Any, reload: Callable[..., Any]
) -> None:
    units.add("later")
    before = units.pid("later")
    host.write(
        "/usr/local/sbin/reload-shop",
        f'#!/bin/sh\necho {SECRET}; echo {SECRET} >&2\necho "$1" >> /srv/shop/told\nexit "$1"\n',
    )
    host.run("chmod 755 /usr/local/sbin/reload-shop; rm -f /srv/shop/told")
    run = reload({"name": "shop", "reload": ["reload-shop", "0"]}).ok()
    assert run.result("act")["actions"] == ["shop: run reload-shop"] and host.run("cat /srv/shop/told") == "0\n"
    run = reload({"name": "shop", "reload": ["reload-shop", "7"]}, {"name": "later", "unit": "later"})
    assert run.code and run.message.startswith("consumer shop: the reload command exited with 7 (run it by hand")
    assert units.pid("later") == before
    assert SECRET not in run.out and SECRET not in host.run("journalctl -b --no-pager")


def test_a_command_that_is_not_there_or_not_roots_is_refused_before_anything_is_done(
    host: Any, units: Any, reload: Callable[..., Any]
) -> None:
    units.add("first")
    before = units.pid("first")
    first = {"name": "first", "unit": "first"}
    host.write("/srv/shop/bin/reload", "#!/bin/sh\n")
    host.run("chmod 755 /srv/shop/bin/reload; chown -R shop /srv/shop/bin")
    run = reload(first, {"name": "shop", "reload": ["/srv/shop/bin/reload"]})
    assert run.code and "found /srv/shop/bin/reload, which shop can change, and root would run" in run.message
    run = reload(first, {"name": "shop", "reload": ["no-such-program"]})
    assert run.code and "reload: found no program no-such-program; expected an absolute path" in run.message
    run = reload(first, {"name": "shop", "reload": "systemctl reload shop"})
    assert run.code and run.message.startswith(
        "consumers.shop.reload: found a text (not shown); expected a list of texts"
    )
    assert units.pid("first") == before


def test_a_health_command_runs_as_the_consumers_owner_and_ends_in_time(
    host: Any, units: Any, reload: Callable[..., Any]
) -> None:
    units.add("shop")
    told = {"name": "shop", "unit": "shop", "owner": "shop", "group": "shop"}
    host.run("install -d -o shop /srv/shop/run")
    host.write("/srv/shop/health", f"#!/bin/sh\nid -un > /srv/shop/run/who\necho {SECRET}\nexit $1\n")
    host.run("chmod 755 /srv/shop/health")
    reload({**told, "health": {"command": ["/srv/shop/health", "0"]}}).ok()
    assert host.run("cat /srv/shop/run/who").strip() == "shop"
    first = {**told, "health": {"command": ["/srv/shop/health", "4"], "timeout": 2}}
    run = reload(first)
    assert run.code and "the health command exited with 4" in run.message and SECRET not in run.out
    run = reload({**told, "health": {"command": ["sleep", "60"], "timeout": 2}}, state="checked")
    assert run.code and "the health command gave no answer within " in run.message
    assert host.run("pgrep -x sleep -u shop", check=False) == ""


def test_one_that_reads_its_files_for_each_connection_needs_nothing_but_may_be_asked(
    units: Any, reload: Callable[..., Any]
) -> None:
    url = units.add("shop")
    before = units.pid("shop")
    run = reload({"name": "shop", "reload": "none", "health": {"url": url}}).ok()
    assert not run.result("act")["changed"] and run.result("act")["consumers"][0]["healthy"]
    assert units.pid("shop") == before
    units.host.run("systemctl stop shop")
    assert reload({"name": "shop", "reload": "none", "health": {"url": url, "timeout": 2}}).code


def test_the_inventorys_consumers_are_reloaded_by_name_of_credential(host: Any, units: Any) -> None:
    """Without arguments in a play; only those on this host, and only those that use the credential."""
    url = units.add("shop", HUP)
    units.add("stats")
    before = {name: units.pid(name) for name in ("shop", "stats")}
    consumers = {
        "shop": {"hosts": ["app"], "unit": "shop", "health": {"url": url}, "credentials": ["shop_db", "shop_cache"]},
        "stats": {"hosts": ["app"], "unit": ["stats.service"], "credentials": ["shop_db"]},
        "cron": {"hosts": ["app"], "credentials": ["shop_db"]},
    }
    variables = {"backend_app": "shop", "backend_consumers": consumers, "postgres_databases": {"shop": {}}}
    units.write("new")
    task = {"name": "act", "mainstay.backend.consumer_reload": {"credentials": ["shop_cache"]}}
    run = host.play(tasks=[task], variables=variables).ok()
    assert [item["name"] for item in run.result("act")["consumers"]] == ["shop"]
    assert units.words("shop") == "new -" and units.pid("stats") == before["stats"]
    run = host.play(tasks=[{"name": "act", "mainstay.backend.consumer_reload": {}}], variables=variables).ok()
    assert [item["name"] for item in run.result("act")["consumers"]] == ["shop", "stats"]
    assert units.pid("stats") != before["stats"] and units.pid("shop") == before["shop"]
    wrong = {"name": "act", "mainstay.backend.consumer_reload": {"credentials": ["shop_dbb"]}}
    refused = host.play(tasks=[wrong], variables=variables)
    assert refused.code and refused.message.startswith(
        "credentials: found shop_dbb; expected some of backend_credentials: shop_db"
    )


def test_the_role_environment_reloads_whose_files_changed_where_it_is_told_to(host: Any, units: Any) -> None:
    """At the first deployment, before there is a unit, it does nothing; later it reloads that consumer, and no other."""
    shop = {"hosts": ["app"], "unit": "shop", "env_file": "/srv/shop/.env", "credentials": [], "owner": "shop"}
    stats = {"hosts": ["app"], "unit": "stats", "credentials": [], "variables": {"WORD": "same"}}

    def deploy(word: str, reload: bool = True) -> Any:
        consumers = {"shop": {**shop, "variables": {"WORD": word}}, "stats": stats}
        return host.play(
            roles=["environment"], variables={"backend_consumers": consumers, "environment_reload": reload}
        )

    name = "Reload the consumers whose files changed"
    host.run("rm -f /srv/shop/.env; rm -rf /etc/stats")
    run = deploy("first").ok()
    assert [(item["name"], item["done"]) for item in run.result(name)["consumers"]] == [
        ("shop", False),
        ("stats", False),
    ]
    units.add("shop", HUP, "EnvironmentFile=/srv/shop/.env")
    units.add("stats")
    before = {name: units.pid(name) for name in ("shop", "stats")}
    assert units.words("shop") == "old first"
    assert deploy("first").ok().changed == []
    run = deploy("second").ok()
    assert run.result(name)["actions"] == ["shop: restart shop.service"]
    assert units.words("shop") == "old second" and units.pid("stats") == before["stats"]
    deploy("third", reload=False).ok()
    assert units.words("shop") == "old second"
