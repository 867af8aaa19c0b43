# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Packs modules of this collection as a run does, in a process of its own, since ansible-core's loader wants to be there first.

Usage: packing.py meanwhile|parsing|at-once FOLDER NUMBER NAME...   prints, as JSON, which are packed in FOLDER when the block has ended: as soon as
NUMBER are (0: at once); `parsing`: the block parses Python all the time; `at-once`: the files of the first one that a host is sent.
"""

from __future__ import annotations

import ast
import base64
import io
import json
import re
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.plugins import loader
from ansible.plugins.action import ActionBase
from ansible.template import Templar
from yardstick import wait_for

NAMESPACE = "mainstay.backend."
VARIABLES: dict[str, Any] = {"ansible_python_interpreter": "/usr/bin/python3"}


class Waiting(ActionBase):
    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        raise NotImplementedError


class Litter:
    """Garbage in a circle whose end lets other threads run: the collector comes to it in the middle of whatever makes objects, as of a parse."""

    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        time.sleep(0)


def packed(folder: Path) -> list[str]:
    paths = [path for path in folder.glob("ansiballz_cache/*") if path.suffix != ".lock"]
    return sorted(path.name.partition("-")[0].rpartition(".modules.")[2] for path in paths)


def sent(action: ActionBase, name: str) -> list[str]:
    """The paths in what a host is sent for module NAME."""
    built, _path = action._configure_module(name, {}, VARIABLES)
    texts = re.findall(r"[A-Za-z0-9+/=]{10000,}", built.b_module_data.decode())
    return zipfile.ZipFile(io.BytesIO(base64.b64decode(max(texts, key=len)))).namelist()


def main(how: str, folder: str, number: str, *names: str) -> None:
    loader.init_plugin_loader([])
    from ansible_collections.mainstay.backend.plugins.plugin_utils.packing import packed_meanwhile

    constants.DEFAULT_LOCAL_TMP = folder
    files = DataLoader()
    connection = loader.connection_loader.get("ansible.builtin.local", PlayContext())
    action = Waiting(Task(), connection, PlayContext(), files, Templar(files), loader)
    modules = [NAMESPACE + name for name in names]
    if how == "at-once":
        print(json.dumps(sent(action, modules[0])))
        return
    text = Path(loader.__file__).read_text(encoding="utf-8") if how == "parsing" else ""

    def enough() -> bool:
        for _turn in range(20 if text else 0):
            Litter()
        ast.parse(text)
        return len(packed(Path(folder))) >= int(number)

    with packed_meanwhile(action, modules, VARIABLES):
        wait_for(enough, f"{number} packed modules of {', '.join(names)}", pause=0 if text else 0.05)
    print(json.dumps(packed(Path(folder))))


if __name__ == "__main__":
    main(*sys.argv[1:])
