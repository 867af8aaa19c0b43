# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""dotenv of Ruby, Python and Node as they read files: every measured case, the notes, the refusals, and the time that hostile bytes take."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mainstay.backend.plugins.module_utils._env_loaders import (
    COMMAND,
    CUT,
    DROPPED,
    EXPANDED,
    SWALLOWED,
    LoaderRefuses,
    load,
    swallows,
)
from ansible_collections.mainstay.backend.plugins.module_utils._env_ruby import parse

DATA = Path(__file__).parents[3] / "data"
MEASURED = json.loads((DATA / "dotenv_loaders.json").read_text())
PROCESS: dict[str, str] = MEASURED["meta"]["process_env"]
LOADERS = ("ruby", "python", "node")
#: The cases in which Ruby's dotenv runs a command; here the command stays in the value as it is written, and is noted.
EXECUTED = {
    "dxr-50": {"PARENTHESES_EXPAND": '`$(echo "$PARENTHESES")`'},
    "dxr-51": {"RETAIN_INNER_QUOTES_EXPAND": '`$(echo "$RETAIN_INNER_QUOTES")`'},
    "dxr-52": {"RETAIN_INNER_QUOTES_AS_STRING_EXPAND": '`$(echo "$RETAIN_INNER_QUOTES_AS_STRING")`'},
    "dxr-86": {"HELLO": "$(echo world)"},
}
CASES = [
    pytest.param(case, loader, id=f"{case['id']}-{loader}")
    for case in MEASURED["cases"]
    for loader in LOADERS
    if loader in case["expect"]
]


@pytest.mark.parametrize(("case", "loader"), CASES)
def test_every_measured_case(case: dict[str, Any], loader: str) -> None:
    data, expected = base64.b64decode(case["input_b64"]), case["expect"][loader]
    if not expected["ok"]:
        with pytest.raises(LoaderRefuses):
            load(data, loader, PROCESS)
        return
    loaded = load(data, loader, PROCESS)
    kept = EXECUTED.get(case["id"], {}) if loader == "ruby" else {}
    assert {item.key for item in loaded.assignments if COMMAND in item.notes} == kept.keys()
    assert loaded.variables == {**expected["vars"], **kept}


def test_all_cases_are_there() -> None:
    assert len(MEASURED["cases"]) == 161
    assert len(CASES) == 3 * 161


NOTED = [
    ("A=b # c", {"ruby": (CUT,), "python": (CUT,), "node": (CUT,)}),
    ("A=p@ss#word1", {"ruby": (CUT,), "python": (), "node": (CUT,)}),
    ("A=#c", {"ruby": (CUT,), "python": (), "node": (CUT,)}),
    ("A= # c", {"ruby": (CUT,), "python": (CUT,), "node": (CUT,)}),
    ("A='b' # c", {"ruby": (), "python": (), "node": ()}),
    ('A="b#c"', {"ruby": (), "python": (), "node": ()}),
    ("A=$EXT", {"ruby": (EXPANDED,), "python": (), "node": ()}),
    ("A='$EXT'", {"ruby": (), "python": (), "node": ()}),
    ("A='${EXT}'", {"ruby": (), "python": (EXPANDED,), "node": ()}),
    ("A=${EXT:?m}", {"ruby": (EXPANDED,), "python": (), "node": ()}),
    ("A=cost$", {"ruby": (), "python": (), "node": ()}),
    (r"A=\$EXT", {"ruby": (), "python": (), "node": ()}),
    ("A=$(rm -rf $EXT)", {"ruby": (COMMAND,), "python": (), "node": ()}),
    ("A=$(a) $EXT", {"ruby": (COMMAND, EXPANDED), "python": (), "node": ()}),
    (r"A=\$(a)", {"ruby": (), "python": (), "node": ()}),
    ("A=$()", {"ruby": (), "python": (), "node": ()}),
    ("A='$(a)'", {"ruby": (), "python": (), "node": ()}),
    ('A="b\nC=d"', {"ruby": (SWALLOWED,), "python": (SWALLOWED,), "node": (SWALLOWED,)}),
    ("A='b\n  export C=d'", {"ruby": (SWALLOWED,), "python": (SWALLOWED,), "node": (SWALLOWED,)}),
    ('A="-----BEGIN-----\nabc=\nabc==\n"', {"ruby": (), "python": (), "node": ()}),
    ("A-B=c", {"ruby": (DROPPED,), "python": (), "node": ()}),
    ("A:b", {"ruby": (DROPPED,), "python": (), "node": (DROPPED,)}),
    ("A='b'c", {"ruby": (), "python": (DROPPED,), "node": ()}),
    ("__proto__=c", {"ruby": (), "python": (), "node": (DROPPED,)}),
]


@pytest.mark.parametrize(("text", "expected"), NOTED)
@pytest.mark.parametrize("loader", LOADERS)
def test_what_a_loader_does_on_the_way_is_noted(text: str, expected: dict[str, tuple[str, ...]], loader: str) -> None:
    found = load(text.encode(), loader, PROCESS)
    assert [item.notes for item in found.assignments] == [expected[loader]]
    assert bool(found.variables) == (DROPPED not in expected[loader])


@pytest.mark.parametrize("loader", LOADERS)
def test_lines_are_counted_through_comments_quotes_and_all_line_breaks(loader: str) -> None:
    text = "# x\r\n\r\nA='1\n2'\rB=3\n\n  C=\"$x\" # c\n-bad-\nD=\nE=4"
    lines = {item.key: item.line for item in load(text.encode(), loader, {}).assignments}
    assert {key: lines[key] for key in "ABCDE"} == {"A": 3, "B": 5, "C": 7, "D": 9, "E": 10}


@pytest.mark.parametrize(
    ("loader", "data", "line", "words"),
    [
        ("ruby", b"A=b\nB=\xffsecret", 2, "UTF-8"),
        ("ruby", b"A=secret\n\nexport B", 3, "export"),
        ("ruby", b"export B=\n", 1, "export"),
        ("python", b"A=b\nB=\xffsecret", 2, "UTF-8"),
    ],
)
def test_a_refusal_names_the_line_and_no_value(loader: str, data: bytes, line: int, words: str) -> None:
    with pytest.raises(LoaderRefuses) as refusal:
        load(data, loader, {})
    assert refusal.value.line == line
    assert words in refusal.value.reason
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("loader", ["ruby", "python"])
def test_substitutions_that_grow_without_bound_are_refused(loader: str) -> None:
    doubling = "A=xxxxxxxxxxxxxxxx\n" + "A=${A}${A}\n" * 60
    with pytest.raises(LoaderRefuses, match="line"):
        load(doubling.encode(), loader, {})
    assert load(doubling[:120].encode(), loader, {}).variables


def test_ruby_prefers_the_process_unless_it_overwrites() -> None:
    data = b"EXT=file\nA=$EXT\nexport EXT\n"
    assert parse(data, PROCESS).variables == {"EXT": "ext", "A": "ext"}
    assert parse(data, PROCESS, overwrite=True).variables == {"EXT": "file", "A": "file"}


def test_ruby_expands_line_breaks_in_legacy_mode_only() -> None:
    assert load(b'A="b\\nc"', "ruby", {}).variables == {"A": "b\\nc"}
    assert load(b'A="b\\nc"', "ruby", {"DOTENV_LINEBREAK_MODE": "legacy"}).variables == {"A": "b\nc"}
    assert load(b'DOTENV_LINEBREAK_MODE=legacy\nA="b\\nc"', "ruby", {}).variables["A"] == "b\nc"


@pytest.mark.parametrize(("value", "found"), [("a\nB=c", True), ("a\nB=", False), ("a", False), ("B=c", False)])
def test_a_value_that_holds_assignments(value: str, found: bool) -> None:
    assert swallows(value) == found


FOUND = json.loads((DATA / "dotenv_found.json").read_text())


@pytest.mark.parametrize("case", FOUND["cases"], ids=lambda case: f"{case['loader']}-{case['id']}")
def test_what_the_real_loaders_once_read_otherwise(case: dict[str, Any]) -> None:
    data, environment = base64.b64decode(case["input_b64"]), FOUND["meta"]["process_env"]
    if case["vars"] is None:
        with pytest.raises(LoaderRefuses):
            load(data, case["loader"], environment)
    else:
        assert load(data, case["loader"], environment).variables == case["vars"]
