# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Cases of the families Files, Topology and Drift: rule -> (what breaks it, near misses)."""

from __future__ import annotations

from env_case import DATABASE, DATABASES, INSTANCES, SESSION, STRONG, Case, case, env, example, schema, secret

from ansible_collections.mainstay.backend.plugins.module_utils._env_schema import Deprecation, Variable
from ansible_collections.mainstay.backend.plugins.module_utils._env_validate import Source

CASES: dict[str, tuple[list[Case], list[Case]]] = {
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
    "shared-instance": (
        [
            case("A=redis+unix:///run/a.sock\nB=redis+socket:///run/a.sock", at=2, of="B", severity="warning"),
            case(
                "CACHE_URL=redis://localhost",
                schema=schema(Variable("CACHE_URL"), Variable("SESSION_URL", default="redis://127.0.0.1", line=9)),
                at=9,
                of="SESSION_URL",
            ),
            case("A=unix:///run/redis/a.sock\nB=unix:///run/redis/a.sock?db=1", at=2, of="B", severity="warning"),
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
            case("CACHE_URL=unix:///run/redis/a.sock\nSESSION_URL=unix:///run/redis/b.sock"),
            case("DOCKER_HOST=unix:///run/docker.sock\nCACHE_DOCKER=unix:///run/docker.sock"),
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
                "DATABASE_URL=postgresql:///blog",
                schema=schema(DATABASE),
                databases={"shop": {"port": 5432}},
                at=1,
                of="DATABASE_URL",
            ),
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
