# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Two hundred wrong inventories are refused with the message expected, and what only looks wrong is accepted."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "lib"))

from inventories import cases, describe_case, expected_lines, same

WRONG = list(cases("wrong_inventories"))
RIGHT = list(cases("right_inventories"))


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for _unused, name, case in WRONG])
def test_refused(case: dict[str, Any]) -> None:
    """Exactly the problems that the table tells, each with its variable, what was found there, and what would be right."""
    found = sorted(str(problem) for problem in describe_case(case)[1])
    expected = sorted(expected_lines(case))
    assert expected, "a wrong inventory needs a message"
    assert len(found) == len(expected) and all(map(same, found, expected)), found


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for _unused, name, case in RIGHT])
def test_accepted(case: dict[str, Any]) -> None:
    assert [str(problem) for problem in describe_case(case)[1]] == []


def test_there_are_two_hundred_wrong_ones_of_thirty_kinds() -> None:
    assert len(WRONG) >= 200 and len({kind for kind, _unused, _unused in WRONG}) >= 30
    assert len(RIGHT) >= 30


def test_every_case_differs_from_every_other() -> None:
    texts = [
        repr({key: value for key, value in case.items() if key != "expect"}) for _unused, _unused, case in WRONG + RIGHT
    ]
    assert len(texts) == len(set(texts))


def test_no_message_shows_what_may_be_a_secret() -> None:
    """The table plants this text where a user may have put a password."""
    planted = [case for _unused, _unused, case in WRONG if "hunter2hunter2" in repr(case)]
    assert len(planted) >= 5
    for case in planted:
        assert not [problem.variable for problem in describe_case(case)[1] if "hunter2hunter2" in str(problem)]
