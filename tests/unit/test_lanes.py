# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lanes: the table covers the tree, what CI chooses, how steps are run and what is shown of them."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from lanes import repository, telling, whole_run  # noqa: E402
from lanes.schedule import FAILED, HUNG, NOT_RUN, OK, Result, Scheduler  # noqa: E402
from lanes.table import InvalidTable, Step, Table, choose, parse, read  # noqa: E402

TABLE = read(ROOT)
NAMED = {name for row in TABLE.rows for name in row.steps}


def test_every_tracked_path_is_covered_by_a_row() -> None:
    assert TABLE.uncovered(repository.tracked(ROOT)) == []


def test_a_path_that_no_row_covers_is_found() -> None:
    assert TABLE.uncovered(["plugins/modules/files.py", "new/thing.txt"]) == ["new/thing.txt"]


def test_every_scenario_and_folder_of_tests_is_a_step_that_a_row_names() -> None:
    scenarios = {f"scenario-{path.parent.name}" for path in ROOT.glob("molecule/*/molecule.yml")}
    folders = {f"integration-{path.parent.name}" for path in ROOT.glob("tests/integration/*/test_*.py")}
    steps = {name for name in TABLE.steps if name.startswith(("scenario-", "integration-"))}
    assert steps == scenarios | folders
    assert {name for name, step in TABLE.steps.items() if step.lane != "needed"} - NAMED == set()


def test_every_row_matches_something() -> None:
    paths = repository.tracked(ROOT)
    assert [row.paths[0] for row in TABLE.rows if not any(row.matches(path) for path in paths)] == []


def test_every_plugin_and_role_touches_more_than_units() -> None:
    """A change of what runs on hosts is tried on one, in `make test` or beside it."""
    paths = [
        path
        for path in repository.tracked(ROOT)
        if path.startswith(("plugins/", "roles/")) and not path.endswith(".md")
    ]
    only = {"lint", "unit", "sanity", "sanity-newer", "unit-newer", "unit-debian12", "unit-debian13", "unit-debian14"}
    rendered = {"plugins/filter/", "plugins/lookup/env_parse.py"}  # pure, on the controller
    assert [
        path
        for path in paths
        if set(TABLE.touched([path])) <= only and not any(path.startswith(part) for part in rendered)
    ] == []


def small(**rows: list[str]) -> Table:
    return parse(
        {
            "steps": {
                "base": {"command": "true", "lane": "needed"},
                "quick": {"command": "true", "lane": "test", "after": ["base"]},
                "one": {"command": "true", "lane": "all", "after": ["base"]},
                "two": {"command": "true", "lane": "all"},
            },
            "rows": [{"paths": [path.replace("_", "/")], "steps": steps} for path, steps in rows.items()],
        }
    )


def test_the_most_touched_come_first_and_what_does_not_fit_is_left() -> None:
    table = small(a_x=["one"], a_y=["one", "two"], a_z=["two"], b_=["two"])
    paths = ["a/x", "a/y", "a/z", "b/"]
    seconds = {"base": 10.0, "quick": 20.0, "one": 30.0, "two": 40.0}
    assert table.touched(paths) == ["two", "one"]
    told = choose(table, paths, seconds, 100, 1)
    assert (told.steps, told.left) == (["base", "quick", "two", "one"], [])
    told = choose(table, paths, seconds, 75, 1)
    assert (told.steps, told.left) == (["base", "quick", "two"], ["one"])
    # one that does not fit does not keep a smaller one out
    assert choose(table, paths, {**seconds, "two": 400.0}, 75, 1).left == ["two"]
    assert choose(table, paths, seconds, 50, 2).left == []


def test_a_change_of_nothing_leaves_make_test() -> None:
    assert choose(TABLE, [], {}, 2700, 2).steps == TABLE.lane("test")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": {"a": {"command": "x", "lane": "night"}}}, "steps.a.lane: found night"),
        ({"steps": {"a": {"command": "x", "lane": "all", "needs": []}}}, "steps.a: found needs"),
        ({"steps": {"a": {"command": "x", "lane": "all", "after": ["b"]}}}, "steps.a.after: found b"),
        ({"rows": [{"paths": ["p"], "steps": ["b"]}]}, "the row of p: found step b"),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidTable, match=message):
        parse({"steps": {}, "rows": [], **change})


def run(steps: list[Step], logs: Path, room: int = 2, deadline: float = float("inf")) -> tuple[list[Result], list[str]]:
    told: list[str] = []
    scheduler = Scheduler(
        steps,
        room,
        logs,
        {},
        lambda step: told.append(f"+{step.name}"),
        lambda result: told.append(f"-{result.name}"),
        deadline,
    )
    return asyncio.run(scheduler.run()), told


def test_steps_wait_for_what_they_come_after_and_are_not_run_where_that_failed(tmp_path: Path) -> None:
    steps = [
        Step("bad", "echo broken; exit 3", "all"),
        Step("after-bad", "true", "all", ("bad",)),
        Step("good", "true", "all"),
        Step("after-good", f"touch {tmp_path}/there", "all", ("good",)),
        Step("last", "true", "all", ("after-bad",)),
    ]
    results, told = run(steps, tmp_path)
    assert [result.state for result in results] == [FAILED, NOT_RUN, OK, OK, NOT_RUN]
    assert results[1].why == "bad did not pass" and results[4].why == "after-bad did not pass"
    assert (tmp_path / "there").exists() and told.index("-good") < told.index("+after-good")
    assert (tmp_path / "bad.log").read_text() == "broken\n"


def test_no_more_run_than_there_is_room_for(tmp_path: Path) -> None:
    steps = [Step(str(number), "sleep 0.1", "all", cores=2 if number == 2 else 1) for number in range(5)]
    _results, told = run(steps, tmp_path)
    now: set[str] = set()
    for event in told:
        (now.add if event[0] == "+" else now.remove)(event[1:])
        assert len(now) <= 2 and ("2" not in now or now == {"2"}), told


def test_a_step_that_hangs_is_ended_with_what_it_started(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    (result,), _told = run([Step("hangs", f"sleep 1000 & echo $! >{pid}; wait", "all", minutes=0.02)], tmp_path)  # type: ignore[arg-type]
    assert result.state == HUNG and "minutes" in result.why
    until = time.monotonic() + 60
    while Path("/proc", pid.read_text().strip()).exists():
        assert time.monotonic() < until, "what the step had started still runs"
        time.sleep(0.05)


def test_nothing_begins_after_the_deadline(tmp_path: Path) -> None:
    results, _told = run(
        [Step("first", "sleep 0.3", "all"), Step("late", "true", "all", ("first",))], tmp_path, deadline=0.1
    )
    assert [result.state for result in results] == [OK, NOT_RUN] and results[1].why == "no time is left for it"


def test_a_failed_test_is_shown_before_its_step_ends(tmp_path: Path) -> None:
    """The second test ends only once somebody was told of the first."""
    (tmp_path / "test_it.py").write_text(
        "import pathlib, time\n"
        "def test_bad():\n    assert 1 == 2, 'the reason'\n"
        "def test_waits():\n    here = pathlib.Path(__file__).with_name('told')\n"
        "    until = time.monotonic() + 60\n"
        "    while not here.exists():\n        assert time.monotonic() < until\n        time.sleep(0.05)\n"
    )
    path = f"{tmp_path}/tell"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as here:
        here.bind(path)
        here.settimeout(60)
        environment = {
            **os.environ,
            "MAINSTAY_TELL": path,
            "MAINSTAY_STEP": "unit",
            "PYTEST_ADDOPTS": "-p tell_lane",
            "PYTHONPATH": str(ROOT / "tests" / "runner"),
        }
        command = [sys.executable, "-m", "pytest", "-q", "-c", "/dev/null", "-p", "no:cacheprovider", str(tmp_path)]
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
            said = json.loads(here.recv(99_999))
            assert said["step"] == "unit" and said["failed"].endswith("test_bad") and "the reason" in said["why"]
            (tmp_path / "told").touch()
            progress = json.loads(here.recv(99_999))
            assert (progress["done"], progress["of"]) == (1, 2)
            assert process.stdout and "1 failed, 1 passed" in process.stdout.read()


def test_what_is_shown_of_steps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    show = telling.Telling(2, tmp_path)
    step = Step("scenario-default", "true", "test")
    show.began(step)
    show.datagram_received(json.dumps({"step": step.name, "done": 3, "of": 41}).encode(), None)
    assert show.running == {"scenario-default": " 3/41"}
    show.datagram_received(
        json.dumps({"step": step.name, "failed": "x.py::test_a", "why": "E   assert 1 == 2"}).encode(), None
    )
    (tmp_path / "scenario-default.log").write_text(
        "FAILED x.py::test_a - assert\n==== 1 failed, 40 passed in 3.21s ====\n"
    )
    show.finished(Result("scenario-default", FAILED, 0, 61.2))
    out = capsys.readouterr().out
    assert (
        out.index("failed  scenario-default: x.py::test_a")
        < out.index("E   assert 1 == 2")
        < out.index("FAILED  scenario-default 61 s")
    )
    assert "[ 1/2 00:00] FAILED" in out and "the end of " in out


def test_the_table_fits_into_100_columns() -> None:
    results = [
        Result("integration-several_hosts", OK, 0, 162.8),
        Result("unit", FAILED, 1, 9),
        Result("late", NOT_RUN, why="unit did not pass"),
    ]
    text = telling.table(results, {"unit": f"1 failed in 2s; tests/unit/{'x' * 200}"})
    assert max(map(len, text.splitlines())) <= 100
    assert text.splitlines()[1].split() == ["integration-several_hosts", "ok", "163"]
    assert "unit did not pass" in text.splitlines()[3]


def test_the_page_of_a_whole_run_reads_back() -> None:
    page = whole_run.WholeRun(
        "a" * 40, "2026-11-30T22:00Z", "3.11.2", 2000, {"unit": 100.0, "scenario-default": 3900.0}
    )
    assert whole_run.parse(page.text()) == page and page.at_once == 2
    with pytest.raises(ValueError, match="found no commit"):
        whole_run.parse("nothing")


def test_the_page_of_the_last_whole_run_names_steps_there_are() -> None:
    page = whole_run.read(ROOT)
    assert page is None or set(page.seconds) <= set(TABLE.steps)


def test_changes_since_a_commit(tmp_path: Path) -> None:
    def git(*words: str) -> str:
        return repository.git(tmp_path, "-c", "user.name=x", "-c", "user.email=x@example.org", *words)

    git("init", "--quiet")
    (tmp_path / "kept").write_text("a")
    (tmp_path / "gone").write_text("a long text that moves\n" * 9)
    git("add", ".")
    git("commit", "--quiet", "--message", "one")
    first = git("rev-parse", "HEAD").strip()
    git("mv", "gone", "moved")
    git("commit", "--quiet", "--message", "two")
    (tmp_path / "new é").write_text("b")
    assert repository.changed_since(tmp_path, first) == ["gone", "moved", "new é"]
    assert repository.changed_since(tmp_path, "f" * 40) is None
    assert repository.unfinished(tmp_path) != []
