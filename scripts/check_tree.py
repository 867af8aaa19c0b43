# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Refuses what must not be in the tree: overlong files, overlong tasks and roles, one machine's paths and mirrors, a missing licence header,
imports that hosts would be sent for nothing."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

LINES, TASK_LINES, ROLE_TASKS = 400, 15, 40
GENERATED = {"LICENSE", "requirements.lock", "CHANGELOG.md", "docs/reference.md", "changelogs/changelog.yaml"}
MACHINE = {
    "the host name of a registry or mirror": re.compile(
        r"\b(?:deb|registry|files|security)\.[a-z]+\.(?:org|com)\b|\bpypi\.[a-z]"
    ),
    "a path of one machine": re.compile(r"(?<![\w.:])/(?:work|farm)/"),
}
HEADER = ("the mainstay.backend authors", "GNU General Public License v3.0+")


def tracked() -> Iterator[Path]:
    """The files of the tree that git knows or would take, as far as they are there."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    return (Path(name) for name in names if Path(name).is_file())


def file_problems(path: Path, text: str) -> Iterator[str]:
    """What is wrong with one file as text."""
    lines = text.splitlines()
    if len(lines) > LINES and str(path) not in GENERATED and path.suffix != ".json":
        yield f"{path}: found {len(lines)} lines; expected at most {LINES}"
    if path.suffix == ".py" and lines and any(part not in "\n".join(lines[:6]) for part in HEADER):
        yield f"{path}: found no licence header; expected the two lines that CONTRIBUTING.md shows"
    if path.suffix not in (".json", ".lock") and path.name != "check_tree.py":
        for number, line in enumerate(lines, 1):
            yield from (
                f"{path}:{number}: found {what}; expected none"
                for what, pattern in MACHINE.items()
                if pattern.search(line)
            )


def spans(node: yaml.Node) -> Iterator[tuple[int, int]]:
    """First line and length of each task in a task file; of a block, of each task in it."""
    if not isinstance(node, yaml.SequenceNode):
        return
    for task in node.value:
        keys: dict[Any, yaml.Node] = {key.value: value for key, value in task.value}
        inner = [keys[name] for name in ("block", "rescue", "always") if name in keys]
        if inner:
            for part in inner:
                yield from spans(part)
        else:
            last = max(
                value.end_mark.line if value.end_mark.column else value.end_mark.line - 1 for _key, value in task.value
            )
            yield task.start_mark.line + 1, last - task.start_mark.line + 1


def role_problems(paths: list[Path]) -> Iterator[str]:
    """Tasks over their length, roles over their number of tasks."""
    counts: dict[str, int] = {}
    for path in paths:
        if path.parts[0] != "roles" or path.parts[2] not in ("tasks", "handlers") or path.suffix != ".yml":
            continue
        found = list(spans(yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)))
        counts[path.parts[1]] = counts.get(path.parts[1], 0) + len(found)
        for line, length in found:
            if length > TASK_LINES:
                yield f"{path}:{line}: found a task of {length} lines; expected at most {TASK_LINES}"
    yield from (
        f"roles/{role}: found {count} tasks; expected at most {ROLE_TASKS}"
        for role, count in counts.items()
        if count > ROLE_TASKS
    )


def packing_problems() -> Iterator[str]:
    """ansible-core packs whatever a module_util imports, for type checkers too: a name for annotations would bring the whole inventory's core
    to every host."""
    for path in sorted(Path("plugins/module_utils").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
                yield from (
                    f"{path}:{item.lineno}: found {item.module} below TYPE_CHECKING; expected plugin_utils.types"
                    for item in node.body
                    if isinstance(item, ast.ImportFrom) and ".plugins.module_utils." in str(item.module)
                )


def group_problems() -> Iterator[str]:
    """A module that the action group does not name would not get its module_defaults."""
    listed = yaml.safe_load(Path("meta/runtime.yml").read_text(encoding="utf-8"))["action_groups"]["backend"]
    modules = sorted(path.stem for path in Path("plugins/modules").glob("*.py"))
    if listed != modules:
        yield f"meta/runtime.yml: action_groups.backend: found {listed}; expected {modules}"


def main() -> int:
    paths = list(tracked())
    problems: list[str] = []
    for path in paths:
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        problems += file_problems(path, text)
    problems += [*role_problems(paths), *packing_problems(), *group_problems()]
    print("\n".join(problems) or f"{len(paths)} files are as they should be")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
