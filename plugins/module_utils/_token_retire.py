# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Revokes a token at the third party that made it, by a command of the inventory's; one that is refused already is left alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._probe_command import probe_command, run
from ansible_collections.mainstay.backend.plugins.module_utils._probe_wire import Odd, Refused, Unreachable

#: What stands after the variable of the token for the one that is to be revoked.
PREVIOUS = "_PREVIOUS"


@dataclass(frozen=True)
class Revoke:
    """A token to revoke: the commands as module credential_probe takes them, the token that stays, and the one that goes."""

    name: str
    test: Mapping[str, Any]
    retire: Mapping[str, Any]
    current: str = field(repr=False)
    previous: str = field(repr=False)


def revoke(token: Revoke, check_mode: bool, seconds: float) -> str:
    """What was done, for people; '' where the third party refuses the token already. MainstayError: the command did not end with 0."""
    test, retire = token.test, token.retire
    where = f"backend_credentials.{token.name}.retire"
    try:
        codes = test["refused_exit"]
        probe_command(test["command"], token.previous, test["environment"], test["stdin"], codes, seconds)
    except Refused:
        return ""
    except Unreachable as error:
        raise MainstayError(f"{where}: found that {error}; expected an answer of the third party") from None
    except Odd:
        pass  # it says neither: revoking is tried, and proven by the test afterwards
    if check_mode:
        return f"{token.name}: would be revoked"
    variables = {retire["environment"]: token.current, retire["environment"] + PREVIOUS: token.previous}
    stdin = f"{token.current}\n{token.previous}\n" if retire["stdin"] else None
    program = retire["command"][0]
    try:
        code = run(retire["command"], {} if retire["stdin"] else variables, stdin, seconds)
    except (Odd, Unreachable) as error:
        raise MainstayError(f"{where}: found that {error}; expected it to revoke the token") from None
    if code != 0:
        raise MainstayError(f"{where}: found exit code {code} of {program}; expected 0: the token is revoked")
    return f"{token.name}: revoked by {program}"
