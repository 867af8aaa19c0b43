# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The programs on the consumers' hosts work as hard as they should, and notice what a rotation must not do to them."""

from __future__ import annotations

import time

import pytest
from truth import Truth, login_of
from watch import APPS, DATA, STREAMS, on, span, wait_for_refusals, wait_for_work
from yardstick import wall_time


def test_each_program_makes_200_operations_a_second_on_every_server() -> None:
    with wall_time() as took, span(settle=0.6) as found:
        time.sleep(5)
    print(found.told())
    assert {name: found.rates[name] for name in STREAMS if found.rates[name] * took.slowness < 200} == {}, took.told()
    assert not found.failures and not found.down, found.said
    assert found.connects * took.slowness >= 2 * len(STREAMS) * found.seconds, (found.told(), took.told())


@pytest.mark.parametrize("name", ["cache", "session", "cable"])
def test_a_user_that_is_retired_too_early_is_noticed(truth: Truth, name: str) -> None:
    user = login_of(truth.store(), f"shop_{name}")
    with span() as found:
        truth.valkey((name, ("ACL", "SETUSER", user, "off")))
        wait_for_refusals(name)
        truth.valkey((name, ("ACL", "SETUSER", user, "on")))
        wait_for_work()
    assert found.failures[f"{name}: credential"] >= len(APPS), found.told()
    assert {kind for kind in found.failures if not kind.startswith(name)} == set(), found.said


def test_a_role_that_is_retired_too_early_is_noticed(truth: Truth) -> None:
    user = login_of(truth.store(), "shop_db")
    with span() as found:
        truth.psql(f"ALTER ROLE {user} NOLOGIN")
        wait_for_refusals("database")
        truth.psql(f"ALTER ROLE {user} LOGIN")
        wait_for_work()
    assert found.failures["database: credential"] >= len(APPS), found.told()


def test_sessions_that_are_ended_under_a_program_are_noticed(truth: Truth) -> None:
    with span() as found:
        user = login_of(truth.store(), "shop_db")
        truth.psql(f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = '{user}'")
        truth.valkey(("cable", ("CLIENT", "KILL", "USER", login_of(truth.store(), "shop_cable"))))
        wait_for_work()
    assert found.failures["database: cut"] and found.failures["cable: cut"], found.told()


def test_a_server_that_restarts_is_told_apart_from_a_refusal() -> None:
    with span() as found:
        on(DATA, "systemctl", "restart", "valkey-server@cable", "valkey-server@session", "postgresql@17-main")
        wait_for_work()
    assert not found.failures, found.said
    assert found.down >= len(APPS), found.told()


def test_nothing_fails_for_a_reload_or_a_restart_of_a_program() -> None:
    with span() as found:
        on(APPS[0], "systemctl", "reload", "shop")
        on(APPS[1], "systemctl", "restart", "shop")
        wait_for_work()
    assert not found.failures and not found.down, found.said
    assert len(found.gaps) == 1, found.told()
