# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The hunt for what must not be shown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def leaks(host: Any, out: str, secrets: Iterable[str]) -> list[str]:
    """Where any line of SECRETS is seen: in what Ansible printed, in the journal, in temporary files. Never the secret itself."""
    places = {
        "output": out,
        "journal": host.run("journalctl --no-pager --all"),
        "temporary files": host.run("grep -rhs . /tmp /var/tmp /root/.ansible; true"),
    }
    lines = {line for secret in secrets for line in secret.splitlines() if line}
    assert lines
    return [name for name, text in places.items() if any(line in text for line in lines)]
