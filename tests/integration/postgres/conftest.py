# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The role postgres on a real host: converged once a session, then changed by each test and brought back."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
VERSIONS = {11: 13, 12: 15, 13: 17, 14: 18}
EXTENSION = ROOT / "roles/postgres/files/uuidv7"


@dataclass
class Postgres:
    """A host with the role applied to it, and psql on it, as its superuser or as a login over TCP."""

    host: Any
    version: int
    runs: dict[str, Any] = field(default_factory=dict)
    plain: bool = True

    @property
    def unit(self) -> str:
        return f"postgresql@{self.version}-main"

    @property
    def config(self) -> str:
        return f"/etc/postgresql/{self.version}/main"

    @property
    def log(self) -> str:
        return f"/var/log/postgresql/postgresql-{self.version}-main.log"

    def apply(
        self, settings: Mapping[str, Any] | None = None, check: bool = False, verbosity: int = 0, **variables: Any
    ) -> Any:
        """Runs the role; SETTINGS are postgres_settings."""
        self.plain = self.plain if check else not settings and not variables
        told = {"backend_app": "shop", "postgres_settings": dict(settings or {}), **variables}
        return self.host.play(["postgres"], variables=told, check=check, groups=("postgres",), verbosity=verbosity)

    def sql(self, query: str, database: str = "postgres") -> str:
        return str(
            self.host.run(
                [
                    "runuser",
                    "-u",
                    "postgres",
                    "--",
                    "psql",
                    "-XAtq",
                    "-v",
                    "ON_ERROR_STOP=1",
                    "-d",
                    database,
                    "-c",
                    query,
                ]
            )
        ).strip()

    def as_login(
        self, user: str, query: str, password: str | None = None, database: str = "shop", address: str = "127.0.0.1"
    ) -> tuple[int, str]:
        """Exit code and everything that psql said as USER, with its password from the store unless one is given."""
        word = self.secrets()[user.rpartition("_")[0]] if password is None else password
        command = [
            "docker",
            "exec",
            "-i",
            "-e",
            f"PGPASSWORD={word}",
            self.host.name,
            "psql",
            "-XAtq",
            "-v",
            "ON_ERROR_STOP=1",
        ]
        command += ["-h", address, "-U", user, "-d", database]
        # over standard input: psql 13 shows only the last result of several statements in one -c
        done = subprocess.run(command, input=query, capture_output=True, text=True, timeout=600, check=False)
        return done.returncode, (done.stdout + done.stderr).strip()

    def secrets(self) -> dict[str, str]:
        """Credential -> its current password, read from the store with the vault's own tool."""
        store = next((self.host.work / "secrets").glob("*.vault.txt"))
        command = [
            ROOT / ".venv/bin/ansible-vault",
            "view",
            "--vault-password-file",
            self.host.work / "vault-password",
            store,
        ]
        told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        return {name: record["current"]["secret"] for name, record in told["credentials"].items()}

    def host_psql_program(self, command: str) -> tuple[int, str]:
        """Exit code and output of COMMAND as the server itself runs it, inside of its sandbox."""
        query = f"COPY (SELECT 1) TO PROGRAM $$({command}) >/var/lib/postgresql/out 2>&1$$"
        done = ["docker", "exec", "-u", "postgres", self.host.name, "psql", "-XAtqc", query]
        code = subprocess.run(done, capture_output=True, text=True, timeout=600, check=False).returncode
        return code, str(self.host.run("cat /var/lib/postgresql/out"))

    def started(self) -> str:
        return self.sql("SELECT pg_postmaster_start_time()")

    def logged_since(self, size: int) -> str:
        return str(self.host.run(f"tail -c +{size + 1} {self.log}"))

    def log_size(self) -> int:
        return int(self.host.run(f"stat -c %s {self.log}"))


class Bare(Postgres):
    """PostgreSQL 13 as Debian 11 brings it: the collection does not run it, but the extension's SQL must work there."""

    def secrets(self) -> dict[str, str]:
        return {"shop_db": "of-no-worth"}

    def prepare(self) -> Bare:
        """The extension's files, a database of an owner who is no superuser, and his login."""
        folder = f"/usr/share/postgresql/{self.version}/extension"
        for path in [*EXTENSION.glob("uuidv7*"), *(EXTENSION / "sql").iterdir()]:
            self.host.write(f"{folder}/{path.name}", path.read_text())
        self.host.until("pg_lsclusters", "online", 300)
        self.sql("CREATE ROLE shop_owner; CREATE ROLE shop_db_a LOGIN PASSWORD 'of-no-worth' IN ROLE shop_owner")
        self.sql("ALTER ROLE shop_db_a SET role = shop_owner")
        self.sql("CREATE DATABASE shop OWNER shop_owner")
        assert self.as_login("shop_db_a", "CREATE EXTENSION uuidv7") == (0, "")
        return self


@pytest.fixture(scope="session")
def first_install() -> frozenset[int]:
    return frozenset({13})


@pytest.fixture(scope="session")
def postgres_on(host_of: Callable[[int], Any]) -> Callable[[int], Postgres]:
    """PostgreSQL on a Debian release, brought up once; on 13 with check mode before and after (kept in `runs`)."""
    found: dict[int, Postgres] = {}

    def get(release: int) -> Postgres:
        if release == 11 and release not in found:
            found[release] = Bare(host_of(release), VERSIONS[release]).prepare()
        if release not in found:
            server = Postgres(host_of(release), VERSIONS[release])
            if release == 13:
                server.runs["check"] = server.apply(check=True)
                server.runs["left behind"] = server.host.run(
                    "ls -d /etc/postgresql* /usr/lib/postgresql 2>/dev/null", check=False
                )
            server.runs["real"] = server.apply()
            if release == 13:
                server.runs["check again"] = server.apply(check=True)
            server.runs["again"] = server.apply().ok()
            found[release] = server
        return found[release]

    return get


@pytest.fixture(params=[12, 13, 14], ids=["debian12", "debian13", "debian14"], scope="session")
def anywhere(request: pytest.FixtureRequest, postgres_on: Callable[[int], Postgres]) -> Postgres:
    """Each supported PostgreSQL: 15, 17, 18."""
    return postgres_on(request.param)


@pytest.fixture(params=[11, 12, 13, 14], ids=["debian11", "debian12", "debian13", "debian14"], scope="session")
def everywhere(request: pytest.FixtureRequest, postgres_on: Callable[[int], Postgres]) -> Postgres:
    """Each PostgreSQL that the extension promises to run on: 13, 15, 17, 18."""
    return postgres_on(request.param)


@pytest.fixture
def server(postgres_on: Callable[[int], Postgres]) -> Iterator[Postgres]:
    """PostgreSQL 17, brought back to the plain description where a test left another."""
    found = postgres_on(13)
    yield found
    if not found.plain:
        found.apply().ok()
