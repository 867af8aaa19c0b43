# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Values that somebody else made (tokens, an application's first master key): read on the controller, and only where one is needed.

`use` says in whose name they are read; no message here quotes a value.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from ansible.errors import AnsibleError

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._credentials import Credential
from ansible_collections.mainstay.backend.plugins.module_utils._dotenv import unfit
from ansible_collections.mainstay.backend.plugins.module_utils._env_secrecy import placeholder
from ansible_collections.mainstay.backend.plugins.module_utils._rails_credentials import key_bytes
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_states import OPEN
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_supply import (
    KINDS,
    REPLACEABLE,
    Supply,
    compared,
    replaced,
)
from ansible_collections.mainstay.backend.plugins.module_utils._store import (
    SALT_BYTES,
    Contents,
    Version,
    check_secret,
)
from ansible_collections.mainstay.backend.plugins.plugin_utils.certificate_supply import certificate_supplies

#: What a file of a token may have at most, line break included.
_LONGEST = 16_384
HOW = "ansible-playbook mainstay.backend.token -e rotation_ask="


@dataclass(frozen=True)
class _Reader:
    templar: Any
    loader: Any
    variables: Mapping[str, Any] = field(repr=False)


_READER: ContextVar[_Reader | None] = ContextVar("mainstay_supplied", default=None)


def use(templar: Any, loader: Any, variables: Mapping[str, Any]) -> None:
    """From now on values are read as a task with these VARIABLES sees them."""
    _READER.set(_Reader(templar, loader, variables))


def supplied_version(contents: Contents, credential: Credential, slot: str, now: str) -> Version:
    """A version with the value of CREDENTIAL's source. MainstayError: it has none."""
    value, absent = value_of(credential)
    if absent:
        raise MainstayError(
            f"backend_credentials.{credential.name}.value: found {absent}; expected {_expected(credential)}"
        )
    return version_of(value, slot, now)


def version_of(value: str, slot: str, now: str) -> Version:
    return Version(secrets.token_hex(8), slot, now, value, secrets.token_bytes(SALT_BYTES))


def value_of(credential: Credential) -> tuple[str, str]:
    """(value, '') of CREDENTIAL's source, or ('', why there is none). MainstayError: a value that cannot be one."""
    source, reader = credential.options["value"], _READER.get()
    if not source or reader is None:
        return "", "none in the secret store"
    where = f"backend_credentials.{credential.name}.value"
    if "file" in source:
        path = _absolute(source["file"], reader.variables)
        if not os.path.exists(path):
            return "", f"no file {path}"
        text, what = _read(where, path, reader.loader), f"file {path}"
    else:
        name = source["variable"]
        if name not in reader.variables:
            return "", f"no variable {name}"
        text, what = _templated(where, name, reader), f"variable {name}"
    value = text[:-1] if text.endswith("\n") else text
    value = value.removesuffix("\r")
    if not value:
        return "", f"nothing in {what}"
    check_value(f"{where}: found {what} with", credential.kind, value)
    return value, ""


def check_value(found: str, kind: str, value: str) -> None:
    """MainstayError, beginning with FOUND and without VALUE, where VALUE cannot be a secret of KIND that every loader reads alike."""
    if kind == "rails_master_key":
        key_bytes(value)
        return
    problem = "surrounding white space" if value != value.strip() else unfit(value)
    if problem:
        raise MainstayError(f"{found} {problem} in it (not shown); expected the token alone, on one line")
    if placeholder(value, secret=True):
        raise MainstayError(f"{found} a placeholder (not shown); expected the token that the third party gave")
    check_secret(f"{found} another text", kind, value)


def supplies(credentials: Mapping[str, Credential], contents: Contents, only: Sequence[str] = ()) -> dict[str, Supply]:
    """What the sources of tokens and of supplied certificates have, of those that the store knows (and ONLY names)."""
    found: dict[str, Supply] = {}
    for name, credential in credentials.items():
        record = contents.records.get(name)
        if credential.kind not in KINDS or record is None or (only and name not in only):
            continue
        if record.state in OPEN and record.state not in REPLACEABLE:
            continue
        value, absent = value_of(credential)
        if not absent:
            found[name] = compared(record, value)
        elif record.state not in OPEN:
            why = (
                f"its source has {absent}"
                if credential.options["value"]
                else "no new value was typed in (rotation_ask)"
            )
            found[name] = Supply(False, why)
    return {**found, **certificate_supplies(credentials, contents, only)}


def take_up(
    contents: Contents, credentials: Mapping[str, Credential], found: Mapping[str, Supply], now: str
) -> Contents:
    """CONTENTS where a token that waits to be tested has its source's other value."""
    for name in [name for name, supply in found.items() if supply.new]:
        record = contents.records[name]
        if record.state in REPLACEABLE:
            value, absent = value_of(credentials[name])
            if not absent:
                contents = replaced(contents, credentials[name], version_of(value, record.current.slot, now), now)
    return contents


def _expected(credential: Credential) -> str:
    if credential.kind == "rails_master_key":
        return "the key that opens the application's credentials"
    return "a token" if credential.options["value"] else f"it typed in: {HOW}{credential.name}"


def _absolute(path: str, variables: Mapping[str, Any]) -> str:
    base = variables.get("inventory_dir") or variables.get("playbook_dir") or "."
    return os.path.join(str(base), os.path.expanduser(path))


def _read(where: str, path: str, loader: Any) -> str:
    """The text of PATH, decrypted where it is vaulted."""
    try:
        if os.path.getsize(path) > 4 * _LONGEST:
            raise MainstayError(f"{where}: found {path}, which is too large; expected one token in it")
        return str(loader.get_text_file_contents(path))
    except (OSError, AnsibleError):
        raise MainstayError(
            f"{where}: found {path}, which cannot be read; expected a file with the token alone"
        ) from None


def _templated(where: str, name: str, reader: _Reader) -> str:
    try:
        value = reader.templar.template(reader.variables[name])
    except AnsibleError:
        raise MainstayError(f"{where}: found that variable {name} cannot be templated; expected a text") from None
    if value is not None and not isinstance(value, str):
        raise MainstayError(f"{where}: found variable {name}, which is no text (not shown); expected a text, in quotes")
    return str(value or "")
