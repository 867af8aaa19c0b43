# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Each kind of credential gets the secret that it needs."""

from __future__ import annotations

import re

import pytest

from ansible_collections.mainstay.backend.plugins.module_utils._credentials import Credential
from ansible_collections.mainstay.backend.plugins.module_utils._store import Contents
from ansible_collections.mainstay.backend.plugins.plugin_utils.material import make_version

NOW = "2026-11-23T00:00:00Z"


@pytest.mark.parametrize(
    ("kind", "digits"),
    [
        ("postgres_role", 64),
        ("valkey_user", 64),
        ("signing_key", 64),
        ("secret_key_base", 128),
        ("rails_master_key", 32),
    ],
)
def test_a_random_secret_of_the_length_that_its_kind_wants(kind: str, digits: int) -> None:
    first, second = (make_version(Contents("production"), Credential("x", kind), "b", NOW) for unused in range(2))
    assert re.fullmatch(rf"[0-9a-f]{{{digits}}}", first.secret)
    assert (first.slot, first.created) == ("b", NOW)
    assert first.secret != second.secret
    assert first.id != second.id
    assert first.salt != second.salt
