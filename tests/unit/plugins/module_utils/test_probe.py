# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The probe's parsers, on texts copied from Debian 12, 13 and testing."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from ansible_collections.mainstay.backend.plugins.module_utils import _probe

ARCHIVE = "http://archive.example/debian"
OFF = f"\nTypes: deb\nURIs: {ARCHIVE}-security\nSuites: trixie-security\nEnabled: no\n"


@pytest.mark.parametrize(
    ("text", "version", "codename"),
    [
        pytest.param('ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n', 12, "bookworm", id="debian 12"),
        pytest.param(
            'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nID=debian\nVERSION_ID="13"\nVERSION_CODENAME=trixie\n',
            13,
            "trixie",
            id="debian 13",
        ),
        pytest.param(
            'PRETTY_NAME="Debian GNU/Linux forky/sid"\nID=debian\nVERSION_CODENAME=forky\n',
            14,
            "forky",
            id="testing has no VERSION_ID",
        ),
        pytest.param('PRETTY_NAME="Debian GNU/Linux forky/sid"\nID=debian\n', 14, "forky", id="nor always a codename"),
        pytest.param("ID=alpine\nVERSION_ID=3.20.1\n", None, "", id="something else"),
        pytest.param("", None, "", id="no os-release"),
    ],
)
def test_distribution(text: str, version: int | None, codename: str) -> None:
    found = _probe.distribution(text)
    assert (found["version"], found["codename"]) == (version, codename)


def test_memory() -> None:
    assert _probe.memory_bytes("MemTotal:       24684084 kB\nMemFree: 1 kB\n") == 24684084 * 1024
    assert _probe.memory_bytes("") == 0


STATUS = """Package: valkey-server
Status: install ok installed
Version: 8.1.1+dfsg1-3+deb13u3

Package: postgresql-17
Status: deinstall ok config-files
Version: 17.5-1

Package: postgresql-17-extra
Status: install ok installed
Version: 1
"""


def test_packages_tells_only_what_is_installed() -> None:
    found = _probe.packages(STATUS, ["valkey-server", "postgresql-17", "python3-redis"])
    assert found == {"valkey-server": "8.1.1+dfsg1-3+deb13u3", "postgresql-17": None, "python3-redis": None}


@pytest.mark.parametrize(
    ("lines", "stanzas", "expected"),
    [
        pytest.param(
            [
                f"deb {ARCHIVE} trixie main\n# deb {ARCHIVE} sid main\ndeb {ARCHIVE} trixie-updates main contrib\ndeb-src {ARCHIVE} trixie main"
            ],
            [],
            {"uri": ARCHIVE, "keyring": "", "suites": ["trixie", "trixie-updates"]},
            id="one-line",
        ),
        pytest.param(
            [f"deb [arch=amd64 signed-by=/usr/share/keyrings/a.gpg] {ARCHIVE} trixie main"],
            [],
            {"uri": ARCHIVE, "keyring": "/usr/share/keyrings/a.gpg", "suites": ["trixie"]},
            id="one-line with options",
        ),
        pytest.param(
            [],
            [
                f"# comment\nTypes: deb deb-src\nURIs: {ARCHIVE}\nSuites: trixie trixie-backports\nSigned-By: /k.gpg\n"
                + OFF
            ],
            {"uri": ARCHIVE, "keyring": "/k.gpg", "suites": ["trixie", "trixie-backports"]},
            id="deb822, one stanza switched off",
        ),
        pytest.param([], [], {"uri": "", "keyring": "", "suites": []}, id="nothing"),
    ],
)
def test_apt_sources(lines: list[str], stanzas: list[str], expected: dict[str, object]) -> None:
    assert _probe.apt_sources(lines, stanzas, "trixie") == expected


TCP = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:18EB 00000000:0000 0A 00000000:00000000 00:00000000 00000000   102        0 11 1 0 100 0 0 10 0
   1: 0100007F:18EB 0100007F:D431 01 00000000:00000000 00:00000000 00000000   102        0 12 1 0 100 0 0 10 0
"""
TCP6 = """  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000001000000:18EB 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000   102        0 13 1 0 100 0 0 10 0
"""


def test_listening_leaves_out_connections() -> None:
    assert list(_probe.listening(TCP)) == [("127.0.0.1", 6379, "11")]
    assert list(_probe.listening(TCP6)) == [("::1", 6379, "13")]


FIB = """Main:
  +-- 0.0.0.0/0 3 0 4
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 127.0.0.0/8 2 0 2
        |-- 127.0.0.1
           /32 host LOCAL
        |-- 127.255.255.255
           /32 link BROADCAST
     |-- 172.17.0.3
        /32 host LOCAL
"""


def test_addresses() -> None:
    inet6 = "00000000000000000000000000000001 01 80 10 80       lo\n"
    assert _probe.addresses(FIB, inet6) == ["127.0.0.1", "172.17.0.3", "::1"]


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        (
            "0::/system.slice/system-valkey\\x2dserver.slice/valkey-server@cache.service\n",
            "valkey-server@cache.service",
        ),
        ("0::/system.slice/postgresql@17-main.service\n", "postgresql@17-main.service"),
        ("0::/user.slice/user-0.slice/session-1.scope\n", ""),
        ("", ""),
    ],
)
def test_unit_of(text: str, unit: str) -> None:
    assert _probe.unit_of(text) == unit


@pytest.mark.parametrize(("version", "expected"), [(0, False), (1, True)])
def test_data_checksums_beside_the_float_of_pg_control(tmp_path: Path, version: int, expected: bool) -> None:
    """Layout of ControlFileData in src/include/catalog/pg_control.h; the integration tests read real ones."""
    control = tmp_path / "pg_control"
    control.write_bytes(
        b"\0" * 240
        + struct.pack("<d8IB3xI", 1234567.0, 8192, 131072, 8192, 16777216, 64, 32, 1996, 2048, 1, version)
        + b"n" * 32
    )
    assert _probe.data_checksums(str(control)) is expected


def test_data_checksums_of_nothing(tmp_path: Path) -> None:
    assert _probe.data_checksums(str(tmp_path / "none")) is None
    (tmp_path / "short").write_bytes(b"x")
    assert _probe.data_checksums(str(tmp_path / "short")) is None


def test_probe_on_this_machine_is_complete() -> None:
    found = _probe.probe(["no-such-package"])
    assert found["packages"] == {"no-such-package": None}
    assert found["memory_bytes"] > 2**20 and found["cores"] >= 1 and isinstance(found["listeners"], list)
