# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""On a host that stands as described, check mode has nothing to announce."""

from __future__ import annotations

from playbook import converge, recap


def test_check_mode_on_a_converged_host_announces_nothing() -> None:
    code, output = converge("--check")
    assert code == 0, output[-4000:]
    hosts = recap(output)
    assert hosts, output[-4000:]
    assert all(figures == (0, 0) for figures in hosts.values()), hosts
