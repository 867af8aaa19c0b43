# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What git says of files, asked of the real git, in repositories that are odd in the ways repositories are."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from ansible_collections.mainstay.backend.plugins.module_utils import _git_state
from ansible_collections.mainstay.backend.plugins.module_utils._git_state import UNKNOWN, GitState, git_states


def git(folder: Path, *words: str) -> None:
    quiet = {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
    }
    who = ["-c", "user.name=n", "-c", "user.email=n@example.net", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True, env=quiet)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    (folder / "sub").mkdir(parents=True)
    git(folder, "init")
    (folder / ".gitignore").write_text(".env\n*.local\n")
    for name in (".env", "open.env", "sub/.env", "sub/tracked.env", "a.local"):
        (folder / name).write_text("A=1\n")
    git(folder, "add", "-f", "sub/tracked.env", "a.local", ".gitignore")
    return folder


def states(*paths: Path) -> list[GitState]:
    found, notes = git_states(map(str, paths))
    assert notes == []
    return [found[str(path)] for path in paths]


def test_tracked_ignored_and_neither(repository: Path) -> None:
    names = (".env", "open.env", "sub/.env", "sub/tracked.env", "a.local", "not/there/.env")
    assert states(*[repository / name for name in names]) == [
        GitState(False, True),
        GitState(False, False),
        GitState(False, True),
        GitState(True, False),
        GitState(True, False),  # what is tracked is not ignored, whatever .gitignore says
        GitState(False, True),
    ]


def test_a_file_outside_of_any_repository_is_not_guessed_at(tmp_path: Path) -> None:
    assert states(tmp_path / ".env", Path("/proc/self/environ")) == [UNKNOWN, UNKNOWN]


def test_names_that_look_like_patterns(repository: Path) -> None:
    for name in ("[a].env", ":(top)x", ":!y", "-v", "new\nline", "*"):
        (repository / name).write_text("")
    git(repository, "add", "--", ":(literal):!y")
    names = ("[a].env", ":(top)x", ":!y", "-v", "new\nline", "*")
    assert [state.tracked for state in states(*[repository / name for name in names])] == [False, False, True] + [
        False
    ] * 3
    odd = os.fsdecode(os.fsencode(repository) + b"/\xff.local")
    assert git_states([odd])[0] == {odd: GitState(False, True)}


def test_a_link_stands_for_the_file_it_leads_to(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "shared").write_text("A=1\n")
    (repository / "out.env").symlink_to(tmp_path / "shared")
    git(repository, "add", "out.env")
    (tmp_path / "in.env").symlink_to(repository / "sub" / "tracked.env")
    assert states(repository / "out.env", tmp_path / "in.env") == [UNKNOWN, GitState(True, False)]


def test_a_repository_in_a_repository_is_asked_for_its_own_files(repository: Path) -> None:
    inner = repository / "vendor"
    inner.mkdir()
    git(inner, "init")
    (inner / ".env").write_text("")
    assert states(inner / ".env", repository / ".env") == [GitState(False, False), GitState(False, True)]


def test_neither_the_user_nor_the_environment_nor_the_configuration_has_a_say(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home" / ".config" / "git").mkdir(parents=True)
    (tmp_path / "home" / ".config" / "git" / "ignore").write_text("open.env\n")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    monkeypatch.setenv("GIT_WORK_TREE", "/")
    mark = tmp_path / "ran"
    hook = tmp_path / "hook"
    hook.write_text(f"#!/bin/sh\ntouch {mark}\n")
    hook.chmod(0o755)
    git(repository, "config", "core.fsmonitor", str(hook))
    assert states(repository / "open.env", repository / ".env") == [GitState(False, False), GitState(False, True)]
    assert not mark.exists()


def test_without_git_it_says_so(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    found, notes = git_states([str(repository / ".env"), str(repository / "open.env")])
    assert set(found.values()) == {UNKNOWN}
    assert notes == [
        f"{repository}: whether git tracks or ignores its files was not checked: git is not installed here"
    ]


def test_a_broken_repository_is_said_and_others_are_asked_all_the_same(repository: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / ".git").write_text("gitdir: /nonexistent\n")
    found, notes = git_states([str(broken / ".env"), str(repository / ".env")])
    assert found[str(broken / ".env")] == UNKNOWN
    assert found[str(repository / ".env")] == GitState(False, True)
    assert len(notes) == 1
    assert "not a git repository" in notes[0]


def test_two_processes_for_many_files(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = []
    real = subprocess.run
    monkeypatch.setattr(
        _git_state.subprocess, "run", lambda *a, check, **k: runs.append(a) or real(*a, check=check, **k)
    )
    paths = [str(repository / f"app{number}" / ".env") for number in range(1000)]
    assert set(git_states(paths)[0].values()) == {GitState(False, True)}
    assert len(runs) == 2


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a repository to another user")
def test_a_repository_of_another_user_is_asked(repository: Path) -> None:
    for folder, _folders, files in os.walk(repository):
        for name in ("", *files):
            os.chown(os.path.join(folder, name), 12345, 12345)
    assert states(repository / ".env") == [GitState(False, True)]
