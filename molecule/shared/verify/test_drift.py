# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One more run of the playbook on a host that somebody has touched by hand."""

from __future__ import annotations

from backend import Backend
from playbook import converge, recap


def test_a_run_undoes_drift_says_so_and_leaves_alone_what_it_does_not_know(backend: Backend) -> None:
    backend.admin("session").config_set("maxmemory-policy", "allkeys-lru")
    backend.superuser("CREATE ROLE verify_other LOGIN")
    backend.superuser("CREATE DATABASE verify_other OWNER verify_other")
    before = {name: backend.main_pid(f"valkey-server@{name}") for name in ("cache", "session", "cable")}
    try:
        code, output = converge()
        assert code == 0, output[-4000:]
        assert all(changed == 1 and broken == 0 for changed, broken in recap(output).values()), recap(output)
        assert "allkeys-lru" in output and "noeviction" in output
        assert backend.admin("session").config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        # What was done stands in the host's journal too, in the words of the result.
        told = backend.host.check_output("journalctl -q -t mainstay.backend -o cat --since=-10min")
        assert any(
            line.startswith("valkey_instances: ") and "session" in line and "maxmemory-policy" in line
            for line in told.splitlines()
        ), told
        # Repaired live: no server was restarted for it.
        assert {name: backend.main_pid(f"valkey-server@{name}") for name in before} == before
        assert backend.superuser("SELECT count(*) FROM pg_database WHERE datname = 'verify_other'") == "1"
        assert backend.superuser("SELECT count(*) FROM pg_roles WHERE rolname = 'verify_other'") == "1"
    finally:
        backend.superuser("DROP DATABASE verify_other WITH (FORCE)")
        backend.superuser("DROP ROLE verify_other")
