# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hosts with Rails' own ActiveSupport: 6.1 on Debian 12, 7.2 on Debian 13."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PACKAGES = "ruby ruby-activesupport python3-cryptography python3-yaml"
RUBY = Path(__file__).with_name("credentials.rb")
APP = "/srv/mainstay-shop"


@dataclass(frozen=True)
class Rails:
    """A Rails application's credentials on a host, as Rails itself reads and writes them."""

    host: Any
    version: str
    path: str = f"{APP}/config/credentials.yml.enc"
    key_file: str = f"{APP}/config/master.key"

    def _ruby(self, verb: str, text: str = "", *arguments: str) -> str:
        out: str = self.host.run(["ruby", "/srv/credentials.rb", verb, self.path, self.key_file, *arguments], text=text)
        return out

    def read(self) -> Any:
        """The values, as a Rails application gets them."""
        return json.loads(self._ruby("read"))

    def text(self) -> str:
        return self._ruby("text")

    def write(self, text: str) -> None:
        """What `credentials:edit` does on a new file: a key, and the text."""
        self._ruby("write", text)

    def edit(self, old: str, new: str) -> None:
        """What `credentials:edit` does when the editor replaces OLD with NEW."""
        self._ruby("edit", "", old, new)


@pytest.fixture(scope="module", params=[12, 13])
def ruby_host(request: pytest.FixtureRequest, host_of: Callable[[int], Any]) -> Any:
    host = host_of(request.param)
    quiet = "DEBIAN_FRONTEND=noninteractive apt-get -qq"
    host.run(
        f"dpkg -s {PACKAGES} >/dev/null 2>&1 || ({quiet} update && {quiet} install --no-install-recommends {PACKAGES})",
        seconds=1800,
    )
    host.write("/srv/credentials.rb", RUBY.read_text(encoding="utf-8"))
    return host


@pytest.fixture
def rails(ruby_host: Any) -> Iterator[Rails]:
    """An application with an empty folder config."""
    ruby_host.run(f"rm -rf {APP}; mkdir -p {APP}/config")
    yield Rails(ruby_host, ruby_host.run("ruby -e 'require \"active_support\"; print ActiveSupport::VERSION::STRING'"))
    ruby_host.run(f"rm -rf {APP}")
