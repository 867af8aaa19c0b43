# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""env_validate where applications run: the environment of a systemd unit, of a container, and what the roles wrote on a consumer's host."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
SCHEMA = "variables: {TOKEN: {type: hex, required: true}, THREADS: {type: int, required: true, sensitive: false}}"
UNIT = "[Service]\nEnvironmentFile=/srv/live/.env\nExecStart=/bin/sleep infinity\nUser=www-data\n"


def judged(result: Mapping[str, Any]) -> set[tuple[str, str, str]]:
    return {(item["rule"], item["file"], item["variable"]) for item in result["findings"]}


@pytest.fixture
def unit(host: Any) -> Iterator[str]:
    """A unit of user www-data that runs with a .env of its own."""
    host.write("/srv/live/.env", f"TOKEN={secrets.token_hex(32)}\nTHREADS=many\n")
    host.run("chmod 600 /srv/live/.env")
    host.write("/etc/systemd/system/live.service", UNIT)
    host.run("systemctl daemon-reload && systemctl restart live.service")
    yield "live.service"
    host.run("systemctl stop live.service; rm -rf /srv/live /etc/systemd/system/live.service; systemctl daemon-reload")


def validate(host: Any, **options: object) -> Mapping[str, Any]:
    task = {"name": "Judge", "mainstay.backend.env_validate": {"fail_on": "never", "schema_text": SCHEMA, **options}}
    run = host.play(tasks=[task])
    return dict(run.result("Judge"))


def test_a_units_environment_is_that_of_its_process(host: Any, unit: str) -> None:
    result = validate(host, unit=unit, loaders=["systemd"])
    assert judged(result) == {("wrong-type", f"unit:{unit}", "THREADS")}
    assert result["files"] == [f"unit:{unit}"]
    host.run("sed -i s/many/5/ /srv/live/.env")
    result = validate(host, unit=unit, files=["/srv/live/.env"], loaders=["systemd"])
    assert ("process-differs", "THREADS") in {(rule, name) for rule, _file, name in judged(result)}
    host.run(f"systemctl restart {unit}")
    assert judged(validate(host, unit=unit, files=["/srv/live/.env"], loaders=["systemd"])) == set()


@pytest.mark.parametrize(
    ("name", "words"), [("gone.service", "systemd knows no unit"), ("live.service", "does not run")]
)
def test_a_unit_that_does_not_run_is_a_finding(host: Any, unit: str, name: str, words: str) -> None:
    host.run("systemctl stop live.service")
    result = validate(host, unit=name, loaders=["systemd"])
    assert ("missing-file", f"unit:{name}", "") in judged(result)
    assert words in str(result["findings"])


#: What Ruby does for a title that is longer than its command line.
OVERWRITES = """
import ctypes, time
words = open("/proc/self/stat").read().rpartition(")")[2].split()
start, end = int(words[47]), int(words[48])
ctypes.memset(start, 0, end - start)
ctypes.memmove(start, b"le of the process", 17)
time.sleep(600)
"""


def test_a_process_that_wrote_over_its_environment_is_said(host: Any, unit: str) -> None:
    host.write("/srv/live/title.py", OVERWRITES)
    host.run("sed -i 's|^ExecStart=.*|ExecStart=/usr/bin/python3 /srv/live/title.py|' /etc/systemd/system/live.service")
    host.run("systemctl daemon-reload && systemctl restart live.service")
    host.until("sh -c 'cat /proc/$(systemctl show -P MainPID live.service)/environ'", "le of the process", 300)
    result = validate(host, unit=unit, loaders=["systemd"])
    assert judged(result) == {("unreadable", f"unit:{unit}", "")}
    assert "has written over its environment" in str(result["findings"])


def test_another_users_process_is_a_finding(host: Any, unit: str) -> None:
    become = {"become": True, "become_user": "nobody", "become_method": "ansible.builtin.su"}
    become["become_flags"] = "-s /bin/sh"
    task = {"name": "Judge", "mainstay.backend.env_validate": {"unit": unit, "fail_on": "never"}, **become}
    run = host.play(tasks=[task], variables={"ansible_pipelining": True})
    found = run.result("Judge").get("findings", [])
    assert [item["rule"] for item in found] == ["unreadable"], run.message


@pytest.fixture
def container() -> Iterator[str]:
    """A container of this machine's own engine, TOKEN of its environment being right and THREADS wrong."""
    assert subprocess.run([ROOT / "scripts/engine"], check=False).returncode == 0
    subprocess.run([ROOT / "scripts/image", "13"], check=True, capture_output=True)
    name = "mainstay-it-live"
    subprocess.run(["docker", "rm", "-f", name], check=False, capture_output=True)
    words = ["-e", f"TOKEN={secrets.token_hex(32)}", "-e", "THREADS=few", "--entrypoint", "/bin/sleep"]
    subprocess.run(
        ["docker", "run", "-d", "--name", name, *words, "mainstay-host:13", "600"], check=True, capture_output=True
    )
    yield name
    subprocess.run(["docker", "rm", "-f", name], check=True, capture_output=True)


def test_a_containers_environment_is_that_of_its_process(container: str, tmp_path: Path) -> None:
    result = local(tmp_path, container=container)
    assert ("wrong-type", f"container:{container}", "THREADS") in judged(result)
    assert "few" not in json.dumps(result)
    subprocess.run(["docker", "stop", "-t", "0", container], check=True, capture_output=True)
    assert judged(local(tmp_path, container=container)) >= {("missing-file", f"container:{container}", "")}
    assert judged(local(tmp_path, container="mainstay-no-such")) >= {("missing-file", "container:mainstay-no-such", "")}


def test_a_process_that_cannot_be_seen_from_here_is_taken_as_configured(container: str, tmp_path: Path) -> None:
    """As with an engine in a virtual machine: here the module is started in a pid namespace of its own."""
    wrapper = tmp_path / "python"
    wrapper.write_text(f'#!/bin/sh\nexec unshare --pid --fork --mount-proc {ROOT}/.venv/bin/python "$@"\n')
    wrapper.chmod(0o755)
    result = local(tmp_path, interpreter=str(wrapper), container=container)
    assert ("wrong-type", f"container:{container}", "THREADS") in judged(result)


def local(folder: Path, interpreter: str = "", **options: object) -> Mapping[str, Any]:
    task = {"name": "Judge", "mainstay.backend.env_validate": {"fail_on": "never", "schema_text": SCHEMA, **options}}
    variables = {"ansible_python_interpreter": interpreter or str(ROOT / ".venv/bin/python")}
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "vars": variables, "tasks": [task]}
    (folder / "play.json").write_text(json.dumps([play]))
    done = ansible(folder, "-i", "localhost,", "play.json", ANSIBLE_STDOUT_CALLBACK="ansible.posix.json")
    told = json.JSONDecoder().raw_decode(done.stdout[done.stdout.index("{\n") :])[0]
    return dict(told["plays"][0]["tasks"][0]["hosts"]["localhost"])


def ansible(folder: Path, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".build/collections"), **settings}
    command = [str(ROOT / ".venv/bin/ansible-playbook"), *words]
    return subprocess.run(
        command, capture_output=True, text=True, env=environment, cwd=folder, timeout=1800, check=False
    )


def test_what_the_roles_wrote_passes_and_what_was_changed_by_hand_does_not(host: Any) -> None:
    """playbooks/validate_env.yml with an inventory: no option says where anything is."""
    host.run("rm -rf /etc/lv /run/secrets/lv /var/lib/mainstay")
    variables = {"backend_app": "lv", "backend_consumers": {"lv": {"owner": "www-data"}}}
    variables["backend_store_dir"] = str(host.work / "lv-store")
    host.play(["secrets", "environment"], variables=variables).ok()
    words = (
        "mainstay.backend.validate_env",
        "-i",
        str(host.work / "inventory.json"),
        "-e",
        "validate_env_sarif=out.sarif",
    )
    settings = {"ANSIBLE_VAULT_PASSWORD_FILE": str(host.work / "vault-password")}
    done = ansible(host.work, *words, **settings)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 errors" in done.stdout or "no finding" in done.stdout
    host.run("printf 'EXTRA=$(id)\\n' >> /etc/lv/.env; chmod 644 /etc/lv/.env; chown root /run/secrets/lv/lv_db")
    done = ansible(host.work, *words, **settings)
    assert done.returncode == 2
    log = json.loads((host.work / "out.sarif").read_text())
    found = {item["ruleId"] for item in log["runs"][0]["results"]}
    assert found >= {"command-substitution", "wrong-mode", "wrong-owner"}
    for name in ("lv_db", "lv_cache"):
        assert (
            host.run(f"cat /run/secrets/lv/{name}").strip() not in done.stdout + (host.work / "out.sarif").read_text()
        )
    host.run("rm -rf /etc/lv /run/secrets/lv /var/lib/mainstay")


def test_a_host_without_a_consumer_has_nothing_to_validate(host: Any) -> None:
    """Consumers by default live on the hosts of group app: here that group is empty."""
    task = {"name": "Judge", "mainstay.backend.env_validate": {"backend": True}}
    result = host.play(tasks=[task], groups=("valkey", "postgres")).ok().result("Judge")
    assert (result["findings"], result["files"], result["fails"]) == ([], [], False)
    assert "no consumer" in result["msg"]
