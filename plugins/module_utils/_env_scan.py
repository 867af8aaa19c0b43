# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which environment variables an application's sources read, and how that compares with what it declares.

Reads files only: no code of the application runs, no link is followed. No default that stands in the code gets into a result.
"""

from __future__ import annotations

import fnmatch
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._findings import Finding, Rule, ordered, printable
from ansible_collections.mainstay.backend.plugins.module_utils._scan_js import scan_javascript
from ansible_collections.mainstay.backend.plugins.module_utils._scan_python import scan_python
from ansible_collections.mainstay.backend.plugins.module_utils._scan_reads import DEFAULT, OPTIONAL, REQUIRED, Read
from ansible_collections.mainstay.backend.plugins.module_utils._scan_ruby import scan_erb, scan_ruby
from ansible_collections.mainstay.backend.plugins.module_utils._scan_shell import (
    scan_compose,
    scan_dockerfile,
    scan_shell,
)

LARGEST = 2 * 1024 * 1024
#: A file with a NUL byte this early is no text.
HEAD = 8192
#: Folders that hold no code of the application's own.
SKIPPED = (
    *(".bundle", ".git", ".hg", ".next", ".nuxt", ".svn", ".terraform", ".tox", ".venv", "__pycache__"),
    *("bower_components", "coverage", "dist", "log", "node_modules", "tmp", "vendor", "venv"),
)
#: Places that a message names; the result has them all.
NAMED = 3

RULES = {
    "read-undeclared": Rule(
        "read-undeclared", "error", "Code reads a variable that is not declared.", "Declare it, or correct its name in the code."
    ),
    "declared-unread": Rule(
        "declared-unread", "warning", "A variable is declared that no code reads.", "Remove it, or name it in read_elsewhere."
    ),
}  # fmt: skip

Scanner = Callable[[str], list[Read]]
KINDS: tuple[tuple[str, tuple[Scanner, ...]], ...] = (
    (r".*\.erb", (scan_erb,)),
    (r"(?:docker-)?compose(?:[.-].*)?\.ya?ml", (scan_compose, scan_erb)),
    (r".*\.ya?ml", (scan_erb,)),
    (r".*\.(?:rb|rake|ru|gemspec|jbuilder|thor)|Rakefile|Gemfile|Capfile|Guardfile|Vagrantfile|Thorfile", (scan_ruby,)),
    (r".*\.(?:py|pyw|wsgi)", (scan_python,)),
    (r".*\.min\.js", ()),
    (r".*\.[cm]?[jt]sx?|.*\.(?:vue|svelte|astro)", (scan_javascript,)),
    (r".*\.(?:sh|bash|ksh|zsh)|\.envrc|Procfile(?:\..*)?", (scan_shell,)),
    (r"(?:Dockerfile|Containerfile)(?:[.-].*)?|.*\.(?:dockerfile|containerfile)", (scan_dockerfile,)),
)
_KINDS = tuple((re.compile(pattern, re.IGNORECASE | re.DOTALL), scanners) for pattern, scanners in KINDS)
INTERPRETERS: tuple[tuple[str, tuple[Scanner, ...]], ...] = (
    (r"\b(?:ruby|jruby|rake)\b", (scan_ruby,)),
    (r"\bpython", (scan_python,)),
    (r"\b(?:node|bun|deno|ts-node|tsx)\b", (scan_javascript,)),
    (r"\b(?:ba|da|k|z|a)?sh\b", (scan_shell,)),
)
EXAMPLE = re.compile(r"^[ \t]*(#[ \t]*)?(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=")


@dataclass(frozen=True)
class Declared:
    """Where a variable is declared. `read`: the code is expected to read it itself, and not only to be allowed to."""

    name: str
    file: str
    line: int = 0
    read: bool = True


@dataclass(frozen=True)
class Scan:
    """Places are (file below the root, read), by file and line."""

    reads: Mapping[str, Sequence[tuple[str, Read]]] = field(default_factory=dict)
    unknown: Sequence[tuple[str, Read]] = ()
    files: int = 0
    notes: Sequence[str] = ()


def scanners_of(name: str, text: str) -> tuple[Scanner, ...]:
    """What reads a file called NAME, by its ending or its first line; nothing for what is no code that can be read here."""
    for pattern, scanners in _KINDS:
        if pattern.fullmatch(name):
            return scanners
    if text.startswith("#!"):
        first = text[:200].split("\n", 1)[0]
        return next((scanners for pattern, scanners in INTERPRETERS if re.search(pattern, first)), ())
    return ()


def scan_text(name: str, text: str) -> list[Read]:
    """The reads in the file NAME, in the order of lines."""
    found = [read for scanner in scanners_of(name, text) for read in scanner(text)]
    return sorted(found, key=lambda read: read.line)


def excluded(path: str, patterns: Iterable[str]) -> bool:
    """Whether PATH, or a folder above it, matches one of the glob PATTERNS ('*' crosses folders)."""
    parts = path.split("/")
    tops = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
    return any(fnmatch.fnmatchcase(top, pattern.rstrip("/")) for pattern in patterns for top in tops)


def sources(root: str, exclude: Sequence[str]) -> Iterator[tuple[str, str]]:
    """(path below ROOT, full path) of the regular files, sorted; links are not followed."""
    for folder, folders, files in os.walk(root):
        below = os.path.relpath(folder, root)
        prefix = "" if below == "." else below + "/"
        folders[:] = sorted(name for name in folders if name not in SKIPPED and not excluded(prefix + name, exclude))
        for name in sorted(files):
            if not excluded(prefix + name, exclude):
                yield prefix + name, os.path.join(folder, name)


def read_text(path: str) -> str | None:
    """The text in PATH; None where it is no regular file or holds no text. MainstayError says why another one is left out."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if os.path.islink(path):
            return None
        raise MainstayError(error.strerror or "cannot be read") from None
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            return None
        with os.fdopen(handle, "rb", closefd=False) as stream:
            data = stream.read(LARGEST + 1)
    except OSError as error:
        raise MainstayError(error.strerror or "cannot be read") from None
    finally:
        os.close(handle)
    if b"\0" in data[:HEAD]:
        return None
    if len(data) > LARGEST:
        raise MainstayError(f"larger than {LARGEST // 1048576} MiB")
    return data.decode("utf-8", "replace").removeprefix("\ufeff").replace("\r\n", "\n")


def scan_tree(root: str, exclude: Sequence[str] = ()) -> Scan:
    """Everything that the sources below ROOT read."""
    if not os.path.isdir(root):
        raise MainstayError(f"root: found no folder {root}; expected an application's")
    reads: dict[str, list[tuple[str, Read]]] = {}
    unknown, notes, files = [], [], 0
    for path, full in sources(root, exclude):
        shown = printable(path)
        try:
            text = read_text(full)
        except MainstayError as error:
            notes.append(f"{shown} was not read: {error}")
            continue
        if text is None or not scanners_of(os.path.basename(path), text):
            continue
        files += 1
        for read in scan_text(os.path.basename(path), text):
            place = (shown, read)
            if read.name:
                reads.setdefault(read.name, []).append(place)
            else:
                unknown.append(place)
    return Scan(dict(sorted(reads.items())), tuple(unknown), files, tuple(notes))


def example_variables(text: str, file: str) -> list[Declared]:
    """What a .env.example declares. One that is commented out may be read, and need not be."""
    found: dict[str, Declared] = {}
    for number, line in enumerate(text.splitlines(), 1):
        match = EXAMPLE.match(line)
        if match and not (match[2] in found and (match[1] or found[match[2]].read)):
            found[match[2]] = Declared(match[2], file, number, not match[1])
    return list(found.values())


def need_of(places: Iterable[tuple[str, Read]]) -> str:
    """The strictest need of several places."""
    needs = {read.need for _file, read in places}
    return next(need for need in (REQUIRED, OPTIONAL, DEFAULT) if need in needs)


def place_text(places: Sequence[tuple[str, Read]]) -> str:
    named = [f"{file}:{read.line}" for file, read in places[:NAMED]]
    return ", ".join(named) + (f" and {len(places) - NAMED} more" if len(places) > NAMED else "")


def compare(
    scan: Scan,
    declared: Sequence[Declared],
    ignore: Sequence[str] = (),
    read_elsewhere: Sequence[str] = (),
    severities: Mapping[str, str] | None = None,
) -> list[Finding]:
    """The findings. A variable whose every read has a default is a warning, unless SEVERITIES (rule: error, warning, off) say otherwise."""
    chosen = dict(severities or {})
    wrong = sorted(set(chosen) - set(RULES)) + sorted(set(chosen.values()) - {"error", "warning", "off"})
    if wrong:
        raise MainstayError(f"severities: found {wrong[0]!r}; expected {', '.join(RULES)} with error, warning or off")
    known = {item.name for item in declared}
    found = []
    for name, places in scan.reads.items():
        if name in known or _matches(name, ignore):
            continue
        need = need_of(places)
        file, first = places[0]
        message = f"read at {place_text(places)}, {WORDS[need]}; nothing declares it"
        severity = chosen.get("read-undeclared", "warning" if need == DEFAULT else "error")
        found.append(_finding("read-undeclared", severity, file, first.line, name, message))
    computed = f", unless its name is computed at {place_text(scan.unknown)}" if scan.unknown else ""
    for item in declared:
        if item.read and item.name not in scan.reads and not _matches(item.name, [*ignore, *read_elsewhere]):
            severity = chosen.get("declared-unread", RULES["declared-unread"].severity)
            message = f"no source reads it{computed}"
            found.append(_finding("declared-unread", severity, item.file, item.line, item.name, message))
    return ordered(item for item in found if item.severity != "off")


WORDS = {
    REQUIRED: "which fails without it",
    OPTIONAL: "without a default",
    DEFAULT: "each time with a default",
}


def _finding(rule: str, severity: str, file: str, line: int, variable: str, message: str) -> Finding:
    return Finding(rule, severity, file, line, variable, message, RULES[rule].remedy)


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
