# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Module, lookup and filters on credentials that Rails' own ActiveSupport writes, reads and edits."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "secrets"))
from leak_hunt import leaks

from ansible_collections.mainstay.backend.plugins.module_utils._rails_credentials import decrypt

TEXT = """\
# the shop's ☂
secret_key_base: s3cret-base-0123
aws: # billed
  access_key_id: 's3cret-äöü'
:smtp:
  :port: 587
"""
VALUES = {
    "secret_key_base": "s3cret-new",
    "aws": {"secret_access_key": "1,000", "hex": "0123456789", "exp": "1e3", "time": "2024-01-01", "sym": ":a", "yes": "yes"},
    "smtp": {"port": 25, "tls": True, "ratio": 1.5, "none": None, "hosts": ["a:b", {"n": "☂ \n\ttab"}]},
    "more": {"long": "x" * 70000, "quote": "it's \"x\" \\ #", "nul": "\x00\x7f\x85\u2028"},
}  # fmt: skip


def task(name: str = "act", **options: Any) -> dict[str, Any]:
    return {"name": name, "mainstay.backend.rails_credentials": {"root": "/srv/mainstay-shop", **options}}


def test_what_rails_writes_is_edited_and_rails_reads_and_edits_it_again(rails: Any) -> None:
    rails.write(TEXT)
    done = rails.host.play(tasks=[task(values=VALUES, remove=["aws.access_key_id"])]).ok().result("act")
    expected = {**VALUES, "aws": dict(VALUES["aws"])}  # type: ignore[call-overload]
    assert rails.read() == expected
    assert rails.text().startswith("# the shop's ☂\nsecret_key_base: s3cret-new\naws: # billed\n")
    assert done["key_paths"]["changed"] == ["secret_key_base", "smtp.port"]
    assert done["key_paths"]["removed"] == ["aws.access_key_id"]
    assert rails.host.play(tasks=[task(values=VALUES)]).ok().changed == []
    rails.edit("s3cret-new", "s3cret-by-rails")
    assert rails.read()["secret_key_base"] == "s3cret-by-rails"
    again = rails.host.play(tasks=[task(values=VALUES)]).ok().result("act")
    assert again["key_paths"] == {"added": [], "changed": ["secret_key_base"], "removed": []}
    assert rails.read() == expected


def test_what_we_create_rails_reads_and_edits(rails: Any) -> None:
    made = task(values={"a": {"b": "s3cret ☂"}}, owner="www-data", group="www-data")
    told = rails.host.play(tasks=[made], check=True).ok().result("act")
    assert rails.host.run("ls /srv/mainstay-shop/config") == ""
    done = rails.host.play(tasks=[made]).ok().result("act")
    assert told["actions"] == done["actions"]
    assert rails.host.run("cd /srv/mainstay-shop/config; stat -c '%n %a %U:%G' *").splitlines() == [
        "credentials.yml.enc 644 www-data:www-data",
        "master.key 600 www-data:www-data",
    ]
    assert rails.read() == {"a": {"b": "s3cret ☂"}}
    rails.edit("s3cret ☂", "s3cret other ☂")
    assert rails.read() == {"a": {"b": "s3cret other ☂"}}
    assert rails.host.play(tasks=[task(values={"a": {"b": "s3cret other ☂"}})]).ok().changed == []


def test_a_new_key_opens_the_same_text_for_rails(rails: Any) -> None:
    rails.write(TEXT)
    old = rails.host.run(f"cat {rails.key_file}")
    check = rails.host.play(tasks=[task(rekey=True)], check=True).ok().result("act")
    assert rails.host.run(f"cat {rails.key_file}") == old
    done = rails.host.play(tasks=[task(rekey=True)]).ok().result("act")
    assert check["actions"] == done["actions"]
    assert rails.host.run(f"cat {rails.key_file}") != old
    assert rails.text() == TEXT
    assert rails.host.run("ls -A /srv/mainstay-shop/config").split() == ["credentials.yml.enc", "master.key"]


def test_lookup_and_filters_read_what_rails_wrote_and_rails_reads_what_the_filter_wrote(
    rails: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    rails.write(TEXT)
    config = tmp_path / "config"
    config.mkdir()
    content, key = rails.host.run(f"cat {rails.path}"), rails.host.run(f"cat {rails.key_file}")
    (config / "credentials.yml.enc").write_text(content)
    (config / "master.key").write_text(key)
    name = "mainstay.backend.rails_credentials"
    written = {
        "name": "write",
        "ansible.builtin.copy": {
            "dest": rails.path,
            "content": "{{ other | mainstay.backend.rails_encrypt(key) }}",
        },
    }
    asked = {
        "name": "ask",
        "ansible.builtin.debug": {
            "msg": {
                "one": f"{{{{ lookup('{name}', 'aws.access_key_id', root='{tmp_path}', environment='production') }}}}",
                "all": f"{{{{ query('{name}', 'smtp.port', 'aws', path='{config}/credentials.yml.enc') }}}}",
                "text": "{{ content | mainstay.backend.rails_decrypt(key) }}",
            }
        },
    }
    known = {"content": content, "key": key, "other": "from: filter ☂\n"}
    run = rails.host.play(tasks=[asked, written], variables=known).ok()
    aws = {"access_key_id": "s3cret-äöü"}
    assert run.result("ask")["msg"] == {"one": "s3cret-äöü", "all": [587, aws], "text": TEXT}
    assert rails.read() == {"from": "filter ☂"}
    assert decrypt(rails.host.run(f"cat {rails.path}"), key) == "from: filter ☂\n"

    (config / "credentials").mkdir()
    (config / "credentials" / "production.yml.enc").write_text(content)
    missing = rails.host.play(tasks=[asked], variables=known)
    assert f"found no {config}/credentials/production.key" in missing.message
    monkeypatch.setenv("RAILS_MASTER_KEY", key)
    assert rails.host.play(tasks=[asked], variables=known).ok().result("ask")["msg"]["one"] == "s3cret-äöü"
    monkeypatch.setenv("RAILS_MASTER_KEY", "0" * 32)
    refused = rails.host.play(tasks=[asked], variables=known)
    assert "found content that the key does not open" in refused.message
    assert "s3cret" not in refused.out.replace(TEXT, "")


def test_nothing_secret_is_shown_or_logged(rails: Any, monkeypatch: Any) -> None:
    rails.write(TEXT)
    keys = [rails.host.run(f"cat {rails.key_file}")]
    new = "00112233445566778899aabbccddeeff"
    steps = [
        task(
            "edit", values={"secret_key_base": "s3cret-first\ns3cret-second", "aws": {"access_key_id": "s3cret-third"}}
        ),
        task("take", remove=["secret_key_base"]),
        task("given", new_key=new),
        task("generated", rekey=True),
    ]
    out = ""
    for pipelining in ("true", "false"):
        monkeypatch.setenv("ANSIBLE_PIPELINING", pipelining)
        out += rails.host.play(tasks=steps, verbosity=4, check=True).ok().out
        out += rails.host.play(tasks=steps, verbosity=4).ok().out
        keys.append(rails.host.run(f"cat {rails.key_file}"))
    broken = [
        {
            **task("broken", values={"a": "s3cret-fourth"}, key_file="/srv/mainstay-shop/config/wrong.key"),
            "ignore_errors": True,
        }
    ]
    rails.host.write("/srv/mainstay-shop/config/wrong.key", "s3cret-fifth")
    out += rails.host.play(tasks=broken, verbosity=4).ok().out
    assert "aws.access_key_id" in out  # so the diff is there
    assert "key: found 12 characters; expected 32 hexadecimal characters" in out
    hidden = [
        *keys,
        new,
        *(f"s3cret-{word}" for word in ("base-0123", "äöü", "first", "second", "third", "fourth", "fifth")),
    ]
    assert leaks(rails.host, out, hidden) == []


def test_a_host_without_the_libraries_is_told_what_to_install(rails: Any) -> None:
    rails.write(TEXT)
    folder = rails.host.run(
        "python3 -c 'import cryptography, os; print(os.path.dirname(cryptography.__file__))'"
    ).strip()
    rails.host.run(f"mv {folder} {folder}.away")
    try:
        run = rails.host.play(tasks=[task(values={"a": 1})])
    finally:
        rails.host.run(f"mv {folder}.away {folder}")
    assert "install cryptography >= 38.0 (Debian: python3-cryptography; PyPI: cryptography)" in run.message
