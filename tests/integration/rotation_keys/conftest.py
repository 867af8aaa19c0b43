# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host with two services that sign and verify, no data servers, and third parties on it and on the controller."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mainstay.backend.plugins.module_utils import _store

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
PORTS = {"api": 8101, "worker": 8102}
THIRD, HERE_PORT = 8103, 18104
LIFETIME = 120
UNIT = """[Service]
ExecStart=/usr/bin/python3 /srv/keys/service.py {port} /run/secrets/{name}/jwt.keys
Restart=on-failure
"""
TRY, REVOKE = ["/srv/keys/ask_third", "try", str(THIRD)], ["/srv/keys/ask_third", "revoke", str(THIRD)]
ON_CONTROLLER = {"environment": "TOKEN", "runs_on": "controller"}
CREDENTIALS: dict[str, Any] = {
    "jwt": {"kind": "signing_key", "token_lifetime": "2m"},
    "mail": {
        "kind": "token",
        "value": {"variable": "mail_token"},
        "test": {"command": TRY, "environment": "TOKEN", "refused": [4]},
        "retire": {"command": REVOKE, "environment": "TOKEN"},
    },
}


@dataclass
class Services:
    """The host, and what its inventory says."""

    host: Any
    variables: dict[str, Any] = field(default_factory=dict)

    def play(self, *roles: str, **variables: Any) -> Any:
        told = {**self.variables, **variables}
        return self.host.play(roles, variables=told, groups=("app",))

    def rotate(self, **variables: Any) -> Any:
        return self.play("rotation", **variables)

    def contents(self) -> _store.Contents:
        path = next((self.host.work / "secrets").glob("*.vault.txt"))
        command = [
            ROOT / ".venv/bin/ansible-vault",
            "view",
            path,
            "--vault-password-file",
            self.host.work / "vault-password",
        ]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return _store.parse(text, "production", "store")

    def known(self, *tokens: str) -> None:
        """What the third party on the host takes."""
        self.host.write("/srv/keys/known", "\n".join(tokens) + "\n")

    def taken(self) -> list[str]:
        return self.host.run("cat /srv/keys/known").split()


@pytest.fixture(scope="module")
def services(host_of: Callable[[int], Any]) -> Iterator[Services]:
    """Deployed, with both services running."""
    host = host_of(13)
    host.run(
        "systemctl stop 'mainstay-*' 2>/dev/null; rm -rf /srv/keys /run/secrets/* /etc/api /etc/worker", check=False
    )
    for path in (host.work / "secrets").glob("*"):
        path.unlink()
    text = (ROOT / "docs/keys.md").read_text(encoding="utf-8")
    host.write("/srv/keys/keys.py", "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL)))
    for name in ("service.py", "load.py", "third.py", "ask_third.py", "ask_third"):
        host.write(f"/srv/keys/{name}", (HERE / name).read_text(encoding="utf-8"))
    host.run("chmod +x /srv/keys/ask_third")
    for name, port in PORTS.items():
        host.write(f"/etc/systemd/system/mainstay-{name}.service", UNIT.format(name=name, port=port))
    third = f"[Service]\nExecStart=/usr/bin/python3 /srv/keys/third.py {THIRD} /srv/keys/known\n"
    host.write("/etc/systemd/system/mainstay-third.service", third)
    found = Services(host)
    found.known("mail-token-0001")
    host.run("systemctl daemon-reload; systemctl start mainstay-third")
    found.variables = {
        "backend_app": "shop",
        "backend_credentials": CREDENTIALS,
        "backend_consumers": {
            name: {
                "credentials": ["jwt", "mail"] if name == "api" else ["jwt"],
                "unit": f"mainstay-{name}.service",
                "health": {"url": f"http://127.0.0.1:{port}/up", "settle": 0},
            }
            for name, port in PORTS.items()
        },
        "rotation_only": ["jwt", "mail"],
        "mail_token": "mail-token-0001",
    }
    found.play("secrets", "environment").ok()
    host.run("systemctl start mainstay-api mainstay-worker")
    for port in PORTS.values():
        asks = f'import urllib.request as r; print(r.urlopen("http://127.0.0.1:{port}/up").status)'
        host.until(f"python3 -c '{asks}'", "200", 300)
    yield found
    host.run("systemctl stop mainstay-api mainstay-worker mainstay-third; rm -rf /srv/keys")


@pytest.fixture
def load(services: Services) -> Iterator[Callable[[], dict[str, int]]]:
    """Both services sign and verify all the time; the call ends it and says how it went."""
    services.host.run("touch /srv/keys/go")
    command = ["python3", "/srv/keys/load.py", "/srv/keys/go", str(LIFETIME), *map(str, PORTS.values())]
    process = services.host.spawn(command)

    def end() -> dict[str, int]:
        services.host.run("rm -f /srv/keys/go")
        told: dict[str, int] = json.loads(process.communicate(timeout=300)[0])
        return told

    yield end
    services.host.run("rm -f /srv/keys/go")
    process.wait(timeout=300)


@pytest.fixture
def third_here(tmp_path: Path) -> Iterator[Path]:
    """A third party beside the controller; the file of what it takes."""
    known = tmp_path / "known"
    known.write_text("")
    process = subprocess.Popen([sys.executable, HERE / "third.py", str(HERE_PORT), known])
    yield known
    process.terminate()
    process.wait()
