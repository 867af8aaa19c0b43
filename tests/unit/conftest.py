# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What free input is drawn: the same in every run, so that a red test is a change's own; `make soak` draws anew."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("same", derandomize=True)
settings.register_profile("anew", database=None)
settings.load_profile("anew" if os.environ.get("MAINSTAY_SEED") == "random" else "same")
