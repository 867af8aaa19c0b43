# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the tests of secret_files share: one call of it, and what then is on the host."""

from __future__ import annotations

import copy
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from typing import Any

SCOPE = "sec-test"
FOLDER = "/run/secrets/sec"
SEALED = f"/var/lib/mainstay/sealed/{SCOPE}"
UNIT = "mainstay-secrets.service"
CLEAR = (
    "rm -rf /run/secrets /var/lib/mainstay /srv/sec /etc/systemd/system/*/50-mainstay-secrets.conf /etc/systemd/system/mainstay-secrets.service*"
    " /etc/systemd/system/sysinit.target.wants/mainstay-secrets.service /usr/local/lib/mainstay /etc/sec; systemctl daemon-reload"
)
#: Reports what a unit finds when it starts.
LOOK = f"find {FOLDER} -printf '%p %m %u:%g\\n' 2>&1 | sort; cat {FOLDER}/sec_db | sha256sum"


def secrets() -> dict[str, str]:
    return {"sec_db": os.urandom(24).hex(), "sec_key": f"{os.urandom(24).hex()}\nh\u00e9 {os.urandom(24).hex()}\n"}


class Secrets:
    """The options of one program, to be changed and applied."""

    def __init__(self, host: Any) -> None:
        self.host = host
        self.values = secrets()
        self.options: dict[str, Any] = {
            "name": "sec",
            "path": FOLDER,
            "owner": "daemon",
            "group": "daemon",
            "source": "backend_consumers.sec",
            "files": list(self.values),
            "units": ["sec-early.service"],
        }

    def apply(self, check: bool = False, crash: str = "", verbosity: int = 0, **given: Any) -> Any:
        call = {
            "scope": SCOPE,
            "folders": [copy.deepcopy(self.options)],
            "secrets": {"sec": {name: self.values[name] for name in self.options["files"]}},
            **given,
        }
        task = {"name": "act", "mainstay.backend.secret_files": call}
        if crash:
            task["environment"] = {"MAINSTAY_CRASH": crash}
        return self.host.play(tasks=[task], check=check, verbosity=verbosity)

    def actions(self, **given: Any) -> list[str]:
        return list(self.apply(**given).ok().result("act")["actions"])

    def warnings(self, **given: Any) -> list[str]:
        return list(self.apply(**given).ok().result("act")["notes"])

    def found(self) -> Mapping[str, str]:
        """File name -> content."""
        names = self.host.run(f"ls -A {self.options['path']} 2>/dev/null; true").split("\n")[:-1]
        return {name: self.host.run(["cat", f"{self.options['path']}/{name}"]) for name in names}

    def right(self) -> bool:
        """Whether exactly what was declared is there; a comparison that pytest cannot show."""
        return bool(self.found() == {name: self.values[name] for name in self.options["files"]})


def reboot(host: Any) -> None:
    """As when the power fails: memory is lost, and what was not written."""
    subprocess.run(["docker", "restart", "-t", "0", host.name], check=True, capture_output=True)
    until = time.monotonic() + 300
    while time.monotonic() < until:
        state = host.run("systemctl is-system-running 2>/dev/null; true").strip()
        if state in ("running", "degraded"):
            return
        time.sleep(0.3)
    raise AssertionError(f"after the reboot systemd is {state!r}")


def cleared(host: Any) -> Iterator[Secrets]:
    host.run(CLEAR)
    yield Secrets(host)
    host.run(CLEAR)
