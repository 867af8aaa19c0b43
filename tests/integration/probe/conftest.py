# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host that is data host and consumer at once, built by the roles; and its store, read and written from here."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
#: Debian release -> its PostgreSQL.
VERSIONS = {12: 15, 13: 17, 14: 18}
#: A program that uses the secrets: its unit is restarted at will.
UNIT = "[Service]\nExecStart=/usr/bin/sleep infinity\nUser=shop\n[Install]\nWantedBy=multi-user.target\n"
VARIABLES: dict[str, Any] = {
    "backend_app": "shop",
    "valkey_instances": {"cache": {}, "session": {}},
    "postgres_databases": {"shop": {}},
    "backend_consumers": {
        "shop": {"hosts": ["app"], "owner": "shop", "unit": "shop.service", "env_file": "/etc/shop/.env"}
    },
    "backend_credentials": {
        "shop_db": {"max_age": "90d"},
        "shop_cache": {"max_age": "90d"},
        "shop_session": {"max_age": "90d"},
        "mainstay_admin": {"max_age": "90d"},
    },
}


@dataclass
class Site:
    """`store` is the plain content of the host's secret store."""

    host: Any
    version: int
    variables: dict[str, Any] = field(default_factory=lambda: dict(VARIABLES))

    def build(self) -> Site:
        self.host.write("/etc/systemd/system/shop.service", UNIT)
        self.host.run("id shop >/dev/null 2>&1 || useradd --system shop; systemctl daemon-reload; systemctl start shop")
        self.host.play(["valkey", "postgres", "secrets", "environment"], variables=self.variables).ok()
        return self

    @property
    def path(self) -> Path:
        return next((self.host.work / "secrets").glob("production.vault.txt"))

    @property
    def store(self) -> dict[str, Any]:
        return json.loads(self._vault("view", self.path))

    def write_store(self, content: Mapping[str, Any], environment: str = "production") -> None:
        path = self.path.with_name(f"{environment}.vault.txt")
        with tempfile.NamedTemporaryFile("w", dir=self.host.work) as plain:
            json.dump({**content, "environment": environment}, plain)
            plain.flush()
            self._vault("encrypt", Path(plain.name), "--output", str(path))

    def _vault(self, verb: str, path: Path, *more: str) -> str:
        tool, password = ROOT / ".venv/bin/ansible-vault", self.host.work / "vault-password"
        command = [tool, verb, "--vault-password-file", password, *more, path]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def secret(self, credential: str) -> str:
        return str(self.store["credentials"][credential]["current"]["secret"])

    def sql(self, query: str) -> str:
        command = ["runuser", "-u", "postgres", "--", "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", query]
        return str(self.host.run(command)).strip()

    def valkey(self, instance: str, *words: str) -> str:
        """What the administrator of INSTANCE is answered."""
        store = self.store["credentials"]["mainstay_admin"]["current"]
        cli = ["valkey-cli", "-s", f"/run/valkey-{instance}/valkey.sock", "--user", f"mainstay_admin_{store['slot']}"]
        return str(self.host.run(["env", f"REDISCLI_AUTH={store['secret']}", *cli, *words])).strip()

    def probe(
        self, entries: Sequence[Mapping[str, Any]], passwords: Mapping[str, str], verbosity: int = 0, **options: Any
    ) -> Any:
        """One call of credential_probe; its result, with the `run` beside it."""
        told = {"probes": list(entries), "passwords": dict(passwords), **options}
        tasks = [{"name": "probe", "mainstay.backend.credential_probe": told, "ignore_errors": True}]
        return self.host.play(tasks=tasks, verbosity=verbosity)

    def outcomes(
        self, entries: Sequence[Mapping[str, Any]], passwords: Mapping[str, str], **options: Any
    ) -> dict[str, tuple[str, str]]:
        """Id -> (outcome, said)."""
        result = self.probe(entries, passwords, **options).result("probe")
        assert result.get("outcomes"), result
        return {item["id"]: (item["outcome"], item["said"]) for item in result["outcomes"]}


@pytest.fixture(scope="session")
def site_on(host_of: Callable[[int], Any]) -> Callable[[int], Site]:
    found: dict[int, Site] = {}

    def get(release: int) -> Site:
        if release not in found:
            found[release] = Site(host_of(release), VERSIONS[release]).build()
        return found[release]

    return get


@pytest.fixture(scope="session")
def site(site_on: Callable[[int], Site]) -> Site:
    """On Debian 13."""
    return site_on(13)


@pytest.fixture(params=[12, 13, 14], ids=["debian12", "debian13", "debian14"], scope="session")
def anywhere(request: pytest.FixtureRequest, site_on: Callable[[int], Site]) -> Site:
    """PostgreSQL 15, 17, 18; Valkey 8.0, 8.1, 9.1."""
    return site_on(request.param)
