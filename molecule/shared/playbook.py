# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs a scenario's converge once more from a test, and reads what it says and what a host holds."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

RECAP = re.compile(r"^(\S+)\s*: ok=\d+\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)


def converge(*options: str) -> tuple[int, str]:
    """Exit code and output of the scenario's converge with these options, on the scenario's own inventory."""
    return play(Path(os.environ["MOLECULE_PROJECT_DIRECTORY"], "molecule/shared/converge.yml"), *options)


def play(playbook: Path, *options: str) -> tuple[int, str]:
    """The same of any PLAYBOOK."""
    inventory = os.environ["MOLECULE_INVENTORY_FILE"]
    command = [
        "ansible-playbook",
        "--inventory",
        str(Path(inventory).parent),
        "-vvv",
        "--diff",
        *options,
        str(playbook),
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "ANSIBLE_FORCE_COLOR": "0"}
    )
    return done.returncode, done.stdout + done.stderr


def recap(output: str) -> dict[str, tuple[int, int]]:
    """For each host of a run's recap: how many tasks changed something, how many did not work."""
    return {
        host: (int(changed), int(unreachable) + int(failed))
        for host, changed, unreachable, failed in RECAP.findall(output)
    }


def state(host: Any) -> dict[str, str]:
    """What a host holds: packages, units, users, and every file that a role could write, with its content."""
    tops = "/etc /usr/local /var/lib /var/spool /opt /srv /home"
    # caches, stamps of timers and locks change by themselves
    skip = " -o ".join(
        f"-path '{path}'" for path in ("/srv/apt-archive", "/var/lib/apt", "/var/lib/systemd", "/var/lib/dpkg/lock*")
    )
    find = f"find {tops} \\( {skip} \\) -prune -o"
    commands = {
        "packages": "dpkg-query -W -f '${Package} ${Version} ${Status}\n'",
        "units": "systemctl list-unit-files --plain --no-legend; systemctl list-units --plain --no-legend 'valkey*' 'postgres*' 'mainstay*'",
        "users": "getent passwd; getent group",
        "files": rf"{find} -printf '%M %U:%G %p %l\n' | sort",
        "sums": f"{find} -type f -print0 | xargs -0 sha256sum | sort -k 2",
    }
    found = {name: host.check_output("bash -o pipefail -c %s", command) for name, command in commands.items()}
    assert all(len(part.splitlines()) > 10 for part in found.values()), {
        name: len(part) for name, part in found.items()
    }
    return found
