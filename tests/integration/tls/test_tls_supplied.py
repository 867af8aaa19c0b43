# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Certificates that community.crypto made, as examples/tls does, and certificates of clients: on real servers."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "examples" / "tls" / "make_certificates.yml"


def made(folder: Path, **variables: Any) -> str:
    """Runs the example's playbook; all that it printed."""
    names = ["DNS:db.example.org", "IP:127.0.0.1"]
    told = [
        f"-e{{{', '.join(f'{key}: {value}' for key, value in {'tls_folder': folder, 'tls_names': names, **variables}.items())}}}"
    ]
    command = [str(ROOT / ".venv/bin/ansible-playbook"), "-i", "localhost,", "-vvv", "--diff", *told, str(EXAMPLE)]
    command += ["-e", f"ansible_python_interpreter={ROOT}/.venv/bin/python"]
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".build/collections"),
    }
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT, timeout=1800, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("certificates")
    out = made(found)
    secret = (found / "db.key").read_text().splitlines()[1]  # what follows is the public key
    assert len(secret) == 64 and secret not in out
    assert (found / "db.key").stat().st_mode & 0o777 == 0o600
    return found


def supplied(folder: Path, **parts: Any) -> dict[str, Any]:
    paths = {part: str(folder / file) for part, file in (("chain", "db.pem"), ("key", "db.key"), ("ca", "ca.pem"))}
    told = {"kind": "certificate", "for": "postgres", "authority": "supplied", "names": ["db.example.org", "127.0.0.1"]}
    return {"backend_credentials": {"supplied_postgres": {**told, **paths, **parts}}}


def test_what_cannot_be_used_is_refused_before_anything_changes(tls: Any, folder: Path, tmp_path: Path) -> None:
    serials = tls.serials()
    other = tmp_path / "other"
    made(other)
    expired = tmp_path / "expired.pem"
    old = f"openssl x509 -req -in {folder}/db.csr -CA {folder}/ca.pem -CAkey {folder}/ca.key -days 0 -out {expired}"
    subprocess.run(old.split(), check=True, capture_output=True)
    cases = {
        "supplied_postgres.key: found the key of another certificate": {"key": str(other / "db.key")},
        "which none of backend_credentials.supplied_postgres.ca signed": {"ca": str(other / "ca.pem")},
        "which expires": {"chain": str(expired)},
        "supplied_postgres.names: found elsewhere.example.org": {"names": ["elsewhere.example.org"]},
    }
    for message, parts in cases.items():
        done = tls.apply(["postgres"], variables=supplied(folder, **parts))
        assert done.code and message in done.message, done.message
        assert not done.changed
    assert tls.serials() == serials


def test_a_supplied_certificate_is_served_verified_and_rotated_when_another_is_supplied(tls: Any, folder: Path) -> None:
    before, processes = tls.serials(), tls.processes()
    variables = supplied(folder)
    tls.apply(variables=variables).ok()
    first = tls.serials()
    assert first["postgres"] != before["postgres"] and first["cache"] == before["cache"]
    assert tls.script("print(json.dumps(said(postgres)))") == "works"
    rotation = {**variables, "rotation_only": ["supplied_postgres"]}
    assert tls.apply(["rotation"], variables=rotation).ok().changed == []
    made(folder, renew=True)
    tls.apply(["rotation"], variables=rotation).ok()
    second = tls.serials()
    assert second["postgres"] != first["postgres"] and tls.processes() == processes
    assert tls.script("print(json.dumps(said(postgres)))") == "works"
    tls.apply().ok()
    assert tls.serials()["postgres"] == before["postgres"]


def test_clients_show_a_certificate_where_it_is_asked_for(tls: Any) -> None:
    variables = {
        "valkey_tls_clients": "required",
        "postgres_tls_clients": "required",
        "backend_credentials": {"shop_client": {"kind": "certificate", "for": "client", "valid": "14d"}},
        "backend_consumers": {
            "shop": {
                "secrets_dir": "/etc/shop/secrets",
                "credentials": ["shop_db", "shop_cache", "shop_session", "shop_client"],
            }
        },
    }
    processes = tls.processes()
    tls.apply(variables=variables).ok()
    told = tls.script("""
bare = lambda url: url.split("&ssl_certfile")[0].split("&sslcert")[0]
mine, theirs = "/etc/shop/secrets/shop_client", "/etc/valkey/tls/current/server"
wrong = lambda url: url.replace(mine + "_cert.pem", theirs + ".pem").replace(mine + "_key.pem", theirs + ".key")
print(json.dumps([said(lambda: (valkey().ping(), postgres())), said(lambda: valkey(url=bare(env["REDIS_CACHE_URL"])).ping()),
                  said(lambda: postgres(bare(env["DATABASE_URL"]))), said(lambda: valkey(url=wrong(env["REDIS_CACHE_URL"])).ping())]))
""")
    assert told[0] == "works"
    assert "ConnectionError" in told[1]
    assert "connection requires a valid client certificate" in told[2]
    assert "ConnectionError" in told[3]
    assert tls.processes() == processes
    names = tls.host.run("stat -c '%a %n' /etc/shop/secrets/shop_client_key.pem")
    assert names.startswith("600 ")
    certificate = tls.host.run("openssl x509 -in /etc/shop/secrets/shop_client_cert.pem -noout -serial")
    rotation = {**variables, "rotation_only": ["shop_client"], "rotation_force": True}
    rotation["backend_consumers"]["shop"]["reload"] = ["true"]
    tls.apply(["rotation"], variables=rotation).ok()
    assert tls.host.run("openssl x509 -in /etc/shop/secrets/shop_client_cert.pem -noout -serial") != certificate
    assert tls.script("print(json.dumps(said(lambda: (valkey().ping(), postgres()))))") == "works"
    tls.apply().ok()
    assert tls.processes() == processes
    assert tls.script("print(json.dumps(said(lambda: (valkey().ping(), postgres()))))") == "works"
