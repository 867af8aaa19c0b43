# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Roles secrets and environment, each alone, on a host of its own: files, modes, loaders, errors, and nothing shown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dotenv import dotenv_values
from leak_hunt import leaks

ROLES = ("secrets", "environment")
CREDENTIALS = ("tst_cable", "tst_cache", "tst_db", "tst_session")
CLEAR = "rm -rf /etc/tst /run/secrets /var/lib/mainstay"


@pytest.fixture
def variables(host: Any, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """An application tst with a store of its own, none of whose files is there."""
    host.run(CLEAR)
    consumer = {
        "owner": "www-data",
        "group": "www-data",
        "sidekiq_concurrency": 10,
        "variables": {"GREETING": "h\u00e9llo $w & more #1", "EMPTY": ""},
    }
    yield {"backend_app": "tst", "backend_store_dir": str(tmp_path / "store"), "backend_consumers": {"tst": consumer}}
    host.run(CLEAR)


def passwords(host: Any) -> list[str]:
    return [host.run(f"cat /run/secrets/tst/{name}") for name in CREDENTIALS]


def test_check_then_real_then_check_then_real(host: Any, variables: dict[str, Any], tmp_path: Path) -> None:
    told = host.play(ROLES, variables=variables, check=True).ok()
    assert len(told.changed) == 2
    assert host.run("ls -d /etc/tst /run/secrets /var/lib/mainstay 2>/dev/null; true") == ""
    assert not (tmp_path / "store").exists()
    assert host.play(ROLES, variables=variables).ok().changed == told.changed
    for check in (True, False):
        assert host.play(ROLES, variables=variables, check=check).ok().changed == []
    found = host.run("find /etc/tst /run/secrets -printf '%p %m %u:%g\n' | sort").split("\n")[:-1]
    assert found == [
        "/etc/tst 755 root:root",
        "/etc/tst/.env 600 www-data:www-data",
        "/run/secrets 711 root:root",
        "/run/secrets/tst 700 www-data:www-data",
        *(f"/run/secrets/tst/{name} 600 www-data:www-data" for name in CREDENTIALS),
    ]


@pytest.mark.parametrize("pipelining", ["true", "false"])
def test_no_secret_is_shown_or_logged(
    host: Any, variables: dict[str, Any], monkeypatch: pytest.MonkeyPatch, pipelining: str
) -> None:
    monkeypatch.setenv("ANSIBLE_PIPELINING", pipelining)
    first = host.play(ROLES, variables=variables, verbosity=4).ok()
    known = passwords(host)
    assert len({*known}) == 4 and all(len(item) == 64 for item in known)
    again = host.play(ROLES, variables={**variables, "backend_consumers": {"tst": {"threads": 7}}}, verbosity=4).ok()
    assert "RAILS_MAX_THREADS=7" in again.out  # so the diff is there
    assert leaks(host, first.out + again.out, known) == []


def test_bash_systemd_and_python_read_the_same(host: Any, variables: dict[str, Any], tmp_path: Path) -> None:
    host.play(["environment"], variables=variables).ok()
    (tmp_path / ".env").write_text(host.run("cat /etc/tst/.env"), encoding="utf-8")
    expected = dotenv_values(tmp_path / ".env")
    assert expected["GREETING"] == "h\u00e9llo $w & more #1"
    assert {
        "DATABASE_URL",
        "REDIS_CACHE_URL",
        "REDIS_SESSION_URL",
        "REDIS_CABLE_URL",
        "REDIS_CACHE_POOL",
        "EMPTY",
    } <= set(expected)
    bash = host.run(["bash", "-c", "set -a; . /etc/tst/.env; exec env -0"])
    systemd = host.run("systemd-run --quiet --wait --pipe --collect -p EnvironmentFile=/etc/tst/.env env -0")
    for text in (bash, systemd):
        read = dict(item.split("=", 1) for item in text.split("\0") if item)
        differing = [key for key, value in expected.items() if read.get(key) != value]
        assert differing == []


def test_the_values_are_derived(host: Any, variables: dict[str, Any], tmp_path: Path) -> None:
    host.play(ROLES, variables=variables).ok()
    text = host.run("cat /etc/tst/.env")
    password = host.run("cat /run/secrets/tst/tst_session")
    assert (f"REDIS_SESSION_URL=redis://tst_session_a:{password}@127.0.0.1:6380/0" in text) is True
    for line in ("RAILS_MAX_THREADS=5", "SIDEKIQ_CONCURRENCY=10", "DATABASE_POOL=10", "REDIS_CABLE_POOL=15"):
        assert (line in text.splitlines()) is True, line


def test_a_credential_that_is_taken_away_loses_its_file(host: Any, variables: dict[str, Any]) -> None:
    host.play(["secrets"], variables=variables).ok()
    variables["backend_consumers"]["tst"]["credentials"] = ["tst_db", "tst_cache"]
    host.play(["secrets"], variables=variables).ok()
    assert host.run("ls /run/secrets/tst").split() == ["tst_cache", "tst_db"]


@pytest.mark.parametrize("role", ROLES)
def test_an_unknown_owner_is_named_and_nothing_changes(host: Any, variables: dict[str, Any], role: str) -> None:
    variables["backend_consumers"]["tst"]["owner"] = "nobody-here"
    run = host.play([role], variables=variables)
    assert (
        run.message
        == "backend_consumers.tst.owner: found 'nobody-here', which this host does not know; expected an existing user"
    )
    assert host.run("ls -d /etc/tst 2>/dev/null; true") == ""


def test_an_empty_vault_password_file_or_a_wrong_one_changes_nothing(host: Any, variables: dict[str, Any]) -> None:
    host.play(["secrets"], variables=variables).ok()
    before = host.run("cat /run/secrets/tst/tst_db")
    file: Path = host.work / "vault-password"
    right = file.read_text()
    try:
        file.write_text("another\n")
        run = host.play(ROLES, variables=variables)
    finally:
        file.write_text(right)
    assert "found that no given vault password (ids: default) opens it" in run.message
    assert (host.run("cat /run/secrets/tst/tst_db") == before) is True


def test_a_value_no_loader_agrees_on_is_refused_by_name(host: Any, variables: dict[str, Any]) -> None:
    variables["backend_consumers"]["tst"]["variables"] = {"MOTTO": "it's hunter2"}
    run = host.play(["environment"], variables=variables)
    assert "MOTTO" in run.message
    assert "hunter2" not in run.message
    assert host.run("ls -d /etc/tst 2>/dev/null; true") == ""


def test_the_lookup_gives_every_part(host: Any, variables: dict[str, Any]) -> None:
    host.play(ROLES, variables=variables).ok()
    parts = ("password", "user", "url", "sha256", "scram")
    told = {part: f"{{{{ lookup('mainstay.backend.secret', 'tst_cache', part='{part}') }}}}" for part in parts}
    files = [
        {"dest": f"/etc/tst/part-{part}", "content": text, "secret": True, "mode": "0600"}
        for part, text in told.items()
    ]
    host.play(
        tasks=[{"name": "act", "mainstay.backend.templates": {"templates": files}, "no_log": True}], variables=variables
    ).ok()
    found = {part: host.run(f"cat /etc/tst/part-{part}") for part in parts}
    assert (found["password"] == host.run("cat /run/secrets/tst/tst_cache")) is True
    assert found["user"] == "tst_cache_a"
    assert (found["url"] == f"redis://tst_cache_a:{found['password']}@127.0.0.1:6379/0") is True
    assert (found["sha256"] == host.run('printf %s "$(cat /run/secrets/tst/tst_cache)" | sha256sum').split()[0]) is True
    assert found["scram"].startswith("SCRAM-SHA-256$4096:")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            "'nix'",
            "credential: found nix; expected one of backend_credentials: tst_db, tst_cache, tst_session, tst_cable",
        ),
        ("'tst_db'", "secret store: found no secret for tst_db"),
        ("'tst_db', part='all'", "all"),
    ],
)
def test_the_lookup_says_what_is_wrong(host: Any, variables: dict[str, Any], call: str, message: str) -> None:
    told = {"name": "act", "ansible.builtin.debug": {"msg": f"{{{{ lookup('mainstay.backend.secret', {call}) }}}}"}}
    run = host.play(tasks=[told], variables=variables)
    assert run.code != 0
    assert message in run.message
