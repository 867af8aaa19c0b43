# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Packages on a real host: nothing is started, a policy of the host's own is kept, and no failure is hidden, in check mode either."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.mainstay.backend.plugins.module_utils import _apt

POLICY = "/usr/sbin/policy-rc.d"
#: Allows everything, and keeps a list of what was asked for.
OWN = '#!/bin/sh\necho "$@" >> /run/policy-asked\nexit 0\n'
BROKEN = "/etc/apt/sources.list.d/broken.sources"


def play(host: Any, check: bool = False, **options: Any) -> Any:
    return host.play(tasks=[{"name": "act", "mainstay.backend.packages": options}], check=check)


@pytest.fixture
def own_policy(host: Any) -> Iterator[None]:
    host.write(POLICY, OWN)
    host.run(f"chmod 755 {POLICY}")
    yield
    host.run(
        f"rm -f {POLICY} {POLICY}.mainstay /run/policy-asked {BROKEN}; apt-get purge -qq -y cron cron-daemon-common"
    )


def test_nothing_is_started_and_the_hosts_own_policy_is_back_afterwards(host: Any, own_policy: None) -> None:
    """With a source that cannot be fetched, which is told and does not matter, and a file that is there before."""
    host.write(BROKEN, "Types: deb\nURIs: http://127.0.0.1:9/debian\nSuites: trixie\nComponents: main\nTrusted: yes\n")
    files = [{"path": "/etc/mainstay-test.d/first", "content": "here\n"}]
    run = play(host, names=["cron"], files=files).ok()
    told = run.result("act")
    assert told["actions"][:2] == ["/etc/mainstay-test.d: created", "/etc/mainstay-test.d/first: created"]
    assert told["actions"][2:] == [f"installed cron {told['versions']['cron']}"]
    assert "127.0.0.1:9" in " ".join(told["warnings"])
    assert host.run("systemctl is-active cron", check=False).strip() == "inactive"
    assert host.run(f"cat {POLICY}") == OWN and host.run("cat /run/policy-asked", check=False) == ""
    host.run(f"rm -r /etc/mainstay-test.d {BROKEN}")
    assert play(host, names=["cron"], files=files).ok().changed == []
    assert host.run("ls /etc/mainstay-test.d 2>/dev/null", check=False) == "", "files are for an installation"


def test_the_policy_of_a_run_that_was_killed_denies_nothing_and_goes_with_the_next(host: Any, own_policy: None) -> None:
    left = _apt.POLICY_TEXT.format(mark=_apt.MARK, pid=999999, started=1, kept=_apt.KEPT)
    host.run(f"mv {POLICY} {_apt.KEPT}")
    host.write(POLICY, left)
    host.run(f"chmod 755 {POLICY}")
    host.run([POLICY, "cron", "start"])
    assert host.run("cat /run/policy-asked") == "cron start\n", "the host's own is asked"
    running = left.replace("999999", "1").replace("= 1 ]", '= "$(cut -d " " -f 22 /proc/1/stat)" ]')
    host.write("/run/policy-of-a-living", running)
    assert host.run("sh /run/policy-of-a-living cron start; echo $?").strip() == "101"
    play(host, names=["cron"]).ok()
    assert host.run(f"cat {POLICY}; ls {_apt.KEPT} 2>/dev/null", check=False) == OWN


def test_check_mode_says_what_it_knows_and_fails_where_apt_would(host: Any) -> None:
    host.run("apt-get update -qq")
    told = play(host, check=True, names=["cron"]).ok().result("act")
    assert (told["changed"], told["actions"]) == (True, ["would install cron"])
    told = play(host, check=True, names=["cron", "no-such-package"]).ok().result("act")
    doubt = "would install no-such-package from the package lists to be fetched: those here do not know it"
    assert told["actions"] == ["would install cron", doubt]
    refused = play(host, check=True, names=["postfix", "exim4-daemon-light"])
    assert refused.code != 0
    assert refused.message.startswith("apt-get install postfix exim4-daemon-light would fail: ")
    assert host.run("dpkg-query -W -f '${db:Status-Status}' cron postfix 2>/dev/null", check=False) in (
        "",
        "not-installed",
    )


def test_a_package_that_there_is_not_is_named(host: Any) -> None:
    run = play(host, names=["no-such-package"])
    assert run.code != 0
    assert "apt-get install no-such-package failed: E: Unable to locate package no-such-package" in run.message
    assert host.run(f"ls {POLICY}", check=False) == ""
