# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which servers' packages a play installs at once: those whose role the run's tags select."""

from __future__ import annotations

import pytest

from ansible_collections.mainstay.backend.plugins.action.server_packages import selected
from ansible_collections.mainstay.backend.plugins.module_utils._packages import backports_of


@pytest.mark.parametrize(
    ("run", "skip", "found"),
    [
        (["all"], [], True),
        (["tagged"], [], True),
        (["valkey"], [], True),
        (["valkey", "secrets"], [], True),
        (["postgres"], [], False),
        (["all"], ["valkey"], False),
        (["all"], ["postgres"], True),
        (["valkey"], ["valkey"], False),
        (["all"], ["tagged"], False),
    ],
)
def test_tags_select_roles(run: list[str], skip: list[str], found: bool) -> None:
    assert selected("valkey", {"ansible_run_tags": run, "ansible_skip_tags": skip}) is found


def test_only_debian_12_needs_its_backports() -> None:
    assert backports_of({"version": 12, "codename": "bookworm"}) == "bookworm-backports"
    assert backports_of({"version": 13, "codename": "trixie"}) == ""
    assert backports_of({"version": None, "codename": ""}) == ""
