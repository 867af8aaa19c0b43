# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What every parser of an environment file gives: its result, what it did on the way, and the refusal; and the one way to call them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError

#: Loader -> the module of this folder that reads bytes as it does.
LOADERS = {
    "ruby": "_env_ruby",
    "python": "_env_python",
    "node": "_env_node",
    "systemd": "_env_systemd",
    "compose": "_env_compose",
    "docker": "_env_docker",
}
#: What a loader may do to an assignment that its writer may not expect.
COMMAND = (
    "command"  # a command substitution stands in it, which this loader executes (kept as it is written here, never run)
)
EXPANDED = "expanded"  # a variable was put in place of $NAME or ${NAME}
CUT = "cut"  # text after a '#' that ends an unquoted value was taken as a comment
DROPPED = "dropped"  # the loader leaves this assignment out, without an error
INHERITED = "inherited"  # a name alone: the value is the process environment's
SWALLOWED = "swallowed"  # the value holds further lines that look like assignments of their own (a quote is not closed)
#: A file may grow by its substitutions to this many characters: `B=$A$A`, `C=$B$B`, … doubles with each line.
GROWTH = 32 * 1024 * 1024
_INNER = re.compile(r"\n[ \t]*+(?:export[ \t]++)?[A-Za-z_][A-Za-z0-9_]*+=(?!=|[ \t]*+(?:\n|\Z))")


@dataclass(frozen=True)
class Assignment:
    """One assignment as the loader met it. `value` None: the loader sets the key to no value, or leaves it unset (`dropped`).

    `line` is 1-based. The repr shows no value.
    """

    key: str
    value: str | None = field(repr=False)
    line: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Loaded:
    """`variables` is what a program gets; `assignments` tell, in the file's order, how it came to be."""

    variables: dict[str, str | None] = field(repr=False)
    assignments: tuple[Assignment, ...]


class LoaderRefuses(MainstayError):
    """The loader refuses the file. `reason` is a short text without any of the file's values, `line` 1-based or 0."""

    def __init__(self, loader: str, line: int, reason: str) -> None:
        super().__init__(f"{loader} refuses this file{f' at line {line}' if line else ''}: {reason}")
        self.loader = loader
        self.line = line
        self.reason = reason


def swallows(value: str) -> bool:
    """Whether a line of VALUE after its first looks like an assignment. The padding that ends base64 text does not."""
    return "\n" in value and bool(_INNER.search(value))


class Growth:
    """Ends a file whose substitutions grow without bound, as memory would end the loader itself."""

    def __init__(self, loader: str) -> None:
        self._loader = loader
        self._left = GROWTH

    def add(self, size: int, line: int) -> None:
        self._left -= size
        if self._left < 0:
            raise LoaderRefuses(self._loader, line, f"its substitutions make more than {GROWTH} characters of it")


Parser = Callable[[bytes, Mapping[str, str]], Loaded]


def parser(loader: str) -> Parser:
    """The function that reads bytes as LOADER does."""
    if loader not in LOADERS:
        raise MainstayError(f"loader: found {loader!r}; expected one of {', '.join(LOADERS)}")
    return _parsers()[loader]


@lru_cache(maxsize=1)
def _parsers() -> dict[str, Parser]:
    """Imported late, since they import this module; and by name, since Ansible sends a host only those modules whose import it sees."""
    from ansible_collections.mainstay.backend.plugins.module_utils import (
        _env_compose,
        _env_docker,
        _env_node,
        _env_python,
        _env_ruby,
        _env_systemd,
    )

    modules = (_env_compose, _env_docker, _env_node, _env_python, _env_ruby, _env_systemd)
    found = {module.__name__.rpartition(".")[2]: module.parse for module in modules}
    return {loader: found[name] for loader, name in LOADERS.items()}


def load(data: bytes, loader: str, environment: Mapping[str, str] | None = None) -> Loaded:
    """DATA as LOADER reads it in a process with ENVIRONMENT. LoaderRefuses where the loader gives an error. Nothing is ever executed."""
    return parser(loader)(data, environment or {})


def load_all(
    data: bytes, loaders: Iterable[str], environment: Mapping[str, str] | None = None
) -> dict[str, Loaded | LoaderRefuses]:
    """DATA as each of LOADERS reads it, in their order. A file that all read alike is read once, and its one result is all of theirs."""
    from ansible_collections.mainstay.backend.plugins.module_utils._env_alike import read_alike

    wanted = tuple(dict.fromkeys(loaders))
    parsers = [parser(loader) for loader in wanted]
    alike = read_alike(data, wanted, environment or {}) if len(wanted) > 1 else None
    if alike:
        return dict.fromkeys(wanted, alike)
    found: dict[str, Loaded | LoaderRefuses] = {}
    for loader, parse in zip(wanted, parsers, strict=True):
        try:
            found[loader] = parse(data, environment or {})
        except LoaderRefuses as refusal:
            found[loader] = refusal
    return found
