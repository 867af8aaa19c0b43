# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes the tables of docs/schema.md from the code that reads env.schema.yml. Usage: scripts/schema_docs.py [--check]"""

from __future__ import annotations

import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
PAGE = TOP / "docs" / "schema.md"
sys.path.insert(0, str(TOP / ".build" / "collections"))

from ansible_collections.mainstay.backend.plugins.module_utils import _env_schema_options as options  # noqa: E402
from ansible_collections.mainstay.backend.plugins.module_utils._env_types import TYPES  # noqa: E402


def tables() -> dict[str, list[str]]:
    """Name of a table -> its lines."""
    meant = [f"| `{name}` | {options.FORMS[item.takes]} | {item.meaning} |" for name, item in options.OPTIONS.items()]
    types = [f"| `{name}` | {meaning} |" for name, meaning in TYPES.items()]
    rules = [f"| `{name}: [A, B]` | {meaning} |" for name, meaning in options.RULE_MEANINGS.items()]
    return {
        "options": ["| option | takes | |", "|---|---|---|", *meant],
        "types": ["| type | its values |", "|---|---|", *types],
        "rules": ["| rule | |", "|---|---|", *rules],
    }


def page(text: str) -> str:
    """TEXT with each table put between its marks."""
    for name, lines in tables().items():
        begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->"
        if begin not in text or end not in text:
            raise SystemExit(f"{PAGE}: found no '{begin.strip()}' and '{end}'; expected both")
        head, tail = text.split(begin, 1)[0], text.split(end, 1)[1]
        text = head + "\n".join([begin, *lines, "", end]) + tail
    return text


def main() -> int:
    before = PAGE.read_text(encoding="utf-8")
    wanted = page(before)
    if "--check" in sys.argv[1:]:
        if before != wanted:
            print("docs/schema.md is not what the code says: run `make docs`", file=sys.stderr)
        return int(before != wanted)
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
