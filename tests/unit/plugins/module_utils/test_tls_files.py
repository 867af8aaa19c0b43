# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A server's certificate on its disk: a pair that fits at every moment, and a server that is believed only after a handshake."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.mainstay.backend.plugins.module_utils import _files, _tls_files, _tls_serving
from ansible_collections.mainstay.backend.plugins.module_utils._certificate_text import AUTHORITY, Material, material
from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._credentials import Credential
from ansible_collections.mainstay.backend.plugins.module_utils._store import Contents, create
from ansible_collections.mainstay.backend.plugins.module_utils._tls_files import Placement
from ansible_collections.mainstay.backend.plugins.module_utils._tls_serving import Place, take_up
from ansible_collections.mainstay.backend.plugins.plugin_utils.certificates import make_certificate
from ansible_collections.mainstay.backend.plugins.plugin_utils.material import make_version

NOW = "2026-11-23T00:00:00Z"
OPTIONS = {"for": "valkey", "authority": "own", "names": ("localhost",), "common_name": "", "key_type": "ecdsa"}


def authority() -> Material:
    contents = create(Contents("production"), [Credential(AUTHORITY, "authority")], NOW, make_version)
    return material(contents.records[AUTHORITY].current.secret)


def placement(ca: Material) -> Placement:
    made = make_certificate(Credential("db", "certificate", options={**OPTIONS, "valid": 90}), ca, NOW)
    return Placement("valkey", {"server.pem": made.chain, "server.key": made.key, "authorities.pem": made.authorities})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Instead of /etc/valkey/tls, and with this process's own group."""
    found = tmp_path / "tls"
    monkeypatch.setitem(_tls_files.FOLDERS, "valkey", str(found))
    monkeypatch.setattr(_files, "group_id", lambda name: os.getgid())
    monkeypatch.setattr(_files, "user_id", lambda name: os.getuid())
    return found


class Server:
    """Shows the certificate that it read last, as real servers do."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.read()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.place = Place("valkey", "cache", "127.0.0.1", self.listener.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def read(self) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "current" / "server.pem", self.folder / "current" / "server.key")
        self.context = context

    def _serve(self) -> None:
        while True:
            try:
                accepted = self.listener.accept()[0]
            except OSError:
                return
            try:
                self.context.wrap_socket(accepted, server_side=True).close()
            except OSError:
                accepted.close()


@pytest.fixture
def server(folder: Path) -> Iterator[Server]:
    placement(authority()).place()
    found = Server(folder)
    yield found
    found.listener.close()


def fits(folder: Path) -> None:
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
        folder / "current" / "server.pem", folder / "current" / "server.key"
    )


def test_a_version_is_placed_once_and_put_right_where_it_drifted(folder: Path) -> None:
    wanted = placement(authority())
    assert wanted.place(check_mode=True) and not folder.exists()
    assert len(wanted.place()) == 1
    assert wanted.place() == [] and wanted.current() == wanted.version
    fits(folder)
    key = folder / "current" / "server.key"
    assert key.stat().st_mode & 0o777 == 0o640
    key.chmod(0o644)
    assert wanted.place() == [f"{folder}/{wanted.version}/server.key: mode"] and key.stat().st_mode & 0o777 == 0o640


def test_the_name_of_a_version_tells_nothing_of_its_key(folder: Path) -> None:
    wanted = placement(authority())
    assert wanted.version == replace(wanted, files={**wanted.files, "server.key": "another"}).version


def test_a_pair_that_does_not_fit_is_never_led_to(folder: Path) -> None:
    ca = authority()
    first, second = placement(ca), placement(ca)
    first.place()
    mixed = replace(second, files={**second.files, "server.key": first.files["server.key"]})
    with pytest.raises(MainstayError, match="that OpenSSL does not take together") as error:
        mixed.place()
    assert first.current() == first.version and "PRIVATE" not in str(error.value)
    fits(folder)


@pytest.mark.parametrize("point", ["certificate.half", "certificate.swapped"])
def test_killed_at_any_point_the_pair_fits_and_the_next_run_completes_it(folder: Path, point: str) -> None:
    ca = authority()
    first, second = placement(ca), placement(ca)
    first.place()
    script = f"""
import os
from ansible_collections.mainstay.backend.plugins.module_utils import _files, _tls_files
_tls_files.FOLDERS["valkey"] = {str(folder)!r}
_files.group_id = lambda name: os.getgid()
_files.user_id = lambda name: os.getuid()
_tls_files.Placement("valkey", {dict(second.files)!r}).place()
"""
    environment = {**os.environ, "MAINSTAY_CRASH": point, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    fits(folder)
    assert first.current() == (first.version if point == "certificate.half" else second.version)
    second.place()
    assert second.current() == second.version
    fits(folder)
    assert second.others() == [first.version] and second.tidy() and second.others() == []


def test_a_running_server_takes_it_up_and_the_one_before_is_removed(folder: Path, server: Server) -> None:
    before, wanted = server.place.shown(), placement(authority())
    told = take_up(wanted, [server.place], server.read)
    assert [line.partition(":")[0] for line in told] == ["valkey", "cache", "valkey"]
    assert server.place.shown(wanted) == wanted.fingerprint != before
    assert take_up(wanted, [server.place], server.read) == []
    assert sorted(item.name for item in folder.iterdir()) == sorted(["current", wanted.version])


def test_a_run_that_was_killed_before_the_reload_is_completed(server: Server) -> None:
    wanted = placement(authority())
    wanted.place()
    assert server.place.shown() != wanted.fingerprint
    assert "cache: certificate reloaded" in take_up(wanted, [server.place], server.read)
    assert server.place.shown() == wanted.fingerprint


def test_a_server_that_says_yes_and_keeps_the_old_one_is_found_out(
    folder: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As PostgreSQL does with what it cannot use."""
    monkeypatch.setattr(_tls_serving.prove, "__defaults__", (0.3,))
    before, link = server.place.shown(), os.readlink(folder / "current")
    with pytest.raises(
        MainstayError, match=r"after the reload; expected \w{16}. The certificate of before was put back"
    ):
        take_up(placement(authority()), [server.place], lambda: None)
    assert os.readlink(folder / "current") == link and server.place.shown() == before
    fits(folder)


def test_what_its_authorities_do_not_verify_goes_back(folder: Path, server: Server) -> None:
    link, wanted = os.readlink(folder / "current"), placement(authority())
    strange = replace(wanted, files={**wanted.files, "authorities.pem": authority().chain})
    with pytest.raises(MainstayError, match="not to be trusted"):
        take_up(strange, [server.place], server.read)
    assert os.readlink(folder / "current") == link
    named = replace(wanted, name="elsewhere")
    with pytest.raises(MainstayError, match="not to be trusted"):
        take_up(named, [server.place], server.read)


def test_check_mode_shakes_hands_and_changes_nothing(folder: Path, server: Server) -> None:
    before, link = server.place.shown(), os.readlink(folder / "current")
    assert len(take_up(placement(authority()), [server.place], server.read, check_mode=True)) == 3
    assert server.place.shown() == before and os.readlink(folder / "current") == link


def test_without_tls_nothing_is_left(folder: Path) -> None:
    placement(authority()).place()
    off = Placement("valkey", {})
    assert off.tidy(check_mode=True) == off.tidy() != []
    assert not folder.exists() and off.tidy() == []
