# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Searches streams for secrets. What it tells are labels, never the secrets themselves."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

CHUNK = 1 << 20


class Needles(dict[str, bytes]):
    """Label -> what to search for. A test that fails shows its fixtures: this one shows nothing."""

    def __repr__(self) -> str:
        return f"Needles({len(self)}, not shown)"


def search(needles: Mapping[str, bytes], chunks: Iterable[bytes]) -> set[str]:
    """Labels of the NEEDLES that stand in the CHUNKS, also across the border of two."""
    found: set[str] = set()
    overlap = max((len(needle) for needle in needles.values()), default=1) - 1
    tail = b""
    for chunk in chunks:
        text = tail + chunk
        found |= {label for label, needle in needles.items() if label not in found and needle in text}
        tail = text[-overlap:] if overlap else b""
    return found


def search_file(needles: Mapping[str, bytes], path: Path) -> set[str]:
    with path.open("rb") as stream:
        return search(needles, iter(lambda: stream.read(CHUNK), b""))


def search_command(needles: Mapping[str, bytes], *command: str) -> set[str]:
    """As `search` in what COMMAND prints on either stream. A command that fails finds nothing and must not pass for clean."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        assert process.stdout is not None
        found = search(needles, iter(lambda: os.read(process.stdout.fileno(), CHUNK), b""))  # type: ignore[union-attr]
    if process.returncode:
        raise RuntimeError(f"{command[0]} {' '.join(command[1:4])} ... ended with {process.returncode}")
    return found


def files_with(needles: Mapping[str, bytes], container: str, *folders: str) -> set[str]:
    """Files on CONTAINER under FOLDERS that hold one of NEEDLES. They reach its grep through stdin: no process list shows them."""
    command = [
        "docker",
        "exec",
        "-i",
        container,
        "grep",
        "-raslF",
        "-D",
        "skip",
        "-f",
        "-",
        "--exclude-dir=apt-archive",
        *folders,
    ]
    done = subprocess.run(command, input=b"\n".join(needles.values()) + b"\n", capture_output=True, check=False)
    if done.returncode not in (0, 1, 2) or (done.returncode == 2 and not done.stdout and done.stderr):
        raise RuntimeError(f"grep on {container} ended with {done.returncode}")
    return set(done.stdout.decode().splitlines())
