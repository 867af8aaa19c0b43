# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""For every rule of the catalogue what breaks it, and near misses that must stay silent. Used by test_env_validate*.py."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils._env_schema import (
    CrossRule,
    Deprecation,
    Schema,
    Variable,
)
from ansible_collections.mainstay.backend.plugins.module_utils._env_validate import Options, Source
from ansible_collections.mainstay.backend.plugins.module_utils._findings import Finding

STRONG = "9f1c6bd07a52e83b4d90aa17c5e2f86b"
OTHER = "e41b70c9d8264fa3b15d09c7a86e32f4"
THIRD = "73d0e95a1bf84c62a90d4be81f67c235"
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

#: rule -> (cases that break it, near misses)
CASES: dict[str, tuple[list[Case], list[Case]]] = {
    # values
    "missing": (
        [
            case("OTHER=x", schema=schema(Variable("NEEDED", required=True)), of="NEEDED"),
            case(
                "OTHER=x",
                schema=schema(Variable("NEEDED", required_in=("production",))),
                of="NEEDED",
                says="in production",
            ),
            case(
                "MODE=s3",
                schema=schema(Variable("MODE"), Variable("BUCKET", required_when={"MODE": ("s3",)})),
                of="BUCKET",
            ),
            case(
                secret("other", b"x"),
                "A=b",
                schema=schema(Variable("SHOP_DB", required=True, source="secret", line=4)),
                of="SHOP_DB",
                at=4,
            ),
            case(
                "",
                schema=schema(Variable("SHOP_DB", required=True, source="secret")),
                looked_at=("secret",),
                of="SHOP_DB",
            ),
        ],
        [
            case("NEEDED=x", schema=schema(Variable("NEEDED", required=True))),
            case("OTHER=x", schema=schema(Variable("NEEDED", required_in=("staging",)))),
            case("OTHER=x", schema=schema(Variable("NEEDED", required=True, default="d"))),
            case("OTHER=x", schema=schema(Variable("NEEDED", required=True, defaults={"production": "d"}))),
            case("OTHER=x", schema=schema(Variable("NEEDED", required=True)), process_env={"NEEDED": "x"}),
            case(
                "OTHER=x",
                Source("process", "unit:app", b"NEEDED=x\0"),
                schema=schema(Variable("NEEDED", required=True)),
            ),
            case(env("NEEDED=x"), env("OTHER=y", ".env.local"), schema=schema(Variable("NEEDED", required=True))),
            case(
                secret("shop_db", STRONG.encode()),
                "A=b",
                schema=schema(Variable("SHOP_DB", required=True, source="secret")),
            ),
            case("A=b", schema=schema(Variable("SHOP_DB", required=True, source="secret"))),
            case("MODE=disk", schema=schema(Variable("MODE"), Variable("BUCKET", required_when={"MODE": ("s3",)}))),
            case(example("A=b"), schema=schema(Variable("NEEDED", required=True))),
        ],
    ),
    "empty": (
        [
            case("SECRET=", schema=schema(Variable("SECRET", required=True)), at=1, of="SECRET"),
            case("A=b\nSECRET='  '\n", schema=schema(Variable("SECRET", required=True)), at=2, of="SECRET"),
            case(
                env("SECRET=x"),
                env("\nSECRET=", ".env.production"),
                schema=schema(Variable("SECRET", required=True)),
                at=2,
                of="SECRET",
            ),
            case(secret("shop_db", b"\n"), schema=schema(Variable("SHOP_DB", source="secret")), of="SHOP_DB"),
        ],
        [
            case("SECRET=", schema=schema(Variable("SECRET"))),
            case("SECRET=0", schema=schema(Variable("SECRET", required=True))),
            case(env("SECRET="), env("SECRET=x", ".env.production"), schema=schema(Variable("SECRET", required=True))),
        ],
    ),
    "unknown": (
        [
            case("PLAIN=a\nPLIAN=b", schema=schema(PLAIN), at=2, of="PLIAN", says="did you mean PLAIN?"),
            case("QWHJ=b", schema=schema(PLAIN), at=1, of="QWHJ"),
        ],
        [
            case("PLAIN=a", schema=schema(PLAIN)),
            case("QWHJ=b"),
            case(Source("process", "unit:app", b"PATH=/bin\0"), schema=schema(PLAIN)),
            case("PLAIN=a", schema=schema(PLAIN), process_env={"PATH": "/bin"}),
        ],
    ),
    "wrong-type": (
        [
            case("PORT=http", schema=schema(PORT), at=1, of="PORT", says="whole number"),
            case("ON=maybe", schema=schema(Variable("ON", type="bool")), at=1, of="ON"),
            case(
                "U=http://h/", schema=schema(Variable("U", type="url", schemes=("https",))), at=1, of="U", says="scheme"
            ),
            case("", schema=schema(PORT), process_env={"PORT": "x"}, of="PORT"),
            case(secret("key", b"no hex"), schema=schema(Variable("KEY", type="hex", source="secret")), of="KEY"),
        ],
        [
            case("PORT=3000", schema=schema(PORT)),
            case("ON=Yes", schema=schema(Variable("ON", type="bool"))),
            case("PORT=", schema=schema(PORT)),
            case("PORT=http", schema=schema(PORT), process_env={"PORT": "3000"}),
            case(env("PORT=http"), env("PORT=3000", ".env.local"), schema=schema(PORT)),
        ],
    ),
    "out-of-range": (
        [
            case("PORT=80", schema=schema(PORT), at=1, of="PORT", says="less than 1024"),
            case("PORT=10000", schema=schema(PORT), at=1, of="PORT", says="more than 9999"),
        ],
        [case("PORT=1024", schema=schema(PORT)), case("PORT=9999", schema=schema(PORT))],
    ),
    "wrong-length": (
        [
            case("A=abc", schema=schema(Variable("A", min_length=4)), at=1, of="A"),
            case("A=abc", schema=schema(Variable("A", max_length=2)), at=1, of="A"),
        ],
        [case("A=abcd", schema=schema(Variable("A", min_length=4, max_length=4)))],
    ),
    "wrong-pattern": (
        [case("A=v1x", schema=schema(Variable("A", pattern="v[0-9]")), at=1, of="A")],
        [case("A=v1", schema=schema(Variable("A", pattern="v[0-9]")))],
    ),
    "not-a-choice": (
        [
            case(
                "A=Info",
                schema=schema(Variable("A", type="enum", choices=("info", "debug"))),
                at=1,
                of="A",
                says="info, debug",
            )
        ],
        [case("A=info", schema=schema(Variable("A", type="enum", choices=("info", "debug"))))],
    ),
    "forbidden": (
        [case("DEBUG=1", schema=schema(Variable("DEBUG", forbidden_in=("production",))), at=1, of="DEBUG")],
        [
            case("DEBUG=1", schema=schema(Variable("DEBUG", forbidden_in=("production",))), environment="development"),
            case("DEBUG=", schema=schema(Variable("DEBUG", forbidden_in=("production",)))),
        ],
    ),
    "deprecated": (
        [
            case(
                "OLD=1",
                schema=schema(Variable("OLD", deprecated=Deprecation("NEW")), Variable("NEW")),
                at=1,
                of="OLD",
                says="set NEW instead",
            )
        ],
        [case("NEW=1", schema=schema(Variable("OLD", deprecated=Deprecation("NEW")), Variable("NEW")))],
    ),
    "not-distinct": (
        [case("A_ONE=same\nA_TWO=same", schema=RULES_OF_TWO["distinct"], at=2, says="A_ONE and A_TWO")],
        [
            case("A_ONE=same\nA_TWO=other", schema=RULES_OF_TWO["distinct"]),
            case("A_ONE=\nA_TWO=", schema=RULES_OF_TWO["distinct"]),
        ],
    ),
    "all-or-none": (
        [case("A_ONE=x", schema=RULES_OF_TWO["all_or_none"], at=1, says="A_TWO is not set")],
        [case("A_ONE=x\nA_TWO=y", schema=RULES_OF_TWO["all_or_none"]), case("", schema=RULES_OF_TWO["all_or_none"])],
    ),
    "at-most-one": (
        [case("A_ONE=x\nA_TWO=y", schema=RULES_OF_TWO["at_most_one"], at=2)],
        [case("A_ONE=x\nA_TWO=", schema=RULES_OF_TWO["at_most_one"])],
    ),
    "equal-host": (
        [case("A_ONE=http://a.test/\nA_TWO=http://b.test/", schema=RULES_OF_TWO["equal_host"], at=2)],
        [case("A_ONE=http://a.test/\nA_TWO=ftp://A.test:21/x", schema=RULES_OF_TWO["equal_host"])],
    ),
    # loaders
    "loaders-disagree": (
        [
            case("A='b' # c", at=1, of="A", says="systemd keeps the comment"),
            case("export A=b", at=1, of="A", says="systemd does not set it"),
            case('A="b"', loaders=("ruby", "python", "docker"), at=1, of="A", says="docker keeps the quotes"),
            case("A=p@ss#word1", at=1, of="A", says="ruby and node cut at #"),
            case("B=1\nA=$B", at=2, of="A", says="expand"),
            case("A=$2a$12$abcdefg", at=1, of="A", says="ruby"),
            case("A='it\\'s'", at=1, of="A", says="backslashes"),
            case("A=b ", loaders=("ruby", "docker"), at=1, of="A", says="docker keeps other spaces"),
            case("A=b\\c", at=1, of="A", says="backslashes"),
        ],
        [
            case("A='b'\nC=\"d e\"\nD=plain"),
            case("A='$B #c'"),
            case("export A=b", loaders=("ruby", "python", "node", "compose")),
            case("A=b # c", loaders=("ruby", "python", "node", "compose")),
            case("A='b' # c", loaders=("systemd",)),
            case(env("A='b' # c", loaders=("node",))),
        ],
    ),
    "loader-refuses": (
        [
            case("A = b", loaders=("docker",), at=1, says="docker refuses"),
            case("A=b\nexport C", loaders=("ruby",), at=2, says="ruby refuses"),
            case('A="b\nC=d', loaders=("compose",)),
        ],
        [case("A = b"), case("A=b", loaders=("docker",))],
    ),
    "duplicate-key": (
        [
            case("A=b\nC=d\nA=e", at=3, of="A", says="another value on line 1", severity="error"),
            case("A=b\nA=b", at=2, of="A", severity="warning"),
        ],
        [case("A=b\n# A=c"), case(env("A=b"), env("A=c", ".env.local")), case("A=b\na=c")],
    ),
    "command-substitution": (
        [case("A=$(hostname)", at=1, of="A", says="ruby executes"), case('B=1\nA="x$(id)"', at=2, of="A")],
        [case("A='$(hostname)'"), case("A=$(hostname)", loaders=("python", "node", "systemd"))],
    ),
    "cut-at-hash": (
        [
            case("PASSWORD=p@ss#word1", at=1, of="PASSWORD", says="ruby and node"),
            case("A=#fff", loaders=("node",), at=1, of="A"),
        ],
        [
            case("A=b # a comment", loaders=("ruby", "node")),
            case("A= # a comment", loaders=("ruby", "node", "python")),
            case("A='b#c'"),
            case("A=b#c", loaders=("python", "systemd")),
            case('A="b#c" # d', loaders=("ruby", "node")),
        ],
    ),
    "expands-unset": (
        [
            case("A=pa$word", loaders=("ruby", "compose"), at=1, of="A", says="ruby and compose"),
            case("A=${NOBODY}/x", loaders=("python",), at=1, of="A"),
            case("A=${NOBODY:-x}", loaders=("ruby",), at=1, of="A"),
        ],
        [
            case("B=1\nA=$B/x", loaders=("ruby",)),
            case("A=${B}/x\n", loaders=("python",), process_env={"B": "1"}),
            case(env("B=1"), env("A=$B", ".env.local"), loaders=("ruby",)),
            case("A=${NOBODY:-x}", loaders=("python", "compose")),
            case("A='pa$word'", loaders=("ruby", "compose")),
            case("A=pa$word", loaders=("node", "systemd")),
            case("A=$HOME/data", loaders=("ruby",)),
        ],
    ),
    "unclosed-quote": (
        [case('A="b\nC=d\nE=f', loaders=("systemd",), at=1, of="A")],
        [case(f'A="{PEM}"\nC=d', loaders=("ruby", "systemd"))],
    ),
    "dropped": (
        [
            case("export A=b", loaders=("systemd",), at=1, of="A", says="journal"),
            case("A.B=c", loaders=("systemd",), at=1),
        ],
        [case("A=b", loaders=("systemd",)), case("export A=b", loaders=("ruby", "systemd"))],
    ),
    # secrets
    "placeholder": (
        [
            case("A_KEY=x\nAPI_KEY=changeme", at=2, of="API_KEY"),
            case("SECRET_KEY_BASE=CHANGE_ME_PLEASE", at=1, of="SECRET_KEY_BASE"),
            case("ADMIN_PASSWORD=password", at=1, of="ADMIN_PASSWORD"),
            case("SMTP_HOST=<your-smtp-host>", at=1, of="SMTP_HOST"),
            case("BUCKET=TODO", at=1, of="BUCKET"),
            case("BUCKET=your-bucket-name", at=1, of="BUCKET"),
            case("API_TOKEN=xxxxxxxx", at=1, of="API_TOKEN"),
            case("API_TOKEN=REPLACE_ME", at=1, of="API_TOKEN"),
            case(
                "DATABASE_URL=postgresql://shop:changeme@localhost/shop", at=1, of="DATABASE_URL", says="its password"
            ),
            case(f"API_TOKEN={STRONG}", example(f"API_TOKEN={STRONG}"), at=1, of="API_TOKEN", says="example's own"),
            case(f"API_TOKEN={STRONG}", schema=schema(Variable("API_TOKEN", example=STRONG)), at=1, of="API_TOKEN"),
            case("DOMAIN=example.com", example("DOMAIN=example.com"), at=1, of="DOMAIN"),
            case(secret("api_token", b"changeme"), of="api_token"),
            case("API_TOKEN=changeme", environment="development", at=1, of="API_TOKEN", severity="warning"),
        ],
        [
            case(f"API_KEY={STRONG}"),
            case("LOG_LEVEL=info\nDDL=update\nMODE=change\nPOLICY=replace\nSTEP=create-drop"),
            case("APP_NAME=todo-app\nTITLE='Secret Santa'"),
            case("SECRET_SANTA=password"),
            case("LOG_LEVEL=info", example("LOG_LEVEL=info")),
            case("DOMAIN=shop.test", example("DOMAIN=example.com")),
            case("API_TOKEN=", example("API_TOKEN=")),
            case('ORIGINS=["http://a.test"]', loaders=("python",)),
            case("API_KEY=changeme", schema=schema(Variable("API_KEY", sensitive=False, choices=("changeme",)))),
        ],
    ),
    "weak-secret": (
        [
            case("DB_PASSWORD=postgres", at=1, of="DB_PASSWORD"),
            case("DB_PASSWORD=P@ssw0rd2024", at=1, of="DB_PASSWORD"),
            case("API_TOKEN=k3Hf9", at=1, of="API_TOKEN", says="short"),
            case("API_TOKEN=aaaaaaaaaaaaaaaaaaaaaaaa", at=1, of="API_TOKEN", says="repeats"),
            case("API_TOKEN=k3Hf9zk3Hf9zk3Hf9zk3Hf9z", at=1, of="API_TOKEN", says="repeats one piece"),
            case("API_TOKEN=abcdefghijklmnop", at=1, of="API_TOKEN", says="sequence"),
            case("API_TOKEN=1234567890123456", at=1, of="API_TOKEN"),
            case("SHOP_DB_PASSWORD=shop-db-password-1", at=1, of="SHOP_DB_PASSWORD", says="common words"),
            case("DATABASE_URL=postgresql://shop:shop@localhost/shop", at=1, of="DATABASE_URL", says="its password"),
            case(secret("shop_db", b"short"), schema=schema(Variable("SHOP_DB", source="secret")), of="SHOP_DB"),
            case("DB_PASSWORD=postgres", environment="test", at=1, of="DB_PASSWORD", severity="warning"),
        ],
        [
            case(f"DB_PASSWORD={STRONG}"),
            case("DB_PASSWORD=abcq jwpo kxzu vmnt"[:31].replace(" ", "-")),
            case("DB_PASSWORD=u7#Kp!2vQz9$Lm4x", loaders=("python", "systemd")),
            case("REQUIRE_PASSWORD=true\nPASSWORD_LENGTH=8\nPASSWORD_RESET_URL=/x\nREDIS_PASSWORD=null"),
            case("AWS_ACCESS_KEY_ID=short\nSTRIPE_PUBLISHABLE_KEY=pk_1"),
            case("DB_PASSWORD=postgres", schema=schema(Variable("DB_PASSWORD", sensitive=False))),
            case("DATABASE_URL=postgresql://localhost/shop"),
            case("RAILS_ENV=production", schema=schema(Variable("RAILS_ENV"))),
        ],
    ),
    "repeated-secret": (
        [
            case(f"JWT_SECRET={STRONG}\nSESSION_SECRET={STRONG}", at=2, of="SESSION_SECRET", says="JWT_SECRET"),
            case(secret("jwt", STRONG.encode()), secret("session", STRONG.encode()), of="session"),
            case(
                f"CACHE_URL=redis://app:{STRONG}@localhost:1/\nSESSION_URL=redis://app:{STRONG}@localhost:2/",
                at=2,
                of="SESSION_URL",
            ),
        ],
        [
            case(f"JWT_SECRET={STRONG}\nSESSION_SECRET={OTHER}"),
            case(f"DATABASE_URL=postgresql://shop:{STRONG}@localhost/shop", secret("shop_db", STRONG.encode())),
            case(
                f"DATABASE_URL=postgresql://s:{STRONG}@localhost/a\nQUEUE_DATABASE_URL=postgresql://s:{STRONG}@localhost/b"
            ),
            case(f"DATABASE_URL=postgresql://s:{STRONG}@localhost/a\nPOSTGRES_PASSWORD={STRONG}\nDB_PASSWORD={STRONG}"),
            case(f"CACHE_URL=redis://app:{STRONG}@localhost:1/\nSESSION_URL=redis://app:{OTHER}@localhost:2/"),
            case(env(f"JWT_SECRET={STRONG}"), env(f"JWT_SECRET={STRONG}", ".env.local")),
            case("SMTP_PORT=25\nIMAP_PORT=25"),
        ],
    ),
    "same-secret-in-two-environments": (
        [
            case(
                env(f"A=b\nJWT_SECRET={STRONG}"),
                env(f"JWT_SECRET={STRONG}", ".env.staging", environment="staging"),
                at=2,
                of="JWT_SECRET",
                says="staging",
            ),
            case(
                env(f"D=postgresql://a:{STRONG}@h/?sslmode=require"),
                env(f"D=postgresql://b:{STRONG}@i/", "x", environment="test"),
                at=1,
                of="D",
            ),
            case(secret("jwt", STRONG.encode()), secret("jwt", STRONG.encode(), environment="staging"), of="jwt"),
        ],
        [
            case(env(f"JWT_SECRET={STRONG}"), env(f"JWT_SECRET={OTHER}", ".env.staging", environment="staging")),
            case(env("LOG_LEVEL=information"), env("LOG_LEVEL=information", ".env.staging", environment="staging")),
            case(env(f"JWT_SECRET={STRONG}"), env(f"JWT_SECRET={STRONG}", ".env.production", environment="production")),
        ],
    ),
    "secret-in-env": (
        [
            case(
                f"A=b\nSHOP_DB={STRONG}",
                schema=schema(Variable("A"), Variable("SHOP_DB", source="secret")),
                at=2,
                of="SHOP_DB",
            )
        ],
        [
            case(f"SHOP_DB={STRONG}", schema=schema(Variable("SHOP_DB"))),
            case("SHOP_DB=", schema=schema(Variable("SHOP_DB", source="secret"))),
        ],
    ),
    "sensitive-in-example": (
        [
            case(example(f"A=b\nAPI_KEY={STRONG}"), at=2, of="API_KEY"),
            case(example(f"NOTE={TOKEN}"), at=1, of="NOTE"),
            case(example(f"DATABASE_URL=postgresql://u:{STRONG}@h/d"), at=1, of="DATABASE_URL"),
        ],
        [
            case(
                example("API_KEY=\nSECRET=changeme\nDB_PASSWORD=postgres\nSECRET_KEY_BASE=run-rails-secret-to-make-one")
            ),
            case(example("DATABASE_URL=postgresql://user:password@localhost/db")),
            case(example(f"COMMIT={STRONG}")),
            case(example("API_KEY=xxxxxxxxxxxxxxxxxxxxxxxx\nAPP_KEY=<generate one>")),
        ],
    ),
    "sensitive-in-settings": (
        [
            case(settings("smtp:\n  host: mail\n  password: hunter2x\n"), at=3, of="smtp.password"),
            case(settings("smtp: {host: mail, password: hunter2x}\n"), at=1, of="smtp.password"),
            case(settings(f"url: redis://u:{STRONG}@h/\n"), at=1, of="url"),
            case(settings(f"a: {STRONG}\n"), f"JWT_SECRET={STRONG}", at=1, of="a"),
        ],
        [
            case(settings("smtp:\n  password: <%= ENV['X'] %>\n  secret:\n  token: ~\n  api_key: ''\n")),
            case(settings("password_length: 8\nrequire_password: true\n# password: abc\n")),
            case(
                settings("smtp:\n  password: hunter2x\n"),
                schema=schema(Variable("SMTP_PASSWORD", sensitive=False, source="settings")),
            ),
        ],
    ),
    # files
    "tracked-by-git": (
        [case(env("A=b", tracked=True))],
        [case(env("A=b", tracked=False, ignored=True)), case(env("A=b"))],
    ),
    "not-ignored": (
        [case(env("A=b", tracked=False, ignored=False))],
        [
            case(env("A=b", tracked=False, ignored=True)),
            case(env("A=b")),
            case(env("A=b", tracked=True, ignored=False)),
        ],
    ),
    "wrong-mode": (
        [case(env("A=b", mode=0o644), says="0644; expected 0600"), case(secret("s", STRONG.encode(), mode=0o640))],
        [
            case(env("A=b", mode=0o600)),
            case(env("A=b", mode=0o400)),
            case(env("A=b", mode=0o640), mode=0o640),
            case(env("A=b")),
        ],
    ),
    "wrong-owner": (
        [
            case(env("A=b", owner="root"), owner="app", says="owner is root; expected app"),
            case(env("A=b", group="root"), group="app", says="group"),
        ],
        [case(env("A=b", owner="app"), owner="app"), case(env("A=b", owner="root")), case(env("A=b"), owner="app")],
    ),
    "trailing-newline": (
        [case(secret("s", STRONG.encode() + b"\n"), at=1, of="s"), case(secret("s", b"a\nb\r\n"), at=2, of="s")],
        [case(secret("s", STRONG.encode())), case(secret("s", b"a\n" + STRONG.encode())), case("A=b\n")],
    ),
    "byte-order-mark": (
        [case(env(b"\xef\xbb\xbfA=b"), at=1), case(env(b"\xff\xfeA\0"), at=1)],
        [case("A=b"), case("A='\ufeff'")],
    ),
    "carriage-return": ([case(env(b"A=b\nC=d\r\n"), at=2, says="a carriage return")], [case("A=b\nC='\\r'\n")]),
    "nul-byte": (
        [case(env(b"A=b\nC=\0d"), at=2)],
        [case("A='\\0'"), case(Source("process", "unit:app", b"A=b\0C=d\0"))],
    ),
    "invalid-utf8": ([case(env(b"A=b\nC=\xff\n"), at=2)], [case("A=é\u20ac")]),
    # topology
    "shared-instance": (
        [
            case(
                "CACHE_URL=redis://localhost/0\nSESSION_URL=redis://127.0.0.1:6379/1",
                at=2,
                of="SESSION_URL",
                says="CACHE_URL",
                severity="error",
            ),
            case("REDIS_URL=redis://h1:6379/0\nOTHER_URL=rediss://H1/3", at=2, of="OTHER_URL", severity="warning"),
            case(
                "A_URL=redis://h/0\nB_URL=redis://h/1",
                schema=schema(Variable("A_URL", instance="cache"), Variable("B_URL", instance="session")),
                at=2,
                of="B_URL",
            ),
        ],
        [
            case("CACHE_URL=redis://localhost:6379/0\nSESSION_URL=redis://localhost:6380/0"),
            case("CACHE_URL=redis://h1/\nSESSION_URL=redis://h2/"),
            case(
                "A_URL=redis://h/0\nB_URL=redis://h/1",
                schema=schema(Variable("A_URL", instance="c"), Variable("B_URL", instance="c")),
            ),
            case("CACHE_URL=redis://h/0\nREDIS_CACHE_URL=redis://h/0"),
            case("A_URL=http://h:6379/\nB_URL=http://h:6379/"),
            case("CACHE_URL=unix:///run/a.sock\nSESSION_URL=unix:///run/b.sock"),
        ],
    ),
    "evicting-instance": (
        [
            case(
                "SESSION_URL=redis://10.0.0.5:6379/",
                schema=schema(Variable("SESSION_URL")),
                instances=INSTANCES,
                at=1,
                of="SESSION_URL",
                says="cache",
            ),
            case(
                "S=redis://10.0.0.5/",
                schema=schema(Variable("S", instance="session")),
                instances=INSTANCES,
                at=1,
                of="S",
            ),
        ],
        [
            case("SESSION_URL=redis://10.0.0.5:6380/", instances=INSTANCES),
            case("CACHE_URL=redis://10.0.0.5:6379/", instances=INSTANCES),
            case("SESSION_URL=redis://10.0.0.9:6379/", instances=INSTANCES),
        ],
    ),
    "wrong-instance": (
        [
            case(
                "SESSION_URL=redis://10.0.0.5:6379/",
                schema=schema(SESSION),
                instances=INSTANCES,
                at=1,
                of="SESSION_URL",
                says="port differs",
            ),
            case(
                "SESSION_URL=redis://10.0.0.7:6380/",
                schema=schema(SESSION),
                instances=INSTANCES,
                at=1,
                of="SESSION_URL",
                says="host differs",
            ),
            case(
                "SESSION_URL=postgres://10.0.0.5:6380/",
                schema=schema(SESSION),
                instances=INSTANCES,
                at=1,
                of="SESSION_URL",
            ),
        ],
        [
            case("SESSION_URL=rediss://u:p@10.0.0.5:6380/2", schema=schema(SESSION), instances=INSTANCES),
            case("SESSION_URL=redis://10.0.0.7:1/", schema=schema(SESSION)),
            case(
                "SESSION_URL=redis://localhost:6380/",
                schema=schema(SESSION),
                instances={"session": {"host": "127.0.0.1", "port": 6380}},
            ),
        ],
    ),
    "wrong-database": (
        [
            case(
                "DATABASE_URL=postgresql://10.0.0.6/blog",
                schema=schema(DATABASE),
                databases=DATABASES,
                at=1,
                of="DATABASE_URL",
                says="name differs",
            ),
            case(
                "DATABASE_URL=postgresql://10.0.0.6:5433/shop",
                schema=schema(DATABASE),
                databases=DATABASES,
                at=1,
                of="DATABASE_URL",
            ),
            case(
                "DATABASE_URL=redis://10.0.0.6:5432/shop",
                schema=schema(DATABASE),
                databases=DATABASES,
                at=1,
                of="DATABASE_URL",
            ),
        ],
        [
            case(
                "DATABASE_URL=postgres://u:p@10.0.0.6:5432/shop?sslmode=require",
                schema=schema(DATABASE),
                databases=DATABASES,
            ),
            case("DATABASE_URL=postgresql:///shop?host=/run/postgresql", schema=schema(DATABASE), databases=DATABASES),
        ],
    ),
    "no-tls": (
        [
            case("CACHE_URL=redis://10.0.0.5/", at=1, of="CACHE_URL", says="rediss://"),
            case("DATABASE_URL=postgresql://db.internal/shop?sslmode=prefer", at=1, of="DATABASE_URL", says="sslmode"),
            case("DATABASE_URL=postgresql+asyncpg://db/shop", environment="staging", at=1, of="DATABASE_URL"),
        ],
        [
            case("CACHE_URL=rediss://10.0.0.5/\nQ_URL=valkeys://10.0.0.6/"),
            case("CACHE_URL=redis://localhost/\nQ_URL=redis://[::1]:1/\nR_URL=unix:///run/x.sock"),
            case("DATABASE_URL=postgresql://db/shop?sslmode=verify-full"),
            case("DATABASE_URL=postgresql:///shop?host=/run/postgresql"),
            case("DATABASE_URL=postgresql://db/shop\nPGSSLMODE=require"),
            case("CACHE_URL=redis://10.0.0.5/", environment="development"),
        ],
    ),
    # drift
    "not-in-env": (
        [case("A=b", example("A=\nC=d"), of="C")],
        [
            case("A=b", example("A=x\n#C=d")),
            case("A=b", example("A=\nC=d"), process_env={"C": "d"}),
            case(env("A=b"), env("C=d", ".env.local"), example("A=\nC=")),
            case("A=b", example("A=\nC=d"), schema=schema(Variable("A"), Variable("C"))),
        ],
    ),
    "not-in-example": (
        [case("A=b\nC=d", example("A="), at=2, of="C")],
        [
            case("A=b\nC=d", example("A=\n# C=")),
            case("A=b\nC=d"),
            case(
                "C=d",
                example("A="),
                process_env={"A": "1"},
                schema=schema(Variable("C", deprecated=Deprecation("A")), Variable("A")),
            ),
        ],
    ),
    "settings-in-env": (
        [case("PER_PAGE=5", schema=schema(Variable("PER_PAGE", source="settings")), at=1, of="PER_PAGE")],
        [case("PER_PAGE=5", schema=schema(Variable("PER_PAGE")))],
    ),
    "process-differs": (
        [case("A=new", Source("process", "unit:app", b"A=old\0"), of="A")],
        [
            case("A=same", Source("process", "unit:app", b"A=same\0B=x\0")),
            case("A=new", Source("process", "unit:app", b"B=x\0")),
            case("A='b' # c", Source("process", "unit:app", b"A=b\0")),
        ],
    ),
}


def judged(found: list[Finding], rule: str) -> list[Finding]:
    return [item for item in found if item.rule == rule]
