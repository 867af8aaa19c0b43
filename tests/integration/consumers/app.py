# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A program as users have them, on a host: app.py PORT SECONDS-UNTIL-READY SECONDS-UNTIL-DEATH notify|no.

It answers with the word of its file as it was at the start or the last SIGHUP, and with the one of its environment. A death before 0
is died once: whatever starts it again finds it alive.
"""

import http.server
import os
import signal
import socket
import sys
import threading
import time

FILE = "/srv/shop/word"
port, after, dies, notify = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]), sys.argv[4] == "notify"
start = time.monotonic()


def read(*_unused: object) -> None:
    with open(FILE, encoding="utf-8") as handle:
        read.word = handle.read().strip()  # type: ignore[attr-defined]


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        word = read.word  # type: ignore[attr-defined]
        self.send_response(200 if time.monotonic() - start >= after and word != "broken" else 503)
        self.end_headers()
        self.wfile.write(f"{word} {os.environ.get('WORD', '-')}".encode())

    def log_message(self, *_unused: object) -> None:
        pass


read()
signal.signal(signal.SIGHUP, read)
once = f"/run/died-{port}"
if dies > 0 or (dies < 0 and not os.path.exists(once)):
    threading.Timer(abs(dies), lambda: (open(once, "w").close(), os._exit(3))).start()
server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Answer)
if notify:
    time.sleep(after)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as link:
        link.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
server.serve_forever()
