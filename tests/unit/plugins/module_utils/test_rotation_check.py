# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The recovery table of facts/rotation.md: probe, don't trust the journal."""

from __future__ import annotations

import pytest

from ansible_collections.mainstay.backend.plugins.module_utils._rotation_check import refusals
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_kinds import Probe

PLACES = ("app1", "app2")


def asked(*versions: str) -> list[Probe]:
    return [Probe(f"db/{version}@{place}", "db", "works", {}) for version in versions for place in PLACES]


def said(**outcomes: str) -> list[dict[str, str]]:
    """old='works refused' says what app1 and app2 found."""
    return [
        {"id": f"db/{version}@{place}", "outcome": outcome, "said": "a word"}
        for version, both in outcomes.items()
        for place, outcome in zip(PLACES, both.split(), strict=True)
    ]


@pytest.mark.parametrize(
    ("old", "new", "goes_on"),
    [
        ("works works", "refused refused", True),
        ("works works", "works works", True),
        ("refused refused", "works works", True),
        ("refused refused", "refused refused", False),
        ("works refused", "refused works", False),
        ("works unreachable", "refused refused", False),
        ("error error", "works works", True),
    ],
)
def test_some_version_has_to_work_everywhere(old: str, new: str, goes_on: bool) -> None:
    assert (refusals(asked("old", "new"), said(old=old, new=new)) == []) is goes_on


def test_what_is_wrong_is_said_with_its_place_and_cause() -> None:
    (line,) = refusals(asked("old"), said(old="works unreachable"))
    assert line == (
        "db: found no version that works everywhere (db/old@app2: unreachable (a word)); expected the one in use to work"
    )


def test_a_probe_without_an_answer_is_no_success() -> None:
    assert refusals(asked("old"), said(old="works works")[:1])
