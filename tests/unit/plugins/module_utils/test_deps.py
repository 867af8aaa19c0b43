# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest

from ansible_collections.mainstay.backend.plugins.module_utils import _deps
from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2.9.10 (dt dec pq3 ext lo64)", (2, 9, 10)), ("6.1.0", (6, 1, 0)), ("4.3.4rc1", (4, 3, 4)), ("unknown", ())],
)
def test_version_tuple(text: str, expected: tuple[int, ...]) -> None:
    assert _deps.version_tuple(text) == expected


def test_a_library_that_is_new_enough_is_imported() -> None:
    assert _deps.require("redis").__name__ == "redis"


@pytest.mark.parametrize(
    ("name", "minimum", "message"),
    [
        (
            "no_such_library",
            (1, 0),
            r"cannot import no_such_library: .*; install no_such_library >= 1.0 \(Debian: python3-x; PyPI: x\)",
        ),
        ("redis", (999,), r"this host has redis \d+\.\d+\S*; install redis >= 999 \(Debian: python3-x; PyPI: x\)"),
    ],
)
def test_what_is_missing_or_too_old_is_named_with_its_package(
    monkeypatch: pytest.MonkeyPatch, name: str, minimum: tuple[int, ...], message: str
) -> None:
    monkeypatch.setitem(_deps.LIBRARIES, name, (minimum, "python3-x", "x"))
    with pytest.raises(MainstayError, match=message):
        _deps.require(name)
