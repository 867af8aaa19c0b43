# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Before the first deployment: from here on the host's process lists are kept for the hunt for leaked secrets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SAMPLER = Path(__file__).resolve().parents[3] / "tests" / "leaks" / "sampler.py"
UNIT = "verify-sampler"
SAMPLES = "/run/verify-sampler.out"


def test_process_lists_are_kept_from_here_on(host: Any) -> None:
    host.check_output(f"cat > /run/{UNIT}.py <<'EOF'\n{SAMPLER.read_text(encoding='utf-8')}\nEOF")
    host.check_output(f"systemd-run --quiet --collect --unit={UNIT} --nice=10 python3 /run/{UNIT}.py {SAMPLES} 3600")
    assert host.service(UNIT).is_running
