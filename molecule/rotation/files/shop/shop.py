# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An application that never rests. It reads the .env that it is told (SHOP_ENV), works through pools on all its servers, and tells how it went.

SIGHUP: it reads its configuration again, makes new pools beside the old ones, and ends these after their last operation.
SIGTERM: it finishes what it is at, and goes. Both as systemd's protocol wants it (Type=notify-reload); GET http://127.0.0.1:8090/ says whether it is well.
"""

from __future__ import annotations

import contextlib
import http.server
import logging
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path

from dotenv import dotenv_values
from servers import LOST, REFUSED, SERVERS, PoolWarnings, Servers
from streams import TABLE, THREADS, Listener, Stream
from tally import Tally
from tokens import CHANNEL, Calls, Keys, Tokens

PORT = 8090
#: So long a reload waits for a server that restarts, in seconds.
PATIENCE = 20


class Shop:
    def __init__(self, env_file: Path, folder: Path) -> None:
        self.env_file, self.folder = env_file, folder
        self.place = socket.gethostname()
        self.channels = (f"shop:{self.place}", CHANNEL)
        self.tally = Tally(folder)
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self.expected: dict[str, threading.Event] = {}
        self.deaf = 0.0
        self.now: Servers | None = None
        self.keys: Keys
        self.tokens = Tokens(self)
        self.listener: Listener | None = None

    def enter(self) -> Servers:
        """The pools of this moment; who gets them says leave() when done."""
        with self.lock:
            assert self.now
            self.now.enter()
            return self.now

    def heard(self, channel: str, text: str) -> None:
        event = self.expected.get(text)
        if channel == CHANNEL:
            self.tokens.heard(text)
        elif event:
            event.set()

    def configure(self) -> None:
        """From what the files say now. What they said before works on until its last operation has ended."""
        told = {key: value or "" for key, value in dotenv_values(self.env_file, interpolate=False).items()}
        keys = Keys(Path(os.environ["SHOP_SECRETS"], "shop_tokens.keys"))
        fresh = Servers(told)
        try:
            fresh.open()
        except BaseException:
            fresh.close()
            raise
        if self.now is None:
            self.keys = keys
        listener = Listener(self, fresh)
        listener.start()
        with self.lock:
            old, self.now, self.keys = self.now, fresh, keys
        former, self.listener = self.listener, listener
        if old and former:
            former.closing = True
            former.join(10)
            old.close()
        with contextlib.suppress(FileNotFoundError):  # how the tests make a consumer ill by its next move
            (self.folder / "ill-after-next-move").rename(self.folder / "ill")

    def reload(self) -> None:
        started = time.time()
        notify(f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")
        while True:
            try:
                self.configure()
                self.tally.count("reloads")
            except Exception as error:  # whatever it is: the program works on as it was, and says so
                lost = isinstance(error, LOST) and not REFUSED.search(str(error))
                if lost and time.time() - started < PATIENCE:
                    time.sleep(0.2)
                    continue
                self.tally.failed("program", "reload", f"{type(error).__name__}: {error}", started)
            break
        notify("READY=1")

    def work(self) -> int:
        handler = PoolWarnings(self.tally)
        logging.getLogger("psycopg.pool").addHandler(handler)
        self.configure()
        servers = self.enter()
        with servers.database.connection() as connection:
            connection.execute("SELECT pg_advisory_lock(1)")
            connection.execute(TABLE)
            connection.execute("SELECT pg_advisory_unlock(1)")
        servers.leave()
        streams = [Stream(self, name, number) for name in SERVERS for number in range(THREADS[name])]
        writer = threading.Thread(target=self.tally.keep_writing, args=(self.stopping,), daemon=True)
        calls = Calls(self, os.environ["SHOP_PARTNER"])
        for thread in (*streams, self.tokens, calls, writer, threading.Thread(target=self.answer, daemon=True)):
            thread.start()
        notify("READY=1")
        while signal.sigwait({signal.SIGHUP, signal.SIGTERM}) == signal.SIGHUP:
            self.reload()
        notify("STOPPING=1")
        self.stopping.set()
        for stream in streams:
            stream.join(30)
        self.tally.write(stopped=True)
        return 0

    def answer(self) -> None:
        shop = self

        class Health(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                ill = "told so" if (shop.folder / "ill").exists() else shop.tally.well(list(SERVERS))
                text = f"{ill or 'well'}\n".encode()
                self.send_response(503 if ill else 200)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_unused: object) -> None:
                """No line in the journal for each question."""

        http.server.HTTPServer(("127.0.0.1", PORT), Health).serve_forever()


def notify(text: str) -> None:
    address = os.environ.get("NOTIFY_SOCKET")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(text.encode(), "\0" + address[1:] if address.startswith("@") else address)


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP, signal.SIGTERM})
    sys.exit(Shop(Path(os.environ["SHOP_ENV"]), Path(os.environ["STATE_DIRECTORY"])).work())
