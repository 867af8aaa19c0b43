# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How a consumer takes up new secrets, and how one knows that it is well: read from the inventory, or from a module's arguments."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, urlsplit

from ansible_collections.mainstay.backend.plugins.module_utils._checking import Checker

#: What a unit or a container may be sent instead of a reload or a restart.
SIGNALS = ("HUP", "USR1", "USR2")
METHODS = ("reload", "restart", *SIGNALS)
#: A consumer that reads its files for each connection says so: `reload: none`.
NONE = "none"
PROBES = ("command", "url", "tcp")
_UNIT = re.compile(r"[A-Za-z0-9:_.\\@][A-Za-z0-9:_.\\@-]{0,246}")
_OTHER_UNITS = re.compile(r".*\.(?:socket|target|timer|path|mount|automount|swap|slice|scope|device)")
_CONTAINER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
_PLAIN = re.compile(r"[\x21\x22\x24-\x7e]+")
_ADDRESS = re.compile(r"(?:(?P<host>[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]):)?(?P<port>\d{1,5})")


@dataclass(frozen=True)
class Health:
    """What tells that a consumer is well. Seconds: how long it may take, between two looks, and how long it must have run by then.

    `probe` is '' where running is enough, or one of PROBES with what belongs to it.
    """

    probe: str = ""
    command: tuple[str, ...] = ()
    url: str = ""
    status: int = 200
    host: str = ""
    port: int = 0
    timeout: float = 30
    interval: float = 0.5
    settle: float = 1

    def data(self) -> dict[str, Any]:
        """As the inventory says it."""
        told: dict[str, Any] = {"timeout": self.timeout, "interval": self.interval, "settle": self.settle}
        if self.probe == "command":
            told["command"] = list(self.command)
        if self.probe == "url":
            told.update(url=self.url, status=self.status)
        if self.probe == "tcp":
            told["tcp"] = f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
        return told


@dataclass(frozen=True)
class Reload:
    """`how` is unit, container, command or none, and '' where the consumer declares nothing.

    `names` are its units or containers, `method` one of METHODS, or '' for what suits each.
    """

    how: str = ""
    names: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    method: str = ""
    health: Health = field(default_factory=Health)

    def data(self) -> dict[str, Any]:
        """As the inventory says it."""
        told: dict[str, Any] = {"health": self.health.data()}
        if self.how in ("unit", "container"):
            told[self.how] = list(self.names)
        if self.how in ("command", NONE):
            told["reload"] = list(self.command) or NONE
        if self.method:
            told["reload_method"] = self.method
        return told


def read_reload(check: Checker) -> Reload:
    """The options unit, container, reload, reload_method and health of a consumer."""
    units = _names(check, "unit", _unit)
    containers = _names(check, "container", _container)
    command = _command(check)
    health = _health(check)
    method = check.choice("reload_method", "", METHODS) if check.get("reload_method") is not None else ""
    given = [key for key in ("unit", "container", "reload") if check.get(key) is not None]
    if len(given) > 1:
        check.say("reload" if "reload" in given else given[1], " and ".join(given), "one of unit, container and reload")
    if not given:
        for key in ("health", "reload_method"):
            if check.get(key) is not None:
                check.say(
                    key, f"{key} alone", "unit, container or reload beside it (reload: none if nothing is to be done)"
                )
        return Reload()
    if method and given[0] == "reload":
        check.problem("reload_method", method, "unit or container beside it: a command says itself what it does")
    if method == "reload" and given[0] == "container":
        check.problem("reload_method", method, f"one of {', '.join(METHODS[1:])}: a container knows no reload")
    if units or containers:
        return Reload("unit" if units else "container", units or containers, method=method, health=health)
    return Reload("command" if command else NONE, command=command, health=health)


def _names(check: Checker, key: str, one: Any) -> tuple[str, ...]:
    """One name, or a list of them."""
    value = check.get(key)
    items = [value] if isinstance(value, str) else value
    if items is None:
        return ()
    if not isinstance(items, Sequence) or not items or not all(isinstance(item, str) for item in items):
        check.problem(key, value, f"the name of a {key}, or a list of them")
        return ()
    return tuple(dict.fromkeys(one(check, str(item)) for item in items))


def _unit(check: Checker, name: str) -> str:
    if _OTHER_UNITS.fullmatch(name):
        check.problem("unit", name, "a service: what else systemd runs takes up no secret")
    elif re.search(r"@(?:\.service)?$", name):
        check.problem("unit", name, "an instance of it, like shop@1.service")
    elif not _UNIT.fullmatch(name):
        check.problem("unit", name, "the name of a systemd service, like shop.service")
    return name if name.endswith(".service") else f"{name}.service"


def _container(check: Checker, name: str) -> str:
    if not _CONTAINER.fullmatch(name):
        check.problem("container", name, "the name of a container")
    return name


def _words(check: Checker, key: str, value: object, expected: str) -> tuple[str, ...]:
    """A command. Its words are not shown: an option among them may be a secret."""
    if (
        isinstance(value, str)
        or not isinstance(value, Sequence)
        or not value
        or not all(isinstance(item, str) and "\0" not in item for item in value)
        or not value[0].strip()
    ):
        kind = (
            "a text" if isinstance(value, str) else "a list" if isinstance(value, (list, tuple)) else "something else"
        )
        check.say(key, f"{kind} (not shown)", f"a list of texts, {expected}: no shell reads it")
        return ()
    return tuple(str(item) for item in value)


def _command(check: Checker) -> tuple[str, ...]:
    value = check.get("reload")
    if value is None or value == NONE:
        return ()
    return _words(check, "reload", value, "like [systemctl, --user, reload, shop], or none")


def _health(check: Checker) -> Health:
    value = check.get("health")
    if value is not None and not isinstance(value, Mapping):
        check.problem(
            "health", value, "a mapping with one of command, url and tcp, like {url: 'http://127.0.0.1:3000/up'}"
        )
        return Health()
    inner = Checker(check.where("health"), value, check.problems)
    given = [key for key in PROBES if inner.get(key) is not None]
    told: dict[str, Any] = {"probe": given[0] if given else ""}
    if len(given) > 1:
        inner.say("", " and ".join(given), f"one of {', '.join(PROBES)}")
    if "command" in given:
        told["command"] = _words(inner, "command", inner.get("command"), "like [/usr/local/bin/shop, --check]")
    if "url" in given:
        told["url"] = _url(inner)
    if "tcp" in given:
        told["host"], told["port"] = _tcp(inner)
    told["status"] = inner.integer("status", 200, 100, 599)
    if inner.get("status") is not None and "url" not in given:
        inner.problem("status", inner.get("status"), "url beside it")
    told["timeout"] = inner.seconds("timeout", 30, 1, 3600)
    told["interval"] = inner.seconds("interval", 0.5, 0.05, 60)
    told["settle"] = inner.seconds("settle", 1, 0, 300)
    if told["settle"] >= told["timeout"]:
        inner.problem("settle", told["settle"], f"less than timeout ({told['timeout']:g})")
    inner.done()
    return Health(**told)


def _url(check: Checker) -> str:
    value = check.get("url")
    text = value if isinstance(value, str) else ""
    parts = _split(text)
    expected = "an address like http://127.0.0.1:3000/up, of plain ASCII"
    if parts is not None and "@" in parts.netloc:
        check.say("url", "a user or a password in it (not shown)", f"{expected}; a command may know them")
    elif parts is None or parts.scheme not in ("http", "https") or not parts.hostname or not _PLAIN.fullmatch(text):
        # What follows ? may be a token.
        check.problem("url", text.split("?")[0] if text and "@" not in text else None if text else value, expected)
    else:
        return str(text)
    return ""


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        return parts if parts.port != 0 else None
    except ValueError:
        return None


def _tcp(check: Checker) -> tuple[str, int]:
    value = check.get("tcp")
    text = str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    match = _ADDRESS.fullmatch(text)
    if not match or not 0 < int(match["port"]) < 65536:
        check.problem("tcp", value, "a port, or host:port, like 127.0.0.1:3000")
        return "", 0
    return (match["host"] or "127.0.0.1").strip("[]"), int(match["port"])
