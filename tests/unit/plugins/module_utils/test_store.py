# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The store's contents and their transitions, without any file."""

from __future__ import annotations

import itertools
import json
import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.mainstay.backend.plugins.module_utils import _store
from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._credentials import Credential
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_states import RETIRING, STATES
from ansible_collections.mainstay.backend.plugins.module_utils._store import (
    Contents,
    Record,
    create,
    dump,
    issued,
    missing,
    new_version,
    parse,
)

DB, CACHE = Credential("shop_db", "postgres_role", "shop"), Credential("shop_cache", "valkey_user", "cache")
NOW = "2026-11-22T12:00:00Z"


def made(*wanted: Credential) -> Contents:
    return create(Contents("production"), wanted, NOW, _store.random_versions(os.urandom))


def text(**changes: Any) -> str:
    """A store's text with changes to its one credential (or, in capitals, to its head)."""
    data = json.loads(dump(made(DB)))
    for key, value in changes.items():
        if key.isupper():
            data[key.lower()] = value
        else:
            where, _unused, part = key.partition("__")
            target = data["credentials"]["shop_db"]
            (target[where] if part else target)[part or where] = value
    return json.dumps(data)


def test_what_is_dumped_is_parsed() -> None:
    contents = made(DB, CACHE)
    assert parse(dump(contents), "production", "store") == contents


VERSION = st.builds(new_version, st.just("b"), st.just(NOW), st.just(os.urandom))


@given(
    st.one_of(st.none(), VERSION),
    st.booleans(),
    st.lists(st.fixed_dictionaries({"state": st.sampled_from(STATES)}, optional={"at": st.text()}), max_size=2),
)
def test_every_state_of_a_rotation_is_kept(other: Any, pending: bool, journal: list[dict[str, str]]) -> None:
    current = new_version("a", NOW, os.urandom)
    record = Record(
        "x", "postgres_role", current, None if pending else other, other if pending else None, tuple(journal)
    )
    contents = Contents("test", {"x": record})
    assert parse(dump(contents), "test", "store") == contents
    gone = record.previous and record.state in RETIRING
    assert set(issued(record, "t").slots) == ({"a", "b"} if other and not gone else {"a"})


def test_create_makes_what_is_missing_and_keeps_what_is_there() -> None:
    first = made(DB)
    second = create(first, [DB, CACHE], NOW, _store.random_versions(os.urandom))
    assert second.records["shop_db"] is first.records["shop_db"]
    assert missing(second, [DB, CACHE]) == []
    assert create(second, [DB, CACHE], NOW, _store.random_versions(os.urandom)) is second


def test_secrets_are_64_hexadecimal_digits_and_differ() -> None:
    contents = made(DB, CACHE)
    secrets = [record.current.secret for record in contents.records.values()]
    assert all(len(secret) == 64 and set(secret) <= set("0123456789abcdef") for secret in secrets)
    assert len(set(secrets)) == 2


def test_another_kind_of_a_known_credential_is_refused() -> None:
    with pytest.raises(
        MainstayError, match=r"backend_credentials\.shop_db\.kind: found valkey_user; expected postgres_role"
    ):
        missing(made(DB), [Credential("shop_db", "valkey_user", "cache")])


def test_the_first_slot_is_a_and_the_other_cannot_log_in() -> None:
    found = issued(made(DB).records["shop_db"], "shop")
    assert found.user == "shop_db_a"
    assert [(user, secret is not None) for user, secret in found.logins()] == [
        ("shop_db_a", True),
        ("shop_db_b", False),
    ]


def test_no_repr_shows_a_secret() -> None:
    contents = made(DB)
    version = contents.records["shop_db"].current
    shown = repr(contents) + repr(issued(contents.records["shop_db"], "shop"))
    assert version.secret not in shown
    assert version.salt.hex() not in shown


@pytest.mark.parametrize(
    ("found", "why"),
    [
        ("hunter2: yes", "not JSON"),
        ("[]", "something else"),
        ('{"a": "hunter2"}', "something else"),
        (text(STORE="other"), "something else"),
        (text(FORMAT=3), "found format 3; expected 2"),
        (text(ENVIRONMENT="test"), "found the store of environment 'test'; expected 'production'"),
        (text(CREDENTIALS={"shop_db": "hunter2"}), "damaged credential shop_db"),
        (text(extra="hunter2"), "damaged"),
        (text(current=None), "damaged"),
        (text(kind=5), "damaged"),
        (text(journal={}), "damaged"),
        (text(current__slot="c"), "damaged"),
        (text(current__salt="hunter2!"), "damaged"),
        (text(current__salt="aHVudGVyMg=="), "damaged"),
        (text(current__secret="hunter2"), "unfit secret of shop_db"),
        (text(current__secret="hunter2 hunter2"), "unfit secret"),
        (text(current__secret=["hunter2"]), "damaged"),
        (text(previous=json.loads(text())["credentials"]["shop_db"]["current"]), "damaged"),
    ],
    ids=itertools.count(),  # the texts hold what is drawn anew each time
)
def test_a_foreign_or_damaged_store_is_refused_without_quoting_it(found: str, why: str) -> None:
    with pytest.raises(MainstayError, match=why) as refused:
        parse(found, "production", "secret store x")
    assert "hunter2" not in str(refused.value)


def test_nothing_secret_stands_where_an_inventory_parser_would_stop() -> None:
    """The ini parser, given a decrypted store by mistake, quotes the first line that it cannot read: one of the first two."""
    head = dump(made(DB)).splitlines()[:3]
    assert head == ["{", f'  "format": {_store.FORMAT},', '  "store": "mainstay.backend",']
