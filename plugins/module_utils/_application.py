# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A consumer's application tree: which files of it are written, and what they need to know. Read from backend_consumers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils._checking import Checker, shown
from ansible_collections.mainstay.backend.plugins.module_utils._settings_files import secrets_in

GENERAL = ("env_example", "reference", "gitignore", "settings")
RAILS = ("database", "cable", "cache", "session", "sidekiq")
#: `rails` stands for those of RAILS that the consumer has a server for.
FILES = (*GENERAL, "rails", *RAILS)
#: The purpose of the instance that a Rails file is about.
PURPOSE_OF = {"cable": "cable", "cache": "cache", "session": "session", "sidekiq": "queue"}
_AGE = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_LONGEST_AGE = 10 * 365 * _AGE["d"]


@dataclass(frozen=True)
class Application:
    """`directory` is '' where nothing of it is written; `instances`: Rails file -> the instance it is about. Ages are in seconds."""

    directory: str = ""
    files: tuple[str, ...] = ()
    schema: str = ""
    rails: tuple[int, int] = (7, 1)
    settings: Mapping[str, Any] = field(default_factory=dict)
    environment_settings: Mapping[str, Any] = field(default_factory=dict)
    cache_age: int = 0
    session_age: int = 0
    instances: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Servers:
    """What a consumer's credentials lead to: databases, and instances with their purposes."""

    databases: tuple[str, ...]
    instances: Mapping[str, str]

    def of_purpose(self, purpose: str) -> str:
        """The instance that serves PURPOSE: the one of that name, else the first one; '' for none."""
        if self.instances.get(purpose) == purpose:
            return purpose
        return next((name for name, found in self.instances.items() if found == purpose), "")


def read_application(check: Checker, servers: Servers, schema: str, concurrency: int) -> Application:
    """SCHEMA is the path for consumers that name none. Problems are added to CHECK's."""
    directory = check.path_("app_dir", "") if check.get("app_dir") else ""
    own = check.get("schema")
    path = (
        check.text("schema", schema, r"[^\s].*", "the path of an env.schema.yml on the controller") if own else schema
    )
    settings, here = _plain(check, "settings"), _plain(check, "environment_settings")
    version = check.text("rails_version", "7.1", r"(?:[6-9]|1\d)\.\d", "a version of Rails, like 7.1, in quotes")
    major, _dot, minor = version.partition(".")
    found = Application(
        directory=directory.rstrip("/"),
        files=_files(check, bool(directory), bool(path), bool(settings or here), servers, concurrency),
        schema=path,
        rails=(int(major), int(minor)),
        settings=settings,
        environment_settings=here,
        cache_age=_age(check, "cache_expires_in", "1d"),
        session_age=_age(check, "session_expire_after", "14d"),
        instances={name: servers.of_purpose(purpose) for name, purpose in PURPOSE_OF.items()},
    )
    if not directory:
        for key in ("files", "settings", "environment_settings", "rails_version"):
            if check.get(key):
                check.say(key, "it, and no app_dir", "app_dir too: the folder of the application that the files go to")
    return found


def _files(
    check: Checker, application: bool, schema: bool, settings: bool, servers: Servers, concurrency: int
) -> tuple[str, ...]:
    default = [*(["env_example", "reference"] if schema else []), "gitignore", *(["settings"] if settings else [])]
    wanted = check.strings("files", default if application else [], f"a list of {', '.join(FILES)}")
    found: list[str] = []
    for name in wanted:
        if name not in FILES:
            check.problem("files", name, f"one of {', '.join(FILES)}")
        elif name == "rails":
            found += [item for item in RAILS if not _lacks(item, schema, settings, servers, concurrency)]
        else:
            lacks = _lacks(name, schema, settings, servers, concurrency)
            if lacks:
                check.say("files", f"{name} without {lacks[0]}", lacks[1])
            else:
                found.append(name)
    if application and settings and "settings" not in wanted:
        check.say("files", "settings given, and none among the files to write", "settings in it too")
    return tuple(dict.fromkeys(found))


def _lacks(name: str, schema: bool, settings: bool, servers: Servers, concurrency: int) -> tuple[str, str] | None:
    """What the file NAME cannot be written without, and the remedy; None where nothing is missing."""
    if name in ("env_example", "reference") and not schema:
        return "a schema", "schema, or environment_schema: the path of the application's env.schema.yml"
    if name == "settings" and not settings:
        return "data", "settings, or environment_settings: what config/settings.yml shall say"
    if name == "database" and not servers.databases:
        return "a database", "a credential of a database among the consumer's"
    purpose = PURPOSE_OF.get(name)
    if purpose and not servers.of_purpose(purpose):
        why = ": other purposes lack the rights that jobs need" if purpose == "queue" else ""
        return (
            f"an instance of purpose {purpose}",
            f"one in valkey_instances, and its credential among the consumer's{why}",
        )
    if name == "sidekiq" and not concurrency:
        return "threads", "sidekiq_concurrency: how many jobs a process runs at once"
    return None


def _age(check: Checker, key: str, default: str) -> int:
    text = check.text(key, default, r"[1-9]\d{0,8}[smhdw]", "an age like 12h, 14d or 4w")
    seconds = int(text[:-1]) * _AGE[text[-1]]
    if seconds > _LONGEST_AGE:
        check.problem(key, text, "at most ten years")
    return seconds


def _plain(check: Checker, key: str) -> dict[str, Any]:
    """A mapping of names to texts, numbers, true, false, lists and mappings: what YAML holds without surprises."""
    found = check.mapping(key)

    def walk(path: str, value: object, depth: int) -> None:
        if isinstance(value, Mapping) and depth:
            for name, item in value.items():
                if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]{0,127}", name):
                    check.say(
                        path, f"the name {shown(name)}", "names of letters, digits, _ and -, not beginning with a digit"
                    )
                else:
                    walk(f"{path}.{name}", item, depth - 1)
        elif isinstance(value, Sequence) and not isinstance(value, str) and depth:
            for number, item in enumerate(value):
                walk(f"{path}[{number}]", item, depth - 1)
        elif value is not None and not isinstance(value, (str, int, float)):
            check.say(
                path, f"a {type(value).__name__}", "texts, numbers, true, false, lists and mappings, at most 20 deep"
            )
        elif isinstance(value, str) and any(
            (char < " " and char not in "\n\t") or "\ud800" <= char <= "\udfff" for char in value
        ):
            check.say(path, "a character that is no text", "plain text")

    before = len(check.problems)
    walk(key, found, 20)
    if len(check.problems) == before:
        check.problems += secrets_in(check.where(key), found, None, ())
    return found
