# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module and its playbook as CI runs them: exit codes, what people read, reports, and that no value is ever shown."""

from __future__ import annotations

import json
import os
import secrets
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import jsonschema
import pytest

if TYPE_CHECKING:
    from conftest import Application

ROOT = Path(__file__).resolve().parents[3]

SCHEMA = """\
variables:
  SECRET_KEY_BASE: {type: hex, required: true, min_length: 64}
  DATABASE_URL: {type: url, schemes: [postgresql], required: true}
  RAILS_MAX_THREADS: {type: int, default: 5, sensitive: false}
"""


def rules(result: Mapping[str, Any], severities: Sequence[str] = ("error", "warning")) -> set[str]:
    return {item["rule"] for item in result["findings"] if item["severity"] in severities}


def right() -> str:
    return (
        f"SECRET_KEY_BASE={secrets.token_hex(32)}\n"
        f"DATABASE_URL=postgresql://shop:{secrets.token_urlsafe(24)}@db.internal/shop?sslmode=verify-full\n"
        "RAILS_MAX_THREADS=5\n"
    )


@pytest.fixture
def shop(application: Application) -> Application:
    """An application whose configuration is right, in a repository that ignores its .env."""
    application.git("init", "-q")
    application.write(".gitignore", ".env\n", 0o644)
    application.write(".env", right())
    application.write("env.schema.yml", SCHEMA, 0o644)
    return application


def test_a_right_application_passes_without_inventory_host_or_options(shop: Application) -> None:
    done = shop.playbook()
    assert done.code == 0, done.out
    assert "no finding in 1 file" in done.out
    assert shop.playbook("-i", "localhost,").out.count("WARNING") == 0


def test_a_wrong_one_fails_with_a_table_and_reports(shop: Application) -> None:
    value = "Ui8-" + secrets.token_hex(8)
    shop.write(".env", f"SECRET_KEY_BASE={value}\nRAILS_MAX_THREADS=many # {value}\n")
    done = shop.playbook(sarif="out.sarif", junit="out.xml", loaders="ruby,systemd", environment="staging")
    assert done.code == 2
    lines = [line.split() for line in done.out.splitlines()]
    assert ["error", ".env:1", "SECRET_KEY_BASE"] in [line[:3] for line in lines]
    assert "DATABASE_URL is not set in the environment" in done.out
    assert value not in done.out
    log = json.loads((shop.folder / "out.sarif").read_text())
    jsonschema.validate(log, json.loads((ROOT / "tests/data/sarif_shape.json").read_text()))
    results = log["runs"][0]["results"]
    assert {item["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for item in results} == {".env"}
    suites = ElementTree.parse(shop.folder / "out.xml").getroot()
    assert int(suites.get("failures", "0")) > 0
    for name in ("out.sarif", "out.xml"):
        assert value not in (shop.folder / name).read_text()
        assert (shop.folder / name).stat().st_mode & 0o777 == 0o644


def test_paths_in_a_report_are_meant_from_the_repository(shop: Application) -> None:
    shop.write("apps/blog/.env", "A='\n")
    inner = type(shop)(shop.folder / "apps" / "blog")
    assert inner.playbook(sarif="out.sarif").code == 2
    log = json.loads((inner.folder / "out.sarif").read_text())
    places = [item["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for item in log["runs"][0]["results"]]
    assert set(places) == {"apps/blog/.env"}


def test_fail_on_decides_and_severities_can_be_set(shop: Application) -> None:
    shop.write(".env", right() + "NEW_THING=1\n")
    assert shop.playbook().code == 0
    done = shop.playbook(fail_on="warning")
    assert done.code == 2
    assert "0 errors, 1 warning in 1 file" in done.out
    assert shop.playbook(fail_on="warning", severities={"unknown": "off"}).code == 0
    assert shop.playbook(severities={"unknown": "error"}).code == 2
    assert shop.playbook(severities={"unknown": "error"}, fail_on="never").code == 0


def test_the_result_is_data(shop: Application) -> None:
    shop.write(".env", right() + "A=1\nA=2\n")
    shop.git("add", "-f", ".env")
    done, result = shop.module(root=".", schema="env.schema.yml", loaders=["ruby", "compose"])
    assert done.code == 2
    assert rules(result, ["error"]) == {"duplicate-key", "tracked-by-git"}
    assert result["counts"] == {"error": 2, "warning": 1}
    found = next(item for item in result["findings"] if item["rule"] == "duplicate-key")
    assert set(found) == {"rule", "severity", "file", "line", "variable", "message", "remedy"}
    assert (found["file"], found["line"], found["variable"]) == (".env", 5, "A")
    assert (result["files"], result["changed"], result["fails"]) == ([".env"], False, True)
    assert "duplicate-key" in result["msg"]


def test_check_mode_reads_all_and_writes_nothing(shop: Application) -> None:
    before = sorted(os.walk(shop.folder))
    done, result = shop.module("--check", root=".", sarif="out.sarif", junit="out.xml")
    assert (done.code, result["reports"]) == (0, [])
    assert sorted(os.walk(shop.folder)) == before
    done, result = shop.module(root=".", sarif="out.sarif")
    assert result["reports"] == [str(shop.folder / "out.sarif")]


def test_several_hosts_are_told_apart(shop: Application) -> None:
    shop.write(".env", "A='\n")
    local = f"ansible_connection=local ansible_python_interpreter={sys.executable} ansible_become=false"
    inventory = shop.write("inventory", f"[app]\nweb1 {local}\nweb2 {local}\n")
    done = shop.playbook("-i", str(inventory), root=".", junit="out.xml")
    assert done.code == 2
    assert {"web1:", "web2:"} <= set(done.out.splitlines())
    assert sorted(path.name for path in shop.folder.glob("out*")) == ["out.web1.xml", "out.web2.xml"]
    only = shop.playbook("-i", str(inventory), hosts="localhost", junit="out.xml")
    assert (only.code, (shop.folder / "out.xml").exists()) == (2, True)


def test_a_report_that_cannot_be_written_is_said(shop: Application) -> None:
    done, result = shop.module(root=".", junit="none/out.xml")
    assert done.code == 2
    assert "junit: " in result["msg"]
    assert "cannot be written: No such file or directory" in result["msg"]


def test_many_applications_in_one_call(shop: Application) -> None:
    shop.write("blog/.env", "A=1\n")
    shop.write("blog/env.schema.yml", "variables: {A: {type: bool, required: true}}\n")
    targets: list[dict[str, Any]] = [
        {"files": [".env"], "schema": "env.schema.yml"},
        {"root": "blog", "schema": "blog/env.schema.yml", "loaders": ["python"]},
        {"files": ["blog/.env"], "schema_text": "variables: {B: {type: int, required: true}}"},
    ]
    _done, result = shop.module(targets=targets)
    assert {(item["file"], item["rule"], item["variable"]) for item in result["findings"]} == {
        ("blog/.env", "not-ignored", ""),
        ("blog/.env", "missing", "B"),
        ("blog/.env", "unknown", "A"),
    } - ({("blog/.env", "not-ignored", "")} if "not-ignored" not in rules(result) else set())


def test_two_environments_and_layers_of_a_root(shop: Application) -> None:
    shop.write(".gitignore", ".env*\n", 0o644)
    shared = secrets.token_hex(32)
    shop.write(".env.production", f"SECRET_KEY_BASE={shared}\n")
    shop.write(".env.staging", f"SECRET_KEY_BASE={shared}\n")
    _done, result = shop.module(root=".", schema="env.schema.yml", loaders=["ruby"])
    assert rules(result) == {"same-secret-in-two-environments"}
    assert result["files"] == [".env", ".env.production", ".env.staging"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"root": "."}, "schema.yml:2: variables.A.type: found 'nonsense'"),
        ({"root": ".", "schema": "none.yml"}, "schema: found no file none.yml; expected it"),
        ({"root": ".", "schema": "."}, "schema: found no file ."),
        ({"root": ".", "schema": "env.schema.yml", "schema_text": "variables: {}"}, "found schema and schema_text"),
        ({"schema_text": "variables: {}"}, "found nothing to validate"),
        ({"root": ".", "fail_on": "always"}, "fail_on: found 'always'; expected one of error, warning, never"),
        ({"root": ".", "loaders": ["perl"]}, "loaders"),
        ({"rooot": "."}, "unknown option rooot"),
        ({"root": ".", "unit": "-x"}, "unit: found '-x'; expected a systemd unit's name"),
    ],
)
def test_what_makes_no_sense_is_refused(shop: Application, options: dict[str, Any], words: str) -> None:
    shop.write("schema.yml", "variables:\n  A: {type: nonsense}\n")
    if len(options) == 1 and "root" in options:
        options = {**options, "schema": "schema.yml"}
    done, result = shop.module(**options)
    assert done.code == 2
    assert words in str(result.get("msg"))


def test_a_folder_without_anything_is_refused(application: Application) -> None:
    done = application.playbook()
    assert done.code == 2
    assert "found nothing in '.'" in done.out


def test_only_an_example_is_enough(application: Application) -> None:
    """What CI has: the repository, and no .env."""
    application.write(".env.example", "SECRET_KEY_BASE=\nDATABASE_URL=\nRAILS_MAX_THREADS=5\n", 0o644)
    application.write("env.schema.yml", SCHEMA, 0o644)
    done = application.playbook()
    assert done.code == 0, done.out


NOISE = [
    bytes(range(256)),
    b"\xff\xfeA\x00=\x001\x00",
    b"\xef\xbb\xbfA=1\r\n\x00B='\n",
    b"A" * 100_000,
    b'A="' + b"\\" * 50_000,
    b"=\n" * 10_000,
    b"${" * 20_000 + b"A=${A:-" * 3000,
    os.urandom(65_536),
    b"-----BEGIN\x1b[2J\x07=x\n\xc3\x28=1\n",
    b"",
]


def test_files_of_any_bytes_end_in_findings_or_none(application: Application) -> None:
    targets = []
    for number, data in enumerate(NOISE):
        path = str(application.write(f"{number}.env", data))
        targets.append({"files": [path], "example": path, "settings": [path], "secrets": [path]})
    os.mkfifo(application.folder / "fifo")
    targets.append({"files": [str(application.folder / "fifo"), "/dev/zero", "/proc/self/mem"]})
    done, result = application.module(
        targets=targets, loaders=["ruby", "python", "node", "systemd", "compose", "docker"]
    )
    assert done.code == 2
    assert len(result["files"]) == len(NOISE)
    assert sum(item["rule"] == "unreadable" for item in result["findings"]) == 3
    assert all(item["message"].isprintable() and item["variable"].isprintable() for item in result["findings"])


def test_a_file_of_ten_megabytes_ends(application: Application) -> None:
    line = b"SOME_VARIABLE_%06d=some-value-%06d and 'more' of \"it\" # $HERE\n"
    data = b"".join(line % (number, number) for number in range(10_000_000 // 65))
    application.write(".env", data[:10_000_000])
    done, result = application.module(files=[".env"], loaders=["systemd"], fail_on="never")
    assert done.code == 0
    assert result["files"] == [".env"]


def test_no_value_is_shown_anywhere(shop: Application) -> None:
    """Seeded values in every place that is read, at the highest verbosity, with what the module itself prints."""
    seeds = {
        name: f"Zq7{name}{secrets.token_hex(9)}" for name in ("plain", "url", "cut", "dup", "cmd", "own", "set", "ex")
    }
    seeds.update({name: f"Zq7{name}{secrets.token_hex(9)}" for name in ("secret", "env", "bad", "key", "wrong")})
    shop.write(
        ".env",
        f"SECRET_KEY_BASE={seeds['plain']}\nDATABASE_URL=mysql://u:{seeds['url']}@db/x\nPASSWORD=a#{seeds['cut']} # {seeds['cut']}\n"
        f"TOKEN=1\nTOKEN={seeds['dup']}\nAPI_KEY=$(echo {seeds['cmd']})\nRAILS_MAX_THREADS={seeds['wrong']}\n"
        f"BROKEN=\"{seeds['bad']}\n{seeds['key']}=1\n{seeds['key']}\n",
    )  # fmt: skip
    shop.write(".env.staging", f"PASSWORD={seeds['own']}\n")
    shop.write(".env.example", f"API_KEY={seeds['ex']}\n", 0o644)
    shop.write("config/settings.yml", f"smtp:\n  password: {seeds['set']}\n", 0o644)
    shop.write("secrets/api_token", f"{seeds['secret']}\n")
    # Ansible itself may show what a play says; so the play says where it is
    given = shop.write("given.json", json.dumps({"GIVEN": seeds["env"]}))
    options = {
        "root": ".",
        "secrets": ["secrets"],
        "schema": "env.schema.yml",
        "process_env": "{{ lookup('ansible.builtin.file', given) | from_json }}",
        "sarif": "out.sarif",
        "junit": "out.xml",
        "show": True,
    }
    tasks = [
        {"mainstay.backend.env_validate": options, "ignore_errors": True, "register": "found"},
        {"ansible.builtin.debug": {"var": "found"}},
    ]
    variables = {"ansible_python_interpreter": sys.executable, "given": str(given)}
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "vars": variables, "tasks": tasks}
    path = shop.write("play.json", json.dumps([play]))
    done = shop.ansible("-vvvv", "--diff", "-i", "localhost,", str(path), settings={"ANSIBLE_PIPELINING": "1"})
    assert done.code == 0, done.out
    everything = done.out + "".join((shop.folder / name).read_text() for name in ("out.sarif", "out.xml"))
    results = json.loads((shop.folder / "out.sarif").read_text())["runs"][0]["results"]
    assert len({item["ruleId"] for item in results}) > 8
    assert [name for name, value in seeds.items() if value in everything] == []
