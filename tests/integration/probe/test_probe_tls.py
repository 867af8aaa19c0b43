# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Login probes over TLS: a server that is not to be trusted gets no password, and has refused nobody."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

FOLDER = "/tmp/probe-tls"
#: Two authorities, each with a certificate for db.test and 127.0.0.1; those of `other` nobody trusts.
CERTIFICATES = f"""
mkdir -p {FOLDER}; cd {FOLDER}
for ca in own other; do
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=$ca -keyout $ca.ca.key -out $ca.ca.pem \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=db.test -keyout $ca.key -out $ca.csr
  printf 'subjectAltName=DNS:db.test,IP:127.0.0.1\\n' > ext
  openssl x509 -req -in $ca.csr -CA $ca.ca.pem -CAkey $ca.ca.key -CAcreateserial -days 2 -extfile ext -out $ca.pem
done
chmod 0644 *
"""
RIGHT, WRONG = "Passw0rd-1", "Passw0rd-2"
USER = f"--user app on '>{RIGHT}' '~*' '+@all'"
TLS = f"--tls-cert-file {FOLDER}/own.pem --tls-key-file {FOLDER}/own.key --tls-ca-cert-file {FOLDER}/own.ca.pem"


@pytest.fixture(scope="module")
def secured(site: Any) -> Iterator[Any]:
    """Valkey by TLS alone on 6391, with certificates of clients on 6392; PostgreSQL with a certificate of ours, and a role that needs TLS."""
    hba, data = "/etc/postgresql/17/main/pg_hba.conf", "/var/lib/postgresql/17/main"
    site.host.run(CERTIFICATES)
    for port, clients in ((6391, "no"), (6392, "yes")):
        site.host.run(
            f"valkey-server --port 0 --tls-port {port} --save '' --daemonize yes --tls-auth-clients {clients} {TLS} {USER}"
        )
    site.host.run(
        f"install -o postgres -m 0600 {FOLDER}/own.key {data}/probe.key; install -o postgres {FOLDER}/own.pem {data}/probe.pem"
    )
    site.host.run(f"cp -p {hba} /root/hba-tls && sed -i '1i hostssl all probe_tls 127.0.0.1/32 scram-sha-256' {hba}")
    site.sql("CREATE ROLE probe_tls LOGIN PASSWORD 'Passw0rd-1'")
    before = {name: site.sql(f"SHOW {name}") for name in ("ssl", "ssl_cert_file", "ssl_key_file")}
    for name, value in {"ssl": "on", "ssl_cert_file": "probe.pem", "ssl_key_file": "probe.key"}.items():
        site.sql(f"ALTER SYSTEM SET {name} = '{value}'")
    site.sql("SELECT pg_reload_conf()")
    for port in (6391, 6392):
        site.host.until("ss -ltn", f":{port}", 300)
    yield site
    site.host.run("pkill -9 -f '[v]alkey-server.*639[12]'", check=False)
    for name in before:
        site.sql(f"ALTER SYSTEM RESET {name}")
    site.sql("DROP ROLE probe_tls")
    site.host.run(f"cp -p /root/hba-tls {hba}; rm -rf {FOLDER} {data}/probe.key {data}/probe.pem")
    site.sql("SELECT pg_reload_conf()")


OWN = {"ca_file": f"{FOLDER}/own.ca.pem"}
MINE = {**OWN, "certificate": f"{FOLDER}/own.pem", "key": f"{FOLDER}/own.key"}
FOREIGN = {**OWN, "certificate": f"{FOLDER}/other.pem", "key": f"{FOLDER}/other.key"}


def valkey(name: str, port: int, **tls: Any) -> dict[str, Any]:
    return {"id": name, "kind": "valkey", "host": "127.0.0.1", "port": port, "user": "app", "tls": tls or None}


def postgres(name: str, **tls: Any) -> dict[str, Any]:
    told = {"id": name, "kind": "postgres", "host": "127.0.0.1", "user": "probe_tls", "database": "postgres"}
    return {**told, "tls": tls or None}


def test_right_and_wrong_passwords_over_tls(secured: Any) -> None:
    named = {**OWN, "server_name": "db.test"}
    entries = [
        valkey("right", 6391, **OWN),
        valkey("wrong", 6391, **OWN),
        valkey("by name", 6391, **named),
        valkey("with a certificate", 6392, **MINE),
        valkey("any authority", 6391, verify="none"),
        postgres("pg right", **OWN),
        postgres("pg wrong", **OWN),
        postgres("pg by name", **named),
    ]
    passwords = {item["id"]: WRONG if "wrong" in item["id"] else RIGHT for item in entries}
    found = secured.outcomes(entries, passwords)
    assert {name: item[0] for name, item in found.items()} == {
        name: "refused" if "wrong" in name else "works" for name in passwords
    }, found


def test_what_is_not_to_be_trusted_gets_no_password_and_has_refused_nobody(secured: Any) -> None:
    other, name = {"ca_file": f"{FOLDER}/other.ca.pem"}, {**OWN, "server_name": "other.test"}
    entries = [
        valkey("authority", 6391, **other),
        valkey("name", 6391, **name),
        valkey("no tls there", 6379, **OWN),
        valkey("no certificate", 6392, **OWN),
        valkey("a foreign certificate", 6392, **FOREIGN),
        valkey("no such file", 6391, ca_file="/no/such.pem"),
        valkey("plain to tls", 6391),
        postgres("pg authority", **other),
        postgres("pg name", **name),
        postgres("pg plain"),
    ]
    found = secured.outcomes(entries, {item["id"]: RIGHT for item in entries}, timeout=15)
    assert not {item[0] for item in found.values()} & {"works", "refused"}, found
    for probe in ("authority", "name", "no certificate", "no such file", "pg authority", "pg name", "pg plain"):
        assert found[probe][0] == "error", found[probe]
    assert "not to be trusted" in found["pg name"][1] and "certificate" in found["no certificate"][1]


def test_a_handshake_with_the_certificate_that_is_expected(secured: Any) -> None:
    der = secured.host.run(f"openssl x509 -in {FOLDER}/own.pem -outform DER | sha256sum").split()[0]
    base = {"kind": "tls", "host": "127.0.0.1", "tls": OWN}
    entries = [
        {**base, "id": "valkey", "port": 6391, "fingerprint": der},
        {**base, "id": "another", "port": 6391, "fingerprint": "0" * 64, "expect": "refused"},
        {**base, "id": "postgres", "port": 5432, "starttls": "postgres", "fingerprint": der.upper()},
        {**base, "id": "mine", "port": 6392, "tls": MINE},
        {**base, "id": "foreign", "port": 6392, "tls": FOREIGN, "expect": "refused"},
        {**base, "id": "another authority", "port": 6391, "tls": {"ca_file": f"{FOLDER}/other.ca.pem"}},
    ]
    found = secured.outcomes(entries, {})
    assert {name: item[0] for name, item in found.items()} == {
        "valkey": "works",
        "another": "refused",
        "postgres": "works",
        "mine": "works",
        "foreign": "refused",
        "another authority": "error",
    }, found
