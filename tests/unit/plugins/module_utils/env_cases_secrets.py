# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Cases of the family Secrets: rule -> (what breaks it, near misses)."""

from __future__ import annotations

from env_case import OTHER, STRONG, TOKEN, Case, case, env, example, schema, secret, settings

from ansible_collections.mainstay.backend.plugins.module_utils._env_schema import Variable

CASES: dict[str, tuple[list[Case], list[Case]]] = {
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
                "DATABASE_URL=postgresql://shop:changeme@localhost/shop",
                at=1,
                of="DATABASE_URL",
                says="has a password that",
            ),
            case(f"API_TOKEN={STRONG}", example(f"API_TOKEN={STRONG}"), at=1, of="API_TOKEN", says="example's own"),
            case(f"API_TOKEN={STRONG}", schema=schema(Variable("API_TOKEN", example=STRONG)), at=1, of="API_TOKEN"),
            case("DOMAIN=example.com", example("DOMAIN=example.com"), at=1, of="DOMAIN"),
            case(secret("api_token", b"changeme"), of="api_token"),
            case("API_TOKEN=changeme", environment="development", at=1, of="API_TOKEN", severity="warning"),
        ],
        [
            case("A=TODO", schema=schema(Variable("A", default="TODO"))),
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
            case("SIGNER=abababababababab", schema=schema(Variable("SIGNER", type="hex")), at=1, of="SIGNER"),
            case("", schema=schema(Variable("CI_TOKEN")), process_env={"CI_TOKEN": "weak"}, of="CI_TOKEN"),
            case("CACHE=redis://h/1?password=redis", at=1, of="CACHE", says="has a password that"),
            case("DB_PASSWORD=postgres", at=1, of="DB_PASSWORD"),
            case("DB_PASSWORD=P@ssw0rd2024", at=1, of="DB_PASSWORD"),
            case("API_TOKEN=k3Hf9", at=1, of="API_TOKEN", says="short"),
            case("API_TOKEN=aaaaaaaaaaaaaaaaaaaaaaaa", at=1, of="API_TOKEN", says="repeats"),
            case("API_TOKEN=k3Hf9zk3Hf9zk3Hf9zk3Hf9z", at=1, of="API_TOKEN", says="repeats one piece"),
            case("API_TOKEN=abcdefghijklmnop", at=1, of="API_TOKEN", says="sequence"),
            case("API_TOKEN=1234567890123456", at=1, of="API_TOKEN"),
            case("SHOP_DB_PASSWORD=shop-db-password-1", at=1, of="SHOP_DB_PASSWORD", says="common words"),
            case(
                "DATABASE_URL=postgresql://shop:shop@localhost/shop",
                at=1,
                of="DATABASE_URL",
                says="has a password that",
            ),
            case(secret("shop_db", b"short"), schema=schema(Variable("SHOP_DB", source="secret")), of="SHOP_DB"),
            case("DB_PASSWORD=postgres", environment="test", at=1, of="DB_PASSWORD", severity="warning"),
        ],
        [
            case("", process_env={"CI_TOKEN": "weak"}),
            case("DB_PASSWORD=mysql-9f1c6bd07a52e83b"),
            case(f"API_TOKEN=ghp_{'ab' * 18}"),
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
            case(f"REDIS_CACHE_PASSWORD={STRONG}\nREDIS_SESSION_PASSWORD={STRONG}", at=2, of="REDIS_SESSION_PASSWORD"),
            case(f"JWT_SECRET={STRONG}\nSESSION_SECRET={STRONG}", at=2, of="SESSION_SECRET", says="JWT_SECRET"),
            case(secret("jwt", STRONG.encode()), secret("session", STRONG.encode()), of="session"),
            case(
                f"CACHE_URL=redis://app:{STRONG}@localhost:1/\nSESSION_URL=redis://app:{STRONG}@localhost:2/",
                at=2,
                of="SESSION_URL",
            ),
        ],
        [
            case(f"REDIS_PASSWORD={STRONG}\nREDIS_SESSION_PASSWORD={STRONG}"),
            case(f"SHOP_JWT_SECRET={STRONG}\nJWT_SECRET={STRONG}"),
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
            case(settings('{"smtp": 1}\n"smtp":\n  "password": "hunter2x"\n'), at=3, of="smtp.password"),
            case(settings("smtp:\n  host: mail\n  password: hunter2x\n"), at=3, of="smtp.password"),
            case(settings("smtp: {host: mail, password: hunter2x}\n"), at=1, of="smtp.password"),
            case(settings(f"url: redis://u:{STRONG}@h/\n"), at=1, of="url"),
            case(settings(f"a: {STRONG}\n"), f"JWT_SECRET={STRONG}", at=1, of="a"),
        ],
        [
            case(settings("url: redis://u:<%= x %>@h/\nother: {{ password }}\n")),
            case(settings("url: redis://h/\nother: redis://u@h/\n")),
            case(settings("smtp:\n  password: <%= ENV['X'] %>\n  secret:\n  token: ~\n  api_key: ''\n")),
            case(settings("password_length: 8\nrequire_password: true\n# password: abc\n")),
            case(
                settings("smtp:\n  password: hunter2x\n"),
                schema=schema(Variable("SMTP_PASSWORD", sensitive=False, source="settings")),
            ),
        ],
    ),
}
