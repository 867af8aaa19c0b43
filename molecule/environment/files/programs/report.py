# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A program that is configured by its environment: says what it got (values as SHA-256) and whom it reached with it.

Usage: report.py process | report.py dotenv FILE
"""

import hashlib
import json
import os
import sys
from urllib.parse import urlsplit

import psycopg
import redis
from dotenv import load_dotenv


def reached(url):
    """What answers at URL, as whom."""
    if url.startswith("postgresql:"):
        with psycopg.connect(url, connect_timeout=int(os.environ["DATABASE_CONNECT_TIMEOUT"])) as connection:
            return "/".join(connection.execute("SELECT current_database(), session_user").fetchone())
    return redis.Redis.from_url(url, socket_timeout=60).client_info()["user"] + "@" + str(urlsplit(url).port)


if sys.argv[1] == "dotenv":
    # what is there already would win: nothing of the caller's may be taken for the file's
    assert load_dotenv(sys.argv[2])
found = {name: hashlib.sha256(value.encode()).hexdigest() for name, value in os.environ.items()}
answers = {name: reached(value) for name, value in os.environ.items() if name.endswith("_URL")}
json.dump({"variables": found, "reached": answers}, sys.stdout)
