# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""env_parse in a playbook: what a file says is never templated, and a refused file is an error without its values."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret

ROOT = Path(__file__).parents[4]
FILE = """\
A='{{ lookup("pipe", "echo hunter2") }}'
export B="x\\ty"
C=$HOME_PORT # comment
"""
PLAY = """
- hosts: localhost
  gather_facts: false
  vars:
    path: "{{ playbook_dir }}/app.env"
    text: "{{ lookup('ansible.builtin.file', path, rstrip=false) }}"
    looked_up: "{{ lookup('mainstay.backend.env_parse', path, loader='compose', environment={'HOME_PORT': '{{ 1 + 1 }}'}) }}"
    filtered: "{{ text | mainstay.backend.env_parse(loader='compose', environment={'HOME_PORT': '{{ 1 + 1 }}'}) }}"
    layered: "{{ {'.env': text} | mainstay.backend.env_layers }}"
    settings: "{{ {'settings.yml': 'a: \\"{{ 1 + 1 }}\\"'} | mainstay.backend.settings_layers }}"
  tasks:
    - ansible.builtin.copy:
        dest: "{{ playbook_dir }}/result.json"
        content: "{{ {'looked_up': looked_up, 'filtered': filtered, 'layered': layered, 'settings': settings} | to_json }}"
        mode: "0600"
      vars:
        ansible_python_interpreter: "{{ ansible_playbook_python }}"
    - ansible.builtin.debug:
        msg: "{{ lookup('mainstay.backend.env_parse', path, 'none.env', loader='docker') }}"
      when: refuse | default(false) | bool
"""


def _play(folder: Path, *arguments: str, content: str = FILE) -> subprocess.CompletedProcess[str]:
    (folder / "app.env").write_text(content)
    (folder / "play.yml").write_text(PLAY)
    return subprocess.run(
        [
            str(Path(sys.executable).parent / "ansible-playbook"),
            "-i",
            "localhost,",
            "-c",
            "local",
            *arguments,
            "play.yml",
        ],
        cwd=folder,
        env={
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".build/collections"),
            "ANSIBLE_LOCALHOST_WARNING": "false",
        },
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_a_file_says_is_never_templated(tmp_path: Path) -> None:
    done = _play(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads((tmp_path / "result.json").read_text())
    expected = {"A": '{{ lookup("pipe", "echo hunter2") }}', "B": "x\ty", "C": "{{ 1 + 1 }}"}
    assert result["looked_up"] == result["filtered"] == expected
    assert result["layered"] == {"A": expected["A"], "B": "xty", "C": ""}
    assert result["settings"] == {"a": "{{ 1 + 1 }}"}


@pytest.mark.parametrize("password", ["open sesame", "another"])
def test_a_file_that_a_vault_holds_is_read_with_its_password_and_no_other(tmp_path: Path, password: str) -> None:
    (tmp_path / "password").write_text(password)
    sealed = VaultLib().encrypt("A=hunter2\n", secret=VaultSecret(b"open sesame")).decode()
    done = _play(tmp_path, "--vault-password-file", "password", content=sealed)
    if password == "another":
        assert done.returncode == 2
        assert "found a vault file that no vault password opens" in done.stdout + done.stderr
    else:
        assert done.returncode == 0, done.stdout + done.stderr
        assert json.loads((tmp_path / "result.json").read_text())["looked_up"] == {"A": "hunter2"}


@pytest.mark.parametrize("verbosity", ["-v", "-vvvv"])
def test_a_refused_file_is_an_error_without_its_values(tmp_path: Path, verbosity: str) -> None:
    done = _play(tmp_path, "-e", "refuse=true", verbosity)
    out = done.stdout + done.stderr
    assert done.returncode == 2
    assert "docker refuses this file at line 2: found a blank in a variable's name" in out
    assert "hunter2" not in out
