# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A consumer of a signing key, as docs/keys.md says it (its Python is beside this file, as keys.py): PORT RING -> /sign, /verify?TOKEN, /up."""

from __future__ import annotations

import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from keys import from_file, sign, verify

RING = from_file(sys.argv[2])


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        path, _unused, token = self.path.partition("?")
        if path == "/verify":
            return self.say(200 if verify(token, RING) else 401, "")
        return self.say(200, sign({"at": time.time()}, RING) if path == "/sign" else "")

    def say(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *unused: object) -> None:
        pass


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
