# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tokens from files and variables of the controller, and from the keyboard: what is taken, what is refused, and that nothing is quoted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from ansible_collections.mainstay.backend.plugins.action.rotation_ask import kept
from ansible_collections.mainstay.backend.plugins.module_utils import _rotation, _store
from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._credentials import Credential
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_supply import compared, replaced
from ansible_collections.mainstay.backend.plugins.plugin_utils import supplied
from ansible_collections.mainstay.backend.plugins.plugin_utils.material import make_version

NOW = "2026-11-22T12:00:00Z"
TOKEN = "sk_prod_5b1f03c2d9e84a76"
OTHER, THIRD = "sk_prod_0000aaaa1111bbbb", "sk_prod_2222cccc3333dddd"


def use(folder: Path, **variables: Any) -> None:
    loader = DataLoader()
    told = {"inventory_dir": str(folder), **variables}
    supplied.use(Templar(loader, variables=told), loader, told)


def token(**value: str) -> Credential:
    return Credential("pay", "token", options={"value": value, "variable": "PAY"})


def test_a_file_begins_at_the_inventory_and_ends_with_one_line_break(tmp_path: Path) -> None:
    use(tmp_path)
    for text in (TOKEN, f"{TOKEN}\n", f"{TOKEN}\r\n"):
        (tmp_path / "token").write_bytes(text.encode())
        assert supplied.value_of(token(file="token")) == (TOKEN, "")
        assert supplied.value_of(token(file=str(tmp_path / "token"))) == (TOKEN, "")


def test_a_variable_is_templated_only_when_it_is_read(tmp_path: Path) -> None:
    use(tmp_path, pay=trust_as_template("{{ parts | join('_') }}"), parts=["sk", "prod", "5b1f03c2d9e84a76"])
    assert supplied.value_of(token(variable="pay")) == (TOKEN, "")
    use(tmp_path, pay=trust_as_template("{{ nowhere.to_be_found }}"))
    with pytest.raises(MainstayError, match="found that variable pay cannot be templated; expected a text"):
        supplied.value_of(token(variable="pay"))


@pytest.mark.parametrize(
    ("value", "absent"),
    [
        ({}, "none in the secret store"),
        ({"file": "nowhere"}, "no file "),
        ({"file": "empty"}, "nothing in file "),
        ({"variable": "nowhere"}, "no variable nowhere"),
        ({"variable": "empty"}, "nothing in variable empty"),
        ({"variable": "none"}, "nothing in variable none"),
    ],
)
def test_no_value_is_not_a_wrong_one_but_none_can_be_made_of_it(tmp_path: Path, value: Any, absent: str) -> None:
    (tmp_path / "empty").write_text("\n")
    use(tmp_path, empty="", none=None)
    found = supplied.value_of(token(**value))
    assert found[0] == "" and found[1].startswith(absent)
    with pytest.raises(MainstayError, match=r"backend_credentials\.pay\.value: found n"):
        make_version(_store.Contents("production"), token(**value), "a", NOW)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f"{TOKEN}\n{OTHER}\n", "a line break in it"),
        (f" {TOKEN}", "surrounding white space"),
        (f"{TOKEN}\n\n", "surrounding white space"),
        (f"it's{TOKEN}", "a single quote"),
        (f"{TOKEN}\\n", "a backslash"),
        (f"{TOKEN}${{HOME}}", "'${'"),
        (f"{TOKEN}\x07", "a control character"),
        (f"{TOKEN}é", "another text"),
        ("changeme", "a placeholder"),
        ("<your token here>", "a placeholder"),
        ("x" * 9000, "another text"),
        ("x" * 90000, "too large"),
    ],
)
def test_what_cannot_be_a_token_is_refused_without_quoting_it(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "token").write_text(text)
    use(tmp_path)
    with pytest.raises(MainstayError) as refused:
        supplied.value_of(token(file="token"))
    assert why in str(refused.value) and str(refused.value).startswith("backend_credentials.pay.value: found ")
    assert TOKEN not in str(refused.value) and text not in str(refused.value)


def test_a_number_is_no_text(tmp_path: Path) -> None:
    use(tmp_path, pay=12345678)
    with pytest.raises(MainstayError, match="found variable pay, which is no text"):
        supplied.value_of(token(variable="pay"))


def test_the_first_master_key_is_the_applications_own_and_later_ones_are_random(tmp_path: Path) -> None:
    key = "00112233445566778899aabbccddeeff"
    (tmp_path / "master.key").write_text(key)
    use(tmp_path)
    credential = Credential("m", "rails_master_key", options={"value": {"file": "master.key"}})
    contents = _store.create(_store.Contents("production"), [credential], NOW, make_version)
    assert contents.records["m"].current.secret == key
    pending = _rotation.begin(contents, {"m": (credential, "due")}, NOW, make_version).records["m"].pending
    assert pending and pending.secret != key and len(pending.secret) == 32
    (tmp_path / "master.key").write_text(f"hunter2{key}")
    with pytest.raises(MainstayError, match="expected 32 hexadecimal characters") as refused:
        make_version(_store.Contents("production"), credential, "a", NOW)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(("size", "digits"), [(32, 64), (48, 96), (64, 128)])
def test_signing_keys_are_as_long_as_asked(size: int, digits: int) -> None:
    credential = Credential("jwt", "signing_key", options={"bytes": size, "token_lifetime": "1h"})
    assert len(make_version(_store.Contents("production"), credential, "a", NOW).secret) == digits


def at(state: str, tmp_path: Path) -> tuple[_store.Contents, Credential]:
    """A store that holds TOKEN; from GENERATED on OTHER is pending, or current."""
    credential = token(variable="pay")
    use(tmp_path, pay=TOKEN)
    contents = _store.create(_store.Contents("production"), [credential], NOW, make_version)
    use(tmp_path, pay=OTHER)
    if state:
        contents = _rotation.begin(contents, {"pay": (credential, "its source has a new value")}, NOW, make_version)
        for wanted in _rotation.STATES[2 : _rotation.STATES.index(state) + 1]:
            contents = _rotation.advance(contents, ["pay"], wanted, NOW)
    return contents, credential


@pytest.mark.parametrize(
    ("state", "value", "new", "reason"),
    [
        ("", TOKEN, False, "its source has no new value"),
        ("", OTHER, True, "its source has a new value"),
        ("STAGED", OTHER, False, "goes on after STAGED"),
        ("STAGED", THIRD, True, "goes on after STAGED, with another new value"),
        ("STAGED", TOKEN, True, "given up: its source has the current value again"),
        ("PUBLISHED", TOKEN, False, "goes on after PUBLISHED"),
        ("DONE", OTHER, False, "its source has no new value"),
        ("DONE", TOKEN, True, "its source has a new value"),
    ],
)
def test_a_token_is_due_by_its_source(tmp_path: Path, state: str, value: str, new: bool, reason: str) -> None:
    contents, credential = at(state, tmp_path)
    found = compared(contents.records["pay"], value)
    assert (found.new, found.reason) == (new, reason)
    use(tmp_path, pay=value)
    supplies = supplied.supplies({"pay": credential}, contents)
    (planned,) = _rotation.plan({"pay": credential}, contents, _rotation.moment(NOW), supplies=supplies)
    assert planned.rotates == (new or state in _rotation.OPEN) and planned.reason == reason


def test_age_and_force_cannot_make_a_token(tmp_path: Path) -> None:
    contents, credential = at("", tmp_path)
    use(tmp_path)
    old = Credential("pay", "token", max_age="1h", options=credential.options)
    late = _rotation.moment("2026-11-23T12:00:00Z")
    for options, why in (({}, "older than max_age 1h"), ({"force": True}, "rotation_force")):
        found = supplied.supplies({"pay": old}, contents)
        (planned,) = _rotation.plan({"pay": old}, contents, late, supplies=found, **options)  # type: ignore[arg-type]
        assert (planned.rotates, planned.reason) == (False, f"{why}, but its source has no variable pay")


def test_a_wrong_value_is_replaced_before_anybody_has_it_and_never_after(tmp_path: Path) -> None:
    for state in ("GENERATED", "STAGED"):
        contents, credential = at(state, tmp_path)
        use(tmp_path, pay=THIRD)
        found = supplied.supplies({"pay": credential}, contents)
        after = supplied.take_up(contents, {"pay": credential}, found, NOW).records["pay"]
        assert after.pending and (after.pending.secret, after.pending.slot, after.state) == (THIRD, "b", "GENERATED")
        assert after.current.secret == TOKEN
        use(tmp_path, pay=TOKEN)
        found = supplied.supplies({"pay": credential}, contents)
        after = supplied.take_up(contents, {"pay": credential}, found, NOW).records["pay"]
        assert (after.pending, after.current.secret, after.state) == (None, TOKEN, "DONE")
        assert (
            _store.parse(_store.dump(_store.Contents("production", {"pay": after})), "production", "s").records["pay"]
            == after
        )
    contents, credential = at("TESTED", tmp_path)
    with pytest.raises(MainstayError, match="found state TESTED; expected one that is not tested yet"):
        replaced(contents, credential, supplied.version_of(THIRD, "a", NOW), NOW)
    use(tmp_path, pay=THIRD)
    assert supplied.supplies({"pay": credential}, contents) == {}


def test_what_is_typed_in_is_the_first_the_next_or_another_next_value(tmp_path: Path) -> None:
    credential = token()
    contents = kept(_store.Contents("production"), credential, TOKEN, NOW)
    assert contents.records["pay"].current.secret == TOKEN
    with pytest.raises(MainstayError, match="found the value of pay that is in use; expected a new one"):
        kept(contents, credential, TOKEN, NOW)
    pending = kept(contents, credential, OTHER, NOW)
    again = kept(pending, credential, THIRD, NOW).records["pay"]
    assert again.pending and (again.pending.secret, again.state, again.journal[0]["reason"]) == (
        THIRD,
        "GENERATED",
        "typed in",
    )
    assert kept(pending, credential, TOKEN, NOW).records["pay"].pending is None
