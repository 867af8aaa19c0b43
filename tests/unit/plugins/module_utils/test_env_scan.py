# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An application's tree: what is read of it, what is left out, and what the comparison with declarations says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._env_scan import (
    LARGEST,
    Declared,
    Scan,
    compare,
    example_variables,
    excluded,
    need_of,
    read_text,
    scan_tree,
)
from ansible_collections.mainstay.backend.plugins.module_utils._scan_reads import Read
from ansible_collections.mainstay.backend.plugins.modules import env_scan

TREE = {
    "config/application.rb": "ENV.fetch('REQUIRED')\nENV['OPTIONAL']\nENV.fetch('DEFAULTED', 's3cret-default')\n",
    "config/database.yml": "url: <%= ENV['OPTIONAL'] %>\n",
    "app/frontend/main.ts": "process.env.FRONT ?? 's3cret-default'\n",
    "lib/names.rb": "ENV[name]\nENV['HOME']\n",
    "bin/run": "#!/bin/sh\nexec puma -p ${PORT:-3000}\n",
    "compose.yml": "a: ${TAG:?s3cret-message}\n",
    "README.md": "ENV['README']\n",
    "node_modules/x/index.js": "process.env.SKIPPED",
    "vendor/x.rb": "ENV['SKIPPED']",
    "tmp/x.rb": "ENV['SKIPPED']",
    "log/x.rb": "ENV['SKIPPED']",
    ".git/hooks/x.sh": "#!/bin/sh\necho $SKIPPED",
    "app/vendor/deep.py": "import os\nos.environ['SKIPPED']",
    "spec/x_spec.rb": "ENV['TESTED']",
    "db/binary.rb": "ENV['SKIPPED']\0",
}


@pytest.fixture
def app(tmp_path: Path) -> Path:
    for name, text in TREE.items():
        path = tmp_path / "app" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "app"


def places(scan: Scan) -> dict[str, list[str]]:
    return {name: [f"{file}:{read.line} {read.need}" for file, read in found] for name, found in scan.reads.items()}


def test_a_tree_with_what_is_left_out(app: Path) -> None:
    scan = scan_tree(str(app), ["spec"])
    assert places(scan) == {
        "DEFAULTED": ["config/application.rb:3 default"],
        "FRONT": ["app/frontend/main.ts:1 default"],
        "HOME": ["lib/names.rb:2 optional"],
        "OPTIONAL": ["config/application.rb:2 optional", "config/database.yml:1 optional"],
        "PORT": ["bin/run:2 default"],
        "REQUIRED": ["config/application.rb:1 required"],
        "TAG": ["compose.yml:1 required"],
    }
    assert [(file, read.line) for file, read in scan.unknown] == [("lib/names.rb", 1)]
    assert scan.files == 6
    assert scan.notes == ()
    assert "s3cret" not in repr(scan)
    assert "TESTED" in scan_tree(str(app)).reads
    assert set(scan_tree(str(app), ["*.rb", "bin/*", "app"]).reads) == {"OPTIONAL", "TAG"}


def test_links_are_not_followed(app: Path, tmp_path: Path) -> None:
    before = scan_tree(str(app))
    (tmp_path / "outside.rb").write_text("ENV['OUTSIDE']")
    (app / "loop").symlink_to(app)
    (app / "lib" / "up").symlink_to("..")
    (app / "link.rb").symlink_to(tmp_path / "outside.rb")
    (app / "nowhere.rb").symlink_to("nowhere")
    os.mkfifo(app / "pipe.rb")
    assert scan_tree(str(app)) == before


def test_what_cannot_be_read_is_noted(app: Path) -> None:
    (app / "large.rb").write_text("ENV['LARGE']\n" + "#" * LARGEST)
    (app / "odd\n.rb").write_bytes(b"ENV['ODD'] \xff")
    scan = scan_tree(str(app))
    assert scan.notes == ("large.rb was not read: larger than 2 MiB",)
    assert places(scan)["ODD"] == ["odd\\x0a.rb:1 optional"]
    with pytest.raises(MainstayError, match="No such file"):
        read_text(str(app / "none.rb"))
    with pytest.raises(MainstayError, match=r"root: found no folder .*none; expected"):
        scan_tree(str(app / "none"))


def test_names_and_texts_of_any_bytes(app: Path) -> None:
    with open(os.fsencode(app) + b"/\xff\xfe.rb", "wb") as handle:
        handle.write(b"\xef\xbb\xbfENV['A']\r\nENV['B'] # \xff")
    assert places(scan_tree(str(app)))["B"] == ["\\xff\\xfe.rb:2 optional"]


@pytest.mark.parametrize(
    ("path", "patterns", "expected"),
    [
        ("spec/a/b.rb", ["spec"], True),
        ("spec/a/b.rb", ["spec/"], True),
        ("spec/a/b.rb", ["*.rb"], True),
        ("spec/a/b.rb", ["spec/*.rb"], True),
        ("app/spec/b.rb", ["spec"], False),
        ("spec.rb", ["spec"], False),
        ("a.rb", [], False),
    ],
)
def test_globs(path: str, patterns: list[str], expected: bool) -> None:
    assert excluded(path, patterns) is expected


def test_an_example_file_declares_what_stands_in_it() -> None:
    text = "A=1\nexport B=\n# C=x\n#D=y\n# A comment\n  E = 1\n# A=2\nC=3\nnothing\n"
    found = {(item.name, item.line, item.read) for item in example_variables(text, ".env.example")}
    assert found == {("A", 1, True), ("B", 2, True), ("C", 8, True), ("D", 4, False), ("E", 6, True)}


def declared(*names: str) -> list[Declared]:
    return [Declared(name, ".env.example", number) for number, name in enumerate(names, 1)]


def found(app: Path, *names: str, **options: object) -> list[tuple[str, str, str]]:
    findings = compare(scan_tree(str(app), ["spec"]), declared(*names), **options)  # type: ignore[arg-type]
    return [(item.rule, item.severity, item.variable) for item in findings]


def test_what_is_declared_and_read_is_silent(app: Path) -> None:
    assert found(app, "DEFAULTED", "FRONT", "HOME", "OPTIONAL", "PORT", "REQUIRED", "TAG") == []


def test_both_rules_find_what_differs(app: Path) -> None:
    assert found(
        app, "REQUIRED", "OPTIONAL", "NEVER", "ELSEWHERE_URL", "LANG", ignore=["HOME", "LANG"], read_elsewhere=["*_URL"]
    ) == [
        ("declared-unread", "warning", "NEVER"),
        ("read-undeclared", "warning", "FRONT"),
        ("read-undeclared", "warning", "PORT"),
        ("read-undeclared", "error", "TAG"),
        ("read-undeclared", "warning", "DEFAULTED"),
    ]


def test_a_finding_names_places_and_no_default(app: Path) -> None:
    findings = {item.variable: item for item in compare(scan_tree(str(app)), declared("NEVER"))}
    optional = findings["OPTIONAL"]
    assert (optional.file, optional.line) == ("config/application.rb", 2)
    assert (
        optional.message
        == "read at config/application.rb:2, config/database.yml:1, without a default; nothing declares it"
    )
    never = findings["NEVER"]
    assert (never.file, never.line) == (".env.example", 1)
    assert never.message == "no source reads it, unless its name is computed at lib/names.rb:1"
    assert "s3cret" not in repr(findings)


def test_severities_are_chosen(app: Path) -> None:
    assert {severity for _rule, severity, _name in found(app, "NEVER", severities={"read-undeclared": "warning"})} == {
        "warning"
    }
    assert found(app, "NEVER", severities={"read-undeclared": "off", "declared-unread": "error"}) == [
        ("declared-unread", "error", "NEVER")
    ]
    for wrong in ({"unread": "off"}, {"declared-unread": "loud"}):
        with pytest.raises(MainstayError, match="severities: found"):
            found(app, severities=wrong)


def test_what_may_be_read_but_need_not_be(app: Path) -> None:
    scan = scan_tree(str(app / "lib"))
    assert compare(scan, [Declared("X", "f", 1, False), Declared("HOME", "f", 2, False)]) == []


def test_the_strictest_need_counts() -> None:
    assert need_of([("f", Read("A", 1, "default")), ("f", Read("A", 2, "required")), ("f", Read("A", 3))]) == "required"
    assert need_of([("f", Read("A", 1, "default")), ("f", Read("A", 3))]) == "optional"
    assert need_of([("f", Read("A", 1, "default"))]) == "default"


def test_the_documented_defaults_are_the_modules() -> None:
    options = yaml.safe_load(env_scan.DOCUMENTATION)["options"]
    for name, expected in (
        ("exclude", env_scan.EXCLUDE),
        ("ignore", env_scan.IGNORE),
        ("read_elsewhere", env_scan.READ_ELSEWHERE),
    ):
        assert options[name]["default"] == expected


def test_rails_own_names_are_no_findings(tmp_path: Path) -> None:
    """What `rails new` writes, and what a deployment of it sets."""
    (tmp_path / "puma.rb").write_text(
        'threads_count = ENV.fetch("RAILS_MAX_THREADS", 3)\nport ENV.fetch("PORT", 3000)\npidfile ENV["PIDFILE"] if ENV["PIDFILE"]\n'
    )
    (tmp_path / "environment.rb").write_text(
        'ENV["RAILS_ENV"] ||= "test"\nENV["BUNDLE_GEMFILE"] ||= "x"\nENV["CI"].present?\n'
    )
    names = (
        "RAILS_MAX_THREADS",
        "PORT",
        "SECRET_KEY_BASE",
        "DATABASE_URL",
        "CACHE_DATABASE_URL",
        "RAILS_LOG_LEVEL",
        "WEB_CONCURRENCY",
    )
    assert compare(scan_tree(str(tmp_path)), declared(*names), env_scan.IGNORE, env_scan.READ_ELSEWHERE) == []
