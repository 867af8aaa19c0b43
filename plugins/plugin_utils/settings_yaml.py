# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Settings files as Ruby's YAML (Psych 5) reads them where PyYAML reads otherwise: numbers, booleans, symbols, tags. Dates stay text."""

from __future__ import annotations

import re
from typing import Any

import yaml

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError

#: A file whose aliases unfold to more than this is not a configuration.
NODES = 100_000
_PLAIN = "!plain"
_MERGE = "tag:yaml.org,2002:merge"
_WORD = re.compile(r"^[^\d.:-]?[^\W\d]|^[^\d.:-]?[\s!@#$%^&*(){}<>|/~;=]", re.MULTILINE)
_TRUE, _FALSE = ("yes", "true", "on"), ("no", "false", "off")
_SPECIAL = re.compile(r"(\+?\.inf|-\.inf|\.nan)", re.IGNORECASE)
_BASE_60 = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9]){1,2}(\.[0-9_]*)?")
_FLOAT = re.compile(r"[-+]?(?:[0-9][0-9_,]*)?\.[0-9]*(?:[eE][+-][0-9]+)?")
_INTEGERS = (
    (re.compile(r"[-+]?0[bB][01_,]+"), 2),
    (re.compile(r"[-+]?0[0-7_,]+"), 8),
    (re.compile(r"[-+]?(?:0|[1-9](?:[0-9]|,[0-9]|_[0-9])*)"), 10),
    (re.compile(r"[-+]?0x[0-9a-fA-F_,]+"), 16),
)
_ERB = re.compile(r"<%(?!%)")


def read_settings(name: str, text: str) -> Any:
    """What is in TEXT, the settings file NAME. MainstayError, without anything of it: what is not YAML, and ERB, which only Ruby can run."""
    erb = _ERB.search(text)
    if erb:
        line = text.count("\n", 0, erb.start()) + 1
        raise MainstayError(f"{name}: found ERB (<% … %>) at line {line}; expected YAML alone, for no Ruby runs here")
    try:
        loader = _Loader(text)
        content = loader.get_data() if loader.check_data() else None  # the first document, as Ruby does
    except (yaml.YAMLError, ValueError, KeyError, TypeError, OverflowError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise MainstayError(f"{name}: found what is not YAML{where}; expected a mapping of settings") from None
    except RecursionError:
        raise MainstayError(f"{name}: found levels without end; expected a mapping of settings") from None
    _measure(name, content)
    return content


def scalar(text: str) -> Any:
    """The value of an unquoted TEXT."""
    if not text or text == "~":
        return None
    if _WORD.match(text) or "\n" in text:
        word = text.lower()
        return True if word in _TRUE else False if word in _FALSE else None if word == "null" else text
    if _SPECIAL.fullmatch(text):
        return float(text.replace(".", ""))
    if text[0] == ":" and len(text) > 1:
        return text[1:].strip("'\"")
    sixty = _BASE_60.fullmatch(text)
    if sixty:
        return _base_60(text, float if sixty[1] else int)
    if _FLOAT.fullmatch(text) and text.lstrip("+-") != ".":
        return float(re.sub("[,_]", "", text))
    for pattern, base in _INTEGERS:
        if pattern.fullmatch(text) and len(text) < 4000:
            return _integer(text, base)
    return text


def _integer(text: str, base: int) -> Any:
    try:
        return int(re.sub("[,_]", "", text), base)
    except ValueError:
        return text


def _base_60(text: str, kind: type[int] | type[float]) -> int | float:
    """Ruby takes two parts for hours and minutes, and adds them up even below zero."""
    parts = [kind(part.replace("_", "")) for part in text.split(":")]
    return sum(part * 60 ** abs(place - 2) for place, part in enumerate(parts))


class _Loader(yaml.SafeLoader):
    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        if kind is yaml.ScalarNode and implicit[0]:
            return _MERGE if value == "<<" else _PLAIN
        return super().resolve(kind, value, implicit)


def _plain(loader: Any, node: Any) -> Any:
    return scalar(node.value)


def _text(loader: Any, node: Any) -> Any:
    return loader.construct_scalar(node)


def _binary(loader: Any, node: Any) -> Any:
    return yaml.SafeLoader.construct_yaml_binary(loader, node).decode("utf-8", "replace")


def _set(loader: Any, node: Any) -> Any:
    return loader.construct_mapping(node, deep=True)


def _any(loader: Any, suffix: str, node: Any) -> Any:
    """A tag that nothing here knows changes nothing."""
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_mapping(node, deep=True)


_CONSTRUCTORS = {
    _PLAIN: _plain,
    _MERGE: _text,
    "tag:yaml.org,2002:timestamp": _text,
    "tag:yaml.org,2002:binary": _binary,
    "tag:yaml.org,2002:set": _set,
}
for _tag, _constructor in _CONSTRUCTORS.items():
    _Loader.add_constructor(_tag, _constructor)
_Loader.add_multi_constructor("", _any)


def _measure(name: str, content: Any) -> None:
    """Refuses what aliases make too large, or without an end."""
    left, todo = NODES, [content]
    while todo:
        item = todo.pop()
        left -= 1
        if left < 0:
            raise MainstayError(f"{name}: found aliases that unfold to more than {NODES} values; expected fewer")
        if isinstance(item, dict):
            todo += item.values()
        elif isinstance(item, (list, set)):
            todo += item
