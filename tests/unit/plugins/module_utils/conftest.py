# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""On a host (scripts/unit_on_host) there is no controller: tests that import the controller's own code are not collected there."""

from __future__ import annotations

import os
import re
from pathlib import Path

_CONTROLLER = re.compile(
    r"^(?:from|import) (?:ansible_collections\S+\.plugin_utils|ansible\.(?!module_utils))", re.MULTILINE
)

collect_ignore = [
    path.name
    for path in Path(__file__).parent.glob("test_*.py")
    if os.environ.get("MAINSTAY_ON_HOST") and _CONTROLLER.search(path.read_text(encoding="utf-8"))
]
