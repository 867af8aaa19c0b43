# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Secrets as systemd's credentials of real units, and .env files in memory: what they find when they start, after a reboot too."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from sealing import CLEAR, FOLDER, SEALED, UNIT, Secrets, cleared, reboot

#: A unit of the user's own, which this collection extends and never replaces. It reports SHA-256s.
SERVICE = """[Service]
Type=oneshot
User=daemon
ExecStart=/bin/sh -c "id -un; cd $$CREDENTIALS_DIRECTORY && sha256sum *"
StandardOutput=truncate:/run/sec-found
"""
DROP_IN = "/etc/systemd/system/sec-app.service.d/50-mainstay-secrets.conf"


@pytest.fixture
def told(host: Any) -> Iterator[Secrets]:
    for found in cleared(host):
        host.write("/etc/systemd/system/sec-app.service", SERVICE)
        host.run("systemctl daemon-reload; mount --make-rshared /")
        found.options.update(form="credentials", units=["sec-app.service"])
        yield found
        host.run("rm -rf /etc/systemd/system/sec-app.service*; systemctl daemon-reload")


def started(host: Any) -> list[str]:
    host.run("systemctl start sec-app")
    return str(host.run("cat /run/sec-found")).splitlines()


def expected(values: Mapping[str, str]) -> list[str]:
    return [
        "daemon",
        *(f"{hashlib.sha256(text.encode()).hexdigest()}  {name}" for name, text in sorted(values.items())),
    ]


def test_a_unit_of_another_user_finds_its_credentials(host: Any, told: Secrets) -> None:
    predicted = told.actions(check=True)
    made = told.actions()
    assert sorted({*made} - {*predicted}) == [f"{SEALED}/secrets.json: created"]
    assert (started(host) == expected(told.values)) is True
    assert told.actions() == told.actions(check=True) == []
    # no file, nothing to put back, and of its own unit nothing but the drop-in
    assert host.run(f"ls -d {FOLDER} /etc/systemd/system/{UNIT} 2>/dev/null; true") == ""
    assert host.run("cat /etc/systemd/system/sec-app.service") == SERVICE
    # the new value with the next start, and none that was sealed for another name
    told.values["sec_db"] = "another-one"
    assert told.actions() == [f"{SEALED}/secrets.sec/sec_db: content", f"{SEALED}/secrets.sec.record: content"]
    assert (started(host) == expected(told.values)) is True
    host.run(f"cp {SEALED}/secrets.sec/sec_db {SEALED}/secrets.sec/sec_key")
    assert "sec_key" not in host.run("systemctl start sec-app; cat /run/sec-found", check=False).split()[-1:]
    assert told.actions() == [f"{SEALED}/secrets.sec/sec_key: content", f"{SEALED}/secrets.sec.record: content"]
    assert (started(host) == expected(told.values)) is True
    # one that is taken away, then all
    told.options["files"] = ["sec_db"]
    told.apply().ok()
    assert (started(host) == expected({"sec_db": told.values["sec_db"]})) is True
    assert host.run(f"ls {SEALED}/secrets.sec").split() == ["sec_db"]
    assert f"{DROP_IN}: removed" in told.actions(folders=[], secrets={})
    left = f"ls -d {SEALED} /etc/systemd/system/sec-app.service.d 2>/dev/null; systemctl cat sec-app | grep -c Credential; true"
    assert host.run(left) == "0\n"


def test_from_files_to_both_to_credentials(host: Any, told: Secrets) -> None:
    told.options["form"] = "both"
    told.apply().ok()
    assert told.right()
    assert (started(host) == expected(told.values)) is True
    told.options["form"] = "credentials"
    actions = told.actions()
    assert {f"{FOLDER}/sec_db: removed", f"{FOLDER}/sec_key: removed", f"{SEALED}/secrets.sec.bundle: removed"} <= {
        *actions
    }
    assert host.run(f"ls -d {FOLDER} /etc/systemd/system/{UNIT} 2>/dev/null; true") == ""
    told.options["form"] = "files"
    told.apply().ok()
    assert told.right()
    assert host.run(f"ls -d {DROP_IN} {SEALED}/secrets.sec 2>/dev/null; true") == ""


def test_the_roles_by_the_inventory(host: Any, told: Secrets, tmp_path: Path) -> None:
    """A program with files and a .env in memory, one with credentials; a reboot; then the .env moves to the disk."""
    store = {"backend_app": "sec", "backend_store_dir": str(tmp_path / "store")}
    job = {"credentials": ["sec_db"], "unit": "sec-app", "secrets_as": "credentials", "env_file": "/etc/sec/job.env"}
    app = {"owner": "daemon", "credentials": ["sec_db", "sec_cache"], "env_file": "/run/sec-app/.env"}
    variables = {**store, "backend_consumers": {"app": app, "job": job}}
    roles = ("secrets", "environment")
    try:
        assert len(host.play(roles, variables=variables).ok().changed) == 2
        assert host.play(roles, variables=variables).ok().changed == []
        look = (
            "cd /run; find secrets sec-app -printf '%p %m %u:%g\n' | sort; cat sec-app/.env secrets/app/* | sha256sum"
        )
        before = host.run(look)
        assert before.split("\n")[:-2] == [
            "sec-app 755 root:root",
            "sec-app/.env 600 daemon:daemon",
            "secrets 711 root:root",
            "secrets/app 700 daemon:daemon",
            "secrets/app/sec_cache 600 daemon:daemon",
            "secrets/app/sec_db 600 daemon:daemon",
        ]
        assert (started(host) == expected({"sec_db": host.run("cat /run/secrets/app/sec_db")})) is True
        reboot(host)
        assert (host.run(look) == before) is True
        assert host.play(roles, variables=variables).ok().changed == []
        app["env_file"] = "/etc/sec/.env"
        host.play(roles, variables=variables).ok()
        assert host.run("ls -d /run/sec-app/.env 2>/dev/null; true") == ""
        assert host.run("ls /var/lib/mainstay/sealed/sec-production").split() == [
            "secrets.app.bundle",
            "secrets.job",
            "secrets.job.record",
            "secrets.json",
        ]
    finally:
        host.run(f"{CLEAR}; rm -rf /etc/sec /run/sec-app")
