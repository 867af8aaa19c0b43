# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes the tables of docs/findings.md from the catalogue of rules. Usage: scripts/rule_docs.py [--check]"""

from __future__ import annotations

import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
PAGE = TOP / "docs" / "findings.md"
BEGIN, END = "<!-- begin rules -->\n", "<!-- end rules -->"
sys.path.insert(0, str(TOP / ".build" / "collections"))

from ansible_collections.mainstay.backend.plugins.module_utils._env_rules import table  # noqa: E402


def page(text: str) -> str:
    """TEXT with the catalogue between its marks."""
    if BEGIN not in text or END not in text:
        raise SystemExit(f"{PAGE}: found no '{BEGIN.strip()}' and '{END}'; expected both")
    return f"{text.split(BEGIN, 1)[0]}{BEGIN}\n{table()}\n{END}{text.split(END, 1)[1]}"


def main() -> int:
    before = PAGE.read_text(encoding="utf-8")
    wanted = page(before)
    if "--check" in sys.argv[1:]:
        if before != wanted:
            print("docs/findings.md is not what the code says: run `make docs`", file=sys.stderr)
        return int(before != wanted)
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
