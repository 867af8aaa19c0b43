# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a rotation needs before its first effect, and which consumers it moves when."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "lib"))

from inventories import describe_case

from ansible_collections.mainstay.backend.plugins.module_utils import _store
from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._rotation import Planned
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_plan import (
    age,
    batch_steps,
    batches,
    check_known,
    hook_files,
    needed_hosts,
    plan_table,
    preconditions,
    rotatable,
    round_of,
    status_table,
    steps,
    to_check,
)
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_states import OPEN, STATES

HOSTS = {
    "db1": {"groups": ["postgres"], "address": "10.0.0.5"},
    "kv1": {"groups": ["valkey"], "address": "10.0.0.6"},
    "app1": {"groups": ["app"]},
    "app2": {"groups": ["app"]},
    "app3": {"groups": ["app"]},
}
GROUPS = {"postgres": ["db1"], "valkey": ["kv1"], "app": ["app1", "app2", "app3"]}
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def described(**change: Any) -> Any:
    consumers = {
        "shop": {"hosts": ["app1", "app2"], "unit": "shop.service", "credentials": ["shop_db", "shop_cache"]},
        "jobs": {"hosts": ["app3"], "credentials": ["shop_session"], **change},
    }
    return describe_case({"hosts": HOSTS, "change": {"backend_consumers": consumers}, "current": "app1"})[0]


def test_a_rotation_needs_every_server_and_every_consumer_of_what_rotates() -> None:
    found = needed_hosts(described(), GROUPS, ["shop_db"])
    assert found == {"db1": "serves shop_db", "app1": "runs shop", "app2": "runs shop"}
    assert set(needed_hosts(described(), GROUPS, ["shop_session"])) == {"kv1", "app3"}


def test_a_play_that_leaves_out_a_needed_host_is_refused_by_name() -> None:
    (problem,) = preconditions(described(), GROUPS, ["shop_db"], ["db1", "app1"])
    assert "leaves out app2 (runs shop)" in str(problem)
    assert "without --limit" in str(problem)
    assert preconditions(described(), GROUPS, ["shop_db"], ["db1", "app1", "app2"]) == []


def test_a_consumer_that_nobody_can_reload_is_refused() -> None:
    play = list(HOSTS)
    (problem,) = preconditions(described(), GROUPS, ["shop_session"], play)
    expected = (
        "backend_consumers.jobs: found no unit, container or reload, and it uses shop_session; expected one of them"
    )
    assert str(problem).startswith(expected)
    assert preconditions(described(), GROUPS, ["shop_cable"], play) == []
    assert preconditions(described(reload="none"), GROUPS, ["shop_session"], play) == []


@pytest.mark.parametrize(
    ("serial", "expected"),
    [
        (1, [["app1"], ["app2"], ["app3"]]),
        ("2", [["app1", "app2"], ["app3"]]),
        ("50%", [["app1"], ["app2"], ["app3"]]),
        ("100%", [["app1", "app2", "app3"]]),
        ([1, "100%"], [["app1"], ["app2", "app3"]]),
        (10, [["app1", "app2", "app3"]]),
    ],
)
def test_batches_are_counted_as_ansible_counts_serial(serial: object, expected: list[list[str]]) -> None:
    names = ["shop_db", "shop_session"]
    assert batches(described(), names, ["db1", "app1", "app2", "app3"], serial) == expected
    assert batches(described(), ["shop_cable"], ["app1"], serial) == []


@pytest.mark.parametrize("serial", [0, -1, "0%", "many", None, True, [0], {}])
def test_a_wrong_serial_is_refused(serial: object) -> None:
    with pytest.raises(MainstayError, match="rotation_serial: found "):
        batches(described(), ["shop_db"], ["app1"], serial)


def test_hooks_are_refused_before_anything_happens() -> None:
    there = {"/play/drain.yml", "/else/b.yml"}.__contains__
    assert hook_files({"before_RELOADED": "drain.yml", "after_DONE": ["/else/b.yml"]}, "/play", there) == {
        "before_RELOADED": ["/play/drain.yml"],
        "after_DONE": ["/else/b.yml"],
    }
    for hooks, why in (
        ({"before_RELOAD": "drain.yml"}, "rotation_hooks: found 'before_RELOAD'; expected some of before_GENERATED"),
        ({"after_DONE": "none.yml"}, "rotation_hooks.after_DONE: found no file /play/none.yml"),
        (["drain.yml"], "rotation_hooks: found a list of 1; expected a mapping"),
    ):
        with pytest.raises(MainstayError, match=why):
            hook_files(hooks, "/play", there)


def told(items: list[dict[str, str]]) -> list[str]:
    return [f"{item['state']} {item.get('verb', item['file'])}" for item in items]


def test_the_steps_come_in_the_order_of_the_states() -> None:
    found = told(steps({}, early=False))
    assert found == [
        "GENERATED record.yml",
        *("STAGED stage", "STAGED record.yml", "TESTED works", "TESTED record.yml"),
        *("RELOADED move.yml", "RELOADED record.yml", "CONSUMERS_OK sessions", "CONSUMERS_OK record.yml"),
        *("RETIRED retire", "RETIRED record.yml", "REFUSED refused", "REFUSED record.yml", "DONE record.yml"),
    ]
    early = told(steps({}, early=True))
    assert [item for item in early if item not in found] == ["STAGED move.yml", "RETIRED move.yml"]
    assert early.index("STAGED move.yml") < early.index("STAGED record.yml")


def test_hooks_surround_their_state_and_those_of_the_consumers_each_batch() -> None:
    hooks = {f"{when}_{state}": [f"/{when}"] for when in ("before", "after") for state in STATES[1:]}
    whole = told(steps(hooks, early=False))
    assert [item for item in whole if item.startswith("STAGED")] == [
        *("STAGED /before", "STAGED stage", "STAGED record.yml", "STAGED /after"),
    ]
    assert not [item for item in whole if item in ("RELOADED /before", "PUBLISHED /before")]
    assert told(batch_steps(hooks)) == [
        *("PUBLISHED /before", "PUBLISHED publish.yml", "PUBLISHED /after"),
        *("RELOADED /before", "RELOADED reload.yml", "RELOADED /after"),
    ]


def record(name: str, kind: str, state: str) -> _store.Record:
    version = _store.new_version("a", "2026-11-22T12:00:00Z", os.urandom)
    return _store.Record(name, kind, version, journal=({"state": state, "at": "2026-11-22T12:00:00Z", "id": "x"},))


@pytest.mark.parametrize(
    ("kind", "rounds"),
    [
        ("postgres_role", {"TESTED": ["TESTED", "PUBLISHED"]}),
        (
            "signing_key",
            {"GENERATED": ["GENERATED"], "TESTED": ["TESTED", "PUBLISHED"], "CONSUMERS_OK": ["CONSUMERS_OK"]},
        ),
    ],
)
def test_consumers_move_when_there_is_something_new_for_them(kind: str, rounds: dict[str, list[str]]) -> None:
    """The state that was just reached -> those states of a credential in which its consumers have to be moved now."""
    credential = replace(described().credentials["shop_db"], kind=kind)
    for reached in STATES[1:]:
        found = []
        for state in OPEN:
            contents = _store.Contents("production", {"x": record("x", kind, state)})
            found += [state] if round_of(contents, {"x": credential}, ["x"], reached) else []
        assert found == rounds.get(reached, [])


def test_ages_for_people() -> None:
    told = [age(timedelta(**item)) for item in ({"days": 400}, {"hours": 47}, {"hours": 48}, {"minutes": 5}, {})]
    assert told == ["400d", "47h", "2d", "5min", "0min"]


def test_tables_name_credential_policy_state_and_consumers() -> None:
    planned = [
        Planned("shop_db", "DONE", True, "older than max_age 90d", timedelta(days=91)),
        Planned("shop_cache", "STAGED", False, "goes on after STAGED", timedelta(days=2)),
        Planned("shop_cable", "", False, "no max_age", timedelta(days=2)),
    ]
    lines = plan_table(described(), planned)
    assert [line.split()[:4] for line in lines[3:]] == [
        ["shop_db", "postgres_role", "91d", "rotates"],
        ["shop_cache", "valkey_user", "2d", "goes"],
        ["shop_cable", "valkey_user", "2d", "stays"],
    ]
    assert lines[3].endswith("shop")
    assert lines[5].endswith("-")
    states = [line.split()[4] for line in status_table(described(), planned, {"shop_db": "b"})[3:]]
    assert states == ["due", "STAGED", "in"]


def test_the_status_says_until_when_a_rotation_rests() -> None:
    until = NOW + timedelta(hours=3)
    rests = Planned("shop_db", "RELOADED", False, "waits", timedelta(days=1), until)
    (line,) = status_table(described(), [rests], {"shop_db": "b"})[3:4]
    assert f"RELOADED, until {until:%Y-%m-%dT%H:%M:%SZ}" in line


def test_the_administrator_of_valkey_rotates_like_every_other_secret() -> None:
    case = {
        "hosts": HOSTS,
        "change": {"backend_credentials": {"mainstay_admin": {"max_age": "30d"}}},
        "current": "app1",
    }
    description = describe_case(case)[0]
    assert "mainstay_admin" not in description.credentials
    assert (rotatable(description)["mainstay_admin"].kind, description.admin.max_age) == ("valkey_admin", "30d")
    assert needed_hosts(description, GROUPS, ["mainstay_admin"]) == {"kv1": "serves mainstay_admin"}
    assert batches(description, ["mainstay_admin"], list(HOSTS), 1) == []


def test_a_store_that_knows_nothing_is_refused() -> None:
    with pytest.raises(MainstayError, match=r"secret store of production: found none of shop_db, .* backend_store_dir"):
        check_known(described(), _store.Contents("production"))
    check_known(described(), _store.Contents("production", {"shop_db": record("shop_db", "postgres_role", "DONE")}))


def test_a_consumer_that_was_being_moved_need_not_be_well_before_it_is_moved_again() -> None:
    records = {
        state: record("x", "postgres_role", state) for state in ("STAGED", "TESTED", "PUBLISHED", "RELOADED", "DONE")
    }
    assert to_check(records) == ["STAGED", "RELOADED", "DONE"]
