# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the demo shows is what its program counted: the program's workers, its tally, the last table, and the inventory that declares it.

That all of them work together is proven by `make demo`, which fails where an operation failed or none happened.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples/quickstart"
NAMES = ("cache", "session", "cable", "database")


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(EXAMPLE))
    yield load(EXAMPLE / "program.py")
    sys.modules.pop("tally", None)


class Server:
    """A server that refuses what is `wrong`, and writes down what happens to its connections."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.wrong = ""

    def connect(self, _name: str, url: str) -> Any:
        if url == self.wrong:
            raise ConnectionError("refused")
        self.events.append(f"connect {url}")
        server = self

        class Connection:
            def close(self) -> None:
                server.events.append(f"close {url}")

            def operate(self) -> None:
                if url == server.wrong:
                    raise ConnectionError("cut")
                server.events.append(f"operate {url}")

        return Connection()

    def wait_for(self, event: str) -> None:
        self.until(lambda: event in self.events)

    @staticmethod
    def until(condition: Callable[[], bool]) -> None:
        end = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < end
            time.sleep(0.005)


@pytest.fixture
def worker(
    program: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Server, dict[str, str], Any]]:
    """The program's worker of the cache on a server of this test: that server, the environment it reads, its tally."""
    server, environment = Server(), {"REDIS_CACHE_URL": "a"}
    monkeypatch.setattr(program, "connect", server.connect)
    monkeypatch.setattr(program, "operate", lambda _name, connection: connection.operate())
    tally = program.Tally(tmp_path / "tally.json", ["cache"])
    thread = threading.Thread(target=program.work, args=["cache", environment, tally])
    thread.start()
    yield server, environment, tally
    program.stopping.set()
    thread.join(20)
    assert not thread.is_alive()


def test_new_url_is_connected_to_before_the_old_one_is_left(worker: tuple[Server, dict[str, str], Any]) -> None:
    server, environment, tally = worker
    server.wait_for("operate a")
    environment["REDIS_CACHE_URL"] = "b"
    server.wait_for("operate b")
    changes = [event for event in server.events if not event.startswith("operate")]
    assert changes == ["connect a", "connect b", "close a"]
    assert tally.counts["cache"]["failed"] == 0


def test_failed_operation_is_counted_and_the_next_one_connects_anew(worker: tuple[Server, dict[str, str], Any]) -> None:
    server, _environment, tally = worker
    server.wait_for("operate a")
    server.wrong = "a"
    server.until(lambda: tally.counts["cache"]["failed"] >= 3)
    server.wrong = ""
    server.until(lambda: server.events.count("connect a") == 2)
    counts = tally.counts["cache"]
    assert counts["operations"] > counts["failed"] >= 3


def test_redis_client_hides_no_failure(program: ModuleType) -> None:
    """redis-py's own retries would make an operation slow where it has failed."""
    client = program.connect("cache", "redis://127.0.0.1:1/0")
    assert client.connection_pool.connection_kwargs["retry"].get_retries() == 0


def test_tally_counts_from_zero_once_its_file_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "tally.json"
    tally = load(EXAMPLE / "tally.py").Tally(path, NAMES)
    tally.count("cache", time.time() - 2, failed=False)
    tally.count("cache", time.time(), failed=True)
    tally.save()
    tally.begin_anew_where_removed()
    saved = json.loads(path.read_text())
    assert (saved["cache"]["operations"], saved["cache"]["failed"]) == (2, 1)
    assert 2000 <= saved["cache"]["slowest_ms"] < 10_000
    path.unlink()
    tally.begin_anew_where_removed()
    tally.save()
    assert json.loads(path.read_text())["cache"] == {"operations": 0, "failed": 0, "slowest_ms": 0.0, "worked_at": 0.0}


def test_tally_survives_a_restart(tmp_path: Path) -> None:
    module = load(EXAMPLE / "tally.py")
    first = module.Tally(tmp_path / "tally.json", NAMES)
    first.count("database", time.time(), failed=True)
    first.save()
    assert module.Tally(tmp_path / "tally.json", NAMES).counts["database"]["failed"] == 1


@pytest.mark.parametrize(("silent", "code"), [(None, 0), ("cable", 1)])
def test_health_is_bad_where_one_server_is_silent(tmp_path: Path, silent: str | None, code: int) -> None:
    counts = {name: {"worked_at": time.time() - (60 if name == silent else -60)} for name in NAMES}
    (tmp_path / "tally.json").write_text(json.dumps(counts))
    done = subprocess.run([sys.executable, EXAMPLE / "tally.py", tmp_path / "tally.json"], check=False)
    assert done.returncode == code


def counts(**changed: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: {"operations": 1234, "failed": 0, "slowest_ms": 45.6, **changed.get(name, {})} for name in NAMES}


def show(tmp_path: Path, before: Any, during: Any) -> subprocess.CompletedProcess[str]:
    paths = [tmp_path / "before.json", tmp_path / "during.json"]
    for path, content in zip(paths, (before, during), strict=True):
        path.write_text(json.dumps(content))
    command = [sys.executable, ROOT / "scripts/demo_table.py", *paths]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_table(tmp_path: Path) -> None:
    done = show(tmp_path, counts(), counts(database={"operations": 98765, "slowest_ms": 1203.4}))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "          before                       while everything rotated\n"
        "server    operations  failed  slowest  operations  failed    slowest\n"
        "--------  ----------  ------  -------  ----------  ------  ---------\n"
        "cache           1234       0  45.6 ms        1234       0    45.6 ms\n"
        "session         1234       0  45.6 ms        1234       0    45.6 ms\n"
        "cable           1234       0  45.6 ms        1234       0    45.6 ms\n"
        "database        1234       0  45.6 ms       98765       0  1203.4 ms\n"
    )


@pytest.mark.parametrize(
    ("before", "during", "problem"),
    [
        (counts(), counts(cable={"failed": 2}), "cable: found 2 failed operations during the rotation; expected none"),
        (counts(cache={"failed": 1}), counts(), "cache: found 1 failed operations before the rotation; expected none"),
        (counts(), counts(session={"operations": 0}), "session: found no operation during the rotation; expected some"),
        ({}, counts(), "database: found no operation before the rotation; expected some"),
    ],
)
def test_table_fails_where_an_operation_failed_or_none_happened(
    tmp_path: Path, before: Any, during: Any, problem: str
) -> None:
    done = show(tmp_path, before, during)
    assert done.returncode == 1
    assert f"demo: {problem}\n" in done.stderr


def test_inventory_declares_what_a_rotation_needs() -> None:
    """Every derived credential has an age, and the consumer a unit and a health check that program.yml installs."""
    variables = yaml.safe_load((EXAMPLE / "inventory.yml").read_text())["all"]["vars"]
    ages = {name: options["max_age"] for name, options in variables["backend_credentials"].items()}
    assert set(ages) == {"shop_db", "shop_cache", "shop_session", "shop_cable", "mainstay_admin"}
    consumer = variables["backend_consumers"]["shop"]
    playbook = (EXAMPLE / "program.yml").read_text()
    assert f"/etc/systemd/system/{consumer['unit']}" in playbook
    assert "/opt/shop/tally.py" in consumer["health"]["command"]
    assert "[program.py, tally.py]" in playbook
