# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What each service signs is shown to each, at once and again until it is LIFETIME seconds old: FILE LIFETIME PORT PORT, until FILE is gone."""

from __future__ import annotations

import http.client
import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections import deque

FILE, LIFETIME, PORTS = sys.argv[1], float(sys.argv[2]), sys.argv[3:]
counts = {"verified": 0, "refused": 0, "down": 0, "kids": 0}
tokens: deque[tuple[float, str]] = deque()
kids: set[str] = set()


def ask(port: str, what: str) -> tuple[int, str]:
    """(status, text); 0 while the service is being restarted."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{what}", timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""
    except (OSError, http.client.HTTPException):
        return 0, ""


while os.path.exists(FILE):
    now = time.monotonic()
    for port in PORTS:
        status, token = ask(port, "sign")
        if status == 200:
            tokens.append((now, token))
            kids.add(token.split(".")[0])
    while tokens and tokens[0][0] < now - LIFETIME:
        tokens.popleft()
    for _when, token in [*list(tokens)[-4:], tokens[0]] if tokens else []:
        for port in PORTS:
            status = ask(port, f"verify?{token}")[0]
            counts["verified" if status == 200 else "down" if status == 0 else "refused"] += 1
counts["kids"] = len(kids)
print(json.dumps(counts))
