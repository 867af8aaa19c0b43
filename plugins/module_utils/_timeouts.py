# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How long a consumer waits: for a connection, an answer, a place in a pool. Seconds, except PostgreSQL's statement_timeout in its own notation."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.mainstay.backend.plugins.module_utils._checking import Checker

#: connect and checkout in seconds. libpq takes a connect timeout below 2 for 2.
DATABASE = {"connect": 5.0, "checkout": 5.0}
#: pool: how long a thread waits for a connection of the pool to be free.
VALKEY = {"connect": 1.0, "read": 1.0, "write": 1.0, "pool": 1.0}
_STATEMENT = re.compile(r"0|(\d{1,9})\s*(ms|s|min|h|d)")
_MILLISECONDS = {"ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
_SHORTEST, _LONGEST = 0.05, 600.0


@dataclass(frozen=True)
class Timeouts:
    """`statement` '' follows what the database's logins have. `valkey` holds all instances, `instances` those with timeouts of their own."""

    connect: float = DATABASE["connect"]
    checkout: float = DATABASE["checkout"]
    statement: str = ""
    valkey: Mapping[str, float] = field(default_factory=lambda: dict(VALKEY))
    instances: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def of(self, instance: str) -> Mapping[str, float]:
        return self.instances.get(instance, self.valkey)


def milliseconds(text: str) -> int:
    """What PostgreSQL's notation says ('30s' -> 30000; '0' -> 0, no limit)."""
    match = _STATEMENT.fullmatch(text)
    return int(match[1]) * _MILLISECONDS[match[2]] if match and match[1] else 0


def number(seconds: float) -> str:
    """SECONDS as every language reads them: 5.0 -> '5', 0.25 -> '0.25'."""
    return f"{seconds:g}"


def read_timeouts(consumer: Checker, instances: Sequence[str]) -> Timeouts:
    """The consumer's `timeouts`: `database` {connect, checkout, statement}, `valkey` and one for each of INSTANCES {connect, read, write, pool}."""
    check = Checker(consumer.where("timeouts"), consumer.get("timeouts"), consumer.problems)
    database = Checker(check.where("database"), check.get("database"), check.problems)
    statement = database.get("statement", "")
    statement = "0" if statement == 0 and not isinstance(statement, bool) else statement
    if not isinstance(statement, str) or (statement and not _STATEMENT.fullmatch(statement)):
        database.problem("statement", statement, "a time like 30s, or 0 for no limit")
        statement = ""
    connect = database.seconds("connect", DATABASE["connect"], 2, _LONGEST)
    if connect != int(connect):
        database.problem("connect", connect, "whole seconds: PostgreSQL's library knows no parts of them")
    checkout = database.seconds("checkout", DATABASE["checkout"], _SHORTEST, _LONGEST)
    database.done()
    everywhere = _valkey(check, "valkey", VALKEY)
    own = {name: _valkey(check, name, everywhere) for name in instances if check.get(name) is not None}
    check.done()
    return Timeouts(connect, checkout, str(statement), everywhere, own)


def _valkey(parent: Checker, name: str, defaults: Mapping[str, float]) -> dict[str, float]:
    check = Checker(parent.where(name), parent.get(name), parent.problems)
    found = {key: check.seconds(key, value, _SHORTEST, _LONGEST) for key, value in defaults.items()}
    # a pool that follows: whoever raises read alone means that answers take longer
    if check.get("pool") is None:
        found["pool"] = max(found["pool"], found["read"])
    elif found["pool"] < found["read"]:
        check.problem(
            "pool",
            found["pool"],
            f"at least {number(found['read'])}, as in read: a connection may be busy as long as that",
        )
    check.done()
    return found
