# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edits of .env files: what is asked for, nothing else, read alike by every declared loader, and no value in any message or diff."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "lib"))
from env_fuzz import FILES, NAMES

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._env_edit import (
    check_removed,
    edited,
    mask,
    wanted_values,
)
from ansible_collections.mainstay.backend.plugins.module_utils._env_loaders import LOADERS, LoaderRefuses, load

FIVE = ("ruby", "python", "node", "systemd", "compose")
DOTENVS = ("ruby", "python", "node")
SECRET = "S3cr3t"


@pytest.mark.parametrize(
    ("text", "wanted", "removed", "expected"),
    [
        ("", {"A": "b"}, [], "A=b\n"),
        ("# head\n\nB=c", {"A": "b c"}, [], "# head\n\nB=c\nA='b c'\n"),
        ("  A=1\n\nB=c # why\n", {"A": "2"}, [], "  A=2\n\nB=c # why\n"),
        ("A=1\nB=c\nA=2\nC=d\n", {"A": "3"}, [], "B=c\nA=3\nC=d\n"),
        ("A=1\nB=c\nA=2\n", {"A": "2"}, [], "B=c\nA=2\n"),
        ("A='x\ny' # z\nB=c\n", {"A": "1"}, [], "# z\nA=1\nB=c\n"),
        ("B=c\nA='x\nC=y'\nD=e\n", {}, ["A"], "B=c\nD=e\n"),
        ("B='x\nA=1'\n", {"A": "2"}, [], "B='x\nA=1'\nA=2\n"),
        ("A=1\nB=2\nA=3\n", {}, ["A", "X"], "B=2\n"),
        ("A=1\n", {"A": "it's"}, [], 'A="it\'s"\n'),
        ("A=1\n", {"A": "a#b $c `d`"}, [], "A='a#b $c `d`'\n"),
        ("A=1\n", {"A": ""}, [], "A=\n"),
        ("A='b'\n", {"A": "b"}, [], "A='b'\n"),
        ("A=1 # c\n", {"A": "2"}, [], "# c\nA=2\n"),
    ],
)
def test_an_edit_for_all_five(text: str, wanted: dict[str, str], removed: list[str], expected: str) -> None:
    edit = edited(text, wanted, removed, FIVE)
    assert edit.text == expected
    assert bool(edit.done) == (text != expected)
    assert edited(expected, wanted, removed, FIVE).text == expected


def test_what_the_declared_loaders_take_is_kept() -> None:
    text = "export A=1 # c\r\nB=2\r\n"
    assert edited(text, {"A": "x"}, [], DOTENVS).text == "export A=x # c\r\nB=2\r\n"
    assert edited(text.replace("\r", ""), {"A": "x"}, [], FIVE).text == "# c\nA=x\nB=2\n"
    assert edited("A=1 # c\n", {"A": "x"}, [], ("systemd",)).text == "A=x\n"
    assert edited("A=1\\\n2\\\\\nB=c\n", {"A": "x"}, [], ("systemd",)).text == "A=x\nB=c\n"
    assert edited("A='1'# c\n", {"A": "x"}, [], DOTENVS).text == "A=x # c\n"
    assert edited("A=1\n", {"A": "a\\b'c"}, [], ("node",)).text == 'A="a\\b\'c"\n'


def test_what_was_done_is_said() -> None:
    edit = edited("A=1\nA=2\nA=3\nB=1\n", {"A": "4", "C": "5"}, ["B", "X"], FIVE)
    assert edit.done == (
        ("A", "changed"),
        ("A", "2 earlier assignments removed"),
        ("C", "added"),
        ("B", "removed"),
    )
    assert "4" not in repr(edit)


@pytest.mark.parametrize(
    ("text", "wanted", "removed", "loaders", "words"),
    [
        ("", {"A": f"{SECRET}'\" #x"}, [], FIVE, ["variables.A", "quote", "ruby"]),
        ("A=1\rB=c\n", {"A": SECRET}, [], FIVE, ["path", "carriage return"]),
        ("", {"A": f"{SECRET} ${{x}}"}, [], FIVE, ["variables.A", "python"]),
        ("", {"A": f"{SECRET} #x"}, [], ("docker", "ruby", "systemd", "compose", "python", "node"), ["variables.A", "docker"]),
        ("", {"A": f"{SECRET}\nx"}, [], ("docker",), ["variables.A", "a line break", "docker"]),
        (f"A={SECRET}\nB=x${{A}}\n", {"A": "1"}, [], ("ruby",), ["ruby", "B", "no effect"]),
        (f"A={SECRET}\nB=x${{A}}\n", {}, ["A"], ("python",), ["python", "B", "no effect"]),
        (f'B="{SECRET}\n', {"A": "1"}, [], ("compose",), ["compose", "already refuses", "line"]),
        (f"A={SECRET}\\\nB=c\n", {"B": "1"}, [], ("python", "systemd"), ["variables.B", "systemd"]),
    ],
)  # fmt: skip
def test_refused_without_a_value(
    text: str, wanted: dict[str, str], removed: list[str], loaders: tuple[str, ...], words: list[str]
) -> None:
    with pytest.raises(MainstayError) as refusal:
        edited(text, wanted, removed, loaders)
    assert all(word in str(refusal.value) for word in words), refusal.value
    assert SECRET not in str(refusal.value)


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"A B": "x"}, "variables: found a wrong name;"),
        ({"1A": "x"}, "found a wrong name 1A;"),
        ({f"A={SECRET}": "x"}, "found a wrong name;"),
        ({"A": True}, "variables.A: found a bool"),
        ({"A": 1.5}, "variables.A: found a float"),
        ({"A": None}, "variables.A: found nothing"),
        ({"A": [SECRET]}, "variables.A: found a list"),
        ({"A": f"{SECRET}\0"}, "variables.A: found a character"),
    ],
)
def test_wrong_input_is_named(variables: dict[str, object], words: str) -> None:
    with pytest.raises(MainstayError, match="expected") as refusal:
        wanted_values(variables)
    assert words in str(refusal.value)
    assert SECRET not in str(refusal.value)


def test_a_number_is_its_digits_and_a_name_is_in_one_list_only() -> None:
    assert wanted_values({"A": 3000, "b": "x"}) == {"A": "3000", "b": "x"}
    check_removed(["B"], {"A"})
    with pytest.raises(MainstayError, match="remove: found A"):
        check_removed(["A"], {"A"})


def test_a_diff_shows_names_and_no_more() -> None:
    pem = f"-----BEGIN\nMII{SECRET}==\nx=1\n-----END"
    before = f"# DB_PASSWORD={SECRET}\nA='{pem}'\nB=redis://u:{SECRET}@h/0 # {SECRET}\n\nC={SECRET}\n{SECRET}\n"
    old, new = mask({"A"}, FIVE)(before, before.replace("C=", "C=x"))
    assert SECRET not in old + new
    assert old.splitlines() == ["# ***", "A=***", "# ***", "# ***", "# ***", "B=***", "", "C=***", "# ***"]
    assert new.splitlines()[7] == "C=*** (changes)"


_WANTED = st.dictionaries(
    st.sampled_from(NAMES),
    st.one_of(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12), st.just("plain")
    ),
    max_size=2,
)


@settings(max_examples=400, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(
    FILES, _WANTED, st.lists(st.sampled_from(NAMES), max_size=1), st.sets(st.sampled_from(sorted(LOADERS)), min_size=1)
)
def test_any_edit_of_any_file_gives_what_was_asked_for_or_is_refused(
    data: bytes, wanted: dict[str, str], removed: list[str], loaders: set[str]
) -> None:
    removed = [name for name in removed if name not in wanted]
    text = data.decode("utf-8", "replace")
    try:
        edit = edited(text, wanted, removed, sorted(loaders))
    except MainstayError:
        return
    assert edited(edit.text, wanted, removed, sorted(loaders)).text == edit.text
    mine = {*wanted, *removed}
    for loader in loaders:
        try:
            before = load(text.encode(), loader).variables
        except LoaderRefuses:
            before = None
        if not edit.done:
            continue
        after = load(edit.text.encode(), loader).variables
        assert {name: after[name] for name in wanted} == wanted
        assert not after.keys() & set(removed)
        if before is not None:
            rest = {name: value for name, value in before.items() if name not in mine}
            assert {name: value for name, value in after.items() if name not in mine} == rest


def test_a_line_that_only_exports_joins_the_next_one_in_ruby() -> None:
    """Found by the test above: the first edit left a line to Ruby's assignment that a second one took away."""
    edit = edited("A=\nA=\nA=\nexport\nA=\n", {"A": "0"}, [], ["compose", "ruby"])
    assert edit.text == "A=0\n"
    assert edit.done == (
        ("A", "changed"),
        ("A", "3 earlier assignments removed"),
        ("A", "1 earlier assignment removed"),
    )


@pytest.mark.parametrize("loader", sorted(LOADERS))
def test_a_carriage_return_that_would_stand_in_the_file_is_refused(loader: str) -> None:
    """Found by the test above, for compose: what was written could not be edited again."""
    try:
        text = edited("B=1\n", {"A": "\r"}, [], [loader]).text
    except MainstayError as error:
        assert "A" in str(error)
    else:
        assert "\r" not in text
