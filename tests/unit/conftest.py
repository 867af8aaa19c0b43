# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What free input is drawn: the same in every run, so that a red test is a change's own; `make soak` draws anew."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

# No clock decides: hypothesis' own 200 ms for an input, and its limit for drawing one, are wall time, which a neighbour on the machine takes.
clockless = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("same", clockless, derandomize=True)
settings.register_profile("anew", clockless, database=None)
settings.load_profile("anew" if os.environ.get("MAINSTAY_SEED") == "random" else "same")
