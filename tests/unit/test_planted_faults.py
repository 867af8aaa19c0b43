# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The table of planted faults fits the tree, every package and role has one, and each is looked for by what a change of its file runs."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import planted_faults  # noqa: E402
from lanes import whole_run  # noqa: E402
from lanes.__main__ import BUDGET  # noqa: E402
from lanes.table import choose, read  # noqa: E402
from planted_faults import Fault, InvalidFaults, Outcome, batches, not_failed, not_passed, table  # noqa: E402

FAULTS = planted_faults.read(planted_faults.TABLE.read_text(encoding="utf-8"))
TABLE = read(ROOT)
#: What belongs together in plugins/: each part holds a fault.
PARTS = {
    "common": "checking|deps|journal|lock|crash|table|findings.*|yaml_.*",
    "host": "probe|apt|valkey_units|process_env|git_state|file_specs|files|folders|ignore",
    "rails": "rails_.*|settings_layers",
    "login": "scram.*|probe_.*|credential_probe",
    "tls": "certificate_text|tls|tls_files|tls_serving",
    "valkey": "valkey_(purposes|directives|acl|live|trial|plan|survey|apply|kernel|tls|user.*)",
    "postgres": "postgres_(parameters|layout|live|process|drift|roles|server|login|tls|cluster)",
    "env/dotenv": "env_(loaders|alike|compose|docker|node|python|ruby|systemd|lines|template|layers|edit|statement)|dotenv",
    "env/schema": "env_(schema.*|types|pattern|url|reference|spec.*)",
    "env/checks": "env_(run|sources|validate|reader|readings|rules|checks_.*|secrecy|weak|kin|urls|settings_scan)",
    "env/scan": "env_scan|scan_.*",
    "consumers on hosts": "consumer_reload|reload_.*|health|secret_options|secret_folders|seal|bundle|sealed|boot_unit|restore",
    "rotation on hosts": "rotation_digest|rotation_evidence|server_certificate|token_retire",
    "inventory": "description|agreement|consumers|application|credentials|.*_specs|timeouts|packages|valkey|valkey_host|valkey_instance|postgres|"
    "postgres_(hba|settings|logins)|budget|environment|secret_files|tls_consumer|settings_files|age|inventory",
    "store": "store.*|rotation_states|rotation_supply|other_stores|material|certificates|certificate_versions|supplied.*|certificate_supply",
    "consumers on the controller": "publish.*|consumer_calls|env_backend|application_files|rails_files|schemas",
    "rotation on the controller": "rotation|rotation_(plan|check|kinds|adapters|logins|rules|expected|validate|checks_.*|lock)|adapter_.*|"
    "controller_commands|rails_repository",
    "controller": "standing|sarif|junit|reports|action|packing|terminal|env_text|settings_yaml",
}


def part_of(path: Path) -> list[str]:
    return [part for part, names in PARTS.items() if re.fullmatch(names, path.stem.removeprefix("_"))]


def test_every_file_of_the_core_is_in_a_part() -> None:
    files = [*ROOT.glob("plugins/module_utils/_*.py"), *ROOT.glob("plugins/plugin_utils/*.py")]
    assert [path.name for path in files if not part_of(path)] == ["types.py"]


@pytest.mark.parametrize("part", PARTS)
def test_every_part_has_a_fault(part: str) -> None:
    core = ("plugins/module_utils/", "plugins/plugin_utils/")
    assert [fault.file for fault in FAULTS if fault.file.startswith(core) and part in part_of(Path(fault.file))]


@pytest.mark.parametrize("role", sorted(path.name for path in ROOT.glob("roles/*")))
def test_every_role_has_a_fault(role: str) -> None:
    assert [fault.file for fault in FAULTS if fault.file.startswith(f"roles/{role}/")]


@pytest.mark.parametrize("folder", ["action", "filter", "lookup", "modules"])
def test_every_kind_of_plugin_has_a_fault(folder: str) -> None:
    assert [fault.file for fault in FAULTS if fault.file.startswith(f"plugins/{folder}/")]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{Path(fault.file).name}: {fault.what}")
def test_a_fault_fits_the_tree_and_is_looked_for(fault: Fault) -> None:
    text = (ROOT / fault.file).read_text(encoding="utf-8")
    assert fault.planted(text) != text
    last = whole_run.read(ROOT)
    seconds, at_once = (last.seconds, last.at_once) if last else ({}, 2)
    chosen = choose(TABLE, [fault.file], seconds, BUDGET, at_once).steps
    assert fault.step in chosen, f"a change of {fault.file} does not run {fault.step}"
    kind, _dash, name = fault.step.partition("-")
    folders = {
        "unit": "tests/unit/",
        "machine": "tests/demo/",
        "scenario": "molecule/",
        "integration": f"tests/integration/{name}/",
    }
    assert [test for test in fault.tests if not test.startswith(folders[kind])] == []


def test_a_find_that_is_not_there_once_is_refused() -> None:
    fault = Fault("file.py", "wrong", "a", "b", "unit", ())
    assert fault.planted("cat") == "cbt"
    for text in ("", "banana"):
        with pytest.raises(InvalidFaults, match=r"file\.py: found \d times 'a'; expected it once"):
            fault.planted(text)


def outcome(test: str, became: str, phase: str = "call") -> Outcome:
    return Outcome(test, became, phase)


def test_only_a_failure_of_the_tests_own_body_counts() -> None:
    name = "tests/unit/test_x.py::test_it"
    assert not_failed([name], [outcome("tests/unit/test_x.py::test_it[one]", "failed")]) == []
    assert not_failed([name], [outcome("../unit/test_x.py::test_it", "failed")]) == []
    assert not_failed([name], [outcome("tests/unit/test_x.py::TestIt::test_it", "failed")]) == []
    for wrong in (
        outcome("tests/unit/test_x.py::test_it", "failed", "setup"),
        outcome("tests/unit/test_x.py::test_it", "passed"),
        outcome("tests/unit/test_x.py::test_its", "failed"),
        outcome("tests/unit/test_y.py::test_it", "failed"),
    ):
        assert not_failed([name], [wrong]) == [name], wrong


def test_a_test_that_did_not_run_has_not_passed() -> None:
    name = "tests/unit/test_x.py::test_it"
    passed = outcome("tests/unit/test_x.py::test_it[one]", "passed")
    assert not_passed([name], [passed]) == []
    for wrong in ([], [outcome("tests/unit/test_x.py::test_it", "skipped")], [passed, outcome(passed.test, "failed")]):
        assert not_passed([name], wrong) == [name]


def test_units_are_planted_one_by_one_and_what_needs_hosts_together() -> None:
    steps = ["unit", "unit", "scenario-default", "scenario-default", "integration-env"]
    faults = [Fault(f"{number}.py", "wrong", "a", "b", step, ()) for number, step in enumerate(steps)]
    assert [(step, len(group)) for step, group in batches(faults)] == [
        ("unit", 1),
        ("unit", 1),
        ("scenario-default", 2),
        ("integration-env", 1),
    ]


def test_the_page_shows_every_fault() -> None:
    """The last `make planted-faults` was of the faults that stand in the table."""
    rows = [line for line in table(FAULTS, "", "").splitlines() if line.startswith("| `")]
    assert len(rows) == len(FAULTS) >= 20
    page = planted_faults.PROOFS.read_text(encoding="utf-8")
    shown = page.partition(planted_faults.BEGIN)[2].partition(planted_faults.END)[0].splitlines()
    assert [row for row in rows if row not in shown] == []
