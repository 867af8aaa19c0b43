# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The role on a fresh host of each release: check mode tells the truth, the second run changes nothing, and what stands is right."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils._postgres_parameters import parameters


def test_check_mode_on_a_fresh_host_foresees_and_changes_nothing(server: Any) -> None:
    check = server.runs["check"].ok()
    assert len(check.changed) >= 3, "apt cannot foresee where no package lists are"
    assert server.runs["left behind"] == ""
    assert f"would create and start cluster {server.version}/main" in check.result("Run the cluster")["actions"]
    assert "created database shop" in check.result("Create roles")["actions"]


def test_the_real_run_brings_it_up(anywhere: Any) -> None:
    real = anywhere.runs["real"].ok()
    assert f"started {anywhere.unit}.service" in real.result("Run the cluster")["actions"]
    assert "installed extension uuidv7 1.1 in shop" in real.result("Create roles")["actions"]


def test_nothing_changes_afterwards(anywhere: Any) -> None:
    assert anywhere.runs["again"].changed == []
    assert anywhere.runs["again"].result("Run the cluster")["diff"] == []


def test_check_mode_afterwards_foresees_nothing(server: Any) -> None:
    assert server.runs["check again"].ok().changed == []


def test_cluster_has_what_is_declared(anywhere: Any) -> None:
    assert anywhere.sql("SHOW server_version").startswith(str(anywhere.version))
    assert anywhere.sql("SHOW data_checksums") == "on"
    assert anywhere.sql("SHOW password_encryption") == "scram-sha-256"
    row = anywhere.sql("SELECT pg_encoding_to_char(encoding), datcollate FROM pg_database WHERE datname = 'shop'")
    assert row == "UTF8|C.UTF-8"
    assert anywhere.sql("SELECT DISTINCT auth_method FROM pg_hba_file_rules ORDER BY 1").split() == [
        "peer",
        "scram-sha-256",
    ]
    assert anywhere.host.run(["systemctl", "is-enabled", "postgresql.service"]).strip() == "enabled"


def test_listens_on_the_declared_addresses_only(anywhere: Any) -> None:
    found = {line.split()[3] for line in anywhere.host.run("ss -Hltn").splitlines()}
    assert {entry for entry in found if entry.endswith(":5432")} == {"127.0.0.1:5432"}


def test_table_of_parameters_is_the_servers_own(anywhere: Any) -> None:
    """Every parameter that this server can be configured with is in the table, with its range; and none that it does not have."""
    query = """SELECT json_object_agg(name, json_build_array(vartype, coalesce(unit, ''), min_val, max_val, enumvals)) FROM pg_settings
               WHERE context <> 'internal' AND name NOT LIKE '%.%'"""
    told = json.loads(anywhere.sql(query))
    for name in ("lc_collate", "lc_ctype", "num_os_semaphores", "huge_pages_status"):
        told.pop(name, None)
    known = parameters(anywhere.version)
    assert set(known) == set(told)
    for name, (kind, unit, low, high, values) in told.items():
        entry = known[name]
        assert (entry.kind, entry.unit, sorted(entry.values)) == (kind, unit, sorted(values or [])), name
        assert entry.minimum is None or low is None or entry.minimum == float(low), name
        assert entry.maximum is None or high is None or entry.maximum == float(high), name
