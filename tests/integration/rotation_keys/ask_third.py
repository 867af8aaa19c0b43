# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an operator writes for a token: try PORT exits with 0 or, where it is refused, with 4; revoke PORT exits with 0. The token is in TOKEN."""

from __future__ import annotations

import os
import sys
import urllib.error
import urllib.request

verb, port = sys.argv[1:]
request = urllib.request.Request(f"http://127.0.0.1:{port}/", method="DELETE" if verb == "revoke" else "GET")
request.add_header("Authorization", f"Bearer {os.environ['TOKEN']}")
if verb == "revoke":
    request.add_header("X-Revoke", os.environ["TOKEN_PREVIOUS"])
try:
    urllib.request.urlopen(request, timeout=60).close()
except urllib.error.HTTPError as error:
    sys.exit(4 if error.code == 401 else 1)
