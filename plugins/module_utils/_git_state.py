# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which files git tracks or ignores: two processes for each repository, however many files. No Ansible import; changes nothing.

The repository is asked as what it says itself: neither the user's own ignore file nor GIT_* variables count, and nothing that its
configuration names is run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

SECONDS = 60
#: Bytes of file names in one command line; Linux takes 2 MiB with the environment.
_MOST_BYTES = 200_000
_COMMAND = (
    "--literal-pathspecs",
    "-c",
    "safe.directory=*",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.hooksPath=/dev/null",
)


@dataclass(frozen=True)
class GitState:
    """None: there is no repository around the file, or git could not be asked."""

    tracked: bool | None = None
    ignored: bool | None = None


UNKNOWN = GitState()


class _GitSaysNo(Exception):
    """Why git could not be asked."""


def git_states(paths: Iterable[str]) -> tuple[dict[str, GitState], list[str]]:
    """PATHS (absolute, there or not) with what git says of each, and a note for every repository that could not be asked.

    A symbolic link is asked for as the file it leads to: it is the content that must not be in a repository.
    """
    roots: dict[str, str] = {}
    repositories: dict[str, dict[str, str]] = {}
    found = {}
    for path in dict.fromkeys(paths):
        real = os.path.realpath(path)
        root = _root(os.path.dirname(real), roots)
        found[path] = UNKNOWN
        if root:
            repositories.setdefault(root, {})[path] = os.path.relpath(real, root)
    git = shutil.which("git") if repositories else None
    notes = []
    for root, members in repositories.items():
        try:
            if git is None:
                raise _GitSaysNo("git is not installed here")
            found.update(_ask(git, root, members))
        except _GitSaysNo as error:
            notes.append(f"{root}: whether git tracks or ignores its files was not checked: {error}")
    return found, notes


def _root(folder: str, known: dict[str, str]) -> str:
    """The work tree around FOLDER, '' where there is none. Found without a process: by its `.git`."""
    if folder in known:
        return known[folder]
    parent = os.path.dirname(folder)
    if os.path.lexists(os.path.join(folder, ".git")):
        known[folder] = folder
    else:
        known[folder] = _root(parent, known) if parent != folder else ""
    return known[folder]


def _ask(git: str, root: str, members: dict[str, str]) -> dict[str, GitState]:
    names = list(dict.fromkeys(members.values()))
    tracked: set[str] = set()
    for part in _parts(names):
        tracked |= _names(_run([git, *_COMMAND, "ls-files", "-z", "--", *part], root, b"", (0,)))
    # this one takes no --literal-pathspecs: `./` keeps a name that begins with ':' from being read as a pattern
    told = b"".join(b"./" + os.fsencode(name) + b"\0" for name in names)
    answer = _names(_run([git, *_COMMAND[1:], "check-ignore", "-z", "--stdin"], root, told, (0, 1)))  # 1: none
    ignored = {name.removeprefix("./") for name in answer}
    return {path: GitState(name in tracked, name in ignored) for path, name in members.items()}


def _parts(names: Sequence[str]) -> Iterator[list[str]]:
    part: list[str] = []
    size = 0
    for name in names:
        length = len(os.fsencode(name)) + 1
        if part and size + length > _MOST_BYTES:
            yield part
            part, size = [], 0
        part.append(name)
        size += length
    if part:
        yield part


def _names(output: bytes) -> set[str]:
    return {os.fsdecode(name) for name in output.split(b"\0") if name}


def _run(command: Sequence[str], root: str, told: bytes, expected: Sequence[int]) -> bytes:
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C",
        "HOME": "/nonexistent",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_LAZY_FETCH": "1",
    }
    try:
        done = subprocess.run(
            command, input=told, capture_output=True, cwd=root, env=environment, timeout=SECONDS, check=False
        )
    except OSError as error:
        raise _GitSaysNo(error.strerror or "it cannot be run") from None
    except subprocess.TimeoutExpired:
        raise _GitSaysNo(f"no answer within {SECONDS} s") from None
    if done.returncode not in expected:
        words = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise _GitSaysNo(words[0] if words else f"exit code {done.returncode}")
    return done.stdout
