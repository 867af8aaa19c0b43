# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Cases of the families Values: rule -> (what breaks it, near misses)."""

from __future__ import annotations

from env_case import PLAIN, PORT, RULES_OF_TWO, STRONG, Case, case, env, example, schema, secret, settings

from ansible_collections.mainstay.backend.plugins.module_utils._env_schema import Deprecation, Variable
from ansible_collections.mainstay.backend.plugins.module_utils._env_validate import Source

CASES: dict[str, tuple[list[Case], list[Case]]] = {
    "missing": (
        [
            case("OTHER=x", schema=schema(Variable("NEEDED", required=True)), of="NEEDED"),
            case("OTHER=x", schema=schema(Variable("NEEDED", required_in=("production",), default="d")), of="NEEDED"),
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
            case("A = b", schema=schema(Variable("NEEDED", required=True)), loaders=("docker",)),
            case("A=b", settings("b: 1"), schema=schema(Variable("NEEDED", required=True, source="settings"))),
            case("NEEDED=x", schema=schema(Variable("NEEDED", required=True))),
            case("OTHER=x", schema=schema(Variable("NEEDED", required_in=("staging",)))),
            case("OTHER=x", schema=schema(Variable("NEEDED", default="d"))),
            case("OTHER=x", schema=schema(Variable("NEEDED", required_in=("staging",), default="d"))),
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
            case("PLAIN=a\nA1b2C3d4E5=b", schema=schema(PLAIN), at=2, says="may be a part of a value"),
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
        [
            case("OLD=", schema=schema(Variable("OLD", deprecated=Deprecation("NEW")), Variable("NEW"))),
            case("NEW=1", schema=schema(Variable("OLD", deprecated=Deprecation("NEW")), Variable("NEW"))),
        ],
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
}
