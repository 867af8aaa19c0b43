# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The hunt: nothing that ran, logged or was shown holds a secret, or what is derived from one.

Each place is searched for the real secrets and for a planted one. The planted one must be found: a search that cannot find proves nothing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from backend import ENV_FILE, SECRETS, Backend, until
from hunt import Needles, files_with, search_command, search_file
from store import Store

LOGS = Path(__file__).resolve().parents[3] / ".build" / "logs"
SAMPLES = "/run/verify-sampler.out"
PLANTED = "the planted secret"


@pytest.fixture
def needles(store: Store) -> Needles:
    return Needles({**store.everything(), PLANTED: os.urandom(24).hex().encode()})


@pytest.fixture
def name(host: Any) -> str:
    return str(host.backend.name)


def test_the_store_has_secrets_to_hunt_for(store: Store) -> None:
    labels = set(store.everything())
    assert {
        "password of shop_db_a",
        "password of shop_session_a",
        "password of mainstay_admin_a",
        "SHA-256 of shop_cache_a",
    } <= labels
    assert all(len(needle) >= 24 for needle in store.everything().values())


def test_nothing_secret_in_what_the_runs_printed_at_vvv(needles: Needles, tmp_path: Path) -> None:
    logs = [path for path in LOGS.rglob("*") if path.is_file()]
    scenario = os.environ.get("MOLECULE_SCENARIO_NAME", "")
    assert any(scenario in path.name and path.stat().st_size > 20_000 for path in logs), (
        "there is no log of the scenario's runs"
    )
    assert {path.name: found for path in logs if (found := search_file(needles, path))} == {}
    copy = tmp_path / "copy.log"
    shutil.copyfile(max(logs, key=lambda path: path.stat().st_size), copy)
    with copy.open("ab") as stream:
        stream.write(b'changed: [x] => {"password": "' + needles["password of shop_db_a"] + b'"}\n')
    assert search_file(needles, copy) == {"password of shop_db_a"}


def test_nothing_secret_in_the_journal(needles: Needles, name: str) -> None:
    subprocess.run(
        ["docker", "exec", "-i", name, "systemd-cat", "-t", "verify"], input=needles[PLANTED] + b"\n", check=True
    )
    subprocess.run(["docker", "exec", name, "journalctl", "--sync"], check=True)
    for form in ("cat", "export", "verbose"):
        assert search_command(needles, "docker", "exec", name, "journalctl", "--no-pager", "--all", "-o", form) == {
            PLANTED
        }


def everywhere(needles: Needles, name: str, what: str) -> set[str]:
    """What is found in file WHAT of all processes of the host."""
    return search_command(needles, "docker", "exec", name, "sh", "-c", f"cat /proc/[0-9]*/{what} 2>/dev/null; true")


#: Runs until its standard input is closed.
STAYS = "import sys; sys.stdin.read()"


def test_nothing_secret_in_any_process_list_since_the_first_run(needles: Needles, name: str) -> None:
    argument = needles[PLANTED].decode()
    command = ["docker", "exec", "-i", name, "python3", "-c", STAYS, argument]
    with subprocess.Popen(command, stdin=subprocess.PIPE):
        until(lambda: PLANTED in everywhere(needles, name, "cmdline"), "the planted process runs")
        assert everywhere(needles, name, "cmdline") == {PLANTED}
        if sampled := not subprocess.run(["docker", "exec", name, "test", "-s", SAMPLES], check=False).returncode:
            seen = ("docker", "exec", name, "cat", SAMPLES)
            until(lambda: PLANTED in search_command(needles, *seen), "the sampler saw the planted process")
    if not sampled:
        pytest.skip("this host was deployed without the sampler (molecule/shared/fresh starts it)")
    assert search_command(needles, "docker", "exec", name, "cat", SAMPLES) == {PLANTED}
    deployed = {"a server": b"postgres", "a module": b"python3"}
    assert search_command(deployed, "docker", "exec", name, "cat", SAMPLES) == set(deployed)


def test_nothing_secret_in_any_servers_environment(needles: Needles, name: str) -> None:
    command = ["docker", "exec", "-i", "-e", f"VERIFY={needles[PLANTED].decode()}", name, "python3", "-c", STAYS]
    with subprocess.Popen(command, stdin=subprocess.PIPE):
        until(lambda: PLANTED in everywhere(needles, name, "environ"), "the planted process runs")
        assert everywhere(needles, name, "environ") == {PLANTED}


def test_nothing_secret_in_the_servers_logs(needles: Needles, name: str) -> None:
    planted = "/var/log/verify-planted.log"
    subprocess.run(
        ["docker", "exec", "-i", name, "tee", planted], input=needles[PLANTED], check=True, stdout=subprocess.DEVNULL
    )
    try:
        real = {label: needle for label, needle in needles.items() if label != PLANTED}
        assert files_with(needles, name, "/var/log") - journals(name, needles) == {planted}
        assert files_with(real, name, "/var/log") == set()
    finally:
        subprocess.run(["docker", "exec", name, "rm", planted], check=True)


def journals(name: str, needles: Needles) -> set[str]:
    """Journal files that hold the planted secret."""
    return files_with({PLANTED: needles[PLANTED]}, name, "/var/log/journal")


def test_no_file_but_the_consumers_holds_a_password(store: Store, backend: Backend, name: str) -> None:
    """Servers hold verifiers only; no temporary file is left behind; not even the administrator's password is anywhere."""
    folders = ["/etc", "/var", "/root", "/home", "/tmp", "/run", "/opt", "/srv", "/usr/local", "/dev/shm"]
    expected = {ENV_FILE, *(f"{SECRETS}/{credential}" for credential in store.issued if credential.startswith("shop_"))}
    assert files_with(store.passwords(), name, *folders) == expected


def test_no_temporary_file_of_a_run_is_left(host: Any) -> None:
    command = "find /root/.ansible/tmp /tmp /var/tmp -mindepth 1 -maxdepth 1 \\( -name 'ansible*' -o -name 'mainstay*' -o -name 'tmp*' \\)"
    assert host.run(command).stdout == ""
    assert host.run("find /etc -name '*.tmp' -o -name '.*.mainstay*' -o -name '.ansible_tmp*'").stdout == ""
