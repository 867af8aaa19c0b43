# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes the tables of rules in docs/ from their catalogues. Usage: scripts/rule_docs.py [--check]"""

from __future__ import annotations

import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- begin rules -->\n", "<!-- end rules -->"
sys.path.insert(0, str(TOP / ".build" / "collections"))

from ansible_collections.mainstay.backend.plugins.module_utils import _env_rules, _rotation_rules  # noqa: E402

#: Page -> its catalogue as Markdown.
PAGES = {
    TOP / "docs" / "findings.md": _env_rules.table,
    TOP / "docs" / "rotation-validate.md": _rotation_rules.table,
}


def page(text: str, path: Path) -> str:
    """TEXT of the page PATH with its catalogue between its marks."""
    if BEGIN not in text or END not in text:
        raise SystemExit(f"{path}: found no '{BEGIN.strip()}' and '{END}'; expected both")
    return f"{text.split(BEGIN, 1)[0]}{BEGIN}\n{PAGES[path]()}\n{END}{text.split(END, 1)[1]}"


def main() -> int:
    stale = 0
    for path in PAGES:
        before = path.read_text(encoding="utf-8")
        wanted = page(before, path)
        if "--check" not in sys.argv[1:]:
            path.write_text(wanted, encoding="utf-8")
        elif before != wanted:
            print(f"{path.relative_to(TOP)} is not what the code says: run `make docs`", file=sys.stderr)
            stale = 1
    return stale


if __name__ == "__main__":
    sys.exit(main())
