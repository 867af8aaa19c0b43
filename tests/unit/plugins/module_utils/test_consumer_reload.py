# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the inventory says of a reload, and what systemd and the engines say of units and containers; health checks ask real addresses."""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from yardstick import PATIENCE, wait_for, wall_time

from ansible_collections.mainstay.backend.plugins.module_utils._checking import Checker, Problem
from ansible_collections.mainstay.backend.plugins.module_utils._consumer_calls import holding, reload_call
from ansible_collections.mainstay.backend.plugins.module_utils._consumer_reload import Health, Reload, read_reload
from ansible_collections.mainstay.backend.plugins.module_utils._health import ask, missing
from ansible_collections.mainstay.backend.plugins.module_utils._reload_targets import container_seen, unit_seen

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "lib"))

from inventories import describe_case


def read(data: dict[str, Any]) -> Reload:
    problems: list[Problem] = []
    found = read_reload(Checker("consumer", data, problems))
    assert problems == []
    return found


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({}, Reload()),
        ({"reload": None}, Reload()),
        ({"unit": "shop"}, Reload("unit", ("shop.service",))),
        ({"unit": ["shop.service", "shop", "jobs@1"]}, Reload("unit", ("shop.service", "jobs@1.service"))),
        ({"unit": "shop.web"}, Reload("unit", ("shop.web.service",))),
        ({"container": "shop-web-1", "reload_method": "HUP"}, Reload("container", ("shop-web-1",), method="HUP")),
        ({"reload": "none"}, Reload("none")),
        ({"reload": ["kill", "-HUP", "1"]}, Reload("command", command=("kill", "-HUP", "1"))),
        ({"unit": "a", "health": {"tcp": 80}}, Reload("unit", ("a.service",), health=Health("tcp", host="127.0.0.1", port=80))),
        ({"unit": "a", "health": {"tcp": "[::1]:80"}}, Reload("unit", ("a.service",), health=Health("tcp", host="::1", port=80))),
        ({"unit": "a", "health": {"url": "http://[::1]/up?x=1", "status": "204", "timeout": 9}},
         Reload("unit", ("a.service",), health=Health("url", url="http://[::1]/up?x=1", status=204, timeout=9))),
        ({"unit": "a", "health": {"command": ["x"], "settle": 0}}, Reload("unit", ("a.service",), health=Health("command", ("x",), settle=0))),
    ],
)  # fmt: skip
def test_what_the_inventory_says_and_what_the_module_is_told_of_it(data: dict[str, Any], expected: Reload) -> None:
    """The module reads with the same words what the controller made of it."""
    found = read(data)
    assert found == expected
    assert read(found.data() if found.how else {}) == expected


CONSUMERS = {
    "web": {"unit": "shop", "credentials": ["shop_db", "shop_cache"], "env_layers": True},
    "jobs": {
        "container": "jobs",
        "secrets_dir": "/etc/jobs/secrets",
        "credentials": ["shop_db"],
        "owner": "jobs",
        "app_dir": "/srv/jobs",
        "files": [],
    },
    "cron": {"credentials": ["shop_db"]},
    "away": {"unit": "away", "credentials": ["shop_db"], "hosts": ["other"]},
}


def test_a_call_has_the_consumers_of_the_host_that_use_what_rotates() -> None:
    hosts = {"db1": {"groups": ["valkey", "postgres", "app"], "address": "10.0.0.5"}, "other": {"groups": []}}
    change = {"backend_consumers": CONSUMERS, "postgres_listen_addresses": ["10.0.0.5"]}
    description, _problems = describe_case({"change": change, "hosts": hosts})
    call = reload_call(description, ["shop_db"], "checked")
    assert call["state"] == "checked" and [item["name"] for item in call["consumers"]] == ["web", "jobs"]
    assert [item["name"] for item in reload_call(description, ["shop_cache"])["consumers"]] == ["web"]
    assert [item["name"] for item in reload_call(description)["consumers"]] == ["web", "jobs"]
    assert reload_call(description, [])["consumers"] == []
    web, jobs = call["consumers"]
    assert web["unit"] == ["shop.service"] and web["env_files"] == ["/etc/web/.env", "/etc/web/.env.production"]
    assert (jobs["container"], jobs["owner"], jobs["env_files"]) == (["jobs"], "jobs", ["/etc/jobs/.env"])
    assert holding(description, ["/etc/web/.env.production"]) == ["web"]
    assert holding(description, ["/etc/jobs/secrets/shop_db", "/etc/cron/.env", "/etc/web"]) == ["jobs", "cron"]
    assert holding(description, ["/srv/jobs/config/settings.yml", "/srv/jobs2"]) == ["jobs"]


RUNS = {"LoadState": "loaded", "ActiveState": "active", "SubState": "running", "InvocationID": "1", "NRestarts": "0"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, (True, False, False, True, "")),
        ({"SubState": "exited"}, (True, False, False, True, "")),
        ({"ActiveState": "reloading", "SubState": "reload"}, (False, True, False, True, "x.service is reloading (reload)")),
        ({"ActiveState": "activating", "SubState": "start"}, (False, True, False, True, "x.service is activating (start)")),
        (
            {"ActiveState": "activating", "SubState": "auto-restart", "ExecMainCode": "1", "ExecMainStatus": "3", "Result": "exit-code"},
            (False, False, False, True, "x.service died (exit code 3)"),
        ),
        (
            {"ActiveState": "failed", "SubState": "failed", "ExecMainCode": "2", "ExecMainStatus": "9", "Result": "oom-kill"},
            (False, False, False, True, "x.service failed (signal 9, oom-kill)"),
        ),
        ({"ActiveState": "failed", "Result": "start-limit-hit"}, (False, False, False, True, "x.service failed (start-limit-hit)")),
        ({"ActiveState": "inactive", "SubState": "dead"}, (False, False, True, True, "x.service does not run (inactive)")),
        ({"LoadState": "not-found"}, (False, False, True, False, "systemd knows no unit x.service")),
        ({"LoadState": "masked"}, (False, False, True, False, "x.service cannot be used: its LoadState is masked")),
        ({"LoadState": "bad-setting"}, (False, False, False, False, "x.service cannot be used: its LoadState is bad-setting")),
    ],
)  # fmt: skip
def test_what_systemd_says_of_a_unit(change: dict[str, str], expected: tuple[Any, ...]) -> None:
    found = unit_seen("x.service", {**RUNS, **change})
    assert (found.running, found.moving, found.stopped, found.there, found.why) == expected


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({"Status": "running"}, (True, False, True, "")),
        ({"Status": "running", "Health": {"Status": "healthy"}}, (True, False, True, "")),
        ({"Status": "running", "Health": {"Status": "starting"}}, (True, False, False, "the health check of x says starting")),
        ({"Status": "running", "Healthcheck": {"Status": "unhealthy"}}, (True, False, False, "the health check of x says unhealthy")),
        ({"Status": "restarting", "ExitCode": 3}, (False, False, True, "x died (exit code 3)")),
        ({"Status": "exited", "ExitCode": 1}, (False, False, True, "x does not run (exited, exit code 1)")),
        ({"Status": "exited", "ExitCode": 143}, (False, True, True, "x does not run (exited, exit code 143)")),
        ({"Status": "paused"}, (False, True, True, "x does not run (paused)")),
    ],
)  # fmt: skip
def test_what_an_engine_says_of_a_container(state: dict[str, Any], expected: tuple[Any, ...]) -> None:
    found = container_seen("x", {"Id": "1" * 64, "State": {"StartedAt": "now", **state}})
    assert (found.running, found.stopped, found.ready, found.why) == expected


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(int(self.path.split("?")[0].strip("/") or 200))
        self.send_header("Location", "/200")
        self.end_headers()

    def log_message(self, *_unused: Any) -> None:
        pass


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()


@pytest.fixture
def mute() -> Iterator[int]:
    """A port that takes connections, and sends a byte now and then that ends nothing."""
    listener = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def drip() -> None:
        link, _address = listener.accept()
        with link:
            for _turn in range(3000):  # 300 s: an ask that takes each byte for a reason to wait on would wait so long
                if ended.wait(0.1):
                    return
                try:
                    link.sendall(b"H")
                except OSError:
                    return

    threading.Thread(target=drip, daemon=True).start()
    yield listener.getsockname()[1]
    ended.set()
    listener.close()


def test_an_address_and_a_port_are_asked(port: int) -> None:
    place = f"http://127.0.0.1:{port}"
    assert ask(Health("url", url=f"{place}/204?x=1", status=204), "root", "root", PATIENCE) == ""
    assert ask(Health("url", url=place), "root", "root", PATIENCE) == ""
    told = ask(Health("url", url=f"{place}/503?token=secret"), "root", "root", PATIENCE)
    assert told == f"{place}/503: found status 503; expected 200"
    told = ask(Health("url", url=f"{place}/302"), "root", "root", PATIENCE)
    assert told == f"{place}/302: found status 302; expected 200", "a redirection is not followed"
    assert ask(Health("url", url=f"{place}/302", status=302), "root", "root", PATIENCE) == ""
    told = ask(Health("url", url=f"https://127.0.0.1:{port}/"), "root", "root", PATIENCE)
    assert told.startswith(f"https://127.0.0.1:{port}/: TLS: ")
    assert ask(Health("tcp", host="127.0.0.1", port=port), "root", "root", PATIENCE) == ""
    assert (
        ask(Health("tcp", host="127.0.0.1", port=9), "root", "root", PATIENCE)
        == "port 9 of 127.0.0.1: Connection refused"
    )


def test_an_answer_that_never_ends_is_waited_for_in_bounds(mute: int) -> None:
    with wall_time() as took:
        told = ask(Health("url", url=f"http://127.0.0.1:{mute}/"), "root", "root", 1)
    assert told == f"http://127.0.0.1:{mute}/: no answer in time"
    assert took.calm < 5, took.told()


def test_a_command_is_asked_and_ended_with_its_children(tmp_path: Path) -> None:
    def tell(*command: str, seconds: float = PATIENCE) -> str:
        return ask(Health("command", command), "root", "root", seconds)

    assert tell("true") == ""
    assert tell("sh", "-c", "exit 3").startswith("the health command exited with 3 (")
    assert tell("sh", "-c", "kill -9 $$").startswith("the health command was ended by signal 9")
    assert tell("/nowhere") == "the health command did not run (No such file or directory)"
    mark = tmp_path / "child"
    for seconds in (0.5, 5, 25):
        told = tell("sh", "-c", f"sleep 600 & echo $! > {mark}; sleep 600", seconds=seconds)
        assert told == f"the health command gave no answer within {seconds:g} s"
        if mark.exists() and mark.read_text():  # on a busy machine it may have been ended before it had a child
            break
    child = Path("/proc", mark.read_text().strip(), "stat")

    def gone() -> bool:
        try:
            return child.read_text().rpartition(")")[2].split()[0] == "Z"
        except OSError:
            return True

    wait_for(gone, "the end of the health command's child", seconds=60)


@pytest.mark.skipif(os.geteuid() != 0, reason="changes owners")
def test_root_runs_nothing_that_others_can_change(tmp_path: Path) -> None:
    """Neither the file, nor where a link leads, nor a folder above."""
    os.chmod(tmp_path, 0o755)
    folder = tmp_path / "bin"
    folder.mkdir(mode=0o755)
    program = folder / "reload"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    link = tmp_path / "link"
    link.symlink_to(program)
    assert missing(["true"], True) == "" and missing([str(link)], True) == ""
    assert missing(["no-such-program"], False).startswith("found no program no-such-program; expected an absolute path")
    os.chown(program, 65534, 0)
    told = f"found {program}, which nobody can change, and root would run {link}"
    assert missing([str(link)], True).startswith(told) and missing([str(link)], False) == ""
    os.chown(program, 0, 0)
    folder.chmod(0o777)
    assert missing([str(program)], True).startswith(f"found {folder}, which others than root can change")
    folder.chmod(0o1777)
    assert missing([str(program)], True) == ""
