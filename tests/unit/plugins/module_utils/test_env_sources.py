# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is collected before anything is judged: real files, folders, links, pipes and devices; reading any of them ends."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._env_run import merged, run
from ansible_collections.mainstay.backend.plugins.module_utils._env_schema import read_schema, schema_data
from ansible_collections.mainstay.backend.plugins.module_utils._env_sources import (
    MOST_BYTES,
    Gathered,
    Target,
    found_in_root,
    gather,
    kinds,
    settings_names,
    shown_path,
)


def collected(**options: object) -> Gathered:
    found, _notes = gather([Target(**options)])  # type: ignore[arg-type]
    return found[0]


def obstacles(*files: str | Path) -> list[tuple[str, str]]:
    found = collected(files=tuple(map(str, files)))
    assert found.sources == ()
    return [(item.rule, item.message) for item in found.obstacles]


def test_a_file_comes_with_its_bytes_mode_and_owner(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_bytes(b"A=\xff\x00\r\n")
    path.chmod(0o640)
    source = collected(files=(str(path),)).sources[0]
    assert (source.kind, source.path, source.data, source.mode) == ("env", str(path), b"A=\xff\x00\r\n", 0o640)
    assert source.owner == path.owner()
    assert source.group == path.group()
    assert (source.tracked, source.ignored) == (None, None)
    assert "\\xff" not in repr(source)


def test_what_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "dangling").symlink_to("nowhere")
    for path in (tmp_path / "no", tmp_path / "file" / "x", tmp_path / "dangling"):
        assert obstacles(path) == [("missing-file", "the file is not there")]


def test_what_is_no_regular_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "to_fifo").symlink_to("fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        names = ("fifo", "to_fifo", "socket", "loop", ".")
        told = [obstacles(tmp_path / name)[0] for name in names]
    assert {rule for rule, _message in told} == {"unreadable"}
    assert [message.split(";")[0] for _rule, message in told] == [
        "found a named pipe",
        "found a named pipe",
        "found a socket",
        "the file cannot be read: Too many levels of symbolic links",
        "found a folder",
    ]
    assert obstacles("/dev/zero", "/dev/tty") == [("unreadable", "found a device; expected a regular file")] * 2


def test_what_fails_while_it_is_read(tmp_path: Path) -> None:
    assert obstacles("/proc/self/mem")[0][0] == "unreadable"
    assert obstacles("a\0b") == [("unreadable", "the file has a name that no file can have")]
    assert obstacles("/" + "x" * 300)[0][0] == "unreadable"
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    assert obstacles(tmp_path / "huge") == [("unreadable", "it is larger than 16 MiB")]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_what_may_not_be_read(tmp_path: Path) -> None:
    """Root may read everything; as another user the same is a finding, of the folder and of the file."""
    (tmp_path / "secrets").mkdir(mode=0o700)
    (tmp_path / ".env").write_text("A=1\n")
    (tmp_path / ".env").chmod(0o600)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            for folder in (tmp_path, *tmp_path.parents):
                if os.stat(folder).st_uid == 0 and str(folder).startswith("/tmp/"):
                    os.chmod(folder, 0o755)
            os.setgid(65534)
            os.setuid(65534)
            found = collected(files=(str(tmp_path / ".env"),), secrets=(str(tmp_path / "secrets"),)).obstacles
            code = [item.rule for item in found] != ["unreadable", "unreadable"]
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0


def test_a_secrets_folder_gives_a_secret_a_file(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    (folder / "..2026").mkdir(parents=True)
    (folder / "..2026" / "token").write_text("of kubernetes")
    (folder / "token").symlink_to("..2026/token")
    (folder / "plain").write_text("b")
    (folder / ".hidden").write_text("c")
    (folder / "sub").mkdir()
    os.mkfifo(folder / "pipe")
    found = collected(secrets=(str(folder), str(folder / "plain"), str(tmp_path / "none")))
    assert [(item.kind, os.path.basename(item.path), item.data) for item in found.sources] == [
        ("secret", "plain", b"b"),
        ("secret", "token", b"of kubernetes"),
        ("secret", "plain", b"b"),
    ]
    assert [(item.rule, os.path.basename(item.file)) for item in found.obstacles] == [
        ("unreadable", "pipe"),
        ("missing-file", "none"),
    ]


def test_a_root_stands_for_what_is_in_it(tmp_path: Path) -> None:
    for name in (".env", ".env.production", ".env.production.local", ".env.staging", ".env.example", ".env.bak"):
        (tmp_path / name).write_text("A=1\n")
    (tmp_path / "config" / "settings").mkdir(parents=True)
    for name in ("settings.yml", "settings.local.yml", "settings/production.yml", "settings/test.yml"):
        (tmp_path / "config" / name).write_text("a: 1\n")
    found = found_in_root(Target(root=str(tmp_path)))
    assert [os.path.basename(path) for path in found.files] == [".env", ".env.production", ".env.production.local"]
    assert found.example.endswith("/.env.example")
    assert [os.path.relpath(path, tmp_path) for path in found.settings] == [
        "config/settings.yml",
        "config/settings/production.yml",
        "config/settings.local.yml",
    ]
    assert {name: len(paths) for name, paths in found.other_environments.items()} == {"staging": 1}
    assert kinds(found) == ("env", "example", "settings")
    named = found_in_root(Target(root=str(tmp_path), files=("other",), other_environments={"x": ("y",)}))
    assert (named.files, dict(named.other_environments)) == (("other",), {"x": ("y",)})
    assert settings_names("test") == (
        "settings.yml",
        "settings/test.yml",
        "environments/test.yml",
        "settings/test.local.yml",
        "environments/test.local.yml",
    )


@pytest.mark.parametrize(
    ("path", "shown"),
    [("./.env", ".env"), ("/a//b/../c", "/a/c"), ("unit:x", "./unit:x"), ("a\nb\udcff", "a\\x0ab\\xff")],
)
def test_paths_as_findings_show_them(path: str, shown: str) -> None:
    assert shown_path(path) == shown


def test_git_is_asked_once_for_all_targets(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_text("b/\n")
    paths = []
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / ".env").write_text("A=1\n")
        paths.append(str(tmp_path / name / ".env"))
    found, notes = gather([Target(files=(path,), example=path) for path in paths])
    assert notes == []
    assert [[(item.kind, item.ignored) for item in one.sources] for one in found] == [
        [("env", False), ("example", None)],
        [("env", True), ("example", None)],
    ]


def test_units_and_containers_that_cannot_be_asked_are_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    found = collected(unit="shop.service", container="shop")
    assert [(item.rule, item.file) for item in found.obstacles] == [
        ("unreadable", "unit:shop.service"),
        ("unreadable", "container:shop"),
    ]
    for options in ({"unit": "--all"}, {"unit": "a b"}, {"container": "-x"}, {"container": "a/b"}):
        with pytest.raises(MainstayError, match="found '"):
            collected(**options)


SCHEMA = {"s": schema_data(read_schema("variables: {A: {type: int, required: true}}\n", "s"))}


def test_targets_take_what_they_do_not_say_from_the_task(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text(f"A={name}\n")
        (tmp_path / name).chmod(0o600)
    common = {"loaders": ["ruby"], "schema": "s", "mode": "0600", "environment": "production"}
    targets = [{"files": [str(tmp_path / "a")]}, {"files": [str(tmp_path / "b")], "severities": {"wrong-type": "off"}}]
    found = run(common, targets, SCHEMA)
    assert [(item.rule, os.path.basename(item.file), item.line) for item in found.findings] == [("wrong-type", "a", 1)]
    assert [os.path.basename(path) for path in found.files] == ["a", "b"]


def test_the_severity_of_a_missing_file_can_be_set(tmp_path: Path) -> None:
    common = {"loaders": ["ruby"], "mode": "0600", "files": [str(tmp_path / "none")]}
    assert [item.severity for item in run(common, [], {}).findings] == ["error"]
    assert [item.severity for item in run({**common, "severities": {"missing-file": "warning"}}, [], {}).findings] == [
        "warning"
    ]
    assert run({**common, "severities": {"missing-file": "off"}}, [], {}).findings == ()


def test_what_cannot_be_read_is_not_called_missing_variable_by_variable(tmp_path: Path) -> None:
    common = {"loaders": ["ruby"], "mode": "0600", "schema": "s"}
    found = run({**common, "files": [str(tmp_path / "none")]}, [], SCHEMA).findings
    assert [item.rule for item in found] == ["missing-file"]
    (tmp_path / ".env").write_text("")
    (tmp_path / ".env").chmod(0o600)
    found = run({**common, "files": [str(tmp_path / ".env")]}, [], SCHEMA).findings
    assert [(item.rule, item.variable) for item in found] == [("missing", "A")]


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("text", r"targets\[0\]: found 'text'; expected a mapping"),
        ({"file": "x"}, r"targets\[0\].file: found an unknown option; expected one of"),
        ({"files": [1]}, r"targets\[0\].files: found a list of 1; expected a list of texts"),
        ({"root": 5}, r"targets\[0\].root: found 5; expected a text"),
        ({"process_env": ["s3cr3t"]}, r"targets\[0\].process_env: found no mapping; expected one"),
        ({"root": "/nonexistent"}, r"root: found '/nonexistent', which is no folder"),
        ({"files": ["x"], "mode": 384}, r"mode of files with secrets: found 384; expected octal text"),
        ({"files": ["x"], "severities": {"no-such": "off"}}, r"severities: found 'no-such'; expected a rule: missing"),
        ({"files": ["x"], "severities": {"missing": "loud"}}, r"severities.missing: found 'loud'; expected error"),
        ({"files": ["x"], "loaders": ["perl"]}, r"loaders: found 'perl'"),
        ({"files": ["x"], "schema": "other"}, r"schema: found 'other', which was not sent along"),
        ({"files": ["x"], "instances": {"cache": 6379}}, r"instances.cache: found no mapping; expected one"),
        ({}, r"found nothing to validate; expected one of files"),
    ],
)
def test_options_that_make_no_sense_are_refused(entry: object, words: str) -> None:
    with pytest.raises(MainstayError, match=words) as refused:
        run({"loaders": ["ruby"], "mode": "0600"}, [entry], SCHEMA)  # type: ignore[list-item]
    assert "s3cr3t" not in str(refused.value)


def test_a_text_is_a_list_of_one() -> None:
    assert merged({}, {"files": "a"}, "")["files"] == ("a",)
