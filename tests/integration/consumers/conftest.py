# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Units on a host that behave as users' do, and a way to ask what they run with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

HUP = "ExecReload=/bin/kill -HUP $MAINPID"


@dataclass
class Units:
    """Units of app.py on HOST, each with a port; all are stopped and removed after the test."""

    host: Any
    ports: dict[str, int] = field(default_factory=dict)

    def add(self, name: str, *lines: str, ready: float = 0, dies: float = 0, notify: bool = False) -> str:
        """Starts NAME.service with further LINES; the words are `old` by then."""
        port = self.ports.setdefault(name, 3100 + len(self.ports))
        told = f"{port} {ready} {dies} {'notify' if notify else 'no'}"
        text = [f"ExecStart=/usr/bin/python3 /srv/shop/app.py {told}", *lines, *(["Type=notify"] * notify)]
        self.host.write(f"/etc/systemd/system/{name}.service", "\n".join(["[Service]", *text, ""]))
        self.host.run(f"rm -f /run/died-{port}; systemctl daemon-reload && systemctl start {name}")
        if not notify:
            self.host.until(
                f'python3 -c \'import socket; socket.create_connection(("127.0.0.1", {port})); print("up")\'', "up", 300
            )
        return f"http://127.0.0.1:{port}/up"

    def write(self, word: str) -> None:
        """What is new after a rotation: the file, and the environment file."""
        self.host.write("/srv/shop/word", f"{word}\n")
        self.host.write("/srv/shop/.env", f"WORD={word}\n")

    def pid(self, name: str) -> str:
        return str(self.host.run(f"systemctl show -P MainPID {name}.service").strip())

    def words(self, name: str) -> str:
        """What it runs with: the file's word, and its environment's."""
        code = "import sys, urllib.request as r; print(r.urlopen(sys.argv[1]).read().decode())"
        return str(self.host.run(["python3", "-c", code, f"http://127.0.0.1:{self.ports[name]}/"]).strip())

    def remove(self) -> None:
        for name in self.ports:
            self.host.run(
                f"systemctl kill -s KILL {name}; systemctl stop {name}; rm -f /etc/systemd/system/{name}.service",
                check=False,
            )
        self.host.run("systemctl daemon-reload; systemctl reset-failed", check=False)


@pytest.fixture
def units(host: Any) -> Iterator[Units]:
    host.run("id shop >/dev/null 2>&1 || useradd --system --no-create-home shop")
    host.write("/srv/shop/app.py", Path(__file__).with_name("app.py").read_text(encoding="utf-8"))
    found = Units(host)
    found.write("old")
    yield found
    found.remove()


@pytest.fixture
def reload(host: Any) -> Callable[..., Any]:
    """consumer_reload with CONSUMERS; its task is called `act`."""

    def call(*consumers: Mapping[str, Any], check: bool = False, **options: Any) -> Any:
        given = {"consumers": list(consumers), **options} if consumers else options
        return host.play(tasks=[{"name": "act", "mainstay.backend.consumer_reload": given}], check=check)

    return call
