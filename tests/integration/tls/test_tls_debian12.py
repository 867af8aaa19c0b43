# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The same on Debian 12: Valkey 8.0, PostgreSQL 15, libpq 15 and redis-py 4.3."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conftest import Tls


def test_verified_and_rotated_without_a_restart(host_of: Callable[[int], Any]) -> None:
    tls = Tls(host_of(12))
    tls.apply().ok()
    both = "print(json.dumps(said(lambda: (valkey().ping(), postgres()))))"
    assert tls.script(both) == "works"
    serials, processes = tls.serials(), tls.processes()
    rotation = {"rotation_only": ["valkey_certificate", "postgres_certificate"], "rotation_force": True}
    tls.apply(["rotation"], variables=rotation).ok()
    after = tls.serials()
    assert all(after[name] != serials[name] for name in serials) and tls.processes() == processes
    assert tls.script(both) == "works"
    wrong = 'valkey(url=env["REDIS_CACHE_URL"].replace("@127.0.0.1", "@127.1")).ping()'
    assert "CERTIFICATE_VERIFY_FAILED" in tls.script(f"print(json.dumps(said(lambda: {wrong})))")
    assert tls.apply().ok().changed == []
