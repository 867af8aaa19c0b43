# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The example's timer and service on a real host, with Debian's ansible-core as the controller's, reaching a host over ssh: itself."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = ROOT / "examples" / "schedule"
COLLECTION = "/usr/share/ansible/collections/ansible_collections/mainstay/backend"
SERVICE, TIMER = "mainstay-rotate.service", "mainstay-rotate.timer"
PASSWORD = "of-no-worth-outside-this-test"
CONSUMER = {
    "reload": "none",
    "credentials": ["api_key"],
    "env_file": "/srv/target/.env",
    "secrets_dir": "/run/secrets/api",
}
INVENTORY = {
    "app": {"hosts": {"target": {"ansible_host": "127.0.0.1", "ansible_user": "root"}}},
    "all": {
        "vars": {
            "valkey_instances": {},
            "backend_credentials": {"api_key": {"kind": "signing_key", "max_age": "90d", "token_lifetime": "1h"}},
            "backend_consumers": {"api": CONSUMER},
        }
    },
}


@pytest.fixture(scope="module")
def controller(host: Any) -> Any:
    """As docs/schedule.md sets it up."""
    host.run("mount --make-rshared /")  # in a container systemd's credentials need it
    host.run(
        "apt-get update -qq && apt-get install -y -qq --no-install-recommends ansible-core openssh-server", seconds=1800
    )
    host.run(
        "systemctl start ssh; id mainstay 2>/dev/null || useradd --system --create-home --home-dir /var/lib/mainstay mainstay"
    )
    host.run(
        "install -d -m 0750 -o root -g mainstay /srv/mainstay; install -d -m 0700 -o mainstay -g mainstay /srv/mainstay/secrets"
    )
    host.write("/etc/mainstay/vault-password", f"{PASSWORD}\n")
    host.run("chmod 600 /etc/mainstay/vault-password; rm -rf /srv/mainstay/secrets/*")
    as_user = "runuser -u mainstay --"
    host.run(
        f"test -e ~mainstay/.ssh/id_ed25519 || {as_user} sh -c 'mkdir -pm 700 ~/.ssh; ssh-keygen -q -t ed25519 -N \"\" -f ~/.ssh/id_ed25519'"
    )
    host.run("mkdir -pm 700 ~/.ssh; cat ~mainstay/.ssh/id_ed25519.pub > ~/.ssh/authorized_keys")
    host.run(f"{as_user} sh -c 'ssh-keyscan 127.0.0.1 > ~/.ssh/known_hosts' 2>/dev/null")
    host.run(f"mkdir -p {COLLECTION}")
    parts = ["plugins", "roles", "playbooks", "meta", "galaxy.yml"]
    tree = subprocess.run(
        ["tar", "c", "--exclude=__pycache__", *parts], cwd=ROOT, capture_output=True, check=True
    ).stdout
    subprocess.run(["docker", "exec", "-i", host.name, "tar", "x", "-C", COLLECTION], input=tree, check=True)
    for name in (SERVICE, TIMER):
        host.write(f"/etc/systemd/system/{name}", (EXAMPLES / name).read_text(encoding="utf-8"))
    host.run("systemctl daemon-reload")
    yield host
    host.run(
        f"systemctl stop {TIMER}; rm -rf /etc/systemd/system/{SERVICE} /etc/systemd/system/{SERVICE}.d /etc/systemd/system/{TIMER}"
    )
    host.run("systemctl daemon-reload; systemctl disable --now ssh; rm -f ~/.ssh/authorized_keys", check=False)


def start(host: Any, *options: str) -> str:
    """Runs the service once, with further OPTIONS of the command; `success` or systemd's word for what happened, and what it printed."""
    command = next(line for line in (EXAMPLES / SERVICE).read_text().splitlines() if line.startswith("ExecStart="))
    host.write(
        f"/etc/systemd/system/{SERVICE}.d/test.conf", f"[Service]\nExecStart=\n{' '.join([command, *options])}\n"
    )
    host.run("systemctl daemon-reload")
    cursor = host.run("journalctl -n 0 --show-cursor").split("cursor: ")[1].strip()
    host.run(f"systemctl start {SERVICE}", check=False, seconds=1800)
    printed = host.run(f"journalctl --sync; journalctl -o cat -u {SERVICE} --after-cursor '{cursor}'")
    return f"{host.run(f'systemctl show -P Result {SERVICE}').strip()}\n{printed}"


def test_the_units_are_valid_and_the_timer_waits_for_its_day(controller: Any) -> None:
    said = controller.run(f"systemd-analyze verify /etc/systemd/system/{SERVICE} /etc/systemd/system/{TIMER} 2>&1")
    assert said == ""
    controller.run(f"systemctl start {TIMER}")
    known = json.loads(controller.run("systemctl list-timers --all --output json"))
    (mine,) = [item for item in known if item["unit"] == TIMER]
    now = int(controller.run("date +%s"))
    assert 0 < mine["next"] / 1e6 - now < 8 * 86400 and mine["activates"] == SERVICE
    level = controller.run(f"systemd-analyze security {SERVICE}").splitlines()[-1]
    assert "OK" in level, level


def test_the_service_rotates_and_an_inventory_that_is_gone_fails_it(controller: Any) -> None:
    """In its sandbox: with systemd's credential, over ssh, writing the store."""
    host = controller
    host.write("/srv/mainstay/inventory.yml", json.dumps(INVENTORY))
    host.write("/srv/mainstay/.password", PASSWORD)
    host.run("chown mainstay /srv/mainstay/.password")
    deploy = "ansible -i inventory.yml app -m mainstay.backend.consumer_files -a part=secrets"
    host.run(
        f"cd /srv/mainstay && runuser -u mainstay -- env ANSIBLE_VAULT_PASSWORD_FILE=.password {deploy} && rm .password"
    )
    before = host.run("cat /run/secrets/api/*")
    said = start(host)
    assert said.startswith("success\n") and "failed=0" in said, said
    assert host.run("cat /run/secrets/api/*") == before, "what is young is left alone"
    said = start(host, "-e rotation_force=true -e rotation_retire_now=api_key")
    assert said.startswith("success\n") and "failed=0" in said, said
    after = host.run("cat /run/secrets/api/*")
    assert after != before
    seen = host.run("journalctl -b --no-pager") + host.run("systemctl show mainstay-rotate.service")
    assert PASSWORD not in seen and not [line for line in after.split() if len(line) > 30 and line in seen]
    host.run("rm /srv/mainstay/inventory.yml")
    said = start(host)
    assert said.startswith("exit-code\n") and "inventory" in said, said
