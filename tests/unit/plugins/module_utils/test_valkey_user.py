# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Users of a running Valkey: what differs, the one command, the line of the file, and whose sessions count. No server."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._credentials import Credential, Issued, SlotSecret
from ansible_collections.mainstay.backend.plugins.module_utils._valkey import read_instances
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_acl import acl_users, edited, parse_acl
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_user import (
    WantedUser,
    action,
    check_users,
    differs,
    foreseen,
    read_target,
    read_user,
    sessions,
    using,
)

OLD, NEW = "0" * 64, "1" * 64
LIVE = parse_acl([f"user shop on sanitize-payload #{OLD} ~shop:* resetchannels -@all +@read +ping"])


def user(**told: Any) -> WantedUser:
    return read_user("users[0]", {"name": "shop", **told})


def test_passwords_change_with_one_command_that_leaves_rights_alone() -> None:
    assert user(hashes=[OLD, NEW]).command() == ["shop", "on", "resetpass", f"#{OLD}", f"#{NEW}"]
    assert user().command() == ["shop", "off", "resetpass"]
    assert user(hashes=[NEW], rules="~x  +get").command() == [
        "shop",
        "reset",
        "on",
        "resetpass",
        f"#{NEW}",
        "~x",
        "+get",
    ]


def test_what_differs_is_told_without_hashes() -> None:
    for told, said in (
        ({"hashes": [OLD, NEW]}, "user shop: 1 password added"),
        ({"hashes": [NEW]}, "user shop: 1 password added, 1 password removed"),
        ({}, "user shop: may not log in, 1 password removed"),
        ({"hashes": [OLD], "rules": "~* +get"}, "user shop: rights"),
    ):
        assert differs(user(**told), LIVE) and action(user(**told), LIVE) == said
    assert not differs(user(hashes=[OLD]), LIVE)
    assert not differs(user(hashes=[OLD], rules="~shop:* resetchannels -@all +@read +ping"), LIVE)
    assert differs(user(hashes=[OLD], rules="~shop:* +@read"), LIVE), "a right less is a difference"
    assert action(user(rules="~*"), {}) == "user shop created"


def test_a_user_who_needs_no_password_gets_one() -> None:
    free = parse_acl(["user shop on nopass sanitize-payload ~* +@all"])
    assert differs(user(hashes=[NEW]), free)
    assert action(user(hashes=[NEW]), free) == "user shop: needs a password, 1 password added"


def test_check_mode_foresees_what_the_server_is_going_to_tell() -> None:
    hashes, rest = foreseen(user(hashes=[NEW]), LIVE)
    assert hashes == {NEW} and rest == "on sanitize-payload ~shop:* resetchannels -@all +@read +ping"
    assert foreseen(user(), LIVE)[1].startswith("off ")


def test_an_edited_file_is_what_the_role_writes() -> None:
    """A run of the role after a rotation finds its own bytes."""
    (instance,) = read_instances({"valkey_instances": {"cache": {}}}, [])
    credentials = {"shop": Credential("shop", "valkey_user", "cache")}

    def file(*slots: str) -> str:
        secrets = {slot: SlotSecret(f"of {slot}", b"salt") for slot in slots}
        issued = Issued("shop", "valkey_user", "cache", slots[-1], secrets)
        admin = Issued("mainstay_admin", "valkey_admin", "", "a", {"a": SlotSecret("x", b"salt")})
        return "".join(f"{item.line()}\n" for item in acl_users(instance, [issued], admin, credentials))

    for before, after in ((("a",), ("a", "b")), (("a", "b"), ("b",))):
        issued = Issued(
            "shop", "valkey_user", "cache", "a", {slot: SlotSecret(f"of {slot}", b"salt") for slot in after}
        )
        wanted = [read_user("", {"name": name, "hashes": hashes}) for name, hashes in issued.valkey_hashes().items()]
        assert edited(file(*before), {item.name: item.line for item in wanted}) == file(*after)


def test_an_edited_file_keeps_what_is_none_of_the_tasks() -> None:
    text = f"# a comment\nuser other on nopass ~* +@all\nuser shop on #{OLD} ~* +get\n"
    told = edited(text, {"shop": user(hashes=[NEW]).line, "more": user(name="more", hashes=[NEW], rules="+ping").line})
    assert told == (
        f"# a comment\nuser other on nopass ~* +@all\nuser shop on resetpass #{NEW} ~* +get\nuser more on resetpass #{NEW} +ping\n"
    )


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"name": "a b"}, "users[0].name: found 'a b'"),
        ({"hashes": ["hunter2hunter2"]}, "users[0].hashes: found something else (not shown)"),
        ({"hashes": [OLD.upper().replace("0", "A")]}, "users[0].hashes"),
        ({"rules": "on ~*"}, "users[0].rules: found a password, on, off or reset"),
        ({"rules": ">hunter2 ~*"}, "users[0].rules: found a password, on, off or reset"),
        ({"rules": "~* nopass"}, "users[0].rules: found a password, on, off or reset"),
        ({"opened_before": "yesterday"}, "users[0].opened_before: found 'yesterday'"),
    ],
)
def test_refused_by_name_and_without_the_value(told: dict[str, Any], said: str) -> None:
    with pytest.raises(MainstayError) as caught:
        user(**told)
    assert said in str(caught.value) and "hunter2" not in str(caught.value)


def test_instances_are_checked_too() -> None:
    good = {"name": "cache", "socket": "/run/s", "users": [{"name": "x"}]}
    assert read_target("", {**good, "socket": "[::1]:6379"}).socket == "[::1]:6379"
    for change, said in (
        ({"socket": "somewhere"}, "socket: found 'somewhere'"),
        ({"users": [{"name": "x"}, {"name": "x"}]}, "users: found x twice"),
    ):
        with pytest.raises(MainstayError, match=said):
            read_target("", {**good, **change})
    with pytest.raises(MainstayError, match="found no user nobody"):
        check_users(read_target("", {**good, "users": [{"name": "nobody"}]}), LIVE)


def test_sessions_are_the_users_own_ours_not_and_by_the_time_they_were_opened() -> None:
    clients = [
        {"id": "1", "user": "shop", "addr": "10.0.0.6:4000", "age": "100"},
        {"id": "2", "user": "shop", "addr": "10.0.0.6:4001", "age": "3"},
        {"id": "3", "user": "shop", "addr": "[fe80::1]:4001", "age": "100"},
        {"id": "4", "user": "other", "addr": "10.0.0.6:4002", "age": "100"},
        {"id": "5", "user": "shop", "addr": "/run/s:0", "age": "100"},
    ]
    now = 1_000_000_000
    assert [item["id"] for item in using(user(), clients, "5", now)] == ["1", "2", "3"]
    limit = user(opened_before="2001-09-09T01:46:30Z")
    assert [item["id"] for item in using(limit, clients, "", now)] == ["1", "3", "5"]
    told = sessions("cache", user(credential="c"), using(user(), clients, "", now))
    assert {(item["address"], item["count"]) for item in told} == {("10.0.0.6", 2), ("fe80::1", 1), ("", 1)}
    assert told[0]["credential"] == "c" and told[0]["instance"] == "cache"
