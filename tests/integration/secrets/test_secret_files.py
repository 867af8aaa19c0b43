# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Module secret_files on real hosts: exact folders, encrypted at rest, back before anything starts that needs them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from leak_hunt import leaks
from sealing import FOLDER, LOOK, SEALED, UNIT, Secrets, cleared, reboot

EARLY = f"""[Unit]
DefaultDependencies=no
[Service]
Type=oneshot
ExecStart=/bin/sh -c "{LOOK.replace("%", "%%")}"
StandardOutput=truncate:/root/at-early
[Install]
WantedBy=sysinit.target
"""
USUAL = EARLY.replace("DefaultDependencies=no\n", "").replace("early", "usual").replace("sysinit", "multi-user")
SAMPLER = """
import os, time
while True:
    for name in os.listdir("/proc"):
        for what in ("cmdline", "environ"):
            try:
                print(open(f"/proc/{name}/{what}").read(), flush=True)
            except (OSError, UnicodeDecodeError):
                pass
    time.sleep(0.002)
"""


@pytest.fixture
def told(host: Any) -> Iterator[Secrets]:
    yield from cleared(host)


def test_check_then_real_then_check_then_real(host: Any, told: Secrets) -> None:
    expected = told.apply(check=True).ok().result("act")
    assert host.run("ls -d /run/secrets /var/lib/mainstay /usr/local/lib/mainstay 2>/dev/null; true") == ""
    assert f"{FOLDER}/sec_db: created" in expected["actions"]
    made = told.actions()
    assert sorted({*made} - {*expected["actions"]}) == [f"{SEALED}/secrets.json: created"]
    for check in (True, False):
        assert told.actions(check=check) == []
    assert told.right()
    found = host.run("find /run/secrets /var/lib/mainstay -printf '%p %m %u:%g\n' | sort").split("\n")[:-1]
    assert found == [
        "/run/secrets 711 root:root",
        f"{FOLDER} 700 daemon:daemon",
        f"{FOLDER}/sec_db 600 daemon:daemon",
        f"{FOLDER}/sec_key 600 daemon:daemon",
        "/var/lib/mainstay 755 root:root",
        "/var/lib/mainstay/sealed 700 root:root",
        f"{SEALED} 700 root:root",
        f"{SEALED}/secrets.json 600 root:root",
        f"{SEALED}/secrets.sec.bundle 600 root:root",
    ]
    assert host.run(f"runuser -u daemon -- cat {FOLDER}/sec_db") == host.run(f"cat {FOLDER}/sec_db")
    assert host.run(f"runuser -u nobody -- cat {FOLDER}/sec_db 2>/dev/null; true") == ""
    # what is on the disk opens under its own name alone
    opened = (
        f"systemd-creds decrypt --name=sec-test.secrets.{{}}.bundle {SEALED}/secrets.sec.bundle - 2>/dev/null | wc -c"
    )
    assert int(host.run(opened.format("sec"))) > 200
    assert int(host.run(opened.format("other"))) == 0


@pytest.mark.parametrize("release", [13, 12])
def test_a_reboot_brings_all_back_before_the_units_start(host_of: Callable[[int], Any], release: int) -> None:
    host = host_of(release)
    for told in cleared(host):
        told.apply().ok()
        host.write("/etc/systemd/system/sec-early.service", EARLY)
        host.write("/etc/systemd/system/sec-usual.service", USUAL)
        host.run("systemctl daemon-reload; systemctl enable -q sec-early sec-usual; rm -f /root/at-*")
        before = host.run(LOOK)
        try:
            reboot(host)
            assert host.run("findmnt -no FSTYPE /run").strip() == "tmpfs"
            for unit in ("early", "usual"):
                host.until(f"systemctl show -P ActiveState sec-{unit}", "inactive", 300)
                assert (host.run(f"cat /root/at-{unit}") == before) is True, unit
            assert told.right()
            assert host.run(f"systemctl is-active {UNIT}").strip() == "active"
            assert told.actions() == []
        finally:
            host.run(
                "systemctl disable -q sec-early sec-usual; rm -f /etc/systemd/system/sec-*; systemctl daemon-reload"
            )


def test_what_is_not_to_be_sealed_is_gone_after_a_reboot(host: Any, told: Secrets) -> None:
    told.apply(sealed=False).ok()
    assert told.right()
    assert host.run(f"find {SEALED} -type f").split() == [f"{SEALED}/secrets.json"]
    reboot(host)
    assert told.found() == {}
    told.apply(sealed=False).ok()
    assert told.right()


def test_drift_is_repaired_and_told_by_name_alone(host: Any, told: Secrets) -> None:
    told.apply().ok()
    host.run(
        f"cd {FOLDER}; chmod 644 sec_db; chown root sec_key; echo hunter2-changed > sec_key; chmod 755 .; chmod 700 /run/secrets"
    )
    host.run(
        f"cd {FOLDER}; touch unknown; ln -s /etc/passwd link; mkdir -p sub/sub; ln -s / sub/root; mkfifo 'odd\nname'"
    )
    host.run(
        f"echo no > {SEALED}/secrets.sec.bundle; echo no > /etc/systemd/system/{UNIT}; systemctl disable -q {UNIT}"
    )
    host.run("rm -rf /etc/systemd/system/mainstay-secrets.service.d; chmod 755 /var/lib/mainstay/sealed")
    run = told.apply().ok()
    done = run.result("act")
    assert sorted(done["actions"]) == sorted(
        [
            "/run/secrets: mode",
            f"{FOLDER}: mode",
            f"{FOLDER}/sec_db: mode",
            f"{FOLDER}/sec_key: content, owner",
            f"{FOLDER}/link: removed",
            f"{FOLDER}/sub: removed",
            f"{FOLDER}/unknown: removed",
            f"'{FOLDER}/odd\\nname': removed",
            f"{SEALED}/secrets.sec.bundle: content",
            "/var/lib/mainstay/sealed: mode",
            f"/etc/systemd/system/{UNIT}: content",
            f"/etc/systemd/system/{UNIT}.d: created",
            f"/etc/systemd/system/{UNIT}.d/sec-test-secrets.conf: created",
            f"/etc/systemd/system/sysinit.target.wants/{UNIT}: created",
        ]
    )
    assert "hunter2" not in run.out
    assert [value for value in told.values.values() if value in run.out] == []
    assert host.run("ls -d /etc/passwd /bin/sh").split() == ["/bin/sh", "/etc/passwd"]
    assert told.right()
    host.run(f"systemctl stop {UNIT}")
    assert told.actions() == [f"{UNIT}: started"]
    assert told.actions() == []


def test_a_folder_that_holds_something_else_is_refused_untouched(host: Any, told: Secrets) -> None:
    told.options["path"] = "/srv/sec/conf"
    host.run("mkdir -p /srv/sec/conf; echo mine > /srv/sec/conf/database.yml; echo old > /srv/sec/conf/sec_db")
    message = told.apply().message
    assert (
        "backend_consumers.sec.secrets_dir: found database.yml in /srv/sec/conf; expected a folder for its" in message
    )
    assert host.run("cat /srv/sec/conf/*; ls /var/lib/mainstay 2>/dev/null; true") == "mine\nold\n"
    host.run("rm /srv/sec/conf/database.yml")
    told.apply().ok()
    assert told.right()


def test_a_link_that_the_owner_planted_is_not_followed(host: Any, told: Secrets) -> None:
    told.options["path"] = "/srv/sec/own/app/secrets"
    host.run(
        "mkdir -p /srv/sec/own /srv/sec/precious/secrets; chown daemon /srv/sec/own; touch /srv/sec/precious/secrets/file"
    )
    told.apply().ok()
    assert told.right()
    for step, target in (("app", "/srv/sec/precious"), ("app/secrets", "/srv/sec/precious/secrets")):
        host.run("cd /srv/sec/own && rm -rf app && runuser -u daemon -- mkdir app")
        host.run(f"cd /srv/sec/own && rmdir {step} 2>/dev/null; runuser -u daemon -- ln -s {target} {step}")
        name = step.rpartition("/")[2]
        assert f"/srv/sec/own/app/secrets: found that {name} in it is a link, and not root's" in told.apply().message
        assert host.run("find /srv/sec/precious -printf '%P %u\n' | sort") == " root\nsecrets root\nsecrets/file root\n"


def test_a_folder_on_disk_is_not_sealed(host: Any, told: Secrets) -> None:
    told.options["path"] = "/srv/sec/own"
    assert told.warnings() == []
    assert told.right()
    assert host.run(f"ls {SEALED} /etc/systemd/system/{UNIT} 2>/dev/null; true").split() == [
        f"{SEALED}:",
        "secrets.json",
    ]


def test_what_a_program_has_no_more_goes(host: Any, told: Secrets) -> None:
    told.apply().ok()
    told.options["files"] = ["sec_db"]
    assert sorted(told.actions()) == [
        f"{FOLDER}/sec_key: removed",
        f"{SEALED}/secrets.json: content",
        f"{SEALED}/secrets.sec.bundle: content",
    ]
    told.options["path"] = "/run/secrets/moved"
    told.apply().ok()
    assert told.right()
    assert host.run(f"ls -d {FOLDER} 2>/dev/null; true") == ""
    # of another application, it stays; the unit with it
    told.apply(scope="sec-other").ok()
    told.apply(folders=[], secrets={}).ok()
    assert host.run("ls /var/lib/mainstay/sealed").split() == ["sec-other"]
    assert host.run(f"systemctl is-active {UNIT}").strip() == "active"
    told.apply(scope="sec-other", folders=[], secrets={}).ok()
    left = host.run(
        "find /run/secrets /var/lib/mainstay/sealed /etc/systemd /usr/local/lib/mainstay | grep -e /moved -e mainstay-secrets -e sealed/ -e restore; true"
    )
    assert left == ""
    assert told.actions(folders=[], secrets={}) == []


def test_without_systemd_creds_it_says_what_is_lost(host: Any, told: Secrets) -> None:
    told.apply().ok()
    host.run("mv /usr/bin/systemd-creds /usr/bin/systemd-creds.away")
    try:
        told.values["sec_db"] = "another-one"
        lost = f"{FOLDER}: lies in memory, and systemd-creds is missing: after a reboot its files are gone until the next run"
        run = told.apply().ok()
        assert run.result("act")["warnings"] == [lost]
        assert told.right()
        # a stale secret must not come back
        assert host.run(f"ls {SEALED}").split() == ["secrets.json"]
        assert told.actions() == []
        told.options["form"] = "credentials"
        message = (
            "backend_consumers.sec.secrets_as: found credentials, and that systemd-creds is missing; expected systemd"
        )
        assert message in told.apply().message
    finally:
        host.run("mv /usr/bin/systemd-creds.away /usr/bin/systemd-creds")
    told.options["form"] = "files"
    assert told.warnings() == []
    assert host.run(f"ls {SEALED}").split() == ["secrets.json", "secrets.sec.bundle"]


def test_a_systemd_creds_that_fails_changes_nothing(host: Any, told: Secrets) -> None:
    told.apply().ok()
    before = host.run(LOOK)
    host.run("mv /usr/bin/systemd-creds /usr/bin/systemd-creds.away")
    host.run(
        "printf '#!/bin/sh\necho no TPM today >&2\nexit 3\n' > /usr/bin/systemd-creds; chmod 755 /usr/bin/systemd-creds"
    )
    try:
        told.values["sec_db"] = "another-one"
        message = told.apply().message
        assert message.endswith(
            "fails (exit 3): no TPM today; expected it to encrypt, or secrets_sealed: false to do without"
        )
        assert (host.run(LOOK) == before) is True
        assert told.apply(sealed=False).ok()
    finally:
        host.run("mv -f /usr/bin/systemd-creds.away /usr/bin/systemd-creds")


def test_another_host_key_is_told_at_boot_and_mended_by_a_run(host: Any, told: Secrets) -> None:
    told.apply().ok()
    host.run("rm /var/lib/systemd/credential.secret; systemd-creds setup 2>/dev/null")
    host.run(f"rm -rf {FOLDER}; systemctl restart {UNIT}", check=False)
    assert "secrets.sec.bundle: not put back: systemd-creds does not open it" in host.run(f"journalctl -u {UNIT} -n 20")
    assert host.run(f"systemctl is-failed {UNIT}").strip() == "failed"
    assert {f"{SEALED}/secrets.sec.bundle: content", f"{UNIT}: started"} <= {*told.actions()}
    host.run(f"rm -rf {FOLDER}; systemctl restart {UNIT}")
    assert told.right()
    assert told.actions() == []


def test_they_are_put_back_however_often_somebody_asks(host: Any, told: Secrets) -> None:
    """systemd's own limit is five starts in ten seconds."""
    told.apply().ok()
    host.run(f"for turn in 1 2 3 4 5 6 7 8 9; do rm -rf {FOLDER}; systemctl restart {UNIT} || exit; done")
    assert told.right()


def test_what_is_not_in_memory_under_run_is_told(host: Any, told: Secrets) -> None:
    host.run("mkdir -p /srv/sec/disk /run/sec-disk; mount --bind /srv/sec/disk /run/sec-disk")
    try:
        told.options["path"] = "/run/sec-disk/secrets"
        (warning,) = told.warnings()
        assert warning.startswith("/run/sec-disk/secrets: lies on ")
        assert warning.endswith(", not in memory (tmpfs): its files outlive a reboot in plain text")
    finally:
        host.run("umount /run/sec-disk")


@pytest.mark.parametrize("point", ["files.staged", "files.renamed"])
def test_a_run_that_was_killed_is_run_again(host: Any, told: Secrets, point: str) -> None:
    told.apply().ok()
    told.values["sec_db"] = "another-one"
    assert told.apply(crash=point).code != 0
    candidates = [name for name in told.found() if name.endswith(".mainstay")]
    assert bool(candidates) is (point == "files.staged")
    told.apply().ok()
    assert told.right()
    assert told.actions() == []
    host.run(f"rm -rf {FOLDER}; systemctl restart {UNIT}")
    assert told.right()


def test_nothing_is_shown_at_any_verbosity_or_to_other_processes(host: Any, told: Secrets) -> None:
    host.write("/root/sampler.py", SAMPLER)
    host.run(
        "systemd-run -q --unit=sec-sampler -p StandardOutput=truncate:/run/sec-samples python3 -u /root/sampler.py"
    )
    try:
        first = told.apply(verbosity=4).ok()
        old = list(told.values.values())
        told.values["sec_db"] = "f" * 20 + "0123456789abcdef"
        told.options["form"] = "both"
        second = told.apply(verbosity=4).ok()
    finally:
        host.run("systemctl stop sec-sampler")
    known = [*old, told.values["sec_db"]]
    assert leaks(host, first.out + second.out, known) == []
    samples = host.run("cat /run/sec-samples")
    assert "systemd-creds\0encrypt\0--name=" in samples
    lines = [line for text in known for line in text.splitlines()]
    assert [number for number, line in enumerate(lines) if line in samples] == []
    host.run("rm -f /run/sec-samples /root/sampler.py")
