# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A third party that makes tokens, and its client. It takes those whose SHA-256 stand in a file, a line each.

`serve FILE`: the third party, on port 8099. `test HOST` and `revoke HOST` speak to it with the last token on standard input; exit 4: it was refused.
"""

from __future__ import annotations

import hashlib
import http.client
import http.server
import sys
from pathlib import Path

PORT, REFUSED = 8099, 4


def call(host: str, token: str, method: str = "GET") -> int:
    """The status of one request with TOKEN."""
    connection = http.client.HTTPConnection(host, PORT, timeout=60)
    try:
        connection.request(method, "/", headers={"Authorization": f"Bearer {token}"})
        return connection.getresponse().status
    finally:
        connection.close()


def serve(known: Path) -> None:
    class Partner(http.server.BaseHTTPRequestHandler):
        def answer(self, revoke: bool = False) -> None:
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            mark, marks = hashlib.sha256(token.encode()).hexdigest(), known.read_text(encoding="ascii").split()
            if revoke and mark in marks:
                temporary = known.with_suffix(".new")
                temporary.write_text("".join(f"{item}\n" for item in marks if item != mark), encoding="ascii")
                temporary.replace(known)
            self.send_response(200 if mark in marks else 401)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self) -> None:
            self.answer()

        def do_DELETE(self) -> None:
            self.answer(revoke=True)

        def log_message(self, *_unused: object) -> None:
            """No line in the journal for each request."""

    http.server.ThreadingHTTPServer(("", PORT), Partner).serve_forever()


def main() -> int:
    verb, place = sys.argv[1:]
    if verb == "serve":
        serve(Path(place))
    status = call(place, sys.stdin.read().split()[-1], "DELETE" if verb == "revoke" else "GET")
    return 0 if status == 200 else REFUSED if status == 401 else 1


if __name__ == "__main__":
    sys.exit(main())
