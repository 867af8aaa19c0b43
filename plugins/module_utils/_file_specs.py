# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Files and directories as they shall be, and what differs from it: the values that _files works on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError

#: (before, after) -> what a diff may show of them.
Mask = Callable[[str, str], tuple[str, str]]


@dataclass(frozen=True)
class FileSpec:
    """A file as it shall be. `secret` keeps its content out of every diff; `shown`, or `mask`, is what a diff may show instead.

    `validate` is a command whose argument '%s' stands for the candidate's path; it must exit 0, or nothing is replaced.
    `content` None means that the file shall not exist. `source` is the inventory variable whose owner and group these are.
    """

    path: str
    content: str | None
    owner: str = "root"
    group: str = "root"
    mode: int = 0o644
    secret: bool = False
    shown: Mapping[str, str] = field(default_factory=dict)
    validate: tuple[str, ...] = ()
    mask: Mask | None = None
    source: str = ""


@dataclass(frozen=True)
class DirectorySpec:
    """A directory as it shall be, parents made when missing (root, 0755). A link that root made to one is followed.

    `keep`: owner, group and mode are for its creation; one that is there already is left as it is.
    """

    path: str
    owner: str = "root"
    group: str = "root"
    mode: int = 0o755
    keep: bool = False
    source: str = ""


@dataclass(frozen=True)
class Change:
    """What differs at one path: `what` of content, owner, group, mode, created, removed; before/after for people."""

    path: str
    what: tuple[str, ...]
    before: str
    after: str

    def diff(self) -> dict[str, str]:
        return {"before_header": self.path, "after_header": self.path, "before": self.before, "after": self.after}


def file_specs(items: Iterable[Mapping[str, Any]]) -> list[FileSpec]:
    """FileSpecs of module parameters (mode as octal text)."""
    return [
        FileSpec(
            path=item["path"],
            content=item.get("content"),
            owner=item.get("owner") or "root",
            group=item.get("group") or "root",
            mode=octal(item.get("mode") or "0644", item["path"]),
            secret=bool(item.get("secret")),
            validate=tuple(item.get("validate") or ()),
            source=item.get("source") or "",
        )
        for item in items
    ]


def directory_specs(items: Iterable[Mapping[str, Any]]) -> list[DirectorySpec]:
    """DirectorySpecs of module parameters (mode as octal text)."""
    return [
        DirectorySpec(
            path=item["path"].rstrip("/") or "/",
            owner=item.get("owner") or "root",
            group=item.get("group") or "root",
            mode=octal(item.get("mode") or "0755", item["path"]),
            keep=bool(item.get("keep")),
            source=item.get("source") or "",
        )
        for item in items
    ]


def octal(text: object, path: str) -> int:
    """The mode that TEXT writes. A number is refused: YAML has read 0640 as 416 by then."""
    if not isinstance(text, str) or not re.fullmatch(r"(?:0o?)?[0-7]{3,4}", text):
        raise MainstayError(f"mode of {path}: found {text!r}; expected octal text in quotes, like '0640'")
    return int(text, 8)
