# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Users of an instance, and what a running one needs: decided without a server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mainstay.backend.plugins.module_utils import _valkey_plan as plans
from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._credentials import (
    Credential,
    Issued,
    SlotSecret,
    sha256,
)
from ansible_collections.mainstay.backend.plugins.module_utils._file_specs import Change
from ansible_collections.mainstay.backend.plugins.module_utils._valkey import read_instances
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_acl import (
    acl_differences,
    acl_users,
    masked,
    parse_acl,
)
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_live import Live, Login
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_plan import (
    Wanted,
    decide,
    directive,
    needs_process,
)
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_trial import Expected, words

RUNS = {"ActiveState": "active", "UnitFileState": "enabled"}
HASH = "0" * 64


def issued(name: str, kind: str, target: str, slots: tuple[str, ...] = ("a",)) -> Issued:
    return Issued(name, kind, target, slots[-1], {slot: SlotSecret(f"of {name} {slot}", b"salt") for slot in slots})


ADMIN = issued("mainstay_admin", "valkey_user", "")
ISSUED = [
    issued("app_cache", "valkey_user", "cache"),
    issued("app_session", "valkey_user", "session", ("a", "b")),
    issued("app_db", "postgres_role", "app"),
]
CREDENTIALS = {item.name: Credential(item.name, item.kind, item.target) for item in ISSUED}


def users(name: str) -> dict[str, str]:
    (instance,) = read_instances({"valkey_instances": {name: {}}}, [])
    return {user.name: user.line() for user in acl_users(instance, ISSUED, ADMIN, CREDENTIALS)}


def test_an_instance_has_its_own_users_and_no_other() -> None:
    assert list(users("cache")) == [
        "default",
        "health",
        "mainstay_admin_a",
        "mainstay_admin_b",
        "app_cache_a",
        "app_cache_b",
    ]
    assert list(users("cable")) == ["default", "health", "mainstay_admin_a", "mainstay_admin_b"]


def test_lines_hold_verifiers_and_say_who_may_log_in() -> None:
    told = users("session")
    assert told["default"] == "user default off resetpass resetkeys resetchannels -@all"
    assert told["health"] == "user health on nopass resetkeys resetchannels -@all +ping"
    assert told["app_session_a"].startswith(f"user app_session_a on resetpass #{sha256('of app_session a')} ~* ")
    assert told["app_session_b"].startswith(f"user app_session_b on resetpass #{sha256('of app_session b')} ~* ")
    assert users("cache")["app_cache_b"].startswith("user app_cache_b off resetpass ~* ")
    assert "of app_session" not in "".join(told.values())


def test_what_must_never_be_granted_comes_after_what_is() -> None:
    for name in ("cache", "session", "cable", "queue"):
        (instance,) = read_instances({"valkey_instances": {name: {}}}, [])
        rules = acl_users(
            instance, [issued("x", "valkey_user", name)], ADMIN, {"x": Credential("x", "valkey_user", name)}
        )[-1].rules
        at = rules.index("-@dangerous")
        assert not [rule for rule in rules[at:] if rule.startswith("+") and rule not in ("+info", "+flushdb")]


def test_verifiers_are_masked_and_compared_apart_from_rights() -> None:
    line = f"user x on sanitize-payload #{HASH} ~* +get"
    assert masked(line) == "user x on sanitize-payload #(verifier) ~* +get"
    old, new = parse_acl([line]), parse_acl([line.replace(HASH, "1" * 64)])
    before, after = acl_differences(old, new)
    assert "its passwords change" in after[0] and HASH not in before[0] + after[0]
    assert acl_differences(old, old) == ([], [])


CONFIG = 'maxmemory 100\nappendonly yes\ndir {folder}\nsave ""\nmaxmemory 200\n'


@pytest.fixture
def item(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wanted:
    monkeypatch.setattr(Wanted, "config_path", property(lambda self: str(tmp_path / "conf")))
    monkeypatch.setattr(Wanted, "marker", property(lambda self: str(tmp_path / "marker")))
    (tmp_path / "data").mkdir()
    return Wanted(
        "session",
        "present",
        str(tmp_path / "data"),
        True,
        CONFIG.format(folder=tmp_path / "data"),
        f"user x on #{HASH} +get",
    )


def told(
    item: Wanted, config: dict[str, str], state: str = "up", acl: str = f"user x on #{HASH} +get", **info: Any
) -> Live:
    return Live(state, {"dir": item.directory, **config}, parse_acl([acl]), info)


EXPECTED = Expected({"maxmemory": "200", "databases": "1"}, {"x": "on +get"})


def test_the_last_line_of_a_directive_counts() -> None:
    assert (directive(CONFIG, "maxmemory"), directive(CONFIG, "save"), directive(CONFIG, "hz")) == ("200", "", "")


def test_nothing_is_needed_where_everything_is_as_wanted(item: Wanted) -> None:
    plan = decide(item, RUNS, told(item, dict(EXPECTED.config)), EXPECTED, {})
    assert not plan.needed()


def test_live_and_start_directives_are_told_apart(item: Wanted) -> None:
    plan = decide(item, RUNS, told(item, {"maxmemory": "300", "databases": "16"}), EXPECTED, {})
    assert plan.live == {"maxmemory": ("300", "200")} and plan.at_start == {"databases": ("16", "1")}
    assert plan.restart == ["databases is read at a start only"] and plan.drifted


def test_a_change_of_its_file_is_no_drift(item: Wanted) -> None:
    change = Change(item.config_path, ("content",), "", "")
    assert not decide(
        item, RUNS, told(item, {"maxmemory": "300", "databases": "1"}), EXPECTED, {item.config_path: change}
    ).drifted


@pytest.mark.parametrize("acl", [f"user x on #{'1' * 64} +get", f"user x on #{HASH} +@all", f"user y on #{HASH} +get"])
def test_users_that_differ_are_loaded(item: Wanted, acl: str) -> None:
    plan = decide(item, RUNS, told(item, dict(EXPECTED.config), acl=acl), EXPECTED, {})
    assert plan.users and not plan.restart


def test_a_refused_login_needs_a_start(item: Wanted) -> None:
    plan = decide(item, RUNS, Live("refused"), EXPECTED, {})
    assert plan.restart == ["it refuses the administrator's login, so its users can only be replaced by a start"]


def test_a_marker_needs_a_start(item: Wanted) -> None:
    Path(item.marker).write_text("x")
    assert decide(item, RUNS, told(item, dict(EXPECTED.config)), EXPECTED, {}).restart == [
        "an interrupted run left it due"
    ]


def test_an_upgraded_server_is_started_anew(item: Wanted) -> None:
    plan = decide(item, RUNS, told(item, {"maxmemory": "200"}), EXPECTED, {})
    assert plan.live == {} and plan.restart == [
        "the installed server was upgraded and knows directives that the running one does not"
    ]


@pytest.mark.parametrize(
    ("before", "after", "names"),
    [
        (
            "[Service]\nIPAddressAllow=localhost\n",
            "[Service]\nIPAddressAllow=localhost\nIPAddressAllow=10.0.0.0/8\n",
            [],
        ),
        ("[Service]\nLimitNOFILE=1\n# a=b\n", "[Service]\nLimitNOFILE=2\n", ["LimitNOFILE"]),
        ("", "[Service]\nUMask=0077\nRestartSec=1\n", ["UMask"]),
    ],
)
def test_only_some_settings_of_a_unit_need_a_new_process(before: str, after: str, names: list[str]) -> None:
    assert needs_process(before, after) == names


def test_data_elsewhere_is_refused_with_the_remedy(item: Wanted, tmp_path: Path) -> None:
    (tmp_path / "old" / "appendonlydir").mkdir(parents=True)
    with pytest.raises(
        MainstayError,
        match=r"valkey_instances\.session\.directory: found .*/data, and its data in .*/old; expected .* mv .*/old .*/data",
    ):
        decide(item, RUNS, told(item, {"dir": str(tmp_path / "old")}), EXPECTED, {})


def test_a_snapshot_that_a_start_would_ignore_is_refused(item: Wanted) -> None:
    stopped = {"ActiveState": "inactive", "UnitFileState": "enabled"}
    assert decide(item, stopped, Live("down"), EXPECTED, {}).start
    (Path(item.directory) / "dump.rdb").write_text("x")
    with pytest.raises(
        MainstayError, match="no append-only file beside it, which a start with appendonly yes would ignore"
    ):
        decide(item, stopped, Live("down"), EXPECTED, {})
    (Path(item.directory) / "appendonlydir").mkdir()
    assert decide(item, stopped, Live("down"), EXPECTED, {}).start


def test_a_limit_below_what_is_in_use_is_refused(item: Wanted) -> None:
    with pytest.raises(MainstayError, match=r"valkey_instances\.session\.maxmemory: found 200, and 250 bytes in use"):
        decide(item, RUNS, told(item, {"maxmemory": "300", "databases": "1"}, used_memory=250), EXPECTED, {})
    assert decide(item, RUNS, told(item, {"maxmemory": "300", "databases": "1"}, used_memory=150), EXPECTED, {}).live


def test_a_higher_limit_of_clients_waits_for_the_higher_file_limit(item: Wanted) -> None:
    expected = Expected({"maxclients": "90000"}, EXPECTED.rights)
    raised = Change(item.dropin_path, ("content",), "LimitNOFILE=65535\n", "LimitNOFILE=91024\n")
    plan = decide(item, RUNS, told(item, {"maxclients": "1000"}), expected, {item.dropin_path: raised})
    assert plan.live == {} and "maxclients" in plan.at_start and plan.restart


def test_the_servers_own_words_are_kept_without_its_banner() -> None:
    log = (
        "7:C 22 Nov 2026 17:55:09.611 * oO0OoO0OoO0Oo Valkey is starting oO0OoO0OoO0Oo\n7:M 22 Nov 2026 17:55:09.611 # Fatal: no disk\n"
        f"*** FATAL CONFIG FILE ERROR (Version 8.1.1) ***\n>>> 'user x #{HASH}'\n"
    )
    assert words(log) == "Fatal: no disk; *** FATAL CONFIG FILE ERROR (Version 8.1.1) ***; >>> 'user x #(verifier)'"
    assert words("") == "it said nothing"


def test_no_value_that_holds_a_password_or_verifier_shows_it() -> None:
    wanted = Wanted("x", "present", "/d", True, acl=f"user x on #{HASH}")
    assert HASH not in repr(wanted) and "secret" not in repr(Login("admin", "secret"))
    assert plans.describe_live([("b", "2"), ("a", "1")]) == "a 1\nb 2\n"
