# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The hunt, after everything that the other tests did: every secret that ever was in the store, in every place where one could show.

Each place is searched for a planted secret too, which must be found: a search that cannot find proves nothing.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import invariants
import pytest
from hunt import Needles, files_with, search_command, search_file
from invariants import Memory
from runs import Runs
from truth import Truth
from watch import APPS, DATA, on, span

ROOT = Path(__file__).resolve().parents[3]
SAMPLER = ROOT / "tests" / "leaks" / "sampler.py"
SAMPLES, UNIT, SECONDS = "/run/verify-sampler.out", "verify-sampler", 900
HOSTS = (DATA, *APPS)
PLANTED = "the planted secret"
#: What no rotation_force makes anew: the authority, and a token that nobody supplies.
FEWER = ("mainstay_authority", "mainstay_admin", "partner")
#: The keys of the servers' certificates are theirs.
SERVER_KEY = re.compile(r"/etc/(valkey|postgresql)/tls/[0-9a-f]+/server\.key")
CONSUMERS = {
    "/etc/shop/.env",
    *(f"/etc/shop/secrets/{name}" for name in ("shop_db", "shop_cache", "shop_session", "shop_cable")),
}
CONSUMERS |= {"/etc/shop/secrets/shop_tokens", "/etc/shop/secrets/shop_tokens.keys", "/etc/shop/secrets/partner"}


@pytest.fixture(scope="module")
def needles(truth: Truth, memory: Memory) -> Needles:
    """Label -> text: every secret in every spelling, every verifier, and the planted one."""
    memory.keep(truth.store())
    return Needles({**memory.needles, PLANTED: os.urandom(24).hex().encode()})


@pytest.fixture(scope="module")
def sampled(runs: Runs, truth: Truth, memory: Memory, needles: Needles) -> Iterator[Path]:
    """A rotation of everything at -vvvv, with 50 looks a second at the processes of all hosts and of the run itself."""
    for host in HOSTS:
        on(host, "sh", "-c", f"cat > /run/{UNIT}.py", text=SAMPLER.read_text(encoding="utf-8"))
        on(host, "rm", "-f", SAMPLES)
        on(
            host,
            "systemd-run",
            "--quiet",
            "--collect",
            f"--unit={UNIT}",
            "python3",
            f"/run/{UNIT}.py",
            SAMPLES,
            str(SECONDS),
        )
    with tempfile.TemporaryDirectory() as folder, span() as found:
        own = Path(folder, "samples")
        run = runs.start(rotation_force=True, verbosity=4)
        with subprocess.Popen([sys.executable, SAMPLER, own, str(SECONDS), str(run.process.pid)]) as sampler:
            run.wait()
            sampler.terminate()
        plant(needles)
        for host in HOSTS:
            on(host, "systemctl", "stop", UNIT)
        run.ok()
        memory.keep(truth.store())
        needles |= memory.needles
        yield own
    assert not found.failures, found.said


#: Reads the planted secret, and runs one program with it among its arguments and one with it in its environment until the sampler saw both.
PLANT = f"""
read -r text
python3 -c 'import time; time.sleep(60)' "argument $text" & one=$!
VERIFY=$text python3 -c 'import time; time.sleep(60)' & two=$!
for turn in $(seq 300); do
  [ "$(printf '%s\\n' "$text" | grep -cFf - {SAMPLES})" -ge 2 ] && break
  sleep 0.1
done
kill $one $two
"""


def plant(needles: Needles) -> None:
    """A process on each host with the planted secret in its arguments and one with it in its environment."""
    for host in HOSTS:
        on(host, "sh", "-c", PLANT, text=f"{needles[PLANTED].decode()}\n")


def test_there_are_secrets_to_hunt_for(sampled: Path, needles: Needles, memory: Memory) -> None:
    assert all(len(needle) >= 24 for needle in needles.values())
    assert all(len(versions) >= 2 for name, versions in memory.versions.items() if name not in FEWER), (
        "not everything has rotated"
    )


def test_no_process_was_given_a_secret(sampled: Path, needles: Needles) -> None:
    for host in HOSTS:
        assert search_command(needles, "docker", "exec", host, "cat", SAMPLES) == {PLANTED}, host
        there = {kind: kind.encode() for kind in ("cmdline ", "environ ")}
        assert search_command(there, "docker", "exec", host, "cat", SAMPLES) == set(there)
    assert search_file(needles, sampled) == set()
    assert search_file({"the run": b"ansible-playbook", "docker": b"exec"}, sampled) == {"the run", "docker"}


def test_nothing_secret_in_what_the_runs_printed_at_vvvv(
    sampled: Path, runs: Runs, needles: Needles, tmp_path: Path
) -> None:
    logs = [
        *runs.logs.glob("*.log"),
        ROOT / ".build/logs/molecule-rotation.ansible.log",
        *(ROOT / ".build/logs").glob("scenario-rotation*.log"),
    ]
    logs = [path for path in logs if path.exists()]
    assert max(path.stat().st_size for path in logs) > 100_000
    assert {path.name: found for path in logs if (found := search_file(needles, path))} == {}
    copy = tmp_path / "copy.log"
    copy.write_bytes(logs[0].read_bytes() + b"changed: [x] => " + needles[PLANTED] + b"\n")
    assert search_file(needles, copy) == {PLANTED}


@pytest.mark.parametrize("host", HOSTS)
def test_nothing_secret_in_the_journal_and_the_logs(sampled: Path, needles: Needles, host: str) -> None:
    on(host, "systemd-cat", "-t", "verify", text=needles[PLANTED].decode() + "\n")
    on(host, "journalctl", "--sync")
    for form in ("cat", "export"):
        command = ("docker", "exec", host, "journalctl", "--no-pager", "--all", "-o", form)
        assert search_command(needles, *command) == {PLANTED}, form
    real = {label: needle for label, needle in needles.items() if label != PLANTED}
    assert files_with(real, host, "/var/log") == set()


@pytest.mark.parametrize("host", HOSTS)
def test_no_file_but_the_consumers_holds_a_secret_and_theirs_no_old_one(
    sampled: Path, truth: Truth, memory: Memory, needles: Needles, host: str
) -> None:
    """Data hosts hold verifiers of what is valid now; what was retired is nowhere, and no temporary file is left."""
    valid = {version.id for record in truth.store().contents.records.values() for version in record.versions()}
    folders = ["/etc", "/var", "/root", "/home", "/tmp", "/run", "/opt", "/srv", "/usr/local", "/dev/shm"]
    passwords = {
        label: needle for label, needle in memory.needles.items() if not label.startswith(("SHA-256", "SCRAM"))
    }
    own = (SAMPLES, f"/run/{UNIT}.py")
    found = files_with(passwords, host, *folders) - set(own)
    if host == DATA:
        assert len(found) >= 2 and all(SERVER_KEY.fullmatch(path) for path in found), found
    else:
        assert found and found - CONSUMERS == set()
    old = {label: needle for label, needle in passwords.items() if not any(mark in label for mark in valid)}
    assert len(old) > 8
    assert files_with(old, host, *folders) - set(own) == set()


def test_nothing_secret_on_the_controller(sampled: Path, truth: Truth, memory: Memory) -> None:
    """Its temporary folders, Ansible's own, and the store with its backups, which are encrypted."""
    began = Path(os.environ["MOLECULE_FILE"]).stat().st_mtime
    source = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], "partner-token")
    assert any(path.name.endswith("~") for path in truth.folder.iterdir()), "there is no backup of the store"
    places = (
        truth.folder,
        Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]),
        Path.home() / ".ansible",
        Path(tempfile.gettempdir()),
    )
    checked = 0
    for place in places:
        # os.walk passes over a folder that goes while it looks
        for path in (Path(folder, name) for folder, _inner, names in os.walk(place) for name in names):
            if readable(path, began) and path != source:
                checked += 1
                assert search_file(memory.needles, path) == set(), path
    assert checked > 3
    assert search_file(memory.needles, source), "the search does not find what is there"


def readable(path: Path, since: float) -> bool:
    try:
        return (
            path.is_file()
            and not path.is_symlink()
            and path.stat().st_mtime >= since
            and path.stat().st_size < 100_000_000
        )
    except OSError:
        return False


def test_all_invariants_hold_after_everything(sampled: Path, truth: Truth, memory: Memory) -> None:
    time.sleep(1)
    assert invariants.at_end(truth.world(), truth, memory) == {}
