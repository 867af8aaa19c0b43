# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rotation's transitions: what a run plans, that it only goes forward, and that nothing it does at any moment locks anybody out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ansible_collections.mainstay.backend.plugins.module_utils import _rotation, _store
from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._credentials import Credential
from ansible_collections.mainstay.backend.plugins.module_utils._rotation import Planned, advance, begin, plan
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_states import OPEN, STATES
from ansible_collections.mainstay.backend.plugins.module_utils._store import Contents, Record

START = datetime(2026, 11, 22, 12, tzinfo=UTC)
MAKE = _store.random_versions(os.urandom)
DB = Credential("shop_db", "postgres_role", "shop", "90d")
CACHE = Credential("shop_cache", "valkey_user", "cache")
JWT = Credential("jwt", "signing_key", max_age="30d", options={"token_lifetime": "2h"})
ALL = {item.name: item for item in (DB, CACHE, JWT)}


def at(hours: float = 0) -> str:
    return _rotation.told(START + timedelta(hours=hours))


def made(*wanted: Credential) -> Contents:
    return _store.create(Contents("production"), wanted or ALL.values(), at(), MAKE)


def after(state: str, name: str = "shop_db", contents: Contents | None = None) -> Contents:
    """Credential NAME in STATE, all at the same hour."""
    contents = begin(contents or made(), {name: (ALL[name], "due")}, at(), MAKE)
    for wanted in STATES[2 : STATES.index(state) + 1]:
        contents = advance(contents, [name], wanted, at())
    return contents


@pytest.mark.parametrize(
    ("days", "options", "due", "reason"),
    [
        (89.99, {}, [], ["younger than max_age 90d", "no max_age", "older than max_age 30d"]),
        (90, {}, ["shop_db"], ["older than max_age 90d", "no max_age", "older than max_age 30d"]),
        (0, {"force": True}, ["shop_db", "shop_cache", "jwt"], ["rotation_force"] * 3),
        (0, {"only": ["shop_cache"]}, [], ["no max_age"]),
        (90, {"only": ["shop_cache"]}, [], ["no max_age"]),
        (0, {"only": ["shop_cache"], "force": True}, ["shop_cache"], ["rotation_force"]),
    ],
)
def test_what_is_due_and_why(days: float, options: dict[str, object], due: list[str], reason: list[str]) -> None:
    found = plan(ALL, made(), START + timedelta(days=days), **options)  # type: ignore[arg-type]
    assert [item.reason for item in found] == reason
    assert [item.name for item in found if item.due and item.name != "jwt"] == [name for name in due if name != "jwt"]
    assert all(item.age == timedelta(days=days) for item in found)


def test_only_names_what_is_declared() -> None:
    with pytest.raises(
        MainstayError, match="rotation_only: found shop_dv; expected some of backend_credentials: shop_db"
    ):
        plan(ALL, made(), START, only=["shop_dv"])


def test_what_the_store_does_not_know_yet_is_not_rotated() -> None:
    assert plan(ALL, made(DB), START + timedelta(days=400)) == [
        Planned("shop_db", "", True, "older than max_age 90d", timedelta(days=400))
    ]


@pytest.mark.parametrize("state", OPEN)
def test_what_has_begun_goes_on_and_makes_no_third_secret(state: str) -> None:
    contents = after(state)
    assert begin(contents, {"shop_db": (DB, "rotation_force")}, at(1), MAKE) == contents
    (found,) = plan(ALL, contents, START, only=["shop_db"], force=True)
    assert (found.state, found.due, found.rotates, found.reason) == (state, False, True, f"goes on after {state}")


@pytest.mark.parametrize("state", OPEN)
def test_no_state_is_left_out_and_none_taken_back(state: str) -> None:
    contents = after(state)
    index = STATES.index(state)
    for wanted in STATES[2 : index + 1]:
        assert advance(contents, ["shop_db"], wanted, at(1)) == contents
    for wanted in STATES[index + 2 :]:
        expected = STATES[STATES.index(wanted) - 1]
        with pytest.raises(MainstayError, match=f"found state {state}; expected {expected} before {wanted}"):
            advance(contents, ["shop_db"], wanted, at(1))


def test_versions_change_places_when_the_new_one_is_tested_and_the_old_one_goes_at_the_end() -> None:
    staged, tested, done = (after(state).records["shop_db"] for state in ("STAGED", "TESTED", "DONE"))
    assert (staged.current.slot, staged.pending and staged.pending.slot, staged.previous) == ("a", "b", None)
    assert (tested.current.slot, tested.pending, tested.previous and tested.previous.slot) == ("b", None, "a")
    assert done.versions() == (done.current,) and done.current.slot == "b"
    assert len(done.journal) == 1
    assert {key: done.journal[0][key] for key in ("state", "began", "reason")} == {
        "state": "DONE",
        "began": at(),
        "reason": "due",
    }


def test_what_does_not_rotate_is_left_alone() -> None:
    contents = after("STAGED")
    for state in STATES[2:]:
        assert advance(contents, ["shop_cache"], state, at(1)) == contents
    assert list(_rotation.rotating(contents, ALL)) == ["shop_db"]


def test_a_signing_key_rests_until_what_the_previous_one_signed_is_over() -> None:
    contents = after("RELOADED", "jwt")
    record = contents.records["jwt"]
    assert _rotation.waiting(record, START) == START + timedelta(hours=2)
    assert set(_store.issued(record, "").slots) == {"a", "b"}
    (early,) = plan(ALL, contents, START + timedelta(minutes=119), only=["jwt"], force=True)
    assert (early.due, early.rotates, early.waits_until) == (False, False, START + timedelta(hours=2))
    assert early.reason == f"waits until {at(2)}: what the previous key signed is valid until then"
    assert advance(contents, ["jwt"], "CONSUMERS_OK", at(1.9)) == contents
    assert list(_rotation.rotating(contents, ["jwt"], START)) == []
    assert begin(contents, {"jwt": (JWT, "rotation_force")}, at(1), MAKE) == contents
    (late,) = plan(ALL, contents, START + timedelta(hours=2), only=["jwt"])
    assert (late.rotates, late.waits_until, late.reason) == (True, None, "goes on after RELOADED")
    retired = advance(contents, ["jwt"], "CONSUMERS_OK", at(2)).records["jwt"]
    assert set(_store.issued(retired, "").slots) == {"b"}


def test_time_that_ends_within_a_run_is_left_to_a_later_one() -> None:
    """Others are past CONSUMERS_OK by then: the key must neither stop them nor skip a state."""
    contents = after("RELOADED", "jwt", after("CONSUMERS_OK"))
    for state in ("RETIRED", "REFUSED", "DONE"):
        contents = advance(contents, ["jwt", "shop_db"], state, at(3))
    assert [contents.records[name].state for name in ("jwt", "shop_db")] == ["RELOADED", "DONE"]
    assert advance(contents, ["jwt"], "CONSUMERS_OK", at(3)).records["jwt"].state == "CONSUMERS_OK"


def test_the_time_begins_when_everybody_signs_with_the_new_key_and_survives_the_store() -> None:
    contents = after("PUBLISHED", "jwt")
    contents = advance(contents, ["jwt"], "RELOADED", at(5))
    contents = _store.parse(_store.dump(contents), "production", "store")
    assert _rotation.waiting(contents.records["jwt"], START) == START + timedelta(hours=7)


def test_waiting_is_ended_by_hand() -> None:
    contents = after("RELOADED", "jwt", after("PUBLISHED"))
    ended = _rotation.retire_now(contents, ["jwt", "shop_db", "unknown"], at(1))
    assert ended.records["shop_db"] == contents.records["shop_db"]
    assert _rotation.waiting(ended.records["jwt"], START + timedelta(hours=1)) is None
    assert advance(ended, ["jwt"], "CONSUMERS_OK", at(1)).records["jwt"].state == "CONSUMERS_OK"
    assert ended.records["jwt"].journal[-1]["waiting"] == "ended by hand"


def test_who_waits_does_not_hold_up_the_others() -> None:
    contents = after("RELOADED", "jwt", after("RELOADED"))
    for state in STATES[6:]:
        contents = advance(contents, ["jwt", "shop_db"], state, at(1))
    assert [contents.records[name].state for name in ("jwt", "shop_db")] == ["RELOADED", "DONE"]


@pytest.mark.parametrize(
    ("text", "hours"), [("90d", 2160), ("2w", 336), ("24h", 24), ("15m", 0.25), ("", None), ("5", None), ("1d2h", None)]
)
def test_ages(text: str, hours: float | None) -> None:
    assert _rotation.parse_age(text) == (None if hours is None else timedelta(hours=hours))


class Rotation(RuleBasedStateMachine):
    """A rotation that is killed at any moment and run again, with a server and three consumers that do only what they are told."""

    @initialize(credential=st.sampled_from([DB, JWT]))
    def deploy(self, credential: Credential) -> None:
        self.credential, self.now, self.secrets = credential, START, 0
        self.contents = _store.create(Contents("test"), [credential], at(), self._make)
        self.servers = {self.record.current.id}
        self.consumers = [self.record.current.id] * 3
        self.verifying: list[set[str]] = [{self.record.current.id} for _unused in range(3)]
        self.run: Iterator[None] | None = None
        self.begun, self.last, self.slots = 0, "", [self.record.current.slot]
        self.signed: dict[str, datetime] = {}

    @property
    def record(self) -> Record:
        return self.contents.records[self.credential.name]

    @property
    def valid(self) -> set[str]:
        return set(_store.issued(self.record, "").ids.values())

    def _make(self, contents: Contents, credential: Credential, slot: str, now: str) -> _store.Version:
        self.secrets += 1
        return replace(MAKE(contents, credential, slot, now), id=f"v{self.secrets}")

    def _publish(self) -> Iterator[None]:
        for number in range(3):
            self.consumers[number], self.verifying[number] = self.record.current.id, self.valid
            yield

    def _effect(self, state: str) -> Iterator[None]:
        """What is done before the journal says STATE; each yield is a moment to be killed at."""
        keys = self.credential is JWT
        if state == "STAGED":
            self.servers |= self.valid
            yield
        if state == "RELOADED" or (keys and state in ("STAGED", "RETIRED")):
            yield from self._publish()
        if state == "RETIRED":
            self.servers = self.valid
            yield

    def _rotate(self, force: bool) -> Iterator[None]:
        name = self.credential.name
        (planned,) = plan({name: self.credential}, self.contents, self.now, force=force)
        if planned.due:
            self.begun += 1
            self.contents = begin(
                self.contents, {name: (self.credential, planned.reason)}, _rotation.told(self.now), self._make
            )
            yield
        while self.record.state in OPEN and not _rotation.waiting(self.record, self.now):
            state = STATES[STATES.index(self.record.state) + 1]
            yield from self._effect(state)
            self.contents = advance(self.contents, [name], state, _rotation.told(self.now))
            yield

    @precondition(lambda self: self.run is None)
    @rule(force=st.booleans())
    def start(self, force: bool) -> None:
        self.run = self._rotate(force)

    @precondition(lambda self: self.run is not None)
    @rule(count=st.integers(1, 12))
    def go_on(self, count: int) -> None:
        for _unused in range(count):
            if self.run and next(self.run, "end") == "end":
                self.run = None

    @precondition(lambda self: self.run is not None)
    @rule()
    def kill(self) -> None:
        self.run = None

    @rule(hours=st.sampled_from([1, 24, 24 * 91]))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @precondition(lambda self: self.record.state in OPEN)
    @rule()
    def another_begins_it_or_takes_it_on_too_early(self) -> None:
        name, now = self.credential.name, _rotation.told(self.now)
        before = self.contents
        assert begin(before, {name: (self.credential, "twice")}, now, self._make) == before
        if _rotation.waiting(self.record, self.now):
            assert advance(before, [name], "CONSUMERS_OK", now) == before

    @rule()
    def store_again(self) -> None:
        self.contents = _store.parse(_store.dump(self.contents), "test", "store")

    @invariant()
    def never_a_third_secret(self) -> None:
        assert len(self.record.versions()) <= 2
        assert self.secrets == 1 + self.begun
        assert len(self.servers) <= 2

    @invariant()
    def what_consumers_have_works(self) -> None:
        assert self.record.current.id in self.valid
        assert set(self.consumers) <= self.servers
        assert set(self.consumers) <= self.valid

    @invariant()
    def every_consumer_accepts_what_any_other_signs(self) -> None:
        if self.credential is JWT:
            self.signed.update(dict.fromkeys(self.consumers, self.now))
            valid = {kid for kid, when in self.signed.items() if self.now - when < timedelta(hours=2)}
            assert all(valid <= known for known in self.verifying)

    @invariant()
    def forward_only_and_slots_alternate(self) -> None:
        if self.record.state != self.last:
            assert self.last == "DONE" or STATES.index(self.record.state) > STATES.index(self.last or "PLANNED")
            self.last = self.record.state
        if self.record.current.slot != self.slots[-1]:
            self.slots.append(self.record.current.slot)
        assert len(self.slots) in (self.begun, self.begun + 1)

    def teardown(self) -> None:
        if not hasattr(self, "contents"):
            return
        for _unused in range(5):
            list(self._rotate(self.begun == 0))
            self.now += timedelta(hours=2)
        assert self.record.state == "DONE"
        assert self.servers == self.valid == {self.record.current.id} == set(self.consumers)
        again = plan({self.credential.name: self.credential}, self.contents, self.now)
        assert [item.rotates for item in again] == [False]


def test_killed_at_any_moment_and_run_again_it_locks_nobody_out() -> None:
    run_state_machine_as_test(Rotation, settings=settings(max_examples=60, stateful_step_count=30, deadline=None))
