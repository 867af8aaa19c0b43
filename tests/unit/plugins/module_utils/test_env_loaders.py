# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""dotenv of Ruby, Python and Node as they read files: every measured case, the notes, the refusals, and the time that hostile bytes take."""

from __future__ import annotations

import base64
import json
import time
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
