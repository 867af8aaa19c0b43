# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lint rule for possessive groups (CPython gh-106052), and that what it lets pass matches alike on the Python that runs this."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

import check_patterns

WRONG = [
    r"(?:export[ \t]++)?+",  # the one that was found: exportFOO=2 became FOO
    r"(?:ab?c)?+",  # gh-106052
    r"(?:ab?c)*+",  # gh-106052
    r"(?: a++)*+",
    r"(?:[^'\\]++|\\.)*+",
    r"(?:\s*+\#[^\n]*+)*+",
    r"(?:(a)(?:(b)|(c)))?+",
    r"(?:a{2})*+",
    r"(?:(?:ab)+)++",
    r"(?:b|ab?c)*+",
]
RIGHT = [
    r"(?:[^'\\]++|\\.?+)*+",
    r"(?:\s++|\#[^\n]*+)*+",
    r"(?:[ \t]++|[#;][^\n]*+)*+",
    r"(?:a|b|c)?+",
    r"(?:(?:a++|b)|c*+)*+",
    r"(?:(?:a|b)+)++",
    r"(?:ab|a)*+",  # Python reads it as a(?:b|)
]


def found(source: str) -> list[str]:
    return [
        str(check_patterns.problem(group))
        for _line, text in check_patterns.texts(ast.parse(source))
        for group in check_patterns.possessive_groups(text)
        if check_patterns.problem(group)
    ]


@pytest.mark.parametrize("pattern", WRONG)
def test_refused(pattern: str) -> None:
    assert found(f"import re\nre.compile({pattern!r})") and found(
        f"x = f{'{name}=' + pattern.replace('{2}', '{{2}}')!r}"
    )


@pytest.mark.parametrize("pattern", [*RIGHT, r"(?>(?:export[ \t]++)?)", r"[()*+,;]++", r"\)*+", r"[]()*+]", r"a++b*+"])
def test_let_pass(pattern: str) -> None:
    assert not found(f"import re\nre.compile({pattern!r})")


def test_a_group_in_two_strings_is_refused() -> None:
    assert "begins in another string" in found("a = '(?:a'\nb = '|b)*+'")[0]


@given(
    st.sampled_from(RIGHT),
    st.text("ab c'\\#;\n", max_size=20),
)
def test_what_passes_matches_as_its_atomic_form(pattern: str, text: str) -> None:
    atomic = f"(?>{pattern[:-1]})"
    one, other = (re.compile(form, re.DOTALL).match(text) for form in (pattern, atomic))
    assert (one and one.span()) == (other and other.span())
