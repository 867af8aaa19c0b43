# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A way into a host's network: local ports that lead to its loopback addresses and unix sockets.

The servers listen on loopback only, so that nobody outside gets near them; the clients of these tests run on the controller.
Each connection runs a small relay on the host, and the server sees a client of that host, as it sees the application.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading

RELAY = """
import os, socket, sys, threading
target = sys.argv[1]
if target.startswith("/"):
    server = socket.socket(socket.AF_UNIX)
    server.connect(target)
else:
    host, _unused, port = target.rpartition(":")
    server = socket.create_connection((host, int(port)), 60)
    server.settimeout(None)
def back():
    while data := server.recv(65536):
        view = memoryview(data)
        while view:
            view = view[os.write(1, view):]
def then_end(carry):
    # a reset too is an end, of both directions
    try:
        carry()
    finally:
        os._exit(0)
def forth():
    while data := os.read(0, 65536):
        server.sendall(data)
threading.Thread(target=then_end, args=(back,)).start()
then_end(forth)
"""


class Tunnel:
    """A port on the controller's loopback whose connections come out at TARGET (host:port or a socket's path) on CONTAINER."""

    def __init__(self, container: str, target: str) -> None:
        self.command = ["docker", "exec", "-i", container, "python3", "-c", RELAY, target]
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _unused = self.listener.accept()
                threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        with client:
            subprocess.run(self.command, stdin=client, stdout=client, stderr=subprocess.DEVNULL, check=False)
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.listener.close()
