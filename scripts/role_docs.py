# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes the table of variables in every role's README from its meta/argument_specs.yml, and there what roles share. Usage: scripts/role_docs.py [--check]"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import yaml

ROLES = Path(__file__).resolve().parent.parent / "roles"
BEGIN, END = "<!-- begin arguments -->", "<!-- end arguments -->"
#: What roles share stands in one of them; another that has the marks gets a copy.
SOURCE, SHARED = "environment", re.compile(r"^ *# begin shared\b.*?^ *# end shared\n", re.DOTALL | re.MULTILINE)
_MARKUP = re.compile(r"\b[BCIMOVLRUEP]\(([^)]*)\)")


def text(value: object) -> str:
    """Ansible's markup as Markdown, fit for a cell of a table."""
    parts = value if isinstance(value, list) else [value]
    joined = " ".join(str(part).strip() for part in parts if part is not None)
    return _MARKUP.sub(r"`\1`", joined).replace("|", "\\|").replace("\n", " ")


def rows(options: dict[str, Any], prefix: str = "") -> list[str]:
    found = []
    for name, option in options.items():
        kind = option.get("type", "str") + (f" of {option['elements']}" if option.get("elements") else "")
        default = (
            f"`{json.dumps(option['default'])}`"
            if "default" in option
            else "**required**"
            if option.get("required")
            else ""
        )
        choices = f" One of {', '.join(f'`{item}`' for item in option['choices'])}." if option.get("choices") else ""
        found.append(f"| `{prefix}{name}` | {kind} | {default} | {text(option.get('description'))}{choices} |")
        found += rows(option.get("options") or {}, f"{prefix}{name}.")
    return found


def specs(role: Path) -> tuple[Path, str, str]:
    """The argument specs of ROLE: where they are, as they are, and as they should be."""
    path = role / "meta" / "argument_specs.yml"
    text, source = path.read_text(encoding="utf-8"), ROLES / SOURCE / "meta" / "argument_specs.yml"
    shared = SHARED.search(source.read_text(encoding="utf-8"))
    return path, text, SHARED.sub(lambda _found: shared[0] if shared else "", text)


def page(role: Path) -> tuple[str, str]:
    """README of ROLE as it is, and as it should be."""
    readme = role / "README.md"
    before = readme.read_text(encoding="utf-8") if readme.exists() else ""
    if BEGIN not in before or END not in before:
        raise SystemExit(f"{readme}: found no '{BEGIN}' and '{END}'; expected both, where the table of variables goes")
    spec = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]["main"]
    table = [
        "## Variables",
        "",
        "| variable | type | default | |",
        "|---|---|---|---|",
        *rows(spec.get("options") or {}),
    ]
    head, _begin, rest = before.partition(BEGIN)
    return before, head + "\n".join([BEGIN, *table, END]) + rest.partition(END)[2]


def main() -> int:
    check = "--check" in sys.argv[1:]
    stale = []
    for role in sorted(path for path in ROLES.iterdir() if (path / "meta" / "argument_specs.yml").exists()):
        path, before, after = specs(role)
        if before != after:
            stale.append(f"{role.name} (shared variables)")
            if not check:
                path.write_text(after, encoding="utf-8")
    for role in sorted(path for path in ROLES.iterdir() if (path / "meta" / "argument_specs.yml").exists()):
        before, after = page(role)
        if before != after:
            stale.append(role.name)
            if not check:
                (role / "README.md").write_text(after, encoding="utf-8")
    if check and stale:
        print(f"{', '.join(stale)}: the argument specs, or the README made from them, are not current: run make docs")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
