# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Certificates rotate under open connections, whatever moment a run is killed in, and no server is restarted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

CERTIFICATES = ["valkey_certificate", "postgres_certificate"]
FOLDER = {"valkey": "valkey", "postgres": "postgresql"}
#: Uses one connection to each server for as long as it may, and says so often what came of it.
LOAD = """
import os, time
one, two, three = valkey(), valkey("SESSION"), postgres()
three.autocommit = True
cursor = three.cursor()
first = [one.client_id(), two.client_id(), three.info.backend_pid]
told = {"operations": 0, "errors": [], "first": first}
pool = lambda client: client.connection_pool
while not os.path.exists("/tmp/load.stop"):
    try:
        one.set("a", told["operations"]); two.set("b", 1); cursor.execute("SELECT 1"); cursor.fetchone()
        told["operations"] += 3
    except Exception as error:
        told["errors"].append(repr(error))
    told["last"] = [one.client_id(), two.client_id(), three.info.backend_pid]
    with open("/tmp/load.new", "w") as handle:
        json.dump(told, handle)
    os.rename("/tmp/load.new", "/tmp/load.json")
    time.sleep(0.01)
"""


@pytest.fixture
def load(tls: Any) -> Iterator[Any]:
    """The load; calling it ends it and gives what it saw."""
    from conftest import CLIENT

    tls.host.run("rm -f /tmp/load.*")
    tls.host.write("/tmp/load.py", CLIENT + LOAD)
    process = tls.host.spawn(["python3", "/tmp/load.py"])
    tls.host.until("cat /tmp/load.json", "operations", 300)

    def end() -> Any:
        tls.host.run("touch /tmp/load.stop")
        process.wait(300)
        return tls.script("print(open('/tmp/load.json').read())")

    yield end
    tls.host.run("touch /tmp/load.stop")
    process.wait(300)


def rotate(tls: Any, *names: str, **options: Any) -> Any:
    variables = {"rotation_only": list(names or CERTIFICATES), "rotation_force": True, **options.pop("variables", {})}
    return tls.apply(["rotation"], variables=variables, **options)


def test_rotated_under_open_connections_without_a_restart(tls: Any, load: Any) -> None:
    serials, processes = tls.serials(), tls.processes()
    rotate(tls).ok()
    after = tls.serials()
    assert all(after[name] != serials[name] for name in serials)
    assert after["cache"] == after["session"] != after["postgres"]
    assert tls.processes() == processes
    told = load()
    assert told["operations"] > 50 and told["errors"] == [] and told["last"] == told["first"]
    assert tls.script("print(json.dumps(said(lambda: (valkey().ping(), postgres()))))") == "works"


def test_what_is_on_the_disk_serves_after_a_restart_too(tls: Any) -> None:
    serials = tls.serials()
    tls.host.run("systemctl restart valkey-server@cache valkey-server@session 'postgresql@*-main'")
    tls.host.until("systemctl is-active valkey-server@cache", "active", 300)
    assert tls.serials() == serials


def test_the_keys_of_before_are_gone_and_a_second_run_changes_nothing(tls: Any) -> None:
    for folder in ("/etc/valkey/tls", "/etc/postgresql/tls"):
        assert len(tls.host.run(f"ls {folder}").split()) == 2
        assert tls.host.run(f"readlink {folder}/current").strip() in tls.host.run(f"ls {folder}")
    assert rotate(tls, variables={"rotation_force": False}).ok().changed == []
    assert tls.apply().ok().changed == []


@pytest.mark.parametrize("point", ["certificate.half", "certificate.swapped", "certificate.reloaded"])
def test_killed_half_way_it_is_run_again(tls: Any, load: Any, monkeypatch: pytest.MonkeyPatch, point: str) -> None:
    serials, processes = tls.serials(), tls.processes()
    monkeypatch.setenv("MAINSTAY_CRASH", point)
    assert rotate(tls, "valkey_certificate").code != 0
    monkeypatch.delenv("MAINSTAY_CRASH")
    pair = "openssl pkey -in {0}/server.key -pubout | cmp - /dev/fd/3 3<<E\n$(openssl x509 -in {0}/server.pem -noout -pubkey)\nE"
    tls.host.run(["bash", "-c", pair.format("/etc/valkey/tls/current")])
    rotate(tls, "valkey_certificate").ok()
    after = tls.serials()
    assert after["cache"] == after["session"] != serials["cache"] and after["postgres"] == serials["postgres"]
    assert tls.processes() == processes
    told = load()
    assert told["errors"] == [] and told["last"] == told["first"]
    assert len(tls.host.run("ls /etc/valkey/tls").split()) == 2


def test_a_certificate_that_its_authorities_do_not_verify_goes_back_and_a_mismatched_pair_never_comes(tls: Any) -> None:
    serials, processes = tls.serials(), tls.processes()
    make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout /tmp/{0}.key -out /tmp/{0}.pem -days 2 -subj /CN={0}"
    tls.host.run("; ".join(f"{make.format(name)} 2>/dev/null" for name in ("one", "two")))
    one, two, key = (tls.host.run(["cat", f"/tmp/{name}"]) for name in ("one.pem", "two.pem", "one.key"))
    server = {"server": "postgres", "name": "localhost", "addresses": ["127.0.0.1"]}

    def bring(chain: str, authorities: str) -> Any:
        files = {"server.pem": chain, "server.key": key, "authorities.pem": authorities}
        module = {"servers": [server], "certificates": {"postgres": files}}
        return tls.apply([], tasks=[{"name": "Bring it", "mainstay.backend.server_certificate": module}])

    before = tls.host.run("readlink /etc/postgresql/tls/current")
    done = bring(one, two)
    assert done.code and "not to be trusted" in done.message and "of before was put back" in done.message
    done = bring(two, one)
    assert done.code and "that OpenSSL does not take together" in done.message
    assert "PRIVATE" not in done.out
    assert tls.host.run("readlink /etc/postgresql/tls/current") == before
    assert tls.serials() == serials and tls.processes() == processes
    tls.apply(["postgres"]).ok()
    assert len(tls.host.run("ls /etc/postgresql/tls").split()) == 2


def test_no_key_and_no_login_is_told_at_the_highest_verbosity_or_to_the_journal(tls: Any) -> None:
    out = rotate(tls, verbosity=4).out
    keys = [
        line
        for server in ("valkey", "postgres")
        for line in tls.host.run(f"grep -v -e ----- /etc/{FOLDER[server]}/tls/current/server.key").split()
    ]
    journal = tls.host.run("journalctl --no-pager --output=cat")
    assert len(keys) >= 4 and "server_certificate" in out
    for line in keys:
        assert line not in out and line not in journal
    assert "PRIVATE KEY" not in out and "PRIVATE KEY" not in journal
