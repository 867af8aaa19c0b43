# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tokens that one host signs and every host takes, as long as they live; and calls of a third party with the token that it gave us."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

import partner
import redis
from servers import Servers

if TYPE_CHECKING:
    from shop import Shop

CHANNEL = "tokens"
#: Seconds that a token is good for, as the inventory says (token_lifetime), and when somebody shows it for the last time.
LIFETIME, LAST_SHOWN = 60, 54
PAUSE = 0.05


class Keys:
    """The ring of keys in a file: the first signs, all verify."""

    def __init__(self, path: Path) -> None:
        ring = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
        self.keys = {item["kid"]: str(item["key"]).encode() for item in ring}
        self.signs = next((item["kid"] for item in ring if item["use"] == "sign"), "")

    def sign(self, expires: float) -> str:
        text = f"{self.signs}.{expires:.1f}"
        return f"{text}.{mark(self.keys[self.signs], text)}"

    def fault(self, token: str) -> str:
        """Why TOKEN is not taken; '' where it is."""
        text, _unused, given = token.rpartition(".")
        kid, _unused, expires = text.partition(".")
        if kid not in self.keys:
            return f"signed with key {kid}, which is not known here"
        if not hmac.compare_digest(mark(self.keys[kid], text), given):
            return f"not signed with key {kid}"
        return "too old" if float(expires) < time.time() else ""


def mark(key: bytes, text: str) -> str:
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


class Tokens(threading.Thread):
    """Signs a token now and then, and shows those of all hosts as soon as they are heard, and again shortly before their end."""

    def __init__(self, shop: Shop) -> None:
        super().__init__(daemon=True)
        self.shop = shop
        self.held: deque[tuple[float, str]] = deque()

    def heard(self, token: str) -> None:
        self.show(token)
        if len(self.held) < 5000:
            self.held.append((time.time() + LAST_SHOWN, token))

    def show(self, token: str) -> None:
        started = time.time()
        fault = self.shop.keys.fault(token)
        if fault:
            self.shop.tally.failed("tokens", "credential", fault, started)
        else:
            self.shop.tally.done("tokens", started)

    def run(self) -> None:
        while not self.shop.stopping.wait(PAUSE):
            while self.held and self.held[0][0] < time.time():
                due, token = self.held.popleft()
                if time.time() < due + (LIFETIME - LAST_SHOWN) / 2:  # what was held up is not shown after its end
                    self.show(token)
            servers = self.shop.enter()
            try:
                if self.shop.keys.signs:
                    servers.clients["cable"].publish(CHANNEL, self.shop.keys.sign(time.time() + LIFETIME))
            except redis.RedisError:
                pass  # the stream of cable counts those
            finally:
                servers.leave()


class Calls(threading.Thread):
    """Calls the third party ten times a second."""

    def __init__(self, shop: Shop, host: str) -> None:
        super().__init__(daemon=True)
        self.shop, self.host = shop, host

    def run(self) -> None:
        while not self.shop.stopping.wait(2 * PAUSE):
            servers: Servers = self.shop.enter()
            started, token = time.time(), servers.told.get("PARTNER", "")
            servers.leave()
            try:
                status = partner.call(self.host, token) if token else 0
            except OSError:
                continue  # it is no server of ours
            if status == 200:
                self.shop.tally.done("partner", started)
            elif status:
                self.shop.tally.failed("partner", "credential", f"the third party answered {status}", started)
