# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What git says of the tree that is tested."""

from __future__ import annotations

import subprocess
from pathlib import Path

from lanes import whole_run


def git(root: Path, *words: str) -> str:
    """What git prints. Raises RuntimeError with its reason."""
    done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"git {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


def tracked(root: Path) -> list[str]:
    """The files that git knows or would take."""
    names = git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    return sorted({name for name in names if name})


def changed_since(root: Path, commit: str) -> list[str] | None:
    """The paths that differ from COMMIT, uncommitted ones too; None where this clone does not know it."""
    try:
        git(root, "cat-file", "-e", f"{commit}^{{commit}}")
    except RuntimeError:
        return None
    found = git(root, "diff", "--name-only", "--no-renames", "-z", commit).split("\0")
    found += git(root, "ls-files", "-z", "--others", "--exclude-standard").split("\0")
    return sorted({name for name in found if name} - {str(whole_run.PATH)})


def unfinished(root: Path) -> list[str]:
    """Changes that are not committed, the page of the whole run aside."""
    lines = git(root, "status", "--porcelain", "--no-renames").splitlines()
    return [line[3:] for line in lines if line[3:] != str(whole_run.PATH)]
