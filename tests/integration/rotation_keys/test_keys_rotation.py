# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Signing keys and tokens rotated by the role, while services sign and verify, and with third parties that take and refuse tokens."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils import _rotation


def ring(services: Any, name: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(services.host.run(f"cat /run/secrets/{name}/jwt.keys"))
    return found


def test_no_verification_fails_while_a_key_rotates_and_rests_and_is_retired(services: Any, load: Any) -> None:
    (old,) = ring(services, "api")
    first = services.rotate(rotation_force=True, rotation_only="jwt").ok()
    record = services.contents().records["jwt"]
    assert record.state == "RELOADED" and record.previous
    found = {name: [(key["use"], key["kid"]) for key in ring(services, name)] for name in ("api", "worker")}
    assert found["api"] == found["worker"] == [("sign", record.current.id), ("verify", old["kid"])]
    again = services.rotate(rotation_force=True, rotation_only="jwt").ok()
    assert again.changed == [] and services.contents().records["jwt"] == record
    until = _rotation.moment(str(record.journal[-1]["retire_at"]))
    time.sleep(max(0.0, (until - datetime.now(UTC)).total_seconds()) + 1)
    services.rotate(rotation_only="jwt").ok()
    assert services.contents().records["jwt"].state == "DONE"
    assert [key["kid"] for key in ring(services, "api")] == [record.current.id]
    assert services.rotate(rotation_only="jwt").ok().changed == []
    told = load()
    assert told["refused"] == 0 and told["verified"] > 200 and told["kids"] == 2, told
    assert services.host.run(f"grep -rlF {old['key']} /run/secrets /etc/api /etc/worker || true") == ""
    assert old["key"] not in first.out + again.out


def test_a_leaked_key_is_refused_at_once(services: Any) -> None:
    services.rotate(rotation_force=True, rotation_only="jwt").ok()
    assert len(ring(services, "worker")) == 2
    services.rotate(rotation_only="jwt", rotation_retire_now="jwt").ok()
    assert services.contents().records["jwt"].state == "DONE"
    assert len(ring(services, "worker")) == 1


def test_a_token_is_tried_published_and_the_old_one_revoked(services: Any) -> None:
    services.known("mail-token-0001", "mail-token-0002")
    assert services.rotate(rotation_only="mail", rotation_force=True).ok().changed == []
    services.rotate(rotation_only="mail", mail_token="mail-token-0002").ok()
    assert services.host.run("cat /run/secrets/api/mail") == "mail-token-0002"
    assert services.taken() == ["mail-token-0002"]
    assert services.contents().records["mail"].state == "DONE"
    assert services.rotate(rotation_only="mail", mail_token="mail-token-0002").ok().changed == []


def test_a_wrong_token_is_given_to_nobody_and_replaced_or_given_up(services: Any) -> None:
    current = services.contents().records["mail"].current.secret
    failed = services.rotate(rotation_only="mail", mail_token="mail-mistyped")
    assert failed.code != 0 and "ask_third ended with 4" in failed.message and "mail-mistyped" not in failed.out
    assert services.host.run("cat /run/secrets/api/mail") == current
    assert services.contents().records["mail"].state == "STAGED"
    given_up = services.rotate(rotation_only="mail", mail_token=current).ok()
    assert "given up" in given_up.out
    record = services.contents().records["mail"]
    assert (record.pending, record.current.secret) == (None, current)
    services.rotate(rotation_only="mail", mail_token="mail-mistyped-again")
    services.known(current, "mail-token-0003")
    services.rotate(rotation_only="mail", mail_token="mail-token-0003").ok()
    assert services.host.run("cat /run/secrets/api/mail") == "mail-token-0003"
    assert services.taken() == ["mail-token-0003"]


def test_a_token_that_the_controller_tries_and_one_that_nobody_does(services: Any, third_here: Path) -> None:
    third_here.write_text("pay-token-0001 pay-token-0002")
    asks = str(Path(__file__).with_name("ask_third"))
    told: dict[str, Any] = {
        "kind": "token",
        "value": {"file": str(third_here.parent / "token")},
        "test": {"command": [asks, "try", "18104"], "environment": "TOKEN", "refused": [4], "runs_on": "controller"},
        "retire": {"command": [asks, "revoke", "18104"], "environment": "TOKEN", "runs_on": "controller"},
    }
    credentials = {
        **services.variables["backend_credentials"],
        "pay": told,
        "sms": {"kind": "token", "value": {"variable": "sms"}},
    }
    consumers = {**services.variables["backend_consumers"]}
    consumers["api"] = {**consumers["api"], "credentials": ["jwt", "mail", "pay", "sms"]}
    variables = {
        "backend_credentials": credentials,
        "backend_consumers": consumers,
        "mail_token": services.contents().records["mail"].current.secret,
        "sms": "sms-token-0001",
    }
    absent = services.play("secrets", **variables)
    expected = f"backend_credentials.pay.value: found no file {third_here.parent}/token; expected a token"
    assert expected in absent.message
    (third_here.parent / "token").write_text("pay-token-0001\n")
    services.play("secrets", "environment", **variables).ok()
    (third_here.parent / "token").write_text("pay-token-0002\n")
    done = services.rotate(**variables | {"rotation_only": "pay,sms", "sms": "sms-token-0002"}).ok()
    assert third_here.read_text().split() == ["pay-token-0002"]
    assert "sms: not proven that the old token is refused" in done.out
    assert "pay: not proven" not in done.out
    assert services.host.run("cat /run/secrets/api/pay /run/secrets/api/sms") == "pay-token-0002sms-token-0002"
    for hidden in ("pay-token", "sms-token", "mail-token"):
        assert hidden not in done.out
