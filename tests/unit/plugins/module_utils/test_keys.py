# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Signing keys, secret_key_base, tokens and master keys: what consumers are given at every state of a rotation, and what is asked of hosts."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mainstay.backend.plugins.module_utils import _rotation, _store
from ansible_collections.mainstay.backend.plugins.module_utils._adapter_keys import ADAPTER as KEYS
from ansible_collections.mainstay.backend.plugins.module_utils._adapter_rails import ADAPTER as RAILS
from ansible_collections.mainstay.backend.plugins.module_utils._adapter_token import ADAPTER as TOKEN
from ansible_collections.mainstay.backend.plugins.module_utils._adapter_token import retire_calls, unproven
from ansible_collections.mainstay.backend.plugins.module_utils._credentials import KINDS
from ansible_collections.mainstay.backend.plugins.module_utils._description import Description
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_kinds import Context, Rotating
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_states import STATES
from ansible_collections.mainstay.backend.plugins.module_utils._secret_files import (
    files_of,
    key_ring,
    variable_names,
    variables_of,
)

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "lib"))

from inventories import describe_case

DOCS = Path(__file__).resolve().parents[4] / "docs" / "keys.md"
HOSTS = {
    "app1": {"groups": ["app"], "address": "10.0.0.6"},
    "app2": {"groups": ["app"], "address": "10.0.0.7"},
}
COMMANDS = {
    "test": {"command": ["/usr/bin/try"], "refused": [4]},
    "retire": {"command": ["/usr/bin/revoke"], "runs_on": "controller"},
}
CREDENTIALS: dict[str, Any] = {
    "jwt": {"kind": "signing_key", "token_lifetime": "1h", "bytes": 64},
    "cookies": {"kind": "secret_key_base"},
    "payments": {"kind": "token", "variable": "PAYMENTS_TOKEN", **COMMANDS},
    "master": {"kind": "rails_master_key", "value": "new"},
}
CONSUMERS: dict[str, Any] = {
    "shop": {"app_dir": "/srv/shop", "credentials": list(CREDENTIALS), "session_expire_after": "30d"},
    "api": {"credentials": ["jwt", "payments"], "env_layers": True},
}


def described(host: str = "app1", credentials: dict[str, Any] | None = None, **change: Any) -> Description:
    told = {"backend_credentials": credentials or CREDENTIALS, "backend_consumers": CONSUMERS, **change}
    description, problems = describe_case({"change": told, "hosts": HOSTS, "current": host})
    assert [str(item) for item in problems if "bind" not in str(item) and "listen" not in str(item)] == []
    return description


def version(name: str, slot: str) -> _store.Version:
    return _store.Version(f"id-{name}-{slot}", slot, "2026-11-22T12:00:00Z", f"{name}-{slot}-" + "5e" * 16, b"s" * 16)


def at(description: Description, name: str, state: str) -> Rotating:
    """Credential NAME with its rotation in STATE ('' for none)."""
    credential = description.credentials[name]

    def make(_contents: Any, item: Any, slot: str, _now: str) -> _store.Version:
        return version(item.name, slot)

    now = "2026-11-22T12:00:00Z"
    contents = _store.create(_store.Contents("production"), [credential], now, make)
    if state:
        contents = _rotation.begin(contents, {name: (credential, "due")}, now, make)
        for wanted in STATES[2 : STATES.index(state) + 1]:
            hour = 12 + 2 * (wanted in STATES[6:])
            contents = _rotation.advance(contents, [name], wanted, f"2027-11-22T{hour}:00:00Z" if hour > 12 else now)
    record = contents.records[name]
    return Rotating(credential, record, _store.issued(record, ""))


@pytest.mark.parametrize(
    ("state", "signs", "verify"),
    [
        ("", "a", []),
        ("GENERATED", "a", ["b"]),
        ("STAGED", "a", ["b"]),
        ("TESTED", "b", ["a"]),
        ("RELOADED", "b", ["a"]),
        ("CONSUMERS_OK", "b", []),
        ("REFUSED", "b", []),
        ("DONE", "b", []),
    ],
)
@pytest.mark.parametrize("name", ["jwt", "cookies"])
def test_everybody_verifies_with_a_key_before_it_signs_and_after(
    name: str, state: str, signs: str, verify: list[str]
) -> None:
    item = at(described(), name, state)
    files, variables = files_of(item.credential, item.issued), variables_of(item.credential, item.issued)
    assert list(files) == [name, f"{name}.keys"]
    assert files[name] == version(name, signs).secret
    ring = json.loads(files[f"{name}.keys"])
    assert [(key["use"], key["kid"], key["key"]) for key in ring] == [
        ("verify" if slot in verify else "sign", f"id-{name}-{slot}", version(name, slot).secret)
        for slot in (signs, *verify)
    ]
    assert list(variables) == variable_names(item.credential)
    main = next(iter(variables))
    assert variables[main] == files[name]
    assert variables[f"{main}_KEYS"] == ",".join(f"{key['kid']}:{key['key']}" for key in ring)
    assert variables.get(f"{main}_ID") == (ring[0]["kid"] if name == "jwt" else None)


def test_the_names_are_the_same_at_every_state_and_none_is_shown_or_doubled() -> None:
    description = described()
    for name, credential in description.credentials.items():
        if credential.kind in ("postgres_role", "valkey_user"):
            continue
        found = {
            (tuple(files_of(credential, item.issued)), tuple(variables_of(credential, item.issued)))
            for item in (at(description, name, state) for state in ("", "STAGED", "TESTED", "DONE"))
        }
        assert len(found) == 1
    assert variable_names(description.credentials["payments"]) == ["PAYMENTS_TOKEN"]
    assert variable_names(description.credentials["cookies"]) == ["SECRET_KEY_BASE", "SECRET_KEY_BASE_KEYS"]
    master = at(description, "master", "TESTED")
    assert (files_of(master.credential, master.issued), variables_of(master.credential, master.issued)) == ({}, {})


def test_sessions_say_how_long_a_secret_key_base_is_still_taken() -> None:
    assert described().credentials["cookies"].options["token_lifetime"] == f"{30 * 24 * 60}m"
    assert KINDS["signing_key"].early and KINDS["secret_key_base"].early and not KINDS["token"].early


def probes(found: Any) -> list[tuple[str, str, list[str]]]:
    return [(probe.id, probe.expect, probe.login["command"][4:]) for probe in found]


def test_the_pending_key_is_looked_for_where_consumers_read_before_anybody_signs_with_it() -> None:
    description = described()
    item = at(description, "jwt", "STAGED")
    shop, api = "/run/secrets/shop/jwt.keys", "/run/secrets/api/jwt.keys"
    found = KEYS.works(Context(description), [item])
    paths = [probe.login["command"][-1] for probe in found]
    assert paths[1::2] == ["/etc/shop/.env", "/etc/api/.env.production"]
    assert [path.rpartition("/")[2] for path in paths[::2]] == ["jwt.keys", "jwt.keys"], (shop, api)
    assert {probe.login["password"] for probe in found} == {version("jwt", "b").secret}
    assert all(
        probe.login["stdin"] and version("jwt", "b").secret not in str(probe.login["command"]) for probe in found
    )
    for state in ("", "GENERATED", "TESTED", "DONE"):
        assert KEYS.works(Context(description), [at(description, "jwt", state)]) == []


def test_the_previous_key_is_nowhere_afterwards() -> None:
    description = described()
    found = KEYS.refused(
        Context(description), [at(description, "jwt", "RETIRED"), at(description, "cookies", "RETIRED")]
    )
    assert [(probe.id, probe.expect) for probe in found] == [
        ("jwt/id-jwt-a@shop", "refused"),
        ("jwt/id-jwt-a@api", "refused"),
        ("cookies/id-cookies-a@shop", "refused"),
    ]
    assert [len(probe.login["command"][4:]) for probe in found] == [3, 3, 3]
    assert all(probe.login["refused_exit"] == [1] for probe in found)


def test_a_token_is_tried_by_every_consumer_and_revoked_once() -> None:
    here, there = described("app1"), described("app2")
    staged, retired = at(here, "payments", "STAGED"), at(here, "payments", "CONSUMERS_OK")
    assert [(probe.id, probe.login["environment"]) for probe in TOKEN.works(Context(there), [staged])] == [
        ("payments/id-payments-b@/usr/bin/try", "PAYMENTS_TOKEN")
    ]
    assert [probe.expect for probe in TOKEN.refused(Context(there), [retired])] == ["refused"]
    assert len(retire_calls(Context(here), [retired])) == 1 and retire_calls(Context(there), [retired]) == []
    assert TOKEN.retire(Context(here), [retired]) == []  # that one is run on the controller
    for state in ("", "TESTED", "DONE"):
        assert TOKEN.works(Context(here), [at(here, "payments", state)]) == []


def test_on_the_controller_a_token_is_tried_once() -> None:
    told = {**CREDENTIALS, "payments": {"kind": "token", "test": {**COMMANDS["test"], "runs_on": "controller"}}}
    here, there = described("app1", told), described("app2", told)
    assert [probe.login["runs_on"] for probe in TOKEN.works(Context(here), [at(here, "payments", "STAGED")])] == [
        "controller"
    ]
    assert TOKEN.works(Context(there), [at(there, "payments", "STAGED")]) == []


def test_what_is_not_proven_is_said() -> None:
    told = {**CREDENTIALS, "payments": {"kind": "token"}}
    description = described("app1", told)
    item = at(description, "payments", "RETIRED")
    assert TOKEN.refused(Context(description), [item]) == [] and TOKEN.works(Context(description), [item]) == []
    lines = unproven([item, at(description, "jwt", "RETIRED")])
    assert len(lines) == 2 and all(line.startswith("payments: not proven") for line in lines)
    assert unproven([at(described(), "payments", "RETIRED")]) == []


def test_master_keys_of_the_pairs_here_with_the_current_key_first() -> None:
    description = described()
    (call,) = RAILS.check(Context(description), [at(description, "master", "TESTED")])
    assert call.arguments == {
        "pairs": [
            {
                "name": "master",
                "path": "/srv/shop/config/credentials.yml.enc",
                "key_file": "/srv/shop/config/master.key",
                "owner": "root",
                "group": "root",
            }
        ],
        "secret_keys": {"master": [version("master", "b").secret, version("master", "a").secret]},
    }
    found = RAILS.refused(Context(description), [at(description, "master", "RETIRED")])
    assert [(probe.id.partition("@")[0], probe.expect) for probe in found] == [
        ("master/id-master-a", "refused"),
        ("master/id-master-b", "works"),
    ]
    assert RAILS.works(Context(description), [at(description, "master", "STAGED")]) == []


def test_the_environments_own_credentials_and_files_elsewhere() -> None:
    told = {"master": {"kind": "rails_master_key", "value": "new", "place": "environment"}}
    description = described("app1", {**CREDENTIALS, **told})
    (call,) = RAILS.check(Context(description), [at(description, "master", "")])
    assert call.arguments["pairs"][0]["path"] == "/srv/shop/config/credentials/production.yml.enc"
    assert call.arguments["pairs"][0]["key_file"] == "/srv/shop/config/credentials/production.key"
    told["master"] |= {"path": "/opt/x/c.yml.enc", "key_file": "/etc/x/c.key"}
    description = described("app1", {**CREDENTIALS, **told})
    (call,) = RAILS.check(Context(description), [at(description, "master", "")])
    assert (call.arguments["pairs"][0]["path"], call.arguments["pairs"][0]["key_file"]) == (
        "/opt/x/c.yml.enc",
        "/etc/x/c.key",
    )


def test_nothing_secret_stands_in_a_repr() -> None:
    description = described()
    for name, adapter in (("jwt", KEYS), ("payments", TOKEN), ("master", RAILS)):
        for state in ("STAGED", "CONSUMERS_OK"):
            item = at(description, name, state)
            context = Context(description)
            found = [
                item,
                adapter.works(context, [item]),
                adapter.refused(context, [item]),
                adapter.check(context, [item]),
            ]
            found.append(adapter.retire(context, [item]))
            assert "5e5e" not in repr(found)


def snippet() -> dict[str, Any]:
    """What docs/keys.md tells a Python application, run as it stands."""
    texts = re.findall(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec("\n".join(texts), names)
    return names


def test_the_pages_python_signs_and_verifies_through_a_rotation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    description = described()
    names = snippet()
    tokens: list[str] = []
    for state in ("", "STAGED", "TESTED", "RELOADED"):
        item = at(description, "jwt", state)
        for source in ("file", "environment"):
            for file, text in files_of(item.credential, item.issued).items():
                (tmp_path / file).write_text(text)
            for key, value in variables_of(item.credential, item.issued).items():
                monkeypatch.setenv(key, value)
            keys = names["from_file"](tmp_path / "jwt.keys") if source == "file" else names["from_environment"]("JWT")
            tokens.append(names["sign"]({"sub": state}, keys))
            assert all(names["verify"](token, keys) for token in tokens), (state, source)
    gone = at(description, "jwt", "CONSUMERS_OK")
    for file, text in files_of(gone.credential, gone.issued).items():
        (tmp_path / file).write_text(text)
    keys = names["from_file"](tmp_path / "jwt.keys")
    assert [names["verify"](token, keys) is not None for token in tokens] == [False] * 4 + [True] * 4
    head, _dot, rest = tokens[-1].partition(".")
    body, _dot, mac = rest.partition(".")
    expected = hmac.new(version("jwt", "b").secret.encode(), f"{head}.{body}".encode(), hashlib.sha256).digest()
    assert mac == base64.urlsafe_b64encode(expected).rstrip(b"=").decode()
    assert json.loads(base64.urlsafe_b64decode(head + "==")) == {"alg": "HS256", "typ": "JWT", "kid": "id-jwt-b"}
    assert names["verify"](f"{head}.{body}.{mac[:-2]}AA", keys) is None


@pytest.mark.skipif(not shutil.which("node"), reason="needs node")
def test_the_pages_node_reads_what_the_pages_python_signs() -> None:
    description = described()
    (script,) = re.findall(r"```js\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    script += "const [, token] = process.argv;\n"
    script += "console.log(JSON.stringify([verify(token, keys('JWT')), sign({ sub: 'node' }, keys('JWT'))]));"
    names, tokens = snippet(), []
    for state in ("", "STAGED", "TESTED", "RELOADED", "CONSUMERS_OK"):
        item = at(description, "jwt", state)
        variables = variables_of(item.credential, item.issued)
        ring = [{"kid": kid, "key": key} for kid, key in key_ring(item.issued)]
        tokens.append(names["sign"]({"sub": state}, ring))
        told = []
        for token in (tokens[-1], tokens[0], tokens[-1][:-2] + "AA"):
            done = subprocess.run(
                ["node", "-e", script, token],
                env={**os.environ, **variables},
                capture_output=True,
                text=True,
                check=True,
            )
            told.append(json.loads(done.stdout))
        assert [claims for claims, _made in told] == [
            {"sub": state},
            {"sub": ""} if state != "CONSUMERS_OK" else None,
            None,
        ]
        assert all(names["verify"](made, ring) == {"sub": "node"} for _claims, made in told)
