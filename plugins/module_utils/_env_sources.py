# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Collects what an application is configured by, read-only: files, secrets folders, settings, running units and containers.

Whatever a path leads to, reading it ends: only regular files of a bounded size are opened. What cannot be read is a finding.
"""

from __future__ import annotations

import errno
import grp
import os
import pwd
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from ansible_collections.mainstay.backend.plugins.module_utils._env_layers import layer_order
from ansible_collections.mainstay.backend.plugins.module_utils._env_validate import Source
from ansible_collections.mainstay.backend.plugins.module_utils._findings import is_path, printable
from ansible_collections.mainstay.backend.plugins.module_utils._git_state import UNKNOWN, git_states
from ansible_collections.mainstay.backend.plugins.module_utils._process_env import (
    NotReadable,
    NotThere,
    container_environment,
    unit_environment,
)

#: A file larger than this is no configuration.
MOST_BYTES = 16 * 1024 * 1024
EXAMPLES = (".env.example", ".env.sample", ".env.template", ".env.dist")
#: Environments whose `.env.NAME` is looked for beside the validated one's, for secrets that two of them share.
ENVIRONMENTS = ("development", "test", "staging", "production")
SETTINGS = ("settings.yml", "settings/{}.yml", "environments/{}.yml")
SETTINGS_LOCAL = ("settings.local.yml", "settings/{}.local.yml", "environments/{}.local.yml")
#: Kinds that hold secrets, and so must not be in a repository.
_PRIVATE = ("env", "secret")


@dataclass(frozen=True)
class Target:
    """Where one application's configuration is. `files` from low to high precedence; `root` stands for what is found in that folder."""

    environment: str = "production"
    root: str = ""
    files: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    example: str = ""
    unit: str = ""
    container: str = ""
    other_environments: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Obstacle:
    """Something of KIND (as a Source's) that could not be read: `rule` is missing-file or unreadable."""

    kind: str
    rule: str
    file: str
    message: str


@dataclass(frozen=True)
class Gathered:
    sources: tuple[Source, ...]
    obstacles: tuple[Obstacle, ...]


class _NoFile(Exception):
    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


def gather(targets: Sequence[Target]) -> tuple[list[Gathered], list[str]]:
    """The sources of each of TARGETS, and notes on what could not be asked. Git is asked once for all of them."""
    found = [_Gatherer().all_of(found_in_root(target)) for target in targets]
    private = [path for one in found for source, path in one.sources if source.kind in _PRIVATE]
    states, notes = git_states(os.path.abspath(path) for path in private)
    result = []
    for one in found:
        sources = []
        for source, path in one.sources:
            state = states[os.path.abspath(path)] if source.kind in _PRIVATE else UNKNOWN
            sources.append(replace(source, tracked=state.tracked, ignored=state.ignored))
        result.append(Gathered(tuple(sources), tuple(one.obstacles)))
    return result, notes


def found_in_root(target: Target) -> Target:
    """TARGET with what its `root` holds in place of what it does not name: dotenv-rails' layers, the example, the config gem's layers."""
    if not target.root:
        return target

    def there(names: Iterable[str], folder: str = "") -> tuple[str, ...]:
        paths = [os.path.join(target.root, folder, name) for name in names]
        return tuple(path for path in paths if os.path.lexists(path))

    layers = layer_order(target.environment)
    others = {name: there([f".env.{name}"]) for name in ENVIRONMENTS if f".env.{name}" not in layers}
    return replace(
        target,
        files=target.files or there(reversed(layers)),
        example=target.example or "".join(there(EXAMPLES)[:1]),
        settings=target.settings or there(settings_names(target.environment), "config"),
        other_environments=target.other_environments or {name: paths for name, paths in others.items() if paths},
    )


def settings_names(environment: str) -> tuple[str, ...]:
    """The config gem's files from low to high, relative to its folder."""
    names = [*SETTINGS, *(SETTINGS_LOCAL if environment != "test" else SETTINGS_LOCAL[1:])]
    return tuple(name.format(environment) for name in names)


def kinds(target: Target) -> tuple[str, ...]:
    """The kinds of sources that TARGET names; none: there is nothing to validate."""
    named = {
        "env": target.files,
        "example": target.example,
        "secret": target.secrets,
        "settings": target.settings,
        "process": target.unit or target.container,
    }
    return tuple(kind for kind, places in named.items() if places)


class _Gatherer:
    """Reads one target; `sources` are (source, path as it is on the disk or '')."""

    def __init__(self) -> None:
        self.sources: list[tuple[Source, str]] = []
        self.obstacles: list[Obstacle] = []

    def all_of(self, target: Target) -> _Gatherer:
        for path in target.files:
            self._file("env", path)
        for path in target.secrets:
            self._secrets(path)
        for path in target.settings:
            self._settings(path, target.environment)
        if target.example:
            self._file("example", target.example)
        for name, paths in target.other_environments.items():
            for path in paths:
                self._file("env", path, name)
        if target.unit:
            self._process(f"unit:{target.unit}", unit_environment, target.unit)
        if target.container:
            self._process(f"container:{target.container}", container_environment, target.container)
        return self

    def _file(self, kind: str, path: str, environment: str = "") -> None:
        shown = shown_path(path)
        try:
            data, about = read_regular(path)
        except _NoFile as error:
            self.obstacles.append(Obstacle(kind, error.rule, shown, str(error)))
            return
        mode = stat.S_IMODE(about.st_mode)
        owner, group = _user(about.st_uid), _group(about.st_gid)
        self.sources.append((Source(kind, shown, data, environment, mode, owner, group), path))

    def _secrets(self, path: str) -> None:
        """One secret for each file of the folder. Hidden names and folders are left out: orchestrators keep versions in them."""
        try:
            with os.scandir(path) as entries:
                names = sorted(entry.name for entry in entries if entry.name[:1] != "." and not entry.is_dir())
        except NotADirectoryError:
            self._file("secret", path)
        except OSError as error:
            self.obstacles.append(Obstacle("secret", _rule(error), shown_path(path), f"the folder {_words(error)}"))
        else:
            for name in names:
                self._file("secret", os.path.join(path, name))

    def _settings(self, path: str, environment: str) -> None:
        if not os.path.isdir(path):
            self._file("settings", path)
            return
        names = [name for name in settings_names(environment) if os.path.lexists(os.path.join(path, name))]
        if not names:
            self.obstacles.append(
                Obstacle("settings", "missing-file", shown_path(path), "the folder has no settings.yml")
            )
        for name in names:
            self._file("settings", os.path.join(path, name))

    def _process(self, place: str, read: Callable[[str], bytes], name: str) -> None:
        try:
            self.sources.append((Source("process", place, read(name)), ""))
        except NotThere as error:
            self.obstacles.append(Obstacle("process", "missing-file", place, str(error)))
        except NotReadable as error:
            self.obstacles.append(Obstacle("process", "unreadable", place, str(error)))


def shown_path(path: str) -> str:
    """PATH as findings name it: short, of printable characters, and not to be taken for a unit or container."""
    short = printable(os.path.normpath(path))
    return short if is_path(short) else f"./{short}"


def read_regular(path: str) -> tuple[bytes, os.stat_result]:
    """The content of PATH, a regular file or a link to one. A device or a pipe is not even opened: that alone can block, or have effects."""
    try:
        _check(os.stat(path))
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        with os.fdopen(handle, "rb") as file:
            about = os.fstat(file.fileno())
            _check(about)
            data = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise _NoFile(_rule(error), f"the file {_words(error)}") from None
    if len(data) > MOST_BYTES:
        raise _NoFile("unreadable", f"it is larger than {MOST_BYTES // 1024**2} MiB")
    return data, about


def _check(about: os.stat_result) -> None:
    if not stat.S_ISREG(about.st_mode):
        kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket"}
        kind = kinds.get(stat.S_IFMT(about.st_mode), "a device")
        raise _NoFile("unreadable", f"found {kind}; expected a regular file")
    if about.st_size > MOST_BYTES:
        raise _NoFile("unreadable", f"it is larger than {MOST_BYTES // 1024**2} MiB")


def _rule(error: Exception) -> str:
    return (
        "missing-file" if isinstance(error, OSError) and error.errno in (errno.ENOENT, errno.ENOTDIR) else "unreadable"
    )


def _words(error: Exception) -> str:
    if not isinstance(error, OSError):
        return "has a name that no file can have"
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return "is not there"
    return f"cannot be read: {error.strerror}"


@lru_cache(maxsize=256)
def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


@lru_cache(maxsize=256)
def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
