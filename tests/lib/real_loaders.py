# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The real dotenv of Python, Node and Ruby, each asked to read bytes in a process with env_fuzz.PROCESS as its environment."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from unittest import mock

from dotenv import dotenv_values
from env_fuzz import PROCESS

LIB = Path(__file__).parent
ROOT = LIB.parents[1]
#: What stands for a command's output in what the Ruby process answers.
RAN = "\u0001"
VERSIONS = {"python": "1.2.4", "node": "17.4.2", "ruby": "3.2.0"}

Variables = dict[str, str | None]


def read_by_python(data: bytes, path: Path) -> Variables | None:
    """What dotenv_values makes of DATA, written to PATH; None where it refuses the file."""
    path.write_bytes(data)
    with mock.patch.dict(os.environ, PROCESS, clear=True):
        try:
            return dict(dotenv_values(path))
        except UnicodeDecodeError:
            return None


class Process:
    """A program that reads files for us, one line of JSON for each."""

    def __init__(self, command: Sequence[str], environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True, encoding="utf-8"
        )
        self.version: str = self._answer()["version"]

    def _answer(self) -> dict[str, object]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line, "the program that loads files ended"
        found: dict[str, object] = json.loads(line)
        return found

    def read(self, data: bytes) -> Variables | None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps({"data": base64.b64encode(data).decode()}) + "\n")
        self._process.stdin.flush()
        answer = self._answer()
        found = answer.get("vars")
        if not answer["ok"] or not isinstance(found, dict):
            return None
        return {key: base64.b64decode(value).decode("utf-8", "replace") for key, value in found.items()}

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(timeout=300)


def node() -> Process:
    """`scripts/node_dotenv` installs what this needs."""
    modules = {"NODE_PATH": str(ROOT / ".build" / "node" / "node_modules"), "PATH": os.environ["PATH"]}
    return Process(["node", str(LIB / "dotenv_node.js")], {**modules, **PROCESS})


def ruby(container: str) -> Process:
    """In CONTAINER, which has ruby-dotenv and, as /srv/dotenv_ruby.rb, the program."""
    settings = [part for key, value in {**PROCESS, "LANG": "C.UTF-8"}.items() for part in ("-e", f"{key}={value}")]
    command = ["docker", "exec", "-i", *settings, container, "ruby", "/srv/dotenv_ruby.rb"]
    return Process(command, dict(os.environ))
