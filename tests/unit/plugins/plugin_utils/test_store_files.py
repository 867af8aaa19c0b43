# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The stores of both back ends on a real file system: private, locked, whole whatever happens, and clear about what is wrong."""

from __future__ import annotations

import itertools
import os
import random
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from store_case import WANTED, Processes, add, listing
from yardstick import wall_time

from ansible_collections.mainstay.backend.plugins.module_utils import _crash
from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._credentials import Credential
from ansible_collections.mainstay.backend.plugins.module_utils._store import Contents
from ansible_collections.mainstay.backend.plugins.plugin_utils.store import issue_these
from ansible_collections.mainstay.backend.plugins.plugin_utils.store_file import FileStore

POINTS = [
    *(f"store.{part}{point}" for part in ("", "backup.") for point in ("temporary", "synced", "renamed")),
    "store.between",
]


def test_private_and_encrypted(store: FileStore) -> None:
    found = issue_these(store, WANTED, check_mode=False, make=True)
    store.update(add("more"))
    assert stat.S_IMODE(os.stat(store.directory).st_mode) == 0o700
    for name in listing(store):
        path = Path(store.directory, name)
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
        assert not any(item.password.encode() in path.read_bytes() for item in found.values())


def test_a_run_that_needs_nothing_new_writes_nothing(store: FileStore) -> None:
    issue_these(store, WANTED, check_mode=False, make=True)
    before = os.stat(store.path)
    issue_these(store, WANTED, check_mode=False, make=True)
    assert store.update(lambda found: found) == store.read()
    after = os.stat(store.path)
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_check_mode_makes_secrets_for_the_run_and_writes_nothing(store: FileStore) -> None:
    found = issue_these(store, WANTED, check_mode=True, make=True)
    assert len(found["shop_db"].password) == 64
    assert not os.path.exists(store.directory)


def test_without_create_what_is_missing_is_named(store: FileStore) -> None:
    with pytest.raises(MainstayError, match="found no secret for shop_db, shop_cache"):
        issue_these(store, WANTED, check_mode=False, make=False)
    assert not os.path.exists(store.directory)


def test_the_version_before_is_kept(store: FileStore) -> None:
    store.update(add("one"))
    first = Path(store.path).read_bytes()
    store.update(add("two"))
    assert Path(store.backup).read_bytes() == first


def test_writers_at_once_lose_nothing(store: FileStore, processes: Processes) -> None:
    """And each sees what the one before it wrote: a counter in the store reaches the number of writes."""

    def count(found: Contents) -> Contents:
        return add(f"n{len(found.records)}")(found)

    started = [processes.start(lambda: [store.update(count) for turn in range(5)]) for number in range(8)]
    assert [processes.status(pid) for pid in started] == [0] * 8
    assert set(store.read().records) == {f"n{number}" for number in range(40)}


def test_hosts_at_once_get_the_same_secrets(store: FileStore, tmp_path: Path, processes: Processes) -> None:
    """What forks of one run do on first use: all ask, one creates."""

    def work(number: int) -> None:
        (tmp_path / str(number)).write_text(issue_these(store, WANTED, check_mode=False, make=True)["shop_db"].password)

    started = [processes.start(lambda number=number: work(number)) for number in range(6)]
    assert [processes.status(pid) for pid in started] == [0] * 6
    assert len({(tmp_path / str(number)).read_text() for number in range(6)}) == 1


def test_a_lock_that_is_held_is_waited_for_then_reported(store: FileStore, processes: Processes) -> None:
    ready, tell = os.pipe()

    def hold() -> None:
        with store.lock():
            os.write(tell, b"1")
            time.sleep(600)

    holder = processes.start(hold)
    os.read(ready, 1)
    store.lock_seconds = 0.3
    with (
        wall_time() as took,
        pytest.raises(MainstayError, match=rf"found it locked by process {holder} on \S+ since \S+ for over 0\.3 s"),
    ):
        store.update(add("one"))
    assert took.seconds >= 0.3 and took.calm < 10, took.told()
    assert store.read() == Contents("production")  # reading waits for nobody
    os.kill(holder, signal.SIGKILL)
    assert processes.status(holder) == -signal.SIGKILL
    store.update(add("one"))  # a lock ends with its holder


@pytest.mark.parametrize("point", POINTS)
def test_kill_9_at_every_point_of_a_write_leaves_a_whole_store(
    filled: FileStore, processes: Processes, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    before = Path(filled.path).read_bytes()

    def work() -> None:
        monkeypatch.setattr(_crash, "_POINT", point)
        filled.update(add("three"))

    assert processes.status(processes.start(work)) == -signal.SIGKILL
    assert (Path(filled.path).read_bytes() == before) == (point != "store.renamed")
    whole = {"one", "two"} | ({"three"} if point == "store.renamed" else set())
    assert set(filled.read().records) == whole
    filled.update(add("four"))
    assert set(filled.read().records) == whole | {"four"}
    assert not [name for name in listing(filled) if name.endswith(".tmp")]


def kill_at(count: int, after: bool) -> None:
    """From now on the process dies by SIGKILL at its COUNT-th system call among those that write."""
    left = [count]

    def watched(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            left[0] -= 1
            if left[0] == 0 and not after:
                os.kill(os.getpid(), signal.SIGKILL)
            found = real(*args, **kwargs)
            if left[0] == 0 and after:
                os.kill(os.getpid(), signal.SIGKILL)
            return found

        return call

    for name in ("open", "fsync", "rename", "unlink"):
        setattr(os, name, watched(getattr(os, name)))


@pytest.mark.parametrize("after", [False, True])
def test_kill_9_at_any_step_leaves_a_whole_store(store: FileStore, processes: Processes, after: bool) -> None:
    """Dies before (after) the first, second, third ... step of a write, until one write gets through unharmed."""
    store.update(add("zero"))
    for step in range(1, 40):
        before = set(store.read().records)
        name = f"step_{step}"

        def work(step: int = step, name: str = name) -> None:
            kill_at(step, after)
            store.update(add(name))

        ended = processes.status(processes.start(work))
        assert set(store.read().records) in (before, before | {name})
        store.update(add(f"next_{step}"))
        assert not [item for item in listing(store) if item.endswith(".tmp")]
        if ended == 0:
            break
        assert ended == -signal.SIGKILL
    else:
        pytest.fail("no write ever got through")
    assert step > 8, "the steps of a write were not reached"
    assert name in store.read().records


def test_kill_9_at_random_moments_loses_no_acknowledged_write(store: FileStore, processes: Processes) -> None:
    drawn = random.Random(4)
    store.update(add("zero"))
    acknowledged = {"zero"}
    for turn in range(30):
        reader, writer = os.pipe()

        def work(turn: int = turn, writer: int = writer) -> None:
            for number in itertools.count():  # it never ends by itself, however late it is killed
                store.update(add(f"t{turn}_{number}"))
                os.write(writer, f"t{turn}_{number}\n".encode())

        pid = processes.start(work)
        os.close(writer)
        time.sleep(drawn.uniform(0, 0.12))
        os.kill(pid, signal.SIGKILL)
        assert processes.status(pid) == -signal.SIGKILL
        with os.fdopen(reader) as told:
            acknowledged |= set(told.read().split())
        found = set(store.read().records)
        assert acknowledged <= found
        assert len(found - acknowledged) <= 1  # the one that was durable before it was told
        acknowledged = found
        store.update(lambda contents: add("zero")(Contents(contents.environment)))  # keeps it small
        acknowledged = {"zero"}


FILL = """
import os, sys
from pathlib import Path
sys.path[:0] = [sys.argv[2]]
import store_case, conftest
from ansible.parsing.vault import VaultSecret, VaultSecretsContext
from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.plugin_utils.store_age import AgeFile
from ansible_collections.mainstay.backend.plugins.plugin_utils.store_vault import VaultFile

VaultSecretsContext.initialize(VaultSecretsContext([("default", VaultSecret(b"correct horse"))]))
place, kind = sys.argv[1], sys.argv[3]
store = AgeFile(place, "production", [sys.argv[5]], [sys.argv[4]]) if kind == "age" else VaultFile(place, "production")
store.update(store_case.add(*(f"first_{n}" for n in range(20))))
before = Path(store.path).read_bytes()
filler, outcomes = Path(place, "filler"), []
for pages in range(24):
    size = os.statvfs(place).f_bavail * 4096 - pages * 4096
    with open(filler, "wb", buffering=0) as file:
        file.write(b"x" * size)
    store._cache.clear()
    try:
        store.update(store_case.add(f"step_{pages}"))
        outcomes.append("written")
        assert f"step_{pages}" in store.read().records
        before = Path(store.path).read_bytes()
    except MainstayError as error:
        assert "cannot be written: No space left on device; expected room for it" in str(error), error
        outcomes.append("full")
        assert Path(store.path).read_bytes() == before
        assert "first_0" in store.read().records
    assert not [name for name in os.listdir(place) if name.endswith(".tmp")], os.listdir(place)
    filler.unlink()
store.update(store_case.add("last"))
print(*outcomes)
"""


def test_a_full_disk_leaves_the_old_store(
    request: pytest.FixtureRequest, store: FileStore, tmp_path: Path, keys: Any
) -> None:
    """A real one: a small tmpfs with 0, 1, 2 ... free pages."""
    mine, mount = keys("disk"), tmp_path / "mount"
    mount.mkdir()
    inside = f'mount -t tmpfs -o size=512k,mode=700 none {mount} && exec "$@"'
    command = ["unshare", "--mount", *([] if os.getuid() == 0 else ["--map-root-user"]), "sh", "-c", inside, "sh"]
    if (
        shutil.which("unshare") is None
        or subprocess.run([*command, "true"], capture_output=True, check=False).returncode
    ):
        pytest.skip("this machine grants no mount namespace")
    words = [sys.executable, "-c", FILL, str(mount), str(Path(__file__).parent), store.KIND, mine.path, mine.recipient]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([*command, *words], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    outcomes = done.stdout.split()
    assert outcomes[0] == "full"
    assert outcomes.count("full") >= 3, "it failed at several steps"
    assert outcomes[-1] == "written"


def test_a_cut_file_is_refused_and_left_alone_and_the_one_before_it_offered(filled: FileStore) -> None:
    whole = Path(filled.path).read_bytes()
    offered = re.escape(
        f"expected a whole file. Put back the one before the last write ({filled.backup}) with: "
        "ansible-playbook mainstay.backend.secret_store -e command=restore"
    )
    refused = 0
    for length in range(len(whole)):
        Path(filled.path).write_bytes(whole[:length])
        filled._cache.clear()
        try:
            assert set(filled.read().records) == {"one", "two"}, "what opens is whole"
        except MainstayError as error:
            assert re.search(offered, str(error)), f"cut to {length}: {error}"
            refused += 1
            if length % 100 == 0:
                with pytest.raises(MainstayError, match=offered):
                    filled.update(add("three"))
        assert Path(filled.path).read_bytes() == whole[:length]
    assert refused >= len(whole) - 40, "only the end of the armor, or of the last line, may lack"


def test_a_cut_file_without_one_before_it_is_refused(store: FileStore) -> None:
    store.update(add("one"))
    cut = Path(store.path).read_bytes()[:200]
    Path(store.path).write_bytes(cut)
    store._cache.clear()
    for act in (store.read, lambda: store.update(add("two"))):
        with pytest.raises(MainstayError, match=f"secret store {store.path}: found .*; expected .* whole") as refused:
            act()
        assert "restore" not in str(refused.value)
    assert Path(store.path).read_bytes() == cut


def test_a_lost_file_does_not_begin_a_new_store(filled: FileStore) -> None:
    os.unlink(filled.path)
    for act in (filled.read, lambda: filled.update(add("three"))):
        with pytest.raises(
            MainstayError, match=r"found no such file, though the one before it is there; .*command=restore"
        ):
            act()
    assert not os.path.exists(filled.path)


def test_a_folder_that_cannot_be_made_is_reported(store: FileStore, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    store.directory = str(tmp_path / "file" / "secrets")
    with pytest.raises(MainstayError, match="cannot be written: Not a directory"):
        store.update(add("one"))


@pytest.mark.parametrize("ignored", [None, ".none"])
def test_a_store_inside_an_inventory_folder_is_not_read_as_hosts(
    store: FileStore, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, ignored: str | None
) -> None:
    """Ansible reads every file of such a folder; even where the user has it read those endings, no secret is quoted."""
    found = issue_these(store, WANTED, check_mode=False, make=True)
    issue_these(store, [Credential("more", "valkey_user")], check_mode=False, make=True)
    Path(store.path + ".damaged-2026-11-23T000000Z.bak").write_bytes(Path(store.path).read_bytes())
    folder = Path(store.directory)
    (folder / "hosts.yml").write_text("all: {hosts: {one: }}\n")
    password = tmp_path_factory.mktemp("password") / "password"
    password.write_text("correct horse\n")
    command = [Path(sys.executable).parent / "ansible-inventory", "-i", folder, "--list", "-vvv"]
    environment = {**os.environ, "ANSIBLE_VAULT_PASSWORD_FILE": str(password), "ANSIBLE_CONFIG": ""}
    if ignored:
        environment["ANSIBLE_INVENTORY_IGNORE"] = ignored
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert '"one"' in done.stdout
    assert ("Failed to parse" in done.stderr) == (ignored is not None)
    assert not any(item.password in done.stdout + done.stderr for item in found.values())
