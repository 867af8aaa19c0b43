# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Patterns match what `re.fullmatch` matches, in time linear in the text, or are refused."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from yardstick import cpu_time

from ansible_collections.mainstay.backend.plugins.module_utils._env_pattern import UnfitPattern, matcher

ATOMS = st.sampled_from(
    ["a", "b", ".", "[ab]", "[^a]", r"\d", r"\w", r"\.", "1", "-", r"\x61", "[]a]", "[a-b1]", r"[\d.]"]
)


def quantified(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    quantifiers = st.sampled_from(
        ["", "", "*", "+", "?", "{2}", "{1,2}", "{0,2}", "{,2}", "{2,}", "{0}", "*?", "{1,3}?"]
    )
    groups = st.sampled_from(["({})", "(?:{})", "(?P<n>{})"])
    return st.tuples(groups, inner, quantifiers).map(lambda parts: parts[0].replace("{}", parts[1], 1) + parts[2])


PATTERNS = st.recursive(
    st.tuples(ATOMS, st.sampled_from(["", "", "*", "+", "?", "{2}", "{1,3}", "{,2}"])).map("".join),
    lambda inner: (
        quantified(inner)
        | st.lists(inner, max_size=3).map("".join)
        | st.lists(inner, min_size=1, max_size=3).map("|".join)
    ),
    max_leaves=6,
)


@settings(max_examples=500, deadline=None)
@given(
    PATTERNS,
    st.lists(st.text("ab1-.\n", max_size=8), min_size=1, max_size=8),
    st.sampled_from(["", "(?i)", "(?s)", "(?a)"]),
)
def test_it_matches_as_re_does(pattern: str, texts: list[str], flag: str) -> None:
    pattern = flag + pattern
    try:
        wanted = re.compile(pattern)
    except re.error:
        with pytest.raises(UnfitPattern):
            matcher(pattern)
        return
    matches = matcher(pattern)
    assert {text: matches(text) for text in texts} == {text: bool(wanted.fullmatch(text)) for text in texts}


@settings(max_examples=200, deadline=None)
@given(
    PATTERNS.filter(lambda text: "|" not in text and "?P" not in text),
    PATTERNS.filter(lambda text: "|" not in text),
    st.sampled_from("=!"),
    st.text("ab1-.", max_size=8),
)
def test_it_looks_ahead_as_re_does(first: str, rest: str, kind: str, text: str) -> None:
    try:
        wanted = re.compile(f"^(?{kind}{first})(?=.*){rest}$")
    except re.error:
        return
    assert matcher(wanted.pattern)(text) == bool(wanted.fullmatch(text))


@pytest.mark.parametrize(
    ("pattern", "good", "bad"),
    [
        (
            r"^sk_(test|live)_[A-Za-z0-9]{24,}$",
            ["sk_test_" + "a" * 24],
            ["sk_prod_" + "a" * 24, "xsk_test_" + "a" * 24],
        ),
        (r"^(?=.*[A-Z])(?=.*\d)(?!changeme).{8,}$", ["Password1"], ["password1", "changemeA1", "Ab1"]),
        (r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9-]+)+", ["a.b", "a-b.c-d.e"], ["a", "-a.b"]),
        (r"(?i)arn:aws:[a-z0-9]+", ["ARN:aws:S3"], ["arn:aws:"]),
        (r"^a$|^b$", ["a", "b"], ["ab", ""]),
        (r"\Aab\Z", ["ab"], ["abc"]),
        (r"(?=a\$)a.*", ["a$b"], ["ab"]),
        (r"a{x}", ["a{x}"], ["ax"]),
        (r"[\]}]+", ["]}"], ["\\"]),
        ("", [""], ["a"]),
    ],
)
def test_patterns_of_users(pattern: str, good: list[str], bad: list[str]) -> None:
    matches = matcher(pattern)
    assert [matches(text) for text in good + bad] == [True] * len(good) + [False] * len(bad)


@pytest.mark.parametrize(
    "pattern",
    [
        r"(a+)+b",
        r"(a|a)*b",
        r"(a|aa)+$",
        r"(.*a){10}b",
        r"(\w+\s?)*;",
        r"^(([a-z])+.)+[A-Z]([a-z])+$",
        r"(?=(a+)+b)a*",
        r"(a|b)*a(a|b){200}",
    ],
)
def test_what_takes_re_for_ever_takes_no_time(pattern: str) -> None:
    with cpu_time() as took:
        matcher(pattern)("a" * 20_000 + "!")
    assert took.loops < 160, took.told()


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("(", "no regular expression"),
        ("a)", "no regular expression"),
        ("*a", "no regular expression"),
        (r"(a)\1", r"'\\1' inside of it"),
        ("(?P<x>a)(?P=x)", "'(?P' inside of it"),
        ("(?<=a)b", "'(?<' inside of it"),
        ("a(?=b)b", "'(?=' inside of it"),
        (r"\bfoo", r"'\\bf' inside of it"),
        ("a++", "a possessive quantifier"),
        ("(?>a)", "'(?>' inside of it"),
        ("(?(1)a|b)", "no regular expression"),
        ("a$b", "something after the end"),
        ("(^a)", "'^a)' inside of it"),
        ("(?=a)b|c", "a '|' beside a look-ahead"),
        ("(?=a$|b).", "a '|' beside a look-ahead"),
        ("x{1001}", "a repetition of more than 1000"),
        ("(x{100}){100}", "more than 1000 characters"),
        ("(a?){600}", "too many ways"),
        ("(" * 60 + "a" + ")" * 60, "groups more than 50 deep"),
        ("(" * 400 + "a" + ")" * 400, "groups more than 50 deep"),
        ("a" * 1001, "1001 characters"),
        ("(?m)a", "'(?m' inside of it"),
        ("(?x) a # b", "'(?x' inside of it"),
    ],
)
def test_what_it_cannot_match_is_refused(pattern: str, found: str) -> None:
    with pytest.raises(UnfitPattern) as refused:
        matcher(pattern)
    assert found in str(refused.value)


@settings(deadline=None)
@given(st.text(r"ab()[]{}|*+?.\^$-,:=!<>Px1 ", max_size=25), st.text("ab1-.", max_size=8))
def test_any_text_is_matched_or_refused(pattern: str, text: str) -> None:
    try:
        matches = matcher(pattern)
    except UnfitPattern:
        return
    assert matches(text) == bool(re.fullmatch(pattern, text))
