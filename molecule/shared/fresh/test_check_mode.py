# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""On a host that has nothing of ours yet, check mode works to its end, foretells changes, and makes none."""

from __future__ import annotations

from typing import Any

from playbook import converge, recap, state


def test_check_mode_on_a_fresh_host_changes_nothing(host: Any) -> None:
    before = state(host)
    code, output = converge("--check")
    assert code == 0, output[-4000:]
    assert all(changed > 0 and broken == 0 for changed, broken in recap(output).values()), recap(output)
    after = state(host)
    changed = {name: set(before[name].splitlines()) ^ set(after[name].splitlines()) for name in before}
    assert not any(changed.values()), changed
