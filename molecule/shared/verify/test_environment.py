# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a consumer finds: files for its eyes only, read alike by every loader, with URLs that work."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from backend import ENV_FILE, INSTANCES, SECRETS, Backend

OWNER = "www-data"


def test_the_environment_file_is_its_owners_alone(host: Any) -> None:
    found = host.file(ENV_FILE)
    assert (found.user, found.group, found.mode) == (OWNER, OWNER, 0o600)


def test_every_secret_is_a_file_for_its_owner_alone(host: Any, backend: Backend) -> None:
    folder = host.file(SECRETS)
    assert (folder.user, folder.mode) == (OWNER, 0o700)
    expected = {"shop_db": backend.url("database"), **{f"shop_{name}": backend.url(name) for name in INSTANCES}}
    assert set(folder.listdir()) == set(expected)
    for name, url in expected.items():
        found = host.file(f"{SECRETS}/{name}")
        assert (found.user, found.group, found.mode) == (OWNER, OWNER, 0o600), name
        same = found.content_string == url.password  # not in the assertion: its message would show both
        assert same, f"{name} differs from its URL"


def test_its_owner_can_read_it_and_another_user_cannot(host: Any) -> None:
    assert host.run(f"runuser -u {OWNER} -- test -r {ENV_FILE}").rc == 0
    assert host.run(f"runuser -u nobody -- test -r {ENV_FILE}").rc != 0
    assert host.run(f"runuser -u nobody -- ls {SECRETS}").rc != 0


@pytest.fixture
def consuming(host: Any) -> Iterator[None]:
    """A program with the secrets in its environment, as a consumer has them: the sampler of processes (test_leaks) rests meanwhile."""
    told = "systemctl kill --signal={} verify-sampler.service"
    sampled = host.service("verify-sampler").is_running
    if sampled:
        host.check_output(told.format("STOP"))
    yield
    if sampled:
        host.check_output(told.format("CONT"))


def parsed(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.split("\0") if "=" in line)


def differing(backend: Backend, found: dict[str, str]) -> list[str]:
    """Names only: a message must not show values."""
    return [name for name, value in backend.env.items() if found.get(name) != value]


@pytest.mark.usefixtures("consuming")
def test_bash_reads_what_python_dotenv_reads(host: Any, backend: Backend) -> None:
    assert len(backend.env) >= 6
    text = host.check_output(f"env -i bash -c 'set -a; . {ENV_FILE}; /usr/bin/env -0'")
    assert differing(backend, parsed(text)) == []


@pytest.mark.usefixtures("consuming")
def test_systemd_reads_what_python_dotenv_reads(host: Any, backend: Backend) -> None:
    command = f"systemd-run --quiet --wait --pipe --collect -p EnvironmentFile={ENV_FILE} /usr/bin/env -0"
    assert differing(backend, parsed(host.check_output(command))) == []


def test_the_urls_work_as_they_stand(backend: Backend) -> None:
    for name in INSTANCES:
        assert backend.connect(name).ping() is True
    with backend.database() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize(
    "name", ["RAILS_MAX_THREADS", "DATABASE_POOL", "REDIS_CACHE_POOL", "REDIS_SESSION_POOL", "REDIS_CABLE_POOL"]
)
def test_the_pools_are_sized(backend: Backend, name: str) -> None:
    threads = int(backend.env["RAILS_MAX_THREADS"])
    assert int(backend.env[name]) >= (threads * 1.5 if name.startswith("REDIS") else threads)
