# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Servers with TLS, and consumers that verify them, by nothing but what the roles wrote."""

from __future__ import annotations

from typing import Any


def test_an_application_connects_and_verifies_by_its_environment_alone(tls: Any) -> None:
    told = tls.script("""
info = postgres().info
print(json.dumps({"ping": valkey().ping(), "session": valkey("SESSION").ping(), "postgres": [info.ssl_in_use, info.ssl_attribute("protocol")],
                  "urls": [env["REDIS_CACHE_URL"].split("@")[1], env["DATABASE_URL"].split("@")[1]]}))
""")
    assert told["ping"] and told["session"] and told["postgres"] == [True, "TLSv1.3"]
    assert told["urls"][0] == (
        "127.0.0.1:16379/0?ssl_cert_reqs=required&ssl_check_hostname=true&ssl_ca_certs=/etc/shop/secrets/valkey_certificate_ca.pem"
    )
    assert told["urls"][1] == (
        "127.0.0.1:5432/shop?sslmode=verify-full&sslrootcert=/etc/shop/secrets/postgres_certificate_ca.pem"
    )


def test_nothing_answers_in_clear_where_tls_is_required(tls: Any) -> None:
    told = tls.script("""
port = lambda: socket.create_connection(("127.0.0.1", 6379), 2)
clear = lambda: redis.Redis(port=16379, socket_timeout=5).ping()
sql = lambda: postgres(env["DATABASE_URL"].split("?")[0] + "?sslmode=disable")
print(json.dumps([said(port), said(clear), said(sql)]))
""")
    assert "ConnectionRefusedError" in told[0]
    assert "ConnectionError" in told[1]
    assert "no pg_hba.conf entry" in told[2] and "no encryption" in told[2]


def test_another_authority_and_another_name_are_refused_by_the_clients(tls: Any) -> None:
    tls.host.run(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout /dev/null -out /tmp/other.pem -days 2 -subj /CN=other"
        " 2>/dev/null"
    )
    told = tls.script("""
other = lambda url: url.split("secrets/")[0].rsplit("=", 1)[0] + "=/tmp/other.pem"
named = lambda url: url.replace("@127.0.0.1", "@127.1")
print(json.dumps([said(lambda: valkey(url=other(env["REDIS_CACHE_URL"])).ping()), said(lambda: postgres(other(env["DATABASE_URL"]))),
                  said(lambda: valkey(url=named(env["REDIS_CACHE_URL"])).ping()),
                  said(lambda: postgres(env["DATABASE_URL"], hostaddr="127.0.0.1", host="elsewhere"))]))
""")
    assert "CERTIFICATE_VERIFY_FAILED" in told[0]
    assert "certificate verify failed" in told[1]
    assert "CERTIFICATE_VERIFY_FAILED" in told[2] and "127.1" in told[2]
    assert "does not match host name" in told[3]


def test_the_second_run_changes_nothing_and_a_drifted_key_is_put_right(tls: Any) -> None:
    assert tls.apply().ok().changed == []
    tls.host.run(
        "chmod 0644 /etc/valkey/tls/current/server.key && chown postgres /etc/postgresql/tls/current/server.key"
    )
    before = tls.processes()
    tls.apply().ok()
    stat = tls.host.run("stat -c '%U %G %a' /etc/valkey/tls/current/server.key /etc/postgresql/tls/current/server.key")
    assert stat.split("\n")[:2] == ["root valkey 640", "root postgres 640"]
    assert tls.processes() == before


def test_no_key_of_a_server_reaches_a_consumer(tls: Any) -> None:
    names = tls.host.run("ls /etc/shop/secrets").split()
    assert {"valkey_certificate_ca.pem", "postgres_certificate_ca.pem"} <= set(names)
    assert not tls.host.run("grep -l 'PRIVATE KEY' /etc/shop/secrets/* || true").strip()


def test_tls_comes_and_goes_on_running_servers(tls: Any) -> None:
    """off, on, required: each step lets in who came before it, and nothing restarts."""
    processes = tls.processes()
    both = "print(json.dumps(said(lambda: (valkey().ping(), valkey('SESSION').ping(), postgres()))))"
    old = "print(json.dumps({key: env[key] for key in ('REDIS_CACHE_URL', 'DATABASE_URL')}))"
    ports = (
        "print(json.dumps([said(lambda: socket.create_connection(('127.0.0.1', port), 2)) for port in (6379, 16379)]))"
    )
    levels = ["off", "on", "required"]
    before: dict[str, str] = {}
    for level in levels:
        done = tls.apply(variables={"valkey_tls": level, "postgres_tls": level, "valkey_tls_clients": "off"}).ok()
        assert done.changed and tls.script(both) == "works" and tls.processes() == processes
        if level == "on":
            told = tls.script(
                f"urls = {before}\nprint(json.dumps(said(lambda: (valkey(url=urls['REDIS_CACHE_URL']).ping(), "
                "postgres(urls['DATABASE_URL'])))))"
            )
            assert told == "works"
        before = tls.script(old)
        assert before["REDIS_CACHE_URL"].startswith("redis://" if level == "off" else "rediss://")
        open_ = [item == "works" for item in tls.script(ports)]
        assert open_ == {"off": [True, False], "on": [True, True], "required": [False, True]}[level]
        there = tls.host.run("ls -d /etc/valkey/tls /etc/postgresql/tls 2>/dev/null", check=False).split()
        assert len(there) == (0 if level == "off" else 2)
