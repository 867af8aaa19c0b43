# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options of module, lookup and filters, right and wrong, through Ansible on the controller itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mainstay.backend.plugins.module_utils._rails_credentials import decrypt, encrypt

ROOT = Path(__file__).resolve().parents[3]
KEY = "00112233445566778899aabbccddeeff"
TEXT = "a:\n  b.c: s3cret-one\n  list: [s3cret-two]\nnumber: 1\n"
NAME = "mainstay.backend.rails_credentials"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "credentials.yml.enc").write_text(encrypt(TEXT, KEY))
    (folder / "master.key").write_text(KEY)
    return folder


def run(folder: Path, *tasks: dict[str, Any]) -> tuple[list[dict[str, Any]], str]:
    """The results of TASKS, each tried whatever the others do, in a play that is started beside config; and all output."""
    steps = [{**task, "ignore_errors": True} for task in tasks]
    (folder / "play.json").write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": steps}]))
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".build/collections"),
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
    }
    command = [str(ROOT / ".venv/bin/ansible-playbook"), "-i", "localhost,", "-c", "local", "play.json"]
    command += ["-e", json.dumps({"ansible_python_interpreter": sys.executable})]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    told = json.JSONDecoder().raw_decode(done.stdout[done.stdout.index("{\n") :])[0]
    return [task["hosts"]["localhost"] for task in told["plays"][0]["tasks"]], done.stdout + done.stderr


def test_wrong_options_of_the_module_are_refused(config: Path) -> None:
    path = str(config / "credentials.yml.enc")
    wrong: list[tuple[dict[str, Any], str]] = [
        ({}, "one of the following is required: path, root"),
        ({"path": path, "root": "/x"}, "parameters are mutually exclusive: path|root"),
        ({"path": path, "key": KEY, "key_file": "/x"}, "parameters are mutually exclusive: key|key_file"),
        ({"path": "x.yml.enc"}, "path: found 'x.yml.enc'; expected an absolute path"),
        ({"path": path, "environment": "production"}, "environment: found it without root"),
        (
            {"root": "/nowhere", "values": {"a": 1}},
            "path: found no directory /nowhere; expected the folder of an application",
        ),
        (
            {"root": "/srv", "environment": "../x"},
            "environment: found '../x'; expected the name of a Rails environment",
        ),
        ({"path": path, "mode": 420}, f"mode of {path}: found 420; expected octal text in quotes"),
        ({"path": path, "owner": "nobody-of-this-name", "values": {"x": 1}}, "owner of "),
        ({"path": path, "new_key": "s3cret"}, "key: found 6 characters; expected 32 hexadecimal characters"),
        ({"path": path, "remove": ["a..b"]}, "key path: found 'a..b'; expected names with dots between them"),
        ({"path": path, "key": KEY, "rekey": True}, "rekey: found key without new_key; expected new_key"),
    ]
    results, out = run(config.parent, *[{"name": "act", NAME: options} for options, _message in wrong])
    for (_options, message), result in zip(wrong, results, strict=True):
        assert result.get("failed") and message in result["msg"], (message, result)
    assert "s3cret" not in out
    assert KEY not in out
    assert sorted(item.name for item in config.iterdir()) == ["credentials.yml.enc", "master.key"]
    assert decrypt(Path(path).read_text(), KEY) == TEXT


def test_wrong_options_of_lookup_and_filters_are_refused(config: Path) -> None:
    content = (config / "credentials.yml.enc").read_text()
    wrong = [
        (f"lookup('{NAME}', 'a')", "path: found neither path nor root; expected one of them"),
        (f"lookup('{NAME}', 'a', path='x', root='.')", "path: found both path and root; expected one of them"),
        (f"lookup('{NAME}', 'a', path='x', environment='e')", "environment: found it without root"),
        (f"lookup('{NAME}', 'a', root='none')", "config/credentials.yml.enc; expected the encrypted credentials"),
        (f"lookup('{NAME}', 'none', root='.')", "found no none; expected a key path of the credentials"),
        (f"lookup('{NAME}', 'a..b', root='.')", "key path: found 'a..b'"),
        (f"lookup('{NAME}', 'a', root='.', key='{KEY[::-1]}')", "found content that the key does not open"),
        (
            f"lookup('{NAME}', 'a', root='.', key_file='config/credentials.yml.enc')",
            "characters; expected 32 hexadecimal",
        ),
        ("1 | mainstay.backend.rails_encrypt('x')", "rails_encrypt: found what is no text"),
        ("'s3cret' | mainstay.backend.rails_encrypt('x')", "rails_encrypt: key: found 1 characters; expected 32"),
        ("'s3cret' | mainstay.backend.rails_decrypt('x')", "rails_decrypt: key: found 1 characters; expected 32"),
        (f"'s3cret' | mainstay.backend.rails_decrypt('{KEY}')", "rails_decrypt: credentials: found no encrypted file"),
        (
            f"'{content}' | mainstay.backend.rails_decrypt('{KEY[::-1]}')",
            "credentials: found content that the key does not open",
        ),
    ]
    tasks = [{"name": "ask", "ansible.builtin.debug": {"msg": f"{{{{ {text} }}}}"}} for text, _message in wrong]
    results, _out = run(config.parent, *tasks)
    for (text, message), result in zip(wrong, results, strict=True):
        assert result.get("failed") and message in result["msg"], (text, message, result)
        assert not any(hidden in result["msg"] for hidden in ("s3cret-one", "s3cret-two"))


def test_the_lookup_reads_paths_relative_to_the_playbook(config: Path) -> None:
    asked = [
        f"lookup('{NAME}', 'a.\"b.c\"', root='.')",
        f"lookup('{NAME}', 'a.list.0', path='config/credentials.yml.enc')",
        f"query('{NAME}', 'number', 'a', path='config/credentials.yml.enc', key_file='config/master.key')",
    ]
    results, _out = run(
        config.parent, *[{"name": "ask", "ansible.builtin.debug": {"msg": f"{{{{ {text} }}}}"}} for text in asked]
    )
    assert [result["msg"] for result in results] == [
        "s3cret-one",
        "s3cret-two",
        [1, {"b.c": "s3cret-one", "list": ["s3cret-two"]}],
    ]


def test_absent_takes_file_and_key_away_once(config: Path) -> None:
    task = {"name": "act", NAME: {"root": str(config.parent), "state": "absent"}}
    first, second = run(config.parent, task, task)[0]
    assert (first["changed"], second["changed"]) == (True, False)
    assert first["actions"] == [f"{config}/credentials.yml.enc: removed", f"{config}/master.key: removed"]
    assert list(config.iterdir()) == []
