# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A .env.schema in @env-spec form becomes an env.schema.yml that says the same; what it cannot say is noted with its line, without values."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from yardstick import cpu_time

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._env_schema import Deprecation, Variable, read_schema
from ansible_collections.mainstay.backend.plugins.module_utils._env_spec import import_env_spec
from ansible_collections.mainstay.backend.plugins.module_utils._env_types import check_value

SHOP = """\
# The shop's configuration
# @currentEnv=$APP_ENV
# @defaultRequired=false @defaultSensitive=inferFromPrefix(PUBLIC_)
# @import(./.env.shared, pick=[
#   # OLD,
#   A, B, # two
# ])
# ---

# Where the shop runs
# @type=enum(development, staging, production) @public
APP_ENV=development

# === Payment ===

# Stripe's secret API key
# @required=forEnv(production, staging) @sensitive
# @type=string(startsWith=sk_, minLength=20)
# @docs(https://example.com/keys)
# @example="sk_test_01234567890123456789" # made up
STRIPE_KEY=

# @required=eq($PAYMENT, stripe) @deprecated="Use STRIPE_KEY."
STRIPE_OLD_KEY=exec(`op read "op://shop/stripe"`)

PUBLIC_PAYMENT=none # @type=string(matches=regex("^(none|stripe)$"))
# @type=array(port, separator=";", minLength=1)
PORTS=[8080, 8081]
"""

WANTED = """\
# Made from .env.schema.
# The shop's configuration
#
# not imported: line 2: @currentEnv
# not imported: line 4: @import
version: 1

variables:
  APP_ENV:
    description: Where the shop runs
    type: enum
    default: development
    choices: [development, staging, production]
    sensitive: false

  # === Payment ===
  STRIPE_KEY:
    description: |-
      Stripe's secret API key
      made up
      See: https://example.com/keys
    required_in: [production, staging]
    min_length: 20
    pattern: 'sk_.*'
    sensitive: true
    example: sk_test_01234567890123456789

  STRIPE_OLD_KEY:
    # not imported: line 24: its value, which exec(…) makes
    # not imported: line 24: required_when: found the unknown variable PAYMENT; expected another variable of this schema
    deprecated: {reason: 'Use STRIPE_KEY.'}

  PUBLIC_PAYMENT:
    default: none
    pattern: '(?a)^(none|stripe)$'
    sensitive: false

  PORTS:
    type: list
    default: '8080;8081'
    min_length: 1
    separator: ';'
    items: port
"""


def imported(text: str) -> tuple[Variable, list[str]]:
    """The first variable of TEXT without its place, and what is not imported."""
    found = import_env_spec(text, ".env.schema")
    assert all(f"# not imported: line {note.line}: {note.text}" in found.text for note in found.notes)
    variables = list(read_schema(found.text, "s.yml").variables.values())
    return replace(variables[0], line=0), [f"{note.line}: {note.text}" for note in found.notes]


def test_a_whole_schema() -> None:
    found = import_env_spec(SHOP, "app/.env.schema")
    assert found.text == WANTED
    assert [note.line for note in found.notes] == [2, 4, 24, 24]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("A=\n", Variable("A")),
        ("A=b\n", Variable("A", default="b")),
        ("export A = b c # note\n", Variable("A", default="b c", description="note")),
        ('A="b # c"\n', Variable("A", default="b # c")),
        ("A='say \"hi\"'\n", Variable("A", default='say "hi"')),
        ('A="a\\"b"\n', Variable("A", default='a"b')),
        ("A='it\\'s'\n", Variable("A", default="it's")),
        ("A=```\none\ntwo```\n", Variable("A", default="\none\ntwo")),
        ('A="""one\ntwo""" # x\n', Variable("A", default="one\ntwo", description="x")),
        ("A=undefined\n", Variable("A")),
        ('A="undefined"\n', Variable("A", default="undefined")),
        ("A=''\n", Variable("A")),
        ("A=5\n", Variable("A", "int", default="5")),
        ("null=null\n", Variable("null", default="null")),
        ("on=on\n", Variable("on", default="on")),
        ("_=_\n", Variable("_", default="_")),
        ("A=-1.5\n", Variable("A", "float", default="-1.5")),
        ("A=007\n", Variable("A", default="007")),
        ('A="5"\n', Variable("A", default="5")),
        ("A=true\n", Variable("A", "bool", default="true")),
        ('A=[a, "b c",\n  d]\n', Variable("A", "list", default="a,b c,d")),
        ("A={a=1, b=[x]}\n", Variable("A", "json", default='{"a": "1", "b": ["x"]}')),
        ('A={"a": 1}\n', Variable("A", default='{"a": 1}')),
        ("# @required\nA=\n", Variable("A", required=True)),
        ("# @required=true @sensitive=false\nA=\n", Variable("A", required=True, sensitive=False)),
        ("# @required=forEnv(production)\nA=\n", Variable("A", required_in=("production",))),
        ("# @required=eq($B, x)\nA=\nB=\n", Variable("A", required_when={"B": ("x",)})),
        ("# @defaultRequired\n\nA=\n", Variable("A", required=True)),
        ("# @defaultRequired=true\n# ---\n# @optional\nA=\n", Variable("A")),
        ("# @defaultSensitive=false\n# ---\nA=\n", Variable("A", sensitive=False)),
        ("# @defaultSensitive=false\n# ---\n# @sensitive\nA=\n", Variable("A")),
        ("# @public\nA=\n", Variable("A", sensitive=False)),
        ("# @deprecated\nA=\n", Variable("A", deprecated=Deprecation())),
        ("# @deprecated=false\nA=\n", Variable("A")),
        ('# @deprecated="gone in 2"\nA=\n', Variable("A", deprecated=Deprecation(reason="gone in 2"))),
        ("# @deprecated=B\nA=\n", Variable("A", deprecated=Deprecation(reason="B"))),
        ("# what it is\n# and why\nA=\n", Variable("A", description="what it is\nand why")),
        ("#what\n#\n#  why\nA=\n", Variable("A", description="what\n\nwhy")),
        (
            '# @docs("The guide", https://example.com)\n# @docsUrl=https://example.org\nA=\n',
            Variable("A", description="The guide: https://example.com\nSee: https://example.org"),
        ),
        ("# not attached\n\nA=\n", Variable("A")),
        ("# not attached\n# ---\nA=\n", Variable("A")),
        ("# @type=string(isLength=3)\nA=\n", Variable("A", min_length=3, max_length=3)),
        ('# @type=string(startsWith=a., endsWith="z")\nA=\n', Variable("A", pattern=r"a\..*z")),
        ("# @type=string(matches=/^[a-z]+$/i)\nA=\n", Variable("A", pattern="(?ai)^[a-z]+$")),
        ('# @type=string(matches="b")\nA=\n', Variable("A", pattern="(?a).*b.*")),
        ("# @type=number(min=1, max=1.5)\nA=\n", Variable("A", "float", min="1", max="1.5")),
        ("# @type=number(precision=0, max=9)\nA=\n", Variable("A", "int", max="9")),
        ("# @type=number(isInt=true)\nA=\n", Variable("A", "int")),
        ("# @type=port(min=1024)\nA=\n", Variable("A", "port", min="1024")),
        ('# @type=duration(min="1m", max="1d")\nA=5m\n', Variable("A", "duration", min="1m", max="1d", default="5m")),
        (
            '# @type=url(allowedProtocols=[postgres, "POSTGRESQL:"])\nA=\n',
            Variable("A", "url", schemes=("postgres", "postgresql")),
        ),
        ("# @type=domain\nA=\n", Variable("A", "host")),
        ("# @type=md5\nA=\n", Variable("A", "hex", min_length=32, max_length=32)),
        (
            "# @type=array(enum(a, b), maxLength=2)\nA=\n",
            Variable("A", "list", items="enum", choices=("a", "b"), max_length=2),
        ),
        ("# @type=array(format=json)\nA=[1, 2]\n", Variable("A", "json", default='["1", "2"]')),
        ("# @type=record(url)\nA={x=https://a.example}\n", None),
        (
            "# @type=uuid @example=123e4567-e89b-12d3-a456-426614174000\nA=\n",
            Variable("A", "uuid", example="123e4567-e89b-12d3-a456-426614174000"),
        ),
        (
            "# @type=enum(\n#   a,\n#   # b,\n#   c, # last\n# ) @required\nA=\n",
            Variable("A", "enum", choices=("a", "c"), required=True),
        ),
        ("\ufeff# @required\r\nA=\r\n", Variable("A", required=True)),
    ],
)
def test_what_has_a_counterpart_is_imported(text: str, wanted: Variable | None) -> None:
    found, notes = imported(text)
    if wanted is None:
        assert notes == ["1: the arguments of @type=record(…)"]
    else:
        assert (found, notes) == (wanted, [])


@pytest.mark.parametrize(
    ("text", "wanted", "notes"),
    [
        (
            "# @sensitive\nA=hunter2\n",
            Variable("A", required=True),
            ["2: its value (not shown): a secret has no place in a schema"],
        ),
        ("A=fn(hunter2)\n", Variable("A", required=True), ["1: its value, which fn(…) makes"]),
        ("A=${B}x\nB=\n", Variable("A", required=True), ["1: its value, which is made of other variables"]),
        ('A="$(hunter2)"\n', Variable("A", required=True), ["1: its value, which is made of other variables"]),
        ("# @required\nA=x\n", Variable("A", default="x"), ["1: @required: its default holds where it is not set"]),
        ("# @required=if($B, true)\nA=\n", Variable("A"), ["1: @required, which is decided at run time"]),
        ("# @optional=forEnv(test)\nA=\n", Variable("A"), ["1: @optional, which is decided at run time"]),
        (
            "# @sensitive={preventLeaks=false}\nA=\n",
            Variable("A"),
            ["1: @sensitive, which is decided at run time or has options: taken as sensitive"],
        ),
        (
            "# @desc The port\n# @default 6379\n# @required now\nA=\n",
            Variable("A", required=True, description="The port\ndefault: 6379\nnow"),
            ["1: @desc", "2: @default"],
        ),
        ("# @tag(x) @icon=mdi:key\nA=\n", Variable("A"), ["1: @tag", "1: @icon"]),
        ("# @internal\n# @internal\nA=\n", Variable("A"), ["1: @internal", "2: @internal"]),
        ("# @type=url @type=email\nA=\n", Variable("A", "url"), ["1: @type, given a second time"]),
        ("# @type=opToken\nA=\n", Variable("A"), ["1: @type, which is none of @env-spec's own"]),
        (
            "# @type=if(eq($B, c), url, string)\nA=\n",
            Variable("A"),
            ["1: @type=if(…), which is none of @env-spec's own"],
        ),
        ("# @type=string(toUpperCase=true)\nA=\n", Variable("A"), ["1: toUpperCase of @type=string"]),
        ("# @type=string(minLength=if(x, 1, 2))\nA=\n", Variable("A"), ["1: minLength of @type=string"]),
        (
            '# @type=string(matches="(?<=a)b")\nA=\n',
            Variable("A"),
            ["1: matches of @type=string, which is no pattern here"],
        ),
        ('# @type=string(matches="^a|b")\nA=\n', Variable("A"), ["1: matches of @type=string"]),
        ("# @type=url(allowedDomains=[a.example])\nA=\n", Variable("A", "url"), ["1: allowedDomains of @type=url"]),
        ("# @type=ip(version=4)\nA=\n", Variable("A", "ip"), ["1: version of @type=ip"]),
        ("# @type=enum($B)\nA=\n", Variable("A"), ["1: the choices of @type=enum, which are made at run time"]),
        ("# @type=array(string(minLength=3))\nA=\n", Variable("A", "list"), ["1: min_length of the items"]),
        ("# @type=array(array(int))\nA=\n", Variable("A", "json"), None),
        (
            "# @type=port\nA=hunter2\n",
            Variable("A", "port"),
            [
                "2: default: found a value that is no port, a whole number from 1 to 65535; expected one that fits the variable itself"
            ],
        ),
        (
            "# @type=duration\nA=500\n",
            Variable("A", "duration"),
            [
                "2: default: found a value that has no unit: write it as 30s, 5m, 1h30m or 90d; expected one that fits the variable itself"
            ],
        ),
        (
            "# @type=number(min=5, max=3)\nA=\n",
            Variable("A", "float", max="3"),
            ["2: min: found 5, more than max, 3; expected at most max"],
        ),
        ("# @example=fn(hunter2)\nA=\n", Variable("A"), ["1: @example"]),
        ("A=\nhunter2\n", Variable("A"), ["2: a line that is neither a comment nor a variable"]),
        ('A="hunter2\n', Variable("A"), ["1: a line that is neither a comment nor a variable"]),
        ('A="x"hunter2\n', Variable("A", default="x"), ["1: a line that is neither a comment nor a variable"]),
        (
            "A=\nA-B=hunter2\nC.D=\n",
            Variable("A"),
            [
                "2: the variable A-B: not every loader reads its name",
                "3: the variable C.D: not every loader reads its name",
            ],
        ),
        ("A=\nA=hunter2\n", Variable("A"), ["2: the variable A: it is there already"]),
        ("# @plugin(hunter2) @generateTypes(lang=ts)\n\nA=\n", Variable("A"), ["1: @generateTypes", "1: @plugin"]),
        ("A=\n\n# @required\n\nB=\n", Variable("A"), ["3: @required"]),
        ("# @defaultRequired=forEnv(x)\n\nA=\n", Variable("A"), ["1: @defaultRequired"]),
        ("# @import(\nA=\n", Variable("A"), ["1: @import"]),
    ],
)
def test_what_has_no_counterpart_is_noted(text: str, wanted: Variable, notes: list[str] | None) -> None:
    found, noted = imported(text)
    assert found == wanted
    assert noted
    assert notes is None or sorted(noted) == sorted(notes)
    assert "hunter2" not in import_env_spec(text, "p").text


def test_patterns_keep_their_meaning() -> None:
    found, _unused = imported("# @type=string(matches=/^ab+/)\nA=\n")
    assert [check_value(found, value) is None for value in ("abbx", "ab", "xab", "a")] == [True, True, False, False]


def test_comments_stay_between_variables() -> None:
    text = import_env_spec("# head\n\nA=\n\n# between\n\n# more\n\nB=\n# the end", "x/.env.schema").text
    assert text == (
        "# Made from .env.schema.\n# head\nversion: 1\n\nvariables:\n  A:\n\n  # between\n  # more\n  B:\n\n  # the end\n"
    )


def test_a_schema_of_nothing() -> None:
    assert "variables: {}" in import_env_spec("", "p").text
    assert "variables: {}" in import_env_spec("# only a comment", "p").text
    with pytest.raises(MainstayError, match="found 2000000 characters"):
        import_env_spec("x" * 2_000_000, "p")


PIECES = st.sampled_from(
    [
        "# ",
        "@",
        "@required",
        "@type=",
        "string(",
        "enum(a, b)",
        "array(",
        "minLength=",
        "3",
        "=",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        '"',
        "'",
        "`",
        "```",
        '"""',
        "\n",
        "\n\n",
        "A",
        "B=",
        "x",
        "#",
        "# ---\n",
        "$B",
        "\\",
        "",
        " ",
        "true",
        "@sensitive",
        "@example=",
        "@deprecated=",
        "eq($A, b)",
        "forEnv(",
        "\u2028",
        "é",
        "\x07",
        ":",
        "- ",
        "null",
        "regex(",
        "matches=",
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(PIECES, max_size=25).map("".join) | st.text(max_size=40))
def test_any_text_becomes_a_schema_that_can_be_read(text: str) -> None:
    found = import_env_spec(text, "p")
    read_schema(found.text, "p")
    assert all(note.text and "\n" not in note.text for note in found.notes)


@pytest.mark.parametrize(
    "text",
    [
        "# @a(" * 100_000,
        "# @a(\n" * 100_000,
        'A="\n' * 100_000,
        "A=[" + "[" * 500_000,
        "# @a={" * 100_000,
        "A=" + "x#" * 300_000,
        "# @type=string(matches=" + "(a+)+" * 100_000 + ")\nA=",
    ],
)
def test_a_long_text_takes_no_time(text: str) -> None:
    with cpu_time() as took, contextlib.suppress(MainstayError):
        import_env_spec(text, "p")
    assert took.loops < 800, took.told()  # up to 180 are usual; a scan that goes back takes minutes
