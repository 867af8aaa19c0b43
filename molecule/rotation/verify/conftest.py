# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the tests of this scenario share: the programs at work, what is the case on the hosts, runs of the rotation."""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SHARED = ROOT / "molecule" / "shared"
sys.path[:0] = [
    str(Path(__file__).parent),
    str(SHARED),
    str(SHARED / "verify"),
    str(ROOT / "tests" / "leaks"),
    str(ROOT / "tests" / "lib"),
]

from invariants import Memory  # noqa: E402
from runs import Runs  # noqa: E402
from truth import Truth  # noqa: E402
from watch import APPS, on, wait_for_work  # noqa: E402

pytest_configure = runpy.run_path(str(SHARED / "conftest.py"))["pytest_configure"]


@pytest.fixture(scope="session")
def truth() -> Truth:
    folder = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], "secrets")
    return Truth(folder, Path(os.environ["ANSIBLE_VAULT_PASSWORD_FILE"]))


@pytest.fixture(scope="session")
def runs() -> Runs:
    return Runs(
        Path(os.environ["MOLECULE_INVENTORY_FILE"]).parent,
        ROOT / ".build" / "logs" / os.environ["MOLECULE_SCENARIO_NAME"],
    )


@pytest.fixture(scope="session")
def memory(truth: Truth) -> Memory:
    """Every secret that the store held since the tests began."""
    found = Memory()
    found.keep(truth.store())
    return found


#: Which scenario runs which files: in the order in which one rests on the other; the hunt reads what all of them left.
FILES = {
    "rotation": ["test_rotation", "test_leaks"],
    "chaos": ["test_load", "test_refused", "test_chaos", "test_leaks"],
}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    order = FILES[os.environ["MOLECULE_SCENARIO_NAME"]]
    unknown = {item.path.stem for item in items} - {name for names in FILES.values() for name in names}
    assert not unknown, f"no scenario runs {', '.join(sorted(unknown))}; expected each file in FILES of {__file__}"
    config.hook.pytest_deselected(items=[item for item in items if item.path.stem not in order])
    items[:] = sorted((item for item in items if item.path.stem in order), key=lambda item: order.index(item.path.stem))


@pytest.fixture(scope="session", autouse=True)
def at_work(request: pytest.FixtureRequest) -> None:
    """Both programs do their work from here to the end, whatever the tests do."""
    for host in APPS:
        on(host, "rm", "-f", "/var/lib/shop/ill", "/var/lib/shop/ill-after-next-move")
        on(host, "systemctl", "start", "shop")
    wait_for_work()
