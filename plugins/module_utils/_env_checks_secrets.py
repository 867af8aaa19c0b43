# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Secrets: placeholders, what can be guessed, what serves twice, and secrets in files where they do not belong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ansible_collections.mainstay.backend.plugins.module_utils._env_kin import kin
from ansible_collections.mainstay.backend.plugins.module_utils._env_reader import Reader
from ansible_collections.mainstay.backend.plugins.module_utils._env_readings import (
    PROCESS_ENV,
    Place,
    Reading,
    secret_file,
)
from ansible_collections.mainstay.backend.plugins.module_utils._env_rules import MOST_PEERS
from ansible_collections.mainstay.backend.plugins.module_utils._env_secrecy import (
    known_token,
    nothing,
    placeholder,
    prose,
    secret_name,
)
from ansible_collections.mainstay.backend.plugins.module_utils._env_settings_scan import scan
from ansible_collections.mainstay.backend.plugins.module_utils._env_urls import Url, read
from ansible_collections.mainstay.backend.plugins.module_utils._env_weak import weak

#: A shorter value that two variables share may do so by chance.
_TELLING = 8
_RESERVED = ("example.com", "example.org", "example.net")


@dataclass(frozen=True)
class Secret:
    """A secret and where it stands; `url` where it is the password of one."""

    name: str
    value: str = field(repr=False)
    place: Place
    kind: str
    url: Url | None = field(default=None, repr=False)

    @property
    def words(self) -> str:
        return "has a password that " if self.url else ""


def check(reader: Reader) -> None:
    examples = {name: value for reading in reader.examples for name, value in _values(reading).items() if value}
    first: list[Secret] | None = None
    for view in reader.views:
        found = [item for item in first or () if item.name in view.values and item.name not in view.news]
        for name, value in view.news.items():
            place = view.places[name]
            if not value or (place.file == PROCESS_ENV and reader.variable(name) is None):
                continue
            secrets = list(secrets_of(reader, name, value, place, "env"))
            _left(reader, name, value, place, secrets, examples)
            found += secrets
        if found != first:
            _judge(reader, found, examples)
        first = found if first is None else first
    files = [
        Secret(name, value, Place(path), "secret") for path, (name, value) in reader.secrets.items() if value.strip()
    ]
    _judge(reader, files, examples)
    for reading in reader.env:
        _misplaced(reader, reading)
    for reading in reader.examples:
        _in_example(reader, reading)
    _in_settings(reader)


def secrets_of(reader: Reader, name: str, value: str, place: Place, kind: str) -> Iterator[Secret]:
    """What of VALUE is secret: the password of a URL, or all of it."""
    url = read(value) if "://" in value else None
    variable = reader.variable(name)
    if url is not None and url.password:
        if variable is None or variable.sensitive:
            yield Secret(name, url.password, place, kind, url)
    elif (url is None or not url.scheme.startswith("http")) and reader.secret(name, value):
        yield Secret(name, value, place, kind)


def _left(
    reader: Reader, name: str, value: str, place: Place, secrets: list[Secret], examples: Mapping[str, str]
) -> None:
    """A value that is no secret, left as a placeholder."""
    if secrets or len(value) > 200:
        return
    variable = reader.variable(name)
    if variable is not None and (value in variable.choices or value == variable.default):
        return
    reserved = examples.get(name) == value and any(domain in value.lower() for domain in _RESERVED)
    if reserved or placeholder(value, secret=False):
        _say(reader, "placeholder", name, place, "is the example's own" if reserved else "is a placeholder")


def _judge(reader: Reader, secrets: list[Secret], examples: Mapping[str, str]) -> None:
    """Placeholders and weak ones; of the rest, those that serve twice, here or in another environment."""
    sound = []
    for item in secrets:
        fault = _placeholder(reader, item, examples)
        if fault:
            _say(reader, "placeholder", item.name, item.place, item.words + fault)
            continue
        guess = weak(item.value, item.name)
        if guess:
            _say(reader, "weak-secret", item.name, item.place, item.words + guess)
        if len(item.value) >= _TELLING:
            sound.append(item)
    _repeated(reader, sound)
    _elsewhere(reader, sound)


def _placeholder(reader: Reader, item: Secret, examples: Mapping[str, str]) -> str:
    if placeholder(item.value, secret=True):
        return "is a placeholder"
    variable = reader.variable(item.name)
    for known in (examples.get(item.name), variable.example if variable else None):
        url = read(known) if known and item.url else None
        if item.value in (known, url.password if url else None):
            return "is the example's own"
    return ""


def _repeated(reader: Reader, secrets: list[Secret]) -> None:
    seen: dict[str, list[Secret]] = {}
    for item in secrets:
        before = seen.setdefault(item.value, [])
        other = next((other for other in before if not kin(item.name, item.url, other.name, other.url)), None)
        if other is not None:
            same = reader.named(other.name) or "another variable"
            _say(reader, "repeated-secret", item.name, item.place, f"{item.words}is the same as that of {same}")
        if len(before) < MOST_PEERS:
            before.append(item)


def _elsewhere(reader: Reader, secrets: list[Secret]) -> None:
    others = reader.cached("elsewhere", lambda: _all_elsewhere(reader)) if reader.elsewhere else {}
    for item in secrets:
        for environment, path in others.get(item.value, {}).items():
            message = f"{item.words}is the same in {environment} ({path})"
            _say(reader, "same-secret-in-two-environments", item.name, item.place, message)


def _all_elsewhere(reader: Reader) -> dict[str, dict[str, str]]:
    """Secret -> environment -> the file that has it."""
    found: dict[str, dict[str, str]] = {}
    for source in reader.elsewhere:
        values: list[Secret] = []
        if source.kind == "env":
            for name, value in _values(reader.read([source])[0]).items():
                values += secrets_of(reader, name, value or "", Place(source.path), "env")
        elif source.kind == "secret":
            name, value = secret_file(source, reader.schema)
            values.append(Secret(name, value, Place(source.path), "secret"))
        for item in values:
            found.setdefault(item.value, {})[source.environment] = source.path
    return found


def _misplaced(reader: Reader, reading: Reading) -> None:
    values = _values(reading)
    for name, line in reading.key_lines.items():
        variable = reader.variable(name)
        if variable and variable.source == "secret" and values.get(name):
            message = "is set here; the schema says that it is a file of the secrets folder"
            reader.report("secret-in-env", Place(reading.source.path, line), name, message)


def _in_example(reader: Reader, reading: Reading) -> None:
    keys = reading.key_lines
    for name, value in _values(reading).items():
        place = Place(reading.source.path, keys.get(name, 0))
        for item in secrets_of(reader, name, value or "", place, "example"):
            if not _dummy(item):
                _say(reader, "sensitive-in-example", name, place, f"{item.words}has the form of a real secret", reading)


def _dummy(item: Secret) -> bool:
    value = item.value
    if known_token(value):
        return False
    return (
        placeholder(value, secret=True)
        or "passw" in value.lower()
        or prose(value)
        or weak(value, item.name) is not None
        or value.startswith("$")
    )


def _in_settings(reader: Reader) -> None:
    sources = reader.of_kind("settings")
    if not sources:
        return
    secrets = {
        item.value
        for view in reader.views
        for name, value in view.values.items()
        for item in secrets_of(reader, name, value, Place(""), "env")
        if len(item.value) >= _TELLING
    }
    for source in sources:
        for path, value, line in scan(source.data):
            if nothing(value) or placeholder(value, secret=True):
                continue
            url = read(value)
            name = path.rpartition(".")[2]
            known = reader.variable(path.upper().replace(".", "_"))
            if known is not None and not known.sensitive:
                continue
            if secret_name(name) or known_token(value) or (url and url.password) or value in secrets:
                _say(reader, "sensitive-in-settings", path, Place(source.path, line), "is a secret in a settings file")


def _values(reading: Reading) -> dict[str, str | None]:
    """What the first loader that accepts the file reads."""
    return next(iter(reading.accepted.values())).variables if reading.accepted else {}


def _say(reader: Reader, rule: str, name: str, place: Place, message: str, reading: Reading | None = None) -> None:
    """Once for a variable: where loaders read it differently, that is another rule's finding."""
    if not reader.first(rule, name, place):
        return
    shown = reader.named(name, reading, place.line if reading else 0)
    reader.report(rule, place, shown, message if shown else f"A value: {message}")
