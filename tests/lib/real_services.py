# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The real systemd, Docker Compose and docker, each asked to read bytes in a process with env_fuzz.PROCESS as its environment."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from env_fuzz import PROCESS
from real_loaders import LIB, Process, Variables

VERSIONS = {"systemd": "257", "units": "257", "compose": "2.26.1-4"}
PROGRAM = (LIB / "loaders_debian.py").read_text(encoding="utf-8")
PROGRAM_PATH = "/srv/loaders_debian.py"


class Batches(Process):
    """A program that reads many files in one go."""

    def read_many(self, inputs: Sequence[bytes], accepted: Sequence[bool]) -> list[Variables | None]:
        assert self._process.stdin
        asked = {"many": [base64.b64encode(data).decode() for data in inputs], "accepted": list(accepted)}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        found = self._answer()["many"]
        assert isinstance(found, list)
        return [_variables(one["vars"]) if one["ok"] else None for one in found]


def _variables(encoded: dict[str, str]) -> Variables:
    return {name: base64.b64decode(value).decode("utf-8", "replace") for name, value in encoded.items()}


def on_debian(container: str, loader: str) -> Batches:
    """In CONTAINER, a Debian 13 host that has PROGRAM at PROGRAM_PATH (and docker-compose, for that)."""
    settings = [part for key, value in PROCESS.items() for part in ("-e", f"{key}={value}")]
    command = ["docker", "exec", "-i", *settings, container, "python3", PROGRAM_PATH, loader]
    return Batches(command, dict(os.environ))


class Docker:
    """`docker create --env-file` of this machine; what the engine then has for the container's environment."""

    def __init__(self, image: str, folder: Path) -> None:
        self._image = image
        self._folder = folder
        config = json.loads(self._run("image", "inspect", image))[0]["Config"] or {}
        self._own = {entry.partition("=")[0] for entry in config.get("Env") or []}

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(
            ["docker", *arguments], capture_output=True, text=True, env={**os.environ, **PROCESS}, check=False
        )
        return done.stdout if done.returncode == 0 else ""

    def read_many(self, inputs: Sequence[bytes]) -> list[Variables | None]:
        with ThreadPoolExecutor(3) as pool:
            made = list(pool.map(self._create, range(len(inputs)), inputs))
        there = [identity for identity in made if identity]
        try:
            told = json.loads(self._run("container", "inspect", *there)) if there else []
        finally:
            if there:
                self._run("rm", *there)
        found = {one["Id"]: dict(self._pairs(one["Config"]["Env"] or [])) for one in told}
        return [found[identity] if identity else None for identity in made]

    def _create(self, number: int, data: bytes) -> str:
        path = self._folder / f"{number}.env"
        path.write_bytes(data)
        return self._run("create", "--network", "none", "--env-file", str(path), self._image).strip()

    def _pairs(self, entries: Sequence[str]) -> Iterator[tuple[str, str | None]]:
        for entry in entries:
            name, _equals, value = entry.partition("=")
            if name not in self._own:
                yield name, value
