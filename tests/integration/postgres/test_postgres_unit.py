# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The hardened unit: what it scores, and that Debian's own ways to stop, start, reload and upgrade the server still work."""

from __future__ import annotations

import re
from typing import Any

#: What systemd-analyze says of Debian's unit alone, and the most that the role's drop-in may score. README.md tells both.
SHIPPED, REACHED = 9.6, 1.3


def score(server: Any) -> float:
    return float(
        re.search(r"exposure level for \S+: ([\d.]+)", server.host.run(["systemd-analyze", "security", server.unit]))[1]
    )


def test_score(anywhere: Any) -> None:
    assert score(anywhere) <= REACHED
    path = f"/etc/systemd/system/{anywhere.unit}.service.d/mainstay.conf"
    anywhere.host.run(f"mv {path} /root/aside && systemctl daemon-reload")
    try:
        assert score(anywhere) == SHIPPED
    finally:
        anywhere.host.run(f"mv /root/aside {path} && systemctl daemon-reload")


def test_the_sandbox_holds(anywhere: Any) -> None:
    """What the server's superuser could do on the host without it: write elsewhere, gain rights, see other users' processes."""
    for command, said in (
        ("touch /etc/postgresql-common/x", "Read-only file system"),
        ("touch /usr/local/x", "Read-only file system"),
        ("cat /root/.profile", "Permission denied"),
        ("mount -t tmpfs x /mnt", ""),
    ):
        code, told = anywhere.host_psql_program(command)
        assert code != 0
        assert said in told
    assert anywhere.host_psql_program("ps -e -o comm= | grep -c systemd")[1].strip().endswith("0")
    assert anywhere.host_psql_program("touch /var/lib/postgresql/may-write")[0] == 0


def test_debians_own_ways_to_stop_and_start(anywhere: Any) -> None:
    host, version = anywhere.host, str(anywhere.version)
    size = anywhere.log_size()
    host.run(["pg_ctlcluster", version, "main", "stop"])
    assert host.run(["systemctl", "is-active", anywhere.unit], check=False).strip() == "inactive"
    assert "received fast shutdown request" in anywhere.logged_since(size), (
        "stopped by PostgreSQL's own means, not killed"
    )
    host.run(["pg_ctlcluster", version, "main", "start"])
    host.run(["pg_ctlcluster", version, "main", "reload"])
    host.run(["systemctl", "reload", anywhere.unit])
    host.run(["systemctl", "restart", "postgresql.service"])
    host.until(f"systemctl is-active {anywhere.unit}", "active", 300)
    assert anywhere.sql("SELECT 1") == "1"


def test_package_upgrade_scripts_work(anywhere: Any) -> None:
    anywhere.host.run(f"DEBIAN_FRONTEND=noninteractive dpkg-reconfigure postgresql-{anywhere.version}")
    anywhere.host.until(f"systemctl is-active {anywhere.unit}", "active", 300)
    assert anywhere.apply().ok().changed == [], (
        "neither stopping by hand nor the package's scripts undo anything of the role"
    )


def test_a_killed_server_comes_back_with_what_it_acknowledged(anywhere: Any) -> None:
    assert anywhere.as_login("shop_db_a", "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")[0] == 0
    anywhere.host.run(f"kill -9 $(head -1 /var/lib/postgresql/{anywhere.version}/main/postmaster.pid)")
    try:
        anywhere.host.until("runuser -u postgres -- psql -XAtqc 'SELECT count(*) FROM kept' shop", "1000", 300)
    finally:
        anywhere.as_login("shop_db_a", "DROP TABLE IF EXISTS kept")


def test_a_session_cannot_switch_compilation_on(anywhere: Any) -> None:
    """The sandbox forbids it; with jit_provider in place the query runs uncompiled instead of failing."""
    code, said = anywhere.as_login(
        "shop_db_a", "SET jit = on; SET jit_above_cost = 0; SELECT count(*) > 0 FROM pg_class"
    )
    assert (code, said) == (0, "t")


def test_jit_on_lifts_that_part_of_the_sandbox(server: Any) -> None:
    server.apply({"jit": True}).ok()
    query = "SET jit_above_cost = 0; EXPLAIN ANALYZE SELECT sum(oid::int) FROM pg_class"
    code, said = server.as_login("shop_db_a", query)
    assert code == 0, said
    assert "JIT:" in said


def test_a_restart_that_was_cut_off_is_made_up_for(server: Any) -> None:
    """The drop-in is newer than the server: a run that was killed before the restart."""
    server.host.run(f"touch /etc/systemd/system/{server.unit}.service.d/mainstay.conf")
    run = server.apply().ok().result("Run the cluster")
    assert run["actions"] == [f"restarted {server.unit}.service: the unit's drop-in needs it"]
    assert server.apply().ok().changed == []
