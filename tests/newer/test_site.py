# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""site.yml with the ansible-core that runs these tests, on one fresh host and without our ansible.cfg: a part of it, all, and again."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAME = f"{os.environ.get('MAINSTAY_IT_PREFIX', 'mainstay')}-newer"
RECAP = re.compile(r"^\S+\s+: ok=\d+\s+changed=(\d+)\s+unreachable=0\s+failed=0", re.MULTILINE)
#: What ansible-core says when something will not work in a later version.
LATER = re.compile(r"^\[DEPRECATION WARNING\].*$|.*\bdeprecated\b.*$", re.MULTILINE | re.IGNORECASE)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., tuple[int, str]]]:
    """Runs the playbook with these options: how many tasks changed something, and everything it said."""
    work = tmp_path_factory.mktemp("newer")
    subprocess.run([ROOT / "scripts/host", "down", NAME], check=True)
    subprocess.run([ROOT / "scripts/host", "up", NAME, "13"], check=True, capture_output=True)
    variables = {"backend_app": "shop"}
    hosts = {"hosts": {NAME: {"ansible_connection": "community.docker.docker"}}}
    members = {group: {"hosts": {NAME: {}}} for group in ("valkey", "postgres", "app")}
    (work / "inventory.json").write_text(json.dumps({"all": {**hosts, "vars": variables, "children": members}}))
    (work / "password").write_text("of no worth outside this test\n")
    collections = ".build/collections" if sys.version_info < (3, 12) else ".build/collections-2.21"
    told = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    environment = {
        **told,
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / collections),
        "ANSIBLE_VAULT_PASSWORD_FILE": str(work / "password"),
        "ANSIBLE_DEPRECATION_WARNINGS": "1",
        "ANSIBLE_NOCOLOR": "1",
    }
    playbook = [
        Path(sys.executable).parent / "ansible-playbook",
        "mainstay.backend.site",
        "-i",
        work / "inventory.json",
    ]

    def run(*options: str) -> tuple[int, str]:
        done = subprocess.run(
            [*playbook, *options], cwd=work, env=environment, capture_output=True, text=True, check=False
        )
        said = done.stdout + done.stderr
        assert done.returncode == 0, said[-4000:]
        assert not LATER.findall(said) and "Traceback" not in said
        return int(RECAP.findall(said)[-1]), said

    yield run
    subprocess.run([ROOT / "scripts/host", "down", NAME], check=True)


def installed(*names: str) -> list[bool]:
    found = subprocess.run(
        ["docker", "exec", NAME, "dpkg-query", "-W", "-f", "${Package}\n"], capture_output=True, text=True, check=True
    ).stdout.split()
    return [name in found for name in names]


def test_check_mode_foretells_every_part_once(site: Callable[..., tuple[int, str]]) -> None:
    assert site("--check")[0] == 6
    assert installed("valkey-server", "postgresql-17") == [False, False]


def test_one_part_alone_installs_only_its_own(site: Callable[..., tuple[int, str]]) -> None:
    assert site("--tags", "valkey")[0] == 2
    assert installed("valkey-server", "postgresql-17") == [True, False]


def test_the_whole_of_it_on_what_a_part_left(site: Callable[..., tuple[int, str]]) -> None:
    changed, said = site()
    assert changed == 5
    assert "postgresql://shop_db_a:***@127.0.0.1:5432/shop" in said


def test_a_second_run_changes_nothing_and_looks_for_python_once(site: Callable[..., tuple[int, str]]) -> None:
    changed, said = site("-vvv")
    assert changed == 0
    assert said.count("Attempting python interpreter discovery") == 1
    assert site("--check")[0] == 0
