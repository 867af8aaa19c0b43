# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What _dotenv writes, other programs read: python-dotenv and bash here, systemd in the Molecule scenarios."""

from __future__ import annotations

import io
import subprocess
import tempfile

import pytest
from dotenv import dotenv_values
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._dotenv import line, masker, render, unfit

KEYS = st.from_regex(r"[A-Z_][A-Z0-9_]{0,20}", fullmatch=True)
VALUES = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="'\\"), max_size=60).filter(
    lambda text: "${" not in text
)
NASTY = st.sampled_from(
    [
        "",
        " ",
        "  both  ",
        "a b",
        "#",
        "a # b",
        "$HOME",
        "{X}$",
        "$(echo hi)",
        "`echo hi`",
        'a"b',
        "a&b",
        "~",
        "a:~/x",
        "!",
        "a;b",
        "*",
        "%h",
        "é",
        "=",
        "==",
        "a=b",
        "\t",
    ]
)


@given(st.dictionaries(KEYS, VALUES | NASTY, max_size=8))
def test_python_dotenv_reads_what_was_written(variables: dict[str, str]) -> None:
    assert dotenv_values(stream=io.StringIO(render(variables, ["header"])), interpolate=True) == variables


#: Names that bash itself gives a meaning to, or keeps read-only.
SHELLS = {
    "_",
    "UID",
    "EUID",
    "PPID",
    "PATH",
    "IFS",
    "SHELLOPTS",
    "BASHOPTS",
    "RANDOM",
    "SECONDS",
    "LINENO",
    "SRANDOM",
    "EPOCHSECONDS",
    "PWD",
    "SHLVL",
    "GROUPS",
}


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(
        KEYS.filter(
            lambda key: key not in SHELLS and not key.startswith(("BASH", "EPOCH", "DIRSTACK", "FUNCNAME", "LC_"))
        ),
        VALUES | NASTY,
        max_size=12,
    )
)
def test_bash_reads_what_was_written(variables: dict[str, str]) -> None:
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", newline="") as file:
        file.write(render(variables))
        file.flush()
        command = ["bash", "--norc", "-c", 'set -a; . "$0"; exec /usr/bin/env -0', file.name]
        done = subprocess.run(command, capture_output=True, check=True, env={"LC_ALL": "C.UTF-8"})
    assert done.stderr == b""
    read = dict(item.split("=", 1) for item in done.stdout.decode().split("\0") if item)
    assert {key: read.get(key) for key in variables} == variables


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("0123abcdef", "A=0123abcdef"),
        ("postgresql://u:p@h:5432/d", "A=postgresql://u:p@h:5432/d"),
        ("", "A="),
        ("a b", "A='a b'"),
        ("$2a$12$abc", "A='$2a$12$abc'"),
        ("p@ss#word", "A='p@ss#word'"),
        ("a&b", "A='a&b'"),
        ("~", "A='~'"),
    ],
)
def test_bare_where_it_is_safe_and_quoted_elsewhere(value: str, written: str) -> None:
    assert line("A", value) == written


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("it's", "a single quote"),
        ("a\\b", "a backslash"),
        ("a\nb", "a line break"),
        ("a\rb", "a carriage return"),
        ("a\0b", "a NUL"),
        ("a\x1bb", "a control character"),
        ("${HOME}", "'\\${'"),
        ("a\ud800b", "text that is not Unicode"),
    ],
)
def test_what_loaders_read_differently_is_refused_by_name(value: str, found: str) -> None:
    assert unfit(value) == found.replace("\\", "")
    with pytest.raises(MainstayError, match=f"variable TOKEN: found {found}") as refused:
        render({"TOKEN": value})
    assert value not in str(refused.value)


@pytest.mark.parametrize("key", ["a", "A-B", "A.B", "1A", "", "A B", "É"])
def test_names_that_a_loader_drops_are_refused(key: str) -> None:
    with pytest.raises(MainstayError, match="upper-case letters"):
        line(key, "x")


def test_a_diff_shows_no_secret_but_what_changes() -> None:
    before = "# was: hunter1\nDATABASE_URL=postgresql://shop_a:hunter2@db:5432/shop\nPOOL=5\nKEY='hunter3'\nsecret hunter4\n\nexport OLD=hunter5\n"
    after = "# header\nDATABASE_URL=postgresql://shop_b:hunter6@db:5432/shop\nPOOL=6\nKEY=hunter7\nSAME=hunter8\n"
    old, new = masker(["POOL"])(before, after)
    assert "hunter" not in old + new
    assert old.splitlines() == [
        "# ***",
        "DATABASE_URL=postgresql://shop_a:***@db:5432/shop",
        "POOL=5",
        "KEY=***",
        "# ***",
        "",
        "OLD=***",
    ]
    assert new.splitlines() == [
        "# header",
        "DATABASE_URL=postgresql://shop_b:***@db:5432/shop (changes)",
        "POOL=6",
        "KEY=*** (changes)",
        "SAME=***",
    ]


@pytest.mark.parametrize(
    "value",
    [
        "postgresql://u:hunter@h/d?sslpassword=hunter",
        "postgresql://u:hunter@x@h/d",
        "redis://:hunter:hunter@h@hunter",
        "//u:hunter@h",
        "hunter://hunter",
    ],
)
def test_a_url_that_is_not_plain_is_hidden_whole(value: str) -> None:
    assert "hunter" not in "".join(masker([])(f"A={value}\n", f"A='{value}'\n"))
