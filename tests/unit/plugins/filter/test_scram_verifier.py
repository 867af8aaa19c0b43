# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""scram_verifier: the verifier is of this password and no other, and the same each time."""

from __future__ import annotations

import re

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.mainstay.backend.plugins.filter.scram_verifier import scram_verifier
from ansible_collections.mainstay.backend.plugins.module_utils._scram import is_verifier, matches


def test_the_verifier_is_of_this_password_and_the_same_each_time() -> None:
    found = scram_verifier("correct horse", "report")
    assert is_verifier(found) and "correct horse" not in found
    assert matches("correct horse", found) and not matches("password", found)
    assert scram_verifier("correct horse", "report") == found
    assert scram_verifier("correct horse", "report_b") != found


@pytest.mark.parametrize(
    ("password", "salt", "expected"),
    [
        (7, "report", "scram_verifier: found no text; expected a password and a salt"),
        ("hunter2", "", "scram_verifier: found no text; expected a password and a salt"),
        ("", "report", "scram_verifier: "),
        ("hunter2\x07", "report", "scram_verifier: "),
    ],
)
def test_what_has_no_verifier_is_refused_and_not_shown(password: object, salt: str, expected: str) -> None:
    with pytest.raises(AnsibleFilterError, match=re.escape(expected)) as refused:
        scram_verifier(password, salt)
    assert "hunter2" not in str(refused.value)
