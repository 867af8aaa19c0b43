# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""secret_key_base and master key of a real Rails application: nobody is signed out, and its credentials open all the time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mainstay.backend.plugins.module_utils._rails_credentials import decrypt

ROOT = Path(__file__).resolve().parents[3]
APP = "/srv/mainstay-shop"
PACKAGES = "ruby ruby-activesupport ruby-railties ruby-actionpack python3-cryptography python3-yaml"
ALL = ["s3cret-cookie", "mine", "me", "my link"]


class Shop:
    """The application, run once with the environment of a moment, which hooks and tests keep in files."""

    def __init__(self, services: Any, folder: Path) -> None:
        self.host, self.services, self.folder = services.host, services, folder
        self.variables = {
            "backend_credentials": {
                **services.variables["backend_credentials"],
                "cookies": {"kind": "secret_key_base"},
                "master": {
                    "kind": "rails_master_key",
                    "value": {"file": str(folder / "master.key")},
                    "repository_file": str(folder / "credentials.yml.enc"),
                },
            },
            "backend_consumers": {
                **services.variables["backend_consumers"],
                "rails": {
                    "credentials": ["cookies", "master"],
                    "app_dir": APP,
                    "files": [],
                    "reload": "none",
                    "session_expire_after": "1h",
                },
            },
            "rotation_only": ["cookies", "master"],
        }

    def keep(self, moment: str) -> None:
        self.host.run(f"cp /etc/rails/.env {APP}/env.{moment}")

    def run(self, moment: str, *words: str) -> str:
        out: str = self.host.run(
            ["sh", "-c", f'set -a; . {APP}/env.{moment}; exec ruby {APP}/shop.rb "$@"', "sh", *words]
        )
        return out

    def reads(self, moment: str, made: str) -> list[str | None]:
        """What the application of MOMENT makes of what was MADE."""
        found: list[str | None] = json.loads(self.run(moment, "get", *json.loads(made)))
        return found

    def play(self, *roles: str, **variables: Any) -> Any:
        return self.services.play(*roles, **{**self.variables, **variables})


@pytest.fixture
def shop(services: Any, tmp_path: Path) -> Iterator[Shop]:
    host = services.host
    quiet = "DEBIAN_FRONTEND=noninteractive apt-get -qq"
    host.run(
        f"dpkg -s {PACKAGES} >/dev/null 2>&1 || ({quiet} update && {quiet} install --no-install-recommends {PACKAGES})",
        seconds=1800,
    )
    text = (ROOT / "docs/keys.md").read_text(encoding="utf-8")
    (initializer,) = re.findall(r"```ruby\n(.*?)```", text, re.DOTALL)
    host.write(f"{APP}/config/initializers/secret_key_base.rb", initializer)
    host.write(f"{APP}/shop.rb", Path(__file__).with_name("shop.rb").read_text(encoding="utf-8"))
    host.write(f"{APP}/config.ru", "run Shop\n")  # by it Rails finds its root
    host.write(f"{APP}/credentials.rb", (ROOT / "tests/integration/rails/credentials.rb").read_text(encoding="utf-8"))
    files = [f"{APP}/config/credentials.yml.enc", f"{APP}/config/master.key"]
    host.run(["ruby", f"{APP}/credentials.rb", "write", *files], text="word: s3cret-word\n")
    for path in files:
        (tmp_path / Path(path).name).write_text(host.run(f"cat {path}"))
    yield Shop(services, tmp_path)
    host.run(f"rm -rf {APP}")


def test_nobody_is_signed_out_and_the_credentials_open_all_the_time(shop: Shop) -> None:
    shop.play("secrets", "environment").ok()
    old = shop.host.run(f"cat {APP}/config/master.key")
    assert old == (shop.folder / "master.key").read_text()  # nothing was encrypted anew: the store took the key over
    shop.keep("before")
    made = {"before": shop.run("before", "set")}
    hook = {
        "name": "Keep it",
        "ansible.builtin.command": {"cmd": f"cp /etc/rails/.env {APP}/env.staged", "creates": f"{APP}/env.staged"},
    }
    (shop.services.host.work / "keep.yml").write_text(json.dumps([hook]))
    done = shop.play("rotation", rotation_force=True, rotation_hooks={"after_STAGED": ["keep.yml"]}).ok()
    shop.keep("after")
    made |= {moment: shop.run(moment, "set") for moment in ("staged", "after")}
    for here, there in (("before", "staged"), ("staged", "after"), ("before", "after")):
        assert shop.reads(there, made[here]) == ALL, (here, there)
    for here, there in (("staged", "before"), ("after", "staged")):
        assert shop.reads(there, made[here]) == ALL, (here, there)
    assert shop.reads("before", made["after"]) == [None] * 4  # or the others would prove nothing

    new = shop.host.run(f"cat {APP}/config/master.key")
    assert new != old and shop.run("after", "word") == "s3cret-word"
    content = shop.host.run(f"cat {APP}/config/credentials.yml.enc")
    with pytest.raises(Exception, match="found content that the key does not open"):
        decrypt(content, old)
    assert decrypt((shop.folder / "credentials.yml.enc").read_text(), new) == "word: s3cret-word\n"
    assert f"{shop.folder}/credentials.yml.enc was encrypted with a new key: commit it" in done.out
    records = shop.services.contents().records
    assert (records["master"].state, records["cookies"].state) == ("DONE", "RELOADED")

    shop.play("rotation", rotation_retire_now="cookies").ok()
    shop.keep("done")
    assert shop.reads("done", made["after"]) == ALL
    assert shop.reads("done", made["before"]) == [None] * 4
    assert shop.play("secrets", "environment", "rotation").ok().changed == []
    for hidden in (old, new, "s3cret", records["cookies"].current.secret):
        assert hidden not in done.out


def test_a_deployment_of_the_old_file_is_refused_by_name_before_anything_changes(shop: Shop) -> None:
    variables = {"rotation_only": "master"}
    for path in (shop.services.host.work / "secrets").glob("*"):
        path.unlink()  # another store, with the key that the application has now
    shop.play("secrets", "environment", **variables).ok()
    content = shop.host.run(f"cat {APP}/config/credentials.yml.enc")
    shop.play("rotation", **variables, rotation_force=True).ok()
    assert decrypt((shop.folder / "credentials.yml.enc").read_text(), shop.host.run(f"cat {APP}/config/master.key"))
    shop.host.write(f"{APP}/config/credentials.yml.enc", content)
    store = shop.services.contents()
    failed = shop.play("rotation", **variables, rotation_force=True)
    assert f"{APP}/config/credentials.yml.enc: credentials: found content that the key does not open" in failed.message
    assert shop.services.contents() == store
