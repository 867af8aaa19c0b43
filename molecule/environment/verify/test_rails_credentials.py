# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rails' own ActiveSupport and this collection write, read and edit the same encrypted credentials, in turns."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
APP = "/srv/credentials-proof"
FILES = f"{APP}/config/credentials/production.yml.enc {APP}/config/credentials/production.key"
TEXT = "# kept ☂\nsecret_key_base: s3cret-by-rails\naws:\n  id: s3cret-two # kept too\n"
SETUP = [
    {
        "ansible.builtin.apt": {
            "name": ["ruby-activesupport", "python3-cryptography", "python3-yaml"],
            "install_recommends": False,
        }
    },
    {
        "ansible.builtin.copy": {
            "src": str(ROOT / "tests/integration/rails/credentials.rb"),
            "dest": "/srv/credentials.rb",
            "mode": "0644",
        }
    },
    {"ansible.builtin.file": {"path": f"{APP}/config/credentials", "state": "directory", "mode": "0755"}},
]


def play(folder: Path, tasks: list[dict[str, Any]]) -> str:
    """Runs TASKS on the scenario's hosts at -vvvv; what it printed."""
    (folder / "play.json").write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    inventory = str(Path(os.environ["MOLECULE_INVENTORY_FILE"]).parent)
    command = ["ansible-playbook", "--inventory", inventory, "-vvvv", "--diff", str(folder / "play.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


def ruby(host: Any, verb: str, *arguments: str, text: str = "") -> str:
    words = " ".join(shlex.quote(word) for word in arguments)
    out: str = host.check_output(f"printf %s {shlex.quote(text)} | ruby /srv/credentials.rb {verb} {FILES} {words}")
    return out


@pytest.fixture
def app(host: Any, tmp_path: Path) -> Any:
    """The host, with an empty application and Rails' own class to work on it."""
    host.check_output(f"rm -rf {APP}")
    play(tmp_path, SETUP)
    yield host
    host.check_output(f"rm -rf {APP} /srv/credentials.rb")


def test_rails_and_the_module_edit_the_same_credentials_in_turns(app: Any, tmp_path: Path) -> None:
    options = {"root": APP, "environment": "production"}
    ruby(app, "write", text=TEXT)
    edit = {**options, "values": {"aws": {"key": "s3cret-three"}}, "remove": ["secret_key_base"]}
    out = play(tmp_path, [{"mainstay.backend.rails_credentials": edit}])
    assert ruby(app, "text").splitlines() == ["# kept ☂", "aws:", "  id: s3cret-two # kept too", "  key: s3cret-three"]
    ruby(app, "edit", "s3cret-three", "s3cret-four")
    again = {**options, "values": {"aws": {"key": "s3cret-four"}}}
    out += play(tmp_path, [{"mainstay.backend.rails_credentials": {**again, "rekey": True}}])
    unchanged = play(tmp_path, [{"mainstay.backend.rails_credentials": again}])
    assert "changed=0" in unchanged
    assert json.loads(ruby(app, "read")) == {"aws": {"id": "s3cret-two", "key": "s3cret-four"}}
    assert "aws.key" in out
    assert "s3cret" not in out + unchanged
