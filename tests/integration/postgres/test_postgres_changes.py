# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Changes of a running cluster: reload or restart, what is refused, what was changed by hand, and the way back."""

from __future__ import annotations

from typing import Any


def test_what_a_reload_can_do_needs_no_restart(server: Any) -> None:
    before = server.started()
    foreseen = server.apply({"work_mem": "7MB"}, check=True).ok()
    assert foreseen.result("Run the cluster")["actions"][-1] == "would reload the configuration"
    run = server.apply({"work_mem": "7MB"}).ok()
    assert run.result("Run the cluster")["actions"][-1] == "reloaded the configuration"
    assert (server.sql("SHOW work_mem"), server.started()) == ("7MB", before)
    assert server.apply({"work_mem": "7MB"}).ok().changed == []


def test_what_the_modules_own_session_sets_can_be_declared_too(server: Any) -> None:
    settings = {"search_path": "public", "statement_timeout": "1min", "log_statement": "ddl", "application_name": "x"}
    server.apply(settings).ok()
    assert server.sql("SHOW statement_timeout") == "1min"
    assert server.apply(settings).ok().changed == []


def test_what_is_read_at_a_start_restarts_once(server: Any) -> None:
    before = server.started()
    foreseen = server.apply({"max_connections": 150}, check=True).ok()
    assert "max_connections needs it" in foreseen.result("Run the cluster")["actions"][-1]
    assert server.started() == before
    run = server.apply({"max_connections": 150}).ok()
    assert "max_connections (100 runs) needs it" in run.result("Run the cluster")["actions"][-1]
    assert server.sql("SHOW max_connections") == "150"
    assert server.apply({"max_connections": 150}).ok().changed == []


def test_a_parameter_that_is_no_longer_declared_goes_back_to_its_default(server: Any) -> None:
    server.apply({"vacuum_cost_limit": 321}).ok()
    assert server.sql("SHOW vacuum_cost_limit") == "321"
    server.apply().ok()
    assert server.sql("SHOW vacuum_cost_limit") == "200"


def test_what_the_preflight_knows_is_refused_before_anything_changes(server: Any) -> None:
    before = server.host.run(f"md5sum {server.config}/conf.d/mainstay.conf")
    run = server.apply({"shared_bufers": "1GB", "fsync": False})
    assert run.code != 0
    assert "postgres_settings.shared_bufers: found an unknown parameter" in run.message
    assert "postgres_settings.fsync: found false; expected on" in run.message
    assert server.host.run(f"md5sum {server.config}/conf.d/mainstay.conf") == before


def test_settings_that_the_servers_own_binary_refuses_never_replace_working_ones(server: Any) -> None:
    before, started = server.host.run(f"md5sum {server.config}/conf.d/mainstay.conf"), server.started()
    run = server.apply({"log_destination": "nowhere"})
    assert run.code != 0
    assert "mainstay.conf was not replaced" in run.message
    assert 'parameter "log_destination": "nowhere"' in run.message
    assert server.host.run(f"md5sum {server.config}/conf.d/mainstay.conf") == before
    assert server.host.run(f"ls -A {server.config}/conf.d").split() == ["mainstay.conf"]
    assert server.started() == started


def test_a_server_that_does_not_come_up_gets_its_old_settings_back(server: Any) -> None:
    run = server.apply({"shared_preload_libraries": "no_such_library"})
    assert run.code != 0
    assert 'could not access file "no_such_library"' in run.message
    assert "The previous configuration was put back and runs" in run.message
    assert server.sql("SHOW shared_preload_libraries") == ""
    assert server.apply().ok().changed == []


def test_alter_system_of_a_declared_parameter_is_taken_back(server: Any) -> None:
    server.sql("ALTER SYSTEM SET work_mem = '999MB'")
    server.sql("ALTER SYSTEM SET deadlock_timeout = '3s'")
    server.sql("SELECT pg_reload_conf()")
    foreseen = server.apply(check=True).ok().result("Run the cluster")
    assert foreseen["actions"][0].startswith("would take back ALTER SYSTEM SET work_mem = 999MB")
    found = server.apply().ok().result("Run the cluster")
    assert found["actions"][0].startswith("took back ALTER SYSTEM SET work_mem = 999MB")
    assert {"before": "work_mem = 999MB\n", "after": ""}.items() <= found["diff"][0].items()
    assert server.sql("SHOW work_mem") != "999MB"
    assert server.sql("SHOW deadlock_timeout") == "3s", "a parameter that nobody declares is left alone"
    server.sql("ALTER SYSTEM RESET deadlock_timeout")


def test_a_file_that_overrides_ours_is_named(server: Any) -> None:
    """Before the server has read it, in check mode too."""
    path = f"{server.config}/conf.d/zz.conf"
    server.host.write(path, "work_mem = 3MB\n")
    server.host.run(f"chmod 644 {path}")
    try:
        for check in (True, False):
            run = server.apply(check=check)
            assert run.code != 0
            assert f"work_mem = 3MB ({path} line 1), not " in run.message
    finally:
        server.host.run(f"rm {path}")


def test_a_reload_that_was_cut_off_is_made_up_for(server: Any) -> None:
    """The file is right, but the server never read it: a run that was killed in between."""
    path = f"{server.config}/conf.d/mainstay.conf"
    server.host.run(f"sed -i 's/^work_mem = .*/work_mem = 5MB/' {path}")
    server.sql("SELECT pg_reload_conf()")
    server.host.until("runuser -u postgres -- psql -XAtqc 'SHOW work_mem'", "5MB", 300)
    server.apply(check=True).ok()
    run = server.apply().ok()
    assert "reloaded the configuration" in run.result("Run the cluster")["actions"]
    assert server.sql("SHOW work_mem") != "5MB"


def test_rules_changed_by_hand_are_put_back(server: Any) -> None:
    server.host.run(f"echo 'host all all 0.0.0.0/0 trust' >> {server.config}/pg_hba.conf")
    server.sql("SELECT pg_reload_conf()")
    run = server.apply().ok()
    assert f"{server.config}/pg_hba.conf: content" in run.result("Run the cluster")["actions"]
    assert server.sql("SELECT count(*) FROM pg_hba_file_rules WHERE auth_method = 'trust'") == "0"
    assert server.as_login("shop_db_a", "SELECT 1", password="wrong")[0] != 0


def test_a_stopped_server_is_started(server: Any) -> None:
    server.host.run(["systemctl", "stop", server.unit])
    assert "would start" in server.apply(check=True).ok().result("Run the cluster")["actions"][0]
    assert server.apply().ok().result("Run the cluster")["actions"] == [f"started {server.unit}.service"]


def test_a_cluster_without_checksums_is_refused_with_the_remedy(server: Any) -> None:
    binary, data = "/usr/lib/postgresql/17/bin/pg_checksums", "/var/lib/postgresql/17/main"
    server.host.run(["systemctl", "stop", server.unit])
    server.host.run(["runuser", "-u", "postgres", "--", binary, "--disable", "-D", data])
    server.host.run(["systemctl", "start", server.unit])
    run = server.apply()
    assert run.code != 0
    assert "postgres_data_checksums: found true, and cluster 17/main has no checksums" in run.message
    assert server.apply(postgres_data_checksums=False).code == 0
    remedy = run.message.partition("switched on (")[2].partition(")")[0]
    server.host.run(remedy)
    assert server.sql("SHOW data_checksums") == "on"


def test_another_port_moves_the_server(server: Any) -> None:
    server.apply(postgres_port=5544).ok()
    assert server.sql("SELECT 1", database="port=5544 dbname=shop") == "1"
    assert server.apply(postgres_port=5544).ok().changed == []
