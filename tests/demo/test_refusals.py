# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where the demo cannot work, it says in one sentence what is wrong and what to do, and leaves nothing half-built."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Sequence

import pytest
from conftest import HOST, Run, Tree, docker

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="becomes other users and mounts file systems: needs root")
STORE, PASSWORD = "examples/quickstart/secrets", "examples/quickstart/.vault-password"
LISTEN = "python3 -c 'import http.server as h; h.HTTPServer((str(), 6379), h.BaseHTTPRequestHandler).serve_forever()'"


def refused(run: Run, *parts: str, code: int = 1) -> None:
    assert run.code == code, (run.code, run.out[-2000:], run.sentences)
    assert len(run.sentences) == 1, (run.sentences, run.out[-2000:])
    assert [part for part in parts if part not in run.sentences[0]] == [], run.sentences


def untouched(tree: Tree) -> None:
    """It was refused before anything was made."""
    assert tree.files() == tree.before
    assert tree.left() == set()


def test_no_docker_and_not_root(tree: Tree) -> None:
    tree.user = "nobody"
    tree.programs(without=["docker"])
    refused(tree.run(), "no Docker engine here", "no right to install one", "sudo apt-get install docker.io")
    untouched(tree)


def test_no_right_to_the_socket(tree: Tree) -> None:
    tree.user = "nobody"
    refused(tree.run(), "a Docker engine runs, but nobody may not use it", "usermod -aG docker nobody")
    untouched(tree)


def test_engine_down_and_not_root(tree: Tree) -> None:
    """Docker's client may not read its configuration either, which is not the reason."""
    tree.user = "nobody"
    tree.environment["HOME"] = "/root"
    tree.shell = "mount -t tmpfs tmpfs /run"  # its socket is not there
    refused(tree.run(), "its engine does not run", "sudo systemctl start docker")
    untouched(tree)


@pytest.mark.parametrize("user", ["", "nobody"])
def test_docker_host_that_does_not_answer(tree: Tree, user: str) -> None:
    tree.user = user
    tree.environment["DOCKER_HOST"] = "tcp://127.0.0.1:9"
    refused(tree.run(), "DOCKER_HOST is tcp://127.0.0.1:9", "no engine answers there", "unset DOCKER_HOST")
    untouched(tree)


def test_engine_that_cannot_be_installed(tree: Tree) -> None:
    """As root where Docker is missing and Debian's packages are out of reach."""
    tree.programs(without=["docker"], **{"apt-get": "echo 'E: Unable to locate package docker.io' >&2; exit 100"})
    tree.shell = "mount -t tmpfs tmpfs /run && mkdir /run/lock"
    refused(
        tree.run(), "could not install docker.io (E: Unable to locate package docker.io)", "reach Debian's packages"
    )
    untouched(tree)


def test_folder_that_may_not_be_written(tree: Tree) -> None:
    tree.shell = "exec setpriv --reuid=nobody --regid=nogroup --clear-groups scripts/demo"
    refused(tree.run(), "nobody may not write in", str(tree.tree), "clone the repository as that user")
    untouched(tree)


@pytest.mark.parametrize("python", [None, "exit 1"])
def test_no_python_that_fits(tree: Tree, python: str | None) -> None:
    tree.user = "nobody"
    tree.programs(without=["python3"], **({"python3": python} if python else {}))
    refused(tree.run(), "found no Python 3.11 to 3.14", "apt-get install python3 python3-venv")
    untouched(tree)


def test_python_without_venv(tree: Tree) -> None:
    tree.user = "nobody"
    tree.programs(python3='case "$*" in *ensurepip*) exit 1 ;; esac; exec /usr/bin/python3 "$@"')
    refused(tree.run(), "cannot make virtual environments", "sudo apt-get install python3-venv")
    untouched(tree)


def test_checkout_on_a_disk_too_small(tree: Tree) -> None:
    small = tree.top / "small"
    small.mkdir()
    tree.shell = f"""mount -t tmpfs -o size=64m tmpfs {small}
      cp -a . {small} && cd {small} && find . | sort >{tree.top}/before
      rc=0; scripts/demo || rc=$?
      find . | sort >{tree.top}/after; exit $rc"""
    refused(tree.run(), "the disk is too small", "the demo needs", f"MB in {small}", "make room")
    assert (tree.top / "after").read_text() == (tree.top / "before").read_text()
    untouched(tree)


def test_disk_too_small_for_docker(tree: Tree) -> None:
    """Docker's folder is on a small file system, as its client tells; everything else it is asked goes to the real one."""
    small, client = tree.top / "small", shutil.which("docker")
    small.mkdir()
    tree.programs(docker=f'case "$*" in *DockerRootDir*) echo {small} ;; *) exec {client} "$@" ;; esac')
    tree.shell = f"mount -t tmpfs -o size=64m tmpfs {small}"
    refused(tree.run(), "the disk is too small", "Docker needs", f"MB in {small}", "make room")
    untouched(tree)


def test_container_of_somebody_else(tree: Tree) -> None:
    docker("create", "--name", HOST, "mainstay-host:13")
    found = docker("ps", "-aq", "--filter", f"name=^{HOST}$")
    refused(tree.run(), f"a container {HOST} is here that no demo made", "rename it")
    assert tree.files() == tree.before
    assert docker("ps", "-aq", "--filter", f"name=^{HOST}$") == found != ""


def ended(pid: str) -> bool:
    return subprocess.run(["kill", "-0", pid], capture_output=True, check=False).returncode != 0


def slow_image(tree: Tree) -> None:
    tree.script(
        "image", 'echo $$ >"$PWD/../image.pid"; touch "$TMPDIR/half-built"; echo "$TMPDIR" >../image.folder; sleep 300'
    )


def no_image_left(tree: Tree) -> None:
    """The job that built the image has ended, and its folder is gone."""
    assert ended((tree.top / "image.pid").read_text().strip())
    assert not os.path.exists((tree.top / "image.folder").read_text().strip())


def test_package_index_out_of_reach(tree: Tree) -> None:
    slow_image(tree)
    unreachable = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_EXTRA_INDEX_URL": "", "PIP_RETRIES": "0"}
    tree.environment |= {**unreachable, "PIP_CONFIG_FILE": os.devnull}
    refused(tree.run(), "pip could not install", "ERROR: No matching distribution found for", "reach its package index")
    no_image_left(tree)
    assert tree.left() == set()


def test_ctrl_c_while_it_is_set_up(tree: Tree) -> None:
    slow_image(tree)
    process = tree.start()
    tree.wait_for("../image.folder")
    tree.wait_for(".venv")
    os.killpg(process.pid, signal.SIGINT)
    refused(tree.end(process), "stopped during: Set up .venv", code=130)
    no_image_left(tree)
    assert tree.left() == set()


def test_ctrl_c_while_the_host_is_provisioned(tree: Tree) -> None:
    tree.use_venv_of_checkout()
    process = tree.start()
    tree.wait_for(".build/logs/demo-site.log")
    os.killpg(process.pid, signal.SIGINT)
    refused(tree.end(process), "stopped during: Run playbooks/site.yml", code=130)
    assert tree.left() == set()


def let_something_listen(tree: Tree) -> None:
    """On the demo's host, as soon as it is up."""
    (tree.tree / "scripts/host").rename(tree.tree / "scripts/real-host")
    text = f'scripts/real-host "$@" && if [ "$1" = up ]; then docker exec -d {HOST} {LISTEN}; sleep 1; fi'
    tree.script("host", text)


PORT: Sequence[str] = (
    "valkey_instances.cache.port: found 6379",
    "python3 listens",
    "or choose another",
    "`make demo` again",
)


def test_port_that_is_taken(tree: Tree) -> None:
    tree.use_venv_of_checkout()
    let_something_listen(tree)
    refused(tree.run(), *PORT)
    assert tree.left() == set()


def test_what_an_earlier_demo_made_is_kept(tree: Tree) -> None:
    tree.use_venv_of_checkout()
    let_something_listen(tree)
    (tree.tree / STORE).mkdir()
    (tree.tree / PASSWORD).write_text("of no worth outside this test\n")
    subprocess.run(
        ["scripts/real-host", "up", HOST, "13", "--label", f"checkout={tree.tree}"], cwd=tree.tree, check=True
    )
    host = docker("ps", "-q", "--filter", f"name=^{HOST}$")
    refused(tree.run(), *PORT)
    assert tree.files() >= tree.before
    assert docker("ps", "-q", "--filter", f"name=^{HOST}$") == host != ""


def test_step_that_fails_unexplained(tree: Tree) -> None:
    """What no sentence was written for is named by its step, and leaves nothing either."""
    tree.use_venv_of_checkout()
    tree.script(
        "host",
        '[ "$1" = down ] && exec docker rm -fv "$2" >/dev/null 2>&1; docker create --name "$2" mainstay-host:13 >/dev/null; exit 1',
    )
    refused(tree.run(), f"this step failed: Start the host {HOST}", "`make demo` again")
    assert tree.left() == set()
