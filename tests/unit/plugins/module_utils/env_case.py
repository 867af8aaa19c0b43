# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""For every rule of the catalogue what breaks it, and near misses that must stay silent. Used by test_env_validate*.py."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils._env_schema import (
    CrossRule,
    Schema,
    Variable,
)
from ansible_collections.mainstay.backend.plugins.module_utils._env_validate import Options, Source
from ansible_collections.mainstay.backend.plugins.module_utils._findings import Finding

STRONG = "9f1c6bd07a52e83b4d90aa17c5e2f86b"
OTHER = "e41b70c9d8264fa3b15d09c7a86e32f4"
ALL = ("ruby", "python", "node", "systemd", "compose")
TOKEN = "ghp_" + "a8Kd03Lm" * 4 + "Zq7X"


@dataclass
class Case:
    """What is validated; where a rule is broken, `line` and `variable` of its finding, and a piece of its message."""

    sources: list[Source]
    schema: Schema | None = None
    options: Options = field(default_factory=Options)
    line: int = 0
    variable: str = ""
    says: str = ""
    severity: str = ""


def env(text: str | bytes, path: str = ".env", **more: Any) -> Source:
    return Source("env", path, text.encode() if isinstance(text, str) else text, **more)


def example(text: str) -> Source:
    return Source("example", ".env.example", text.encode())


def secret(name: str, data: bytes, **more: Any) -> Source:
    return Source("secret", f"secrets/{name}", data, **more)


def settings(text: str) -> Source:
    return Source("settings", "config/settings.yml", text.encode())


def schema(*variables: Variable, rules: tuple[CrossRule, ...] = ()) -> Schema:
    return Schema({item.name: item for item in variables}, rules, "env.schema.yml")


def options(environment: str = "production", loaders: tuple[str, ...] = ALL, **more: Any) -> Options:
    return Options(environment=environment, loaders=loaders, **more)


def case(
    *sources: Source | str,
    schema: Schema | None = None,
    at: int = 0,
    of: str = "",
    says: str = "",
    severity: str = "",
    **more: Any,
) -> Case:
    """Texts are sources of kind env. AT and OF: line and variable of the finding; MORE: the options."""
    given = [env(item) if isinstance(item, str) else item for item in sources]
    return Case(given, schema, options(**more), at, of, says, severity)


PLAIN = Variable("PLAIN", sensitive=False)
PORT = Variable("PORT", type="int", min="1024", max="9999", sensitive=False)
RULES_OF_TWO = {
    kind: schema(Variable("A_ONE"), Variable("A_TWO"), rules=(CrossRule(kind, ("A_ONE", "A_TWO"), 7),))
    for kind in ("distinct", "all_or_none", "at_most_one", "equal_host")
}
INSTANCES = {
    "cache": {"host": "10.0.0.5", "port": 6379, "purpose": "cache", "policy": "allkeys-lru"},
    "session": {"host": "10.0.0.5", "port": 6380, "purpose": "session", "policy": "noeviction"},
}
DATABASES = {"shop": {"host": "10.0.0.6", "port": 5432, "database": "shop"}}
SESSION = Variable("SESSION_URL", type="url", instance="session")
DATABASE = Variable("DATABASE_URL", type="url", database="shop")
PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----"


def judged(found: list[Finding], rule: str) -> list[Finding]:
    return [item for item in found if item.rule == rule]
