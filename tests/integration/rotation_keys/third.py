# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A third party that gives tokens away: PORT FILE, whose lines are the tokens that it takes. GET / is 200 or 401, DELETE / revokes `X-Revoke`."""

from __future__ import annotations

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

FILE = Path(sys.argv[2])


class Handler(BaseHTTPRequestHandler):
    def answer(self) -> None:
        known = FILE.read_text().split()
        good = self.headers.get("Authorization", "").removeprefix("Bearer ") in known
        gone = self.headers.get("X-Revoke", "")
        if good and self.command == "DELETE":
            good = gone in known
            FILE.write_text("\n".join(item for item in known if item != gone) + "\n")
        self.send_response(200 if good else 401)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_DELETE = answer

    def log_message(self, *unused: object) -> None:
        pass


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
