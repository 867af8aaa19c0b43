# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Asks with a fresh connection whether URLs let anybody in: from a .env file, and (`-`) from standard input as JSON, label -> URL.

Prints label -> `works`, `refused` (an authentication error, nothing else) or `away`. Never a URL.
"""

from __future__ import annotations

import json
import sys

import psycopg
import redis
from dotenv import dotenv_values
from redis.backoff import NoBackoff
from redis.retry import Retry
from servers import REFUSED


def outcome(url: str) -> str:
    try:
        if url.startswith("postgres"):
            psycopg.connect(url, connect_timeout=60).close()
        else:
            with redis.Redis.from_url(url, socket_timeout=60, retry=Retry(NoBackoff(), 0)) as client:
                client.ping()
    except (redis.RedisError, psycopg.Error, OSError) as error:
        return "refused" if REFUSED.search(str(error)) else "away"
    return "works"


def main() -> None:
    urls: dict[str, str] = {}
    for place in sys.argv[1:]:
        if place == "-":
            urls.update(json.load(sys.stdin))
        else:
            told = dotenv_values(place, interpolate=False)
            urls.update({name: value for name, value in told.items() if name.endswith("_URL") and value})
    print(json.dumps({label: outcome(url) for label, url in urls.items()}))


if __name__ == "__main__":
    main()
