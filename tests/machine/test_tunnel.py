# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The scenarios' way into a host: whoever waits for a server hears when the server is killed, as it would on that host."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "molecule" / "shared" / "verify"))

from tunnel import Tunnel  # noqa: E402

# Two connections: one ends in order, one by a reset, as those of a killed process whose input was not read.
SERVER = """
import socket, struct
server = socket.create_server(("127.0.0.1", 7000))
print("listening", flush=True)
for how in ("end", "reset"):
    client, _unused = server.accept()
    client.recv(1)
    if how == "reset":
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
"""


@pytest.fixture
def server() -> Iterator[str]:
    name = f"mainstay-tunnel-{uuid.uuid4().hex[:8]}"
    command = [
        shutil.which("docker"),
        "run",
        "--rm",
        "--init",
        "--name",
        name,
        "mainstay-host:13",
        "python3",
        "-c",
        SERVER,
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stdout.readline() == "listening\n"
        yield name
        subprocess.run(["docker", "rm", "-fv", name], check=False, capture_output=True)


def test_an_end_and_a_reset_are_both_heard(server: str) -> None:
    tunnel = Tunnel(server, "127.0.0.1:7000")
    for _how in ("end", "reset"):
        with socket.create_connection(("127.0.0.1", tunnel.port), 60) as client:
            client.sendall(b"a question")
            assert client.recv(1) == b""
    tunnel.close()
