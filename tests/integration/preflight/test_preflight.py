# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One wrong inventory of each kind, through the whole of site.yml against a real host: refused with its message, nothing changed.

The cases are those of tests/data/wrong_inventories. Every kind that changes variables is a host of its own in one inventory, all of
them the same container: each must be refused. Kinds of several hosts get an inventory each.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "lib"))

from inventories import GROUPS, VARIABLES, cases, expected_lines, merged, same  # noqa: E402

NAME = f"{os.environ.get('MAINSTAY_IT_PREFIX', 'mainstay-it')}-preflight"
CONNECTION = {
    "ansible_connection": "community.docker.docker",
    "ansible_host": NAME,
    "ansible_python_interpreter": "/usr/bin/python3",
}
#: Kinds that need another host: a test of its own below, and tests/integration/postgres for the cluster.
ELSEWHERE = {"a cluster without checksums", "a host that this collection does not serve"}
#: Kinds about the host, tried with what stands on this one: its memory, somebody on a port, another release's cluster on another.
TAKEN = {
    "a port where somebody else listens": {
        "change": {"valkey_instances": {"cache": {"port": 6399}}},
        "expect": "valkey_instances.cache.port: found 6399, where ... on 127.0.0.1; expected a free port: ...",
    },
    "a port where another cluster or program is": {
        "change": {"postgres_port": 5439},
        "expect": "postgres_port: found 5439, which cluster 15/legacy has; expected a free port, ...",
    },
    "more memory than the host has": {
        "change": {"valkey_instances": {"session": {"maxmemory": "64tb"}}},
        "expect": "valkey_instances: found 128 TiB (... session 2 x 64 TiB ...); expected at most the host's memory, ...",
    },
    "settings that contradict each other or the host": {
        "change": {"postgres_settings": {"work_mem": "900GB"}},
        "expect": "postgres_settings.work_mem: found 900GB; expected at most an eighth of the host's memory (...): every sort may take as much",
    },
}


def first_of_each_kind() -> dict[str, dict[str, Any]]:
    """Kind -> a case that can be tried here: one without a made-up host, where the kind has one."""
    found: dict[str, dict[str, Any]] = {}
    for kind, _unused, case in cases("wrong_inventories"):
        if kind in ELSEWHERE or (kind in found and "probe" not in found[kind]):
            continue
        found[kind] = TAKEN.get(kind, case)
    return found


ONE_HOST = {kind: case for kind, case in first_of_each_kind().items() if "hosts" not in case}
SEVERAL = {kind: case for kind, case in first_of_each_kind().items() if "hosts" in case}


@pytest.fixture(scope="module")
def container() -> Iterator[str]:
    """A fresh host on which somebody listens on 6399, and a cluster of another release claims 5439."""
    subprocess.run([ROOT / "scripts/host", "down", NAME], check=True)
    subprocess.run([ROOT / "scripts/host", "up", NAME, "13"], check=True, capture_output=True)
    listen = "import socket, time; s = socket.create_server(('127.0.0.1', 6399)); time.sleep(3600)"
    shell(f'systemd-run --quiet --unit=somebody python3 -c "{listen}"')
    shell("mkdir -p /etc/postgresql/15/legacy && echo 'port = 5439' > /etc/postgresql/15/legacy/postgresql.conf")
    yield NAME
    subprocess.run([ROOT / "scripts/host", "down", NAME], check=True)


def shell(command: str) -> str:
    done = subprocess.run(["docker", "exec", NAME, "sh", "-c", command], check=True, capture_output=True, text=True)
    return done.stdout


def state() -> dict[str, str]:
    """Packages, units, users, listeners, and every file written after the marker."""
    places = "/etc /usr /var /root /home /opt /srv /tmp /run"
    skip = "-path /var/log/journal -o -path /run/log -o -path '/run/systemd' -o -path /srv/apt-archive -o -path /var/lib/systemd"
    return {
        "packages": shell("dpkg-query -W -f '${Package} ${Version} ${Status}\\n'"),
        "units": shell("systemctl list-units --all --plain --no-legend --type=service,timer | awk '{print $1, $3}'"),
        "users": shell("getent passwd; getent group"),
        "listeners": shell("ss -Hltn | awk '{print $4}' | sort"),
        "written": shell(f"find {places} -xdev \\( {skip} \\) -prune -o -newer /run/marker -type f -print | sort"),
    }


def site(
    tmp_path: Path, hosts: Mapping[str, Any], groups: Mapping[str, list[str]], variables: Mapping[str, Any]
) -> tuple[int, dict[str, str]]:
    """Runs site.yml; returns its exit code and why it failed on each host."""
    members = {group: {"hosts": {key: {} for key in names}} for group, names in groups.items()}
    inventory = {"all": {"hosts": hosts, "vars": {**CONNECTION, **variables}, "children": members}}
    (tmp_path / "inventory.json").write_text(json.dumps(inventory))
    (tmp_path / "password").write_text("of no worth outside this test\n")
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_VAULT_PASSWORD_FILE": str(tmp_path / "password"),
        "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
        "ANSIBLE_FORKS": "4",
    }
    command = [ROOT / ".venv/bin/ansible-playbook", "-i", tmp_path / "inventory.json", ROOT / "playbooks/site.yml"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT, check=False)
    told = json.JSONDecoder().raw_decode(done.stdout[done.stdout.index("{\n") :])[0]
    tasks = [task for play in told["plays"] for task in play["tasks"]]
    assert len(tasks) == 1, [task["task"]["name"] for task in tasks]
    return done.returncode, {
        name: str(result.get("msg")) for name, result in tasks[0]["hosts"].items() if result.get("failed")
    }


def lines(message: str) -> list[str]:
    return sorted(line[2:] for line in message.splitlines() if line.startswith("- "))


@pytest.fixture(scope="module")
def refused(
    container: str, tmp_path_factory: pytest.TempPathFactory
) -> tuple[int, dict[str, str], dict[str, str], dict[str, str]]:
    """One run for all kinds of one host: its exit code, why each host was refused, and the container's state before and after."""
    hosts, common = {}, {**VARIABLES, "backend_address": "10.0.0.5"}
    for number, case in enumerate(ONE_HOST.values()):
        own = {"backend_consumers": {"shop": {"hosts": [f"host{number}"]}}}
        odd = dict.fromkeys(case.get("names", ()), "odd")
        hosts[f"host{number}"] = merged(merged({**common, **own}, case.get("change", {})), odd)
    shell("touch /run/marker")
    before = state()
    code, messages = site(tmp_path_factory.mktemp("one"), hosts, {key: list(hosts) for key in GROUPS}, {})
    return code, messages, before, state()


def test_the_run_fails_and_changes_nothing(refused: tuple[int, dict[str, str], dict[str, str], dict[str, str]]) -> None:
    code, messages, before, after = refused
    assert code != 0 and len(messages) == len(ONE_HOST) >= 30
    assert after == before


@pytest.mark.parametrize("kind", ONE_HOST)
def test_refused_with_its_message(
    refused: tuple[int, dict[str, str], dict[str, str], dict[str, str]], kind: str
) -> None:
    number = list(ONE_HOST).index(kind)
    found = lines(refused[1][f"host{number}"])
    wanted = [text.replace("db1", f"host{number}") for text in sorted(expected_lines(ONE_HOST[kind]))]
    assert all(any(same(line, text) for line in found) for text in wanted), found
    assert "hunter2hunter2" not in refused[1][f"host{number}"]


@pytest.mark.parametrize("kind", SEVERAL)
def test_several_hosts_refused_with_their_message(container: str, tmp_path: Path, kind: str) -> None:
    case = SEVERAL[kind]
    hosts = {
        name: {
            **merged(VARIABLES, case.get("change", {})),
            "backend_address": entry.get("address", name),
            **entry.get("variables", {}),
        }
        for name, entry in case["hosts"].items()
    }
    groups = {group: [name for name, entry in case["hosts"].items() if group in entry["groups"]] for group in GROUPS}
    shell("touch /run/marker")
    before = state()
    code, messages = site(tmp_path, hosts, groups, {})
    found = lines(messages.get(case.get("current", next(iter(hosts))), ""))
    assert code != 0 and all(any(same(line, text) for line in found) for text in expected_lines(case)), messages
    assert state() == before


def test_a_host_that_is_not_served_is_refused(container: str, tmp_path: Path) -> None:
    """The container calls itself another distribution while this runs."""
    shell("mv /etc/os-release /run/os-release && printf 'ID=fedora\\nVERSION_ID=44\\n' > /etc/os-release")
    try:
        shell("touch /run/marker")
        before = state()
        hosts = {"db1": {**VARIABLES, "backend_address": "10.0.0.5"}}
        code, messages = site(tmp_path, hosts, {group: ["db1"] for group in GROUPS}, {})
        expected = "host db1: found fedora 44; expected Debian 12, 13, 14, or a derivative of it"
        assert code != 0 and expected in lines(messages["db1"]), messages
        assert state() == before
    finally:
        shell("mv -f /run/os-release /etc/os-release")
