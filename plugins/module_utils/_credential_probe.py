# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tries logins from this host, all at once and in bounded time: does this secret let anybody in? Standard library only.

Refused is what a server says that has looked at the secret. A server that is down, full, starting, or not to be trusted has refused nobody.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError, shown
from ansible_collections.mainstay.backend.plugins.module_utils._findings import printable
from ansible_collections.mainstay.backend.plugins.module_utils._probe_command import probe_command, probe_rails_key
from ansible_collections.mainstay.backend.plugins.module_utils._probe_postgres import ask_for_tls, probe_postgres
from ansible_collections.mainstay.backend.plugins.module_utils._probe_tls import VERIFY, Tls, probe_tls
from ansible_collections.mainstay.backend.plugins.module_utils._probe_valkey import probe_valkey
from ansible_collections.mainstay.backend.plugins.module_utils._probe_wire import (
    Odd,
    Outcome,
    Refused,
    Silent,
    Unreachable,
    Wire,
)

if TYPE_CHECKING:
    from ansible_collections.mainstay.backend.plugins.plugin_utils.types import Probe

OUTCOMES = ("works", "refused", "unreachable", "error")
EXPECTED = OUTCOMES[:2]
#: Kind -> how many probes of one server run at a time: a probe must not take the connection that an application needs.
LANES = {"valkey": 8, "postgres": 4, "tls": 8, "command": 4, "rails_key": 4}
KINDS = tuple(LANES)
#: Kind -> its port where none is given.
PORTS = {"valkey": 6379, "postgres": 5432}
#: Before what was unreachable is tried again.
PAUSE = 0.5
#: After the deadline of a probe its thread gets so long to say so.
_GRACE = 1.0
_TLS_OPTIONS = ("ca_file", "ca", "server_name", "certificate", "key", "verify")


@dataclass(frozen=True)
class Login:
    """One probe. `socket` is a Unix socket in place of host and port; `tls` None: without."""

    id: str
    kind: str
    expect: str
    host: str = ""
    port: int = 0
    socket: str = ""
    user: str = ""
    database: str = ""
    replication: bool = False
    tls: Tls | None = None
    starttls: str = ""
    fingerprint: str = ""
    command: tuple[str, ...] = ()
    environment: str = ""
    stdin: bool = False
    refused_exit: tuple[int, ...] = ()
    file: str = ""
    password: str = field(default="", repr=False)

    @property
    def server(self) -> tuple[str, str, int]:
        """Whom it asks: those who ask the same share their connections, and the news that nobody is there."""
        return self.kind, self.socket or self.host or self.file, self.port


@dataclass(frozen=True)
class Limits:
    """Seconds: for a connection, for a whole probe, and for how long what is unreachable is tried again."""

    connect: float = 3.0
    seconds: float = 10.0
    wait: float = 0.0


def probe_arguments(probes: Iterable[Probe]) -> dict[str, Any]:
    """PROBES of adapters as the module's options `probes` and `passwords`."""
    found: list[dict[str, Any]] = []
    passwords: dict[str, str] = {}
    for probe in probes:
        login = dict(probe.login)
        secret = login.pop("password", None)
        if secret is not None:
            passwords[probe.id] = secret
        found.append({**login, "id": probe.id, "expect": probe.expect})
    return {"probes": found, "passwords": passwords}


def read_logins(items: Sequence[Mapping[str, Any]], passwords: Mapping[str, Any]) -> list[Login]:
    """The module's options, checked. MainstayError names the first one that cannot be, never a password."""
    found: list[Login] = []
    for at, item in enumerate(items):
        login = _login(item, f"probes[{at}]", passwords)
        if any(login.id == other.id for other in found):
            raise MainstayError(f"probes[{at}].id: found {shown(login.id)} twice; expected an id of its own")
        found.append(login)
    unused = sorted(set(passwords) - {login.id for login in found})
    if unused:
        raise MainstayError(f"passwords: found {shown(unused[0])}, which no probe has; expected ids of probes")
    return found


def _login(item: Mapping[str, Any], where: str, passwords: Mapping[str, Any]) -> Login:
    given = {key: value for key, value in item.items() if value is not None}
    tls = _tls(given.pop("tls", None), f"{where}.tls")
    made = Login(
        **{
            **given,
            "tls": tls,
            "command": tuple(given.get("command", ())),
            "refused_exit": tuple(given.get("refused_exit", ())),
            "password": str(passwords.get(str(item.get("id")), "")),
        }
    )
    made = replace(made, port=made.port or PORTS.get(made.kind, 0))
    for option, value, choices in (("kind", made.kind, KINDS), ("expect", made.expect, EXPECTED)):
        if value not in choices:
            raise MainstayError(f"{where}.{option}: found {shown(value)}; expected one of {', '.join(choices)}")
    over_network = made.kind in ("valkey", "postgres", "tls")
    needed = {
        "id": True,
        "user": made.kind in ("valkey", "postgres"),
        "host": over_network and not made.socket,
        "port": over_network and not made.socket,
        "tls": made.kind == "tls",
        "command": made.kind == "command",
        "file": made.kind == "rails_key",
    }
    missing = [option for option, needs in needed.items() if needs and not getattr(made, option)]
    if missing:
        raise MainstayError(f"{where}.{missing[0]}: found nothing; expected one for a probe of kind {made.kind}")
    if not 0 <= made.port <= 65535:
        raise MainstayError(f"{where}.port: found {made.port}; expected a port from 1 to 65535")
    if made.kind != "tls" and not made.password:
        raise MainstayError(f"passwords: found none for {shown(made.id)}; expected the secret of every probe")
    if made.kind == "command" and any(made.password in word for word in made.command):
        raise MainstayError(f"{where}.command: found the secret in it; expected it in `environment` or `stdin`")
    return made


def _tls(given: Mapping[str, Any] | None, where: str) -> Tls | None:
    if given is None:
        return None
    unknown = sorted(set(given) - set(_TLS_OPTIONS))
    if unknown:
        expected = f"one of {', '.join(_TLS_OPTIONS)}"
        raise MainstayError(f"{where}.{unknown[0]}: found an unknown option; expected {expected}")
    made = Tls(**{key: str(value) for key, value in given.items() if value is not None})
    if made.verify not in VERIFY:
        raise MainstayError(f"{where}.verify: found {shown(made.verify)}; expected one of {', '.join(VERIFY)}")
    return made


def probe(login: Login, limits: Limits = Limits()) -> Outcome:
    """What comes of LOGIN: always an outcome, whatever the other side does."""
    try:
        outcome = _ask(login, limits)
    except Refused as error:
        outcome = Outcome("refused", str(error))
    except Unreachable as error:
        outcome = Outcome("unreachable", str(error), isinstance(error, Silent))
    except Odd as error:
        outcome = Outcome("error", str(error))
    except Exception as error:
        # what is unforeseen is no refusal; its text could quote anything
        outcome = Outcome("error", f"the probe itself failed: {type(error).__name__}")
    hidden = outcome.said.replace(login.password, "***") if login.password else outcome.said
    return replace(outcome, said=printable(hidden))


def _ask(login: Login, limits: Limits) -> Outcome:
    if login.kind == "command":
        return probe_command(
            login.command, login.password, login.environment, login.stdin, login.refused_exit, limits.seconds
        )
    if login.kind == "rails_key":
        return probe_rails_key(login.file, login.password)
    wire = Wire(login.host, login.port, login.socket, limits.connect, limits.seconds)
    try:
        if (login.kind == "postgres" and login.tls) or login.starttls == "postgres":
            ask_for_tls(wire)
        if login.kind == "tls":
            return probe_tls(wire, login.host, login.tls or Tls(), login.fingerprint)
        if login.tls:
            login.tls.secure(wire, login.host)
        if login.kind == "postgres":
            return probe_postgres(wire, login.user, login.password, login.database, login.replication)
        return probe_valkey(wire, login.user, login.password)
    finally:
        wire.close()


def probe_all(
    logins: Sequence[Login],
    limits: Limits = Limits(),
    ask: Callable[[Login, Limits], Outcome] = probe,
) -> list[Outcome]:
    """The outcomes of LOGINS, in their order. What is unreachable and shall work is tried again for `limits.wait`."""
    until = time.monotonic() + limits.wait
    found = _round(logins, limits, ask)
    while time.monotonic() < until:
        again = [at for at, login in enumerate(logins) if found[at].outcome == "unreachable"]
        if not again:
            break
        time.sleep(PAUSE)
        for at, outcome in zip(again, _round([logins[at] for at in again], limits, ask), strict=True):
            found[at] = outcome
    return found


def _round(logins: Sequence[Login], limits: Limits, ask: Callable[[Login, Limits], Outcome]) -> list[Outcome]:
    """One try of each. Threads end with the process: what hangs beyond its deadline (a name server, say) holds nothing up."""
    found: list[Outcome | None] = [None] * len(logins)
    lanes: dict[tuple[str, str, int], deque[int]] = {}
    for at, login in enumerate(logins):
        lanes.setdefault(login.server, deque()).append(at)
    silent: dict[tuple[str, str, int], Outcome] = {}

    def work(server: tuple[str, str, int]) -> None:
        lane = lanes[server]
        while True:
            try:
                at = lane.popleft()
            except IndexError:
                return
            # who gave no answer to one probe is not waited for by fifty
            found[at] = silent.get(server) or ask(logins[at], limits)
            outcome = found[at]
            if outcome and outcome.silent:
                silent[server] = outcome

    threads = []
    rounds = 1
    for server, lane in lanes.items():
        count = min(LANES[server[0]], len(lane))
        rounds = max(rounds, -(-len(lane) // count))
        threads += [threading.Thread(target=work, args=(server,), daemon=True) for _number in range(count)]
    for thread in threads:
        thread.start()
    until = time.monotonic() + rounds * (limits.seconds + _GRACE)
    for thread in threads:
        thread.join(max(until - time.monotonic(), 0))
    late = Outcome("unreachable", f"no answer within {limits.seconds:g} s")
    return [outcome or late for outcome in found]


def told(logins: Sequence[Login], outcomes: Sequence[Outcome]) -> list[str]:
    """What did not come out as expected, for people."""
    wrong = []
    for login, outcome in zip(logins, outcomes, strict=True):
        if outcome.outcome != login.expect:
            why = f" ({outcome.said})" if outcome.said else ""
            wrong.append(f"{printable(login.id)}: found {outcome.outcome}{why}; expected {login.expect}")
    return wrong
