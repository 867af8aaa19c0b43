# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._yaml_edit import (
    merge,
    parse_path,
    path_text,
    same,
    value_at,
    with_value,
    without,
)
from ansible_collections.mainstay.backend.plugins.module_utils._yaml_tree import read_yaml

RAILS = """\
# aws:
#   access_key_id: 123

# Used as the base secret for all MessageVerifiers in Rails, including the one protecting cookies.
secret_key_base: 0123abcd # generated

smtp:   # the relay
  user: 'shop'
  password: >-
    two
    words

  # the port stays
  port: 587
:legacy:
  :token: "t"
last: |
  line one
  line two
"""


SMTP = RAILS[RAILS.index("smtp") : RAILS.index(":legacy")]


@pytest.mark.parametrize(
    ("values", "remove", "old", "new"),
    [
        ({"secret_key_base": "ffff"}, [], "0123abcd # generated", "ffff # generated"),
        ({"smtp": {"user": "other"}}, [], "user: 'shop'", "user: other"),
        ({"smtp": {"password": "it's new: yes"}}, [], ">-\n    two\n    words\n", '"it\'s new: yes"\n'),
        ({"smtp": {"tls": True}}, [], "  port: 587\n", "  port: 587\n  tls: true\n"),
        ({"legacy": {"token": "u"}}, [], ':token: "t"', ":token: u"),
        ({"last": "x"}, [], "|\n  line one\n  line two\n", "x\n"),
        ({"smtp": {"port": 588}}, [], "port: 587", "port: 588"),
        ({"smtp": {"port": "587"}}, [], "port: 587", 'port: "587"'),
        ({"smtp": 1}, [], SMTP, "smtp:   # the relay\n  1\n"),
        ({"secret_key_base": {"a": {"b": [1, {"c": None}]}}}, [], " 0123abcd # generated", "\n  a:\n    b:\n      - 1\n      -\n        c: null # generated"),
        ({}, ["smtp.user"], "  user: 'shop'\n", ""),
        ({}, ["secret_key_base"], "secret_key_base: 0123abcd # generated\n", ""),
        ({}, ["legacy.token"], ':legacy:\n  :token: "t"\n', ":legacy: {}\n"),
        ({}, ["smtp"], SMTP, ""),
        ({}, ["nothing.there", "smtp.user.deeper"], "", ""),
    ],
)  # fmt: skip
def test_only_what_changes_is_touched(values: dict[str, Any], remove: list[str], old: str, new: str) -> None:
    assert old in RAILS
    assert merge(RAILS, values, remove).text == RAILS.replace(old, new, 1)


@pytest.mark.parametrize(
    ("text", "values", "remove", "expected"),
    [
        ("", {"a": {"b": 1}}, [], "a:\n  b: 1\n"),
        ("# only a comment", {"a": 1}, [], "# only a comment\na: 1\n"),
        ("---\n", {"a": 1}, [], "---\na: 1\n"),
        ("a: 1", {"b": 2}, [], "a: 1\nb: 2\n"),
        ("a:", {"a": "x"}, [], "a: x"),
        ("a:\nb: 1\n", {"a": {"c": 1}}, [], "a:\n  c: 1\nb: 1\n"),
        ("a: # why\n", {"a": {"c": 1}}, [], "a:\n  c: 1 # why\n"),
        ("{a: 1}\n", {"b": "x y"}, [], '{a: 1, b: "x y"}\n'),
        ("a: {}\n", {"a": {"b": [1]}}, [], "a: {b: [1]}\n"),
        ("a: {b: 1, c: 2}\n", {}, ["a.b"], "a: {c: 2}\n"),
        ("a: {b: 1, c: 2}\n", {}, ["a.c"], "a: {b: 1}\n"),
        ("a: {b: 1}\n", {}, ["a.b"], "a: {}\n"),
        ("a: 1\n", {}, ["a"], ""),
        ("a: 1\na: 2\n", {"a": 3}, [], "a: 1\na: 3\n"),
        ("a: 1\na: 2\n", {}, ["a"], ""),
        ("a: [1, 2]\n", {"a": [1, 3]}, [], "a:\n  - 1\n  - 3\n"),
        ("a:\n- 1\n- 2\nb: 1\n", {"a": "x"}, [], "a: x\nb: 1\n"),
        ("a: 1\r\nb: 2\r\n", {"a": 3}, [], "a: 3\r\nb: 2\r\n"),
        ("d: &d\n  x: 1\np:\n  <<: *d\n", {"p": {"z": 2}}, [], "d: &d\n  x: 1\np:\n  <<: *d\n  z: 2\n"),
        ("d: &d\n  x: 1\np:\n  <<: *d\n", {"p": {"x": 2}}, [], "d: &d\n  x: 1\np:\n  <<: *d\n  x: 2\n"),
        ("d: &d {x: 1}\np: *d\n", {"p": 5}, [], "d: &d {x: 1}\np: 5\n"),
        ("a: 1,000\n", {"a": "1,000"}, [], 'a: "1,000"\n'),
        ("a: 2024-01-01\n", {"a": "2024-01-01"}, [], 'a: "2024-01-01"\n'),
        ("a: yes\n", {"a": "yes"}, [], 'a: "yes"\n'),
        ("a: yes\n", {"a": True}, [], "a: yes\n"),
        ("a: 1\n", {"a": 1.0}, [], "a: 1.0\n"),
        ("a: 1\n", {"a": True}, [], "a: true\n"),
        ("a: 'x'\n", {"a": "x"}, [], "a: 'x'\n"),
        ("a: {b: 1}\n", {"a": {}}, [], "a: {b: 1}\n"),
        ('"a.b": 1\n', {"a.b": 2}, [], '"a.b": 2\n'),
        ('"a.b": 1\nc: 1\n', {}, ['"a.b"'], "c: 1\n"),
        ("a: [{b: 1}]\n", {"a": []}, [], "a: []\n"),
        ("a: 1\n...\n", {"b": 2}, [], "a: 1\nb: 2\n...\n"),
    ],
)  # fmt: skip
def test_edits(text: str, values: dict[str, Any], remove: list[str], expected: str) -> None:
    assert merge(text, values, remove).text == expected


@pytest.mark.parametrize(
    ("text", "values", "remove"),
    [
        ("d: &d\n  x: s3cret\np: *d\n", {"p": {"y": 2}}, []),
        ("d: &d\n  x: s3cret\np:\n  <<: *d\n", {}, ["p.x"]),
        ("a: &a s3cret\nb: *a\n", {"a": 2}, []),
        ("- s3cret\n", {"a": 1}, []),
        ("s3cret\n", {"a": 1}, []),
        ("a: 1\n---\nb: s3cret\n", {"a": 1}, []),
        ("a: 's3cret\n", {"a": 1}, []),
        ("a: !ruby/object:s3cret {}\n", {"a": 1}, []),
        ("a: *s3cret\n", {"a": 1}, []),
        ("a: &a\n  b: *a\n", {"c": 1}, []),
        ("? [s3cret]\n: 1\n", {"c": 1}, []),
        ("a: \x01s3cret\n", {"c": 1}, []),
        ("[" * 2000, {"c": 1}, []),
        ("a: &a [s3cret, s3cret]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9)).replace("*a0", "*a"), {"c": 1}, []),
    ],
)  # fmt: skip
def test_what_cannot_be_edited_is_refused_without_its_content(text: str, values: Any, remove: list[str]) -> None:
    with pytest.raises(MainstayError, match=r"expected") as told:
        merge(text, values, remove)
    assert "s3cret" not in str(told.value)


@pytest.mark.parametrize(
    "value", [{1: "s3cret"}, {"a": {"": 1}}, {"a": "s3cret\ud800"}, {"a": float("nan")}, {"a": b"s3cret"}, ["s3cret"]]
)
def test_values_that_yaml_cannot_hold_are_refused(value: Any) -> None:
    with pytest.raises(MainstayError, match=r"^values.*: found .*; expected") as told:
        merge("", value)
    assert "s3cret" not in str(told.value)


def test_the_differences_are_key_paths() -> None:
    edited = merge(
        RAILS, {"secret_key_base": "new", "smtp": {"user": "shop", "x.y": 1}, "aws": {"a": 1, "b": []}}, ["last"]
    )
    assert edited.added == ('smtp."x.y"', "aws.a", "aws.b")
    assert edited.changed == ("secret_key_base",)
    assert edited.removed == ("last",)
    assert "new" not in repr(edited)


def test_ruby_symbols_are_names_and_dates_stay_text() -> None:
    text = ':a:\n  :"b c": :sym\nd: 2024-01-01\n1: x\ntrue: y\ne: !ruby/symbol f\n'
    assert read_yaml(text) == {"a": {"b c": ":sym"}, "d": "2024-01-01", "1": "x", "true": "y", "e": "f"}


@pytest.mark.parametrize("path", ["a", "a.b", '"a.b".c', "a.0.b-c"])
def test_key_paths(path: str) -> None:
    assert path_text(parse_path(path)) == path


@pytest.mark.parametrize("path", ["", ".", "a.", ".a", "a..b", '"a', 'a"b"'])
def test_wrong_key_paths(path: str) -> None:
    with pytest.raises(MainstayError, match="key path: found"):
        parse_path(path)


def test_value_at() -> None:
    data = {"a": {"b": [1, {"c": 2}]}}
    assert value_at(data, ("a", "b", "1", "c")) == 2
    for path in (("a", "x"), ("a", "b", "2"), ("a", "b", "0", "c")):
        with pytest.raises(KeyError):
            value_at(data, path)


# Without what makes PyYAML write a key in its long form (`? key`), which an edit refuses
NAMES = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=4).filter(
    lambda text: text[0] != ":"
)
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20)
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=8
)
MAPPINGS = st.dictionaries(NAMES, VALUES, max_size=4)


@settings(deadline=None)
@given(MAPPINGS, MAPPINGS, st.booleans())
def test_any_values_merge_into_any_text(old: dict[str, Any], new: dict[str, Any], flow: bool) -> None:
    text = "# head\n" + yaml.safe_dump(old, default_flow_style=flow, allow_unicode=True, sort_keys=False)
    start = read_yaml(text)
    edited = merge(text, new)
    found = read_yaml(edited.text)
    for name, value in new.items():
        if not isinstance(value, dict) or not isinstance(start.get(name), dict):
            assert same(found[name], value)
    assert edited.text.startswith("# head\n")
    assert merge(edited.text, new).text == edited.text
    assert same(yaml.safe_load(merge("", new).text) or {}, new)


@settings(deadline=None)
@given(MAPPINGS, st.data())
def test_any_key_can_be_taken_out(old: dict[str, Any], data: st.DataObject) -> None:
    names = [name for name in old if '"' not in name]
    text = yaml.safe_dump(old, allow_unicode=True, sort_keys=False)
    if names:
        name = data.draw(st.sampled_from(names))
        assert same(read_yaml(merge(text, {}, [f'"{name}"']).text), without(read_yaml(text), (name,)))


@settings(deadline=None)
@given(st.text(alphabet=":#-? \n&*<{}[],'\"|>ab!%@`", max_size=40))
def test_any_text_is_edited_rightly_or_refused(text: str) -> None:
    try:
        before = read_yaml(text)
        edited = merge(text, {"a": {"b": "x"}})
    except MainstayError:
        return
    assert same(read_yaml(edited.text), with_value(before, ("a", "b"), "x"))
