# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""systemd, Compose and docker --env-file as they read files: every measured case, the notes, the refusals; test_env_fuzz.py has what hostile bytes take."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.mainstay.backend.plugins.module_utils._env_loaders import (
    CUT,
    DROPPED,
    EXPANDED,
    INHERITED,
    SWALLOWED,
    LoaderRefuses,
    load,
)

DATA = Path(__file__).parents[3] / "data"
MEASURED = json.loads((DATA / "dotenv_loaders.json").read_text())
PROCESS: dict[str, str] = MEASURED["meta"]["process_env"]
NAMES = {"systemd": "systemd", "compose": "compose", "docker": "docker_env_file"}
CASES = [
    pytest.param(case["input_b64"], loader, case["expect"][name], id=f"{case['id']}-{loader}")
    for case in MEASURED["cases"]
    for loader, name in NAMES.items()
]
SECRET = "hunter2"


@pytest.mark.parametrize(("encoded", "loader", "expected"), CASES)
def test_every_measured_case(encoded: str, loader: str, expected: dict[str, Any]) -> None:
    data = base64.b64decode(encoded)
    if not expected["ok"]:
        with pytest.raises(LoaderRefuses):
            load(data, loader, PROCESS)
        return
    assert load(data, loader, PROCESS).variables == expected["vars"]


@pytest.mark.parametrize(
    ("loader", "text", "key", "line", "value", "notes"),
    [
        ("systemd", "A=b\nexport C=d\n", "C", 2, None, {DROPPED}),
        ("systemd", "\ufeffA=b\n", "A", 1, None, {DROPPED}),
        ("systemd", "A.B=c\n", "A.B", 1, None, {DROPPED}),
        ("systemd", "A\n", "A", 1, None, {DROPPED}),
        ("systemd", "A=b # c\n", "A", 1, "b # c", set()),
        ("systemd", 'A="b\nC=d\n', "A", 1, "b\nC=d\n", {SWALLOWED}),
        ("systemd", "A=b\\\nC=d\n", "A", 1, "bC=d", {SWALLOWED}),
        (
            "systemd",
            "A='-----BEGIN-----\nabc==\n-----END-----'\n",
            "A",
            1,
            "-----BEGIN-----\nabc==\n-----END-----",
            set(),
        ),
        ("systemd", "A=b\\ \n", "A", 1, "b ", set()),
        ("systemd", "A=b\\\\ \n", "A", 1, "b\\", set()),
        ("systemd", "A=$EXT\n", "A", 1, "$EXT", set()),
        ("compose", "\nA=b # c\n", "A", 2, "b", {CUT}),
        ("compose", "A='b' # c\n", "A", 1, "b", set()),
        ("compose", "A=p#b\n", "A", 1, "p#b", set()),
        ("compose", "A=${NONE:-b}\n", "A", 1, "b", {EXPANDED}),
        ("compose", "A=$EXT # c\n", "A", 1, "ext", {CUT, EXPANDED}),
        ("compose", "A=$$EXT\n", "A", 1, "$EXT", set()),
        ("compose", "A='$EXT'\n", "A", 1, "$EXT", set()),
        ("compose", "A='b\nC=d'\n", "A", 1, "b\nC=d", {SWALLOWED}),
        ("compose", "EXT\n", "EXT", 1, "ext", {INHERITED}),
        ("compose", "A\n", "A", 1, None, {INHERITED, DROPPED}),
        ("compose", "A=${EXT:+b}${NONE+c}${NONE-d}\n", "A", 1, "bd", {EXPANDED}),
        ("compose", 'A="\\0101\\t\\$EXT"\n', "A", 1, "A\t$EXT", set()),
        ("docker", "EXT\n", "EXT", 1, "ext", {INHERITED}),
        ("docker", "B=1\nA\n", "A", 2, None, {INHERITED, DROPPED}),
        ("docker", "A= 'b' # c\n", "A", 1, " 'b' # c", set()),
    ],
)
def test_notes(loader: str, text: str, key: str, line: int, value: str | None, notes: set[str]) -> None:
    last = load(text.encode(), loader, PROCESS).assignments[-1]
    assert (last.key, last.line, last.value, set(last.notes)) == (key, line, value, notes)


@pytest.mark.parametrize(
    ("loader", "data", "line", "reason"),
    [
        ("systemd", b"A=hunter2\nB=\xffhunter2\n", 2, "found an assignment that is not valid UTF-8"),
        ("systemd", "A=hunter2\ufdd0".encode(), 1, "found an assignment that is not valid UTF-8"),
        ("systemd", b"A=hunter2\n# hunter2 \0\n", 2, "found a NUL"),
        ("compose", b"A=b\n\nhunter2/b=c\n", 3, "found a character that is not allowed in a variable's name"),
        ("compose", b"hunter2 b=c\n", 1, "found a space in a variable's name"),
        ("compose", b"A=b\nC='hunter2\n\n", 2, "found a quote that is not closed"),
        ("compose", b"A=b\nC=${hunter2\n\n", 2, "found '${' without a name and a closing '}'"),
        ("compose", b"A=b\nC=${hunter2.b}\n", 2, "found '${' without a name and a closing '}'"),
        ("compose", b"C=${NONE:?hunter2}\n", 1, "found no value of a variable that '${…?}' requires"),
        ("compose", b"A=b\nexport ", 2, "found export without a name"),
        ("docker", b"A=b\nexport hunter2=c\n", 2, "found a blank in a variable's name"),
        ("docker", b"=hunter2\n", 1, "found no name before '='"),
        ("docker", b"A=b\nB=hunter2\xff\n", 2, "found a byte that is not UTF-8"),
        ("docker", b"A=hunter2" + 65536 * b"a", 1, "found a line of 64 KiB or more"),
    ],
)
def test_refusals_name_the_line_and_nothing_of_the_file(loader: str, data: bytes, line: int, reason: str) -> None:
    with pytest.raises(LoaderRefuses) as refusal:
        load(data, loader, PROCESS)
    assert str(refusal.value) == f"{loader} refuses this file at line {line}: {reason}"
    assert (refusal.value.line, refusal.value.reason) == (line, reason)
    assert SECRET not in repr(refusal.value) + repr(refusal.getrepr(style="native"))


def test_a_line_of_one_byte_less_than_docker_takes_is_read() -> None:
    value = 65533 * "a"
    assert load(f"A={value}\nB={value}".encode(), "docker").variables == {"A": value, "B": value}


def test_growth_without_bound_is_refused() -> None:
    lines = ["A0=0123456789", *[f"A{number}=$A{number - 1}$A{number - 1}" for number in range(1, 64)]]
    with pytest.raises(LoaderRefuses, match="its substitutions make more than"):
        load("\n".join(lines).encode() + b"\n", "compose")


@pytest.mark.parametrize("loader", NAMES)
@given(data=st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_read_or_refused(loader: str, data: bytes) -> None:
    try:
        loaded = load(data, loader, PROCESS)
    except LoaderRefuses as refusal:
        assert 0 < refusal.line <= data.count(b"\n") + 1
        return
    assert all(isinstance(value, str) for value in loaded.variables.values())
    assert {item.key for item in loaded.assignments if DROPPED not in item.notes} == loaded.variables.keys()
    for item in loaded.assignments:
        assert 0 < item.line <= data.count(b"\n") + 1
