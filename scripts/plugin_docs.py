# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes docs/reference.md from the documentation in modules, lookups and filters. Usage: scripts/plugin_docs.py [--check]"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parent.parent
PAGE = TOP / "docs" / "reference.md"
HEAD = """# Reference of modules and plugins

Generated from the code by `make docs`; do not edit. What a role's variables mean stands in the role's README.
"""
_MARKUP = re.compile(r"\b([BCIMOVLRU])\(([^)]*)\)")
_RULE = {"B": "**{}**", "I": "*{}*"}


def text(value: object) -> str:
    """Ansible's markup as Markdown, on one line."""
    parts = value if isinstance(value, list) else [value]
    joined = " ".join(str(part).strip() for part in parts if part is not None)
    return (
        _MARKUP.sub(lambda match: _RULE.get(match[1], "`{}`").format(match[2]), joined)
        .replace("|", "\\|")
        .replace("\n", " ")
    )


def rows(options: dict[str, Any], depth: int = 0) -> list[str]:
    found = []
    for name, option in sorted(options.items()):
        kind = option.get("type", "str") + (f" of {option['elements']}" if option.get("elements") else "")
        default = (
            "**required**"
            if option.get("required")
            else f"`{json.dumps(option['default'])}`"
            if "default" in option
            else ""
        )
        choices = f" One of {', '.join(f'`{item}`' for item in option['choices'])}." if option.get("choices") else ""
        found.append(
            f"| {'&nbsp;&nbsp;' * depth}`{name}` | {kind} | {default} | {text(option.get('description'))}{choices} |"
        )
        found += rows(option.get("suboptions") or {}, depth + 1)
    return found


def returns(values: dict[str, Any], depth: int = 0) -> list[str]:
    found = []
    for name, value in sorted((values or {}).items()):
        found.append(
            f"| {'&nbsp;&nbsp;' * depth}`{name}` | {value.get('type', '')} | {value.get('returned', '')} | {text(value.get('description'))} |"
        )
        found += returns(value.get("contains") or {}, depth + 1)
    return found


def section(kind: str, name: str, found: dict[str, Any]) -> list[str]:
    doc = found["doc"]
    lines = [
        f"## {kind} `{name}`",
        "",
        f"{text(doc['short_description'])}.",
        "",
        *[f"- {text(item)}" for item in doc.get("description", [])],
        "",
    ]
    if doc.get("options"):
        lines += ["| option | type | default | |", "|---|---|---|---|", *rows(doc["options"]), ""]
    if doc.get("attributes"):
        lines += ["| attribute | support | |", "|---|---|---|"]
        lines += [
            f"| {key} | {item.get('support', '')} | {text(item.get('description'))} |"
            for key, item in sorted(doc["attributes"].items())
        ]
        lines.append("")
    lines += ["```yaml", (found.get("examples") or "").strip(), "```", ""]
    if found.get("return"):
        lines += ["| returns | type | when | |", "|---|---|---|---|", *returns(found["return"]), ""]
    return lines


def page() -> str:
    lines = [HEAD]
    for kind, folder in (("module", "modules"), ("lookup", "lookup"), ("filter", "filter")):
        names = sorted(f"mainstay.backend.{path.stem}" for path in (TOP / "plugins" / folder).glob("[a-z]*.py"))
        if not names:
            continue
        command = ["ansible-doc", "--type", kind, "--json", *names]
        documented = json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)
        for name in names:
            lines += section(kind, name, documented[name])
    return "\n".join(lines).rstrip() + "\n"


def main() -> int:
    wanted = page()
    if "--check" in sys.argv[1:]:
        if not PAGE.exists() or PAGE.read_text() != wanted:
            print("docs/reference.md is not what the code says: run `make docs`", file=sys.stderr)
            return 1
        return 0
    PAGE.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
