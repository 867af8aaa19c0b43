# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""First run, second run and check mode of the role valkey, and what stands then."""

from __future__ import annotations

from typing import Any

import pytest

TASK = "Run the instances"


def test_check_mode_on_a_fresh_host_changes_nothing_and_tells_what_would(valkey: Any) -> None:
    assert valkey.first["fresh"], "this needs a host without Valkey: take the kept one away (scripts/host down)"
    told = valkey.first["check fresh"].result(TASK)
    assert told["changed"] and "cache: created and started" in told["actions"]
    assert valkey.first["left by check"] == ""
    assert valkey.first["store unchanged by check"]
    headers = [entry["after_header"] for entry in told["diff"]]
    assert "/etc/valkey/valkey-session.conf" in headers


def test_the_first_run_creates_and_starts(valkey: Any) -> None:
    assert valkey.first["fresh"], "this needs a host without Valkey: take the kept one away (scripts/host down)"
    told = valkey.first["real fresh"].result(TASK)
    assert {"cache: created and started", "session: created and started", "cable: created and started"} <= set(
        told["actions"]
    )
    assert told["instances"] == {"cache": "running", "session": "running", "cable": "running"}


@pytest.mark.parametrize("which", ["check again", "real again"])
def test_a_second_run_changes_nothing(valkey: Any, which: str) -> None:
    assert valkey.first[which].changed == []


def test_a_container_keeps_its_kernel_settings_and_hears_so(valkey: Any) -> None:
    notes = valkey.first["real again"].result(TASK)["notes"]
    assert any("vm.overcommit_memory was left alone" in note for note in notes)


def test_nothing_listens_beyond_the_declared_addresses(valkey: Any) -> None:
    rows = [row.split() for row in valkey.host.run("ss -Hltnp").splitlines()]
    assert sorted(row[3] for row in rows if "valkey-server" in row[-1]) == [
        "127.0.0.1:6379",
        "127.0.0.1:6380",
        "127.0.0.1:6381",
    ]


def test_sockets_files_and_data_are_for_valkey_and_root_only(valkey: Any) -> None:
    stat = valkey.host.run(
        "cd / && stat -c '%a %U /%n' run/valkey-session run/valkey-session/valkey.sock"
        " etc/valkey/valkey-session.conf etc/valkey/users-session.acl var/lib/valkey/session"
    ).splitlines()
    assert stat == [
        "700 valkey /run/valkey-session",
        "700 valkey /run/valkey-session/valkey.sock",
        "640 root /etc/valkey/valkey-session.conf",
        "640 root /etc/valkey/users-session.acl",
        "700 valkey /var/lib/valkey/session",
    ]


def test_the_unit_is_harder_than_debians_own(valkey: Any) -> None:
    told = valkey.host.run("systemd-analyze security --no-pager valkey-server@session | tail -n 1")
    assert float(told.split(":")[1].split()[0]) <= 1.0, told


def test_debians_own_instance_does_not_come_up_at_boot(valkey: Any) -> None:
    assert valkey.host.run("systemctl is-enabled valkey-server.service", check=False).strip() == "disabled"
    enabled = valkey.host.run("systemctl is-enabled valkey-server@cache valkey-watchdog@cache.timer").split()
    assert enabled == ["enabled", "enabled"]


def test_the_host_holds_no_password(valkey: Any) -> None:
    for password in valkey.secrets().values():
        hits = valkey.host.run(
            [
                "grep",
                "-rlF",
                "--exclude-dir=proc",
                "--exclude-dir=sys",
                password,
                "/etc",
                "/var",
                "/run",
                "/tmp",
                "/root",
                "/usr/local",
            ],
            check=False,
        )
        assert hits == ""


def test_nothing_secret_is_shown_at_any_verbosity(back: Any) -> None:
    run = back.apply({"session": {"maxmemory": "100mb", "databases": 2}}, verbosity=4).ok()
    journal = back.host.run("journalctl --no-pager")
    for user, password in back.secrets().items():
        assert password not in run.out, f"{user}'s password is in the output"
        assert password not in journal, f"{user}'s password is in the journal"
