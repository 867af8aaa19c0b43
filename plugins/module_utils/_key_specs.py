# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Signing keys, secret_key_base, tokens and Rails' master keys as the inventory declares them: their own options, checked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ansible_collections.mainstay.backend.plugins.module_utils._checking import Checker, Problem, shown
from ansible_collections.mainstay.backend.plugins.module_utils._credentials import Credential
from ansible_collections.mainstay.backend.plugins.module_utils._rails_credentials import key_file_of, place_of
from ansible_collections.mainstay.backend.plugins.module_utils._rotation import parse_age

if TYPE_CHECKING:
    from ansible_collections.mainstay.backend.plugins.plugin_utils.types import Consumer

#: Where a value comes from that nobody here makes: typed in, or made by us where a kind can.
ASK, NEW = "ask", "new"
_VARIABLE = r"[A-Z_][A-Z0-9_]{0,119}"
_LIFETIME = r"[1-9]\d{0,4}[mhdw]"
_EXPECTED_LIFETIME = "a time like 15m, 1h or 14d: how long what a key signed is taken"
_ANSIBLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PATH = re.compile(r"[^\s'\"\\$%\x00-\x1f][^'\"\\$%\x00-\x1f]*")
#: Rails' pair of files, where its application keeps the global one or the one of its environment.
PLACES = ("global", "environment")
_KEY_SIZES = (32, 48, 64)


def read_signing_key(check: Checker) -> dict[str, Any]:
    """`token_lifetime` has no default: a short one would cut off what is valid, a long one keeps a leaked key alive."""
    if check.get("token_lifetime") is None:
        check.say("token_lifetime", "nothing", _EXPECTED_LIFETIME)
    size = check.integer("bytes", _KEY_SIZES[0], 1, 4096)
    if size not in _KEY_SIZES:
        check.problem(
            "bytes", size, f"one of {', '.join(map(str, _KEY_SIZES))}: as long as the hash of HS256, HS384 or HS512"
        )
    return {"token_lifetime": _lifetime(check), "variable": _variable(check), "bytes": size}


def read_secret_key_base(check: Checker) -> dict[str, Any]:
    """Without `token_lifetime` it follows from the consumers' sessions (see `with_lifetimes`)."""
    return {
        "token_lifetime": _lifetime(check),
        "variable": check.text("variable", "SECRET_KEY_BASE", _VARIABLE, _NAMES),
    }


def read_token(check: Checker) -> dict[str, Any]:
    """Where a token comes from, how one knows that it works, and how the one before is revoked."""
    found: dict[str, Any] = {"value": _value(check, ASK), "variable": _variable(check)}
    test, retire = check.get("test"), check.get("retire")
    if test is not None:
        found["test"] = _command(check, "test", test, found["variable"])
    if retire is not None:
        found["retire"] = _command(check, "retire", retire, found["variable"])
        if test is None:
            check.say("retire", "it, and no test", "test too: what is revoked is proven to be refused by it")
        elif not found["test"].get("refused"):
            expected = "the exit codes by which the command says that the token was refused: retire is proven by them"
            check.say("test.refused", "nothing", expected)
    return found


def read_rails_master_key(check: Checker) -> dict[str, Any]:
    """Which pair of files the key belongs to. Paths of the pair are those of the consumers' hosts, `repository_file` the controller's."""
    if check.get("value") is None:
        check.say("value", "nothing", _EXPECTED_KEY)
    found: dict[str, Any] = {"value": _value(check, NEW), "place": check.choice("place", PLACES[0], PLACES)}
    for key in ("path", "key_file"):
        found[key] = check.path_(key, "") if check.get(key) else ""
    if found["key_file"] and not found["path"]:
        check.say("key_file", "it, and no path", "path too: the encrypted file that the key opens")
    if found["path"] and not found["path"].endswith(".yml.enc"):
        check.problem("path", found["path"], "the path of an encrypted file, ending in .yml.enc")
    found["repository_file"] = _path(check, "repository_file")
    return found


_NAMES = "upper-case letters, digits and _, not beginning with a digit: the name of an environment variable"
_EXPECTED_VALUE = "{file: PATH} or {variable: NAME} of the controller, or ask: it is typed in"
_EXPECTED_KEY = (
    "{file: PATH} or {variable: NAME} with the key that opens the credentials now, or new where there are none yet"
)
READERS: Mapping[str, Callable[[Checker], dict[str, Any]]] = {
    "signing_key": read_signing_key,
    "secret_key_base": read_secret_key_base,
    "token": read_token,
    "rails_master_key": read_rails_master_key,
}


def _variable(check: Checker) -> str:
    name = check.path.rpartition(".")[2].upper()
    return check.text("variable", name, _VARIABLE, _NAMES)


def _lifetime(check: Checker) -> str:
    text = check.text("token_lifetime", "", _LIFETIME, _EXPECTED_LIFETIME) if check.get("token_lifetime") else ""
    age = check.get("max_age")
    lifetime, oldest = parse_age(text), parse_age(age) if isinstance(age, str) else None
    if lifetime and oldest and oldest <= lifetime:
        expected = f"more than token_lifetime {text}: only one previous key at a time is still taken"
        check.problem("max_age", age, expected)
    return text


def _value(check: Checker, word: str) -> dict[str, str]:
    """{file: PATH}, {variable: NAME} or, for the WORD itself, {}."""
    value = check.get("value", word)
    expected = _EXPECTED_VALUE if word == ASK else _EXPECTED_KEY
    if value == word:
        return {}
    if not isinstance(value, Mapping) or len(value) != 1 or set(value) - {"file", "variable"}:
        what = "a text (not shown)" if isinstance(value, str) else shown(value)
        check.say("value", what, f"{expected}; a secret itself does not stand in the inventory")
        return {}
    (key, text) = next(iter(value.items()))
    pattern = _PATH if key == "file" else _ANSIBLE_NAME
    if not isinstance(text, str) or not pattern.fullmatch(text):
        what = "a path on the controller" if key == "file" else "the name of an Ansible variable, without braces"
        check.say(f"value.{key}", "another value (not shown)", what)
        return {}
    return {str(key): text}


def _path(check: Checker, key: str) -> str:
    value = check.get(key)
    if value is None or value == "":
        return ""
    if not isinstance(value, str) or not _PATH.fullmatch(value):
        check.problem(key, value, "a path on the controller, without quotes, '$' or '%'")
        return ""
    return str(value)


def _command(check: Checker, key: str, given: object, variable: str) -> dict[str, Any]:
    """{command, environment, stdin, runs_on, refused}: a program that is given the token, and what its exit codes say."""
    inner = Checker(check.where(key), given, check.problems)
    command = inner.strings("command", [], "a list: the program and its arguments")
    if not command or not command[0].startswith("/"):
        what = shown(command[0]) if command else "nothing"
        inner.say("command", what, "a list that begins with the absolute path of a program")
    found: dict[str, Any] = {
        "command": list(command),
        "environment": inner.text("environment", variable, _VARIABLE, _NAMES),
        "stdin": inner.boolean("stdin", False),
        "runs_on": inner.choice("runs_on", "consumers", ("consumers", "controller")),
    }
    if key == "test":
        codes = inner.get("refused", [])
        if not isinstance(codes, (list, tuple)) or not all(
            isinstance(code, int) and not isinstance(code, bool) and 1 <= code <= 255 for code in codes
        ):
            inner.problem("refused", codes, "a list of exit codes from 1 to 255, like [4]")
            codes = []
        found["refused"] = list(codes)
    inner.done()
    return found


def with_consumers(
    credentials: Mapping[str, Credential], consumers: Iterable[Consumer], problems: list[Problem]
) -> dict[str, Credential]:
    """CREDENTIALS with what follows from who uses them: how long a secret_key_base is still taken, and whose Rails files a key opens."""
    found = dict(credentials)
    for name, credential in credentials.items():
        users = [item for item in consumers if name in item.credentials]
        if credential.kind == "secret_key_base":
            found[name] = _with_lifetime(credential, users, problems)
        if credential.kind == "rails_master_key":
            _check_applications(credential, users, problems)
    return found


def _with_lifetime(credential: Credential, users: Iterable[Consumer], problems: list[Problem]) -> Credential:
    """As long as the longest session that is signed with it. A shorter time is refused: it would sign people out."""
    longest = max((item.application.session_age for item in users), default=14 * 86_400)
    given = parse_age(credential.options["token_lifetime"])
    if given is None:
        return replace(credential, options={**credential.options, "token_lifetime": f"{-(-longest // 60)}m"})
    for item in users:
        if item.application.session_age > given.total_seconds():
            expected = (
                f"no less than session_expire_after of backend_consumers.{item.name}: its sessions are signed with it"
            )
            told = shown(credential.options["token_lifetime"])
            problems.append(Problem(f"backend_credentials.{credential.name}.token_lifetime", told, expected))
    return credential


def _check_applications(credential: Credential, users: Iterable[Consumer], problems: list[Problem]) -> None:
    for item in users:
        path = f"backend_consumers.{item.name}"
        if not item.application.directory and not credential.options["path"]:
            expected = f"the folder of the Rails application that {credential.name} is for, or credentials without it"
            problems.append(Problem(f"{path}.app_dir", "nothing", expected))
        elif credential.options["key_file"].startswith(f"{item.secrets_dir}/"):
            expected = f"a file outside {item.secrets_dir}, where only what is published there stays"
            told = shown(credential.options["key_file"])
            problems.append(Problem(f"backend_credentials.{credential.name}.key_file", told, expected))
        if "RAILS_MASTER_KEY" in item.variables:
            expected = f"no such entry: Rails would take it in place of the key file, which {credential.name} rotates with the credentials"
            problems.append(Problem(f"{path}.variables.RAILS_MASTER_KEY", "a variable", expected))


def rails_pair(credential: Credential, directory: str, environment: str) -> tuple[str, str]:
    """(encrypted file, key file) on the hosts of a consumer whose application is in DIRECTORY."""
    path = credential.options["path"]
    if not path:
        path = place_of(directory, environment, exists=credential.options["place"] == "environment").path
    return path, credential.options["key_file"] or key_file_of(path)
