# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""@env-spec's `@type=…` as options of env.schema.yml. What has no counterpart is told to `note`, by its name and never with its value."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils._env_pattern import UnfitPattern, matcher
from ansible_collections.mainstay.backend.plugins.module_utils._env_spec_parse import Group, Node, Text

Note = Callable[[str], None]

_LENGTHS = {"minLength": "min_length", "maxLength": "max_length", "isLength": "length"}
_LIMITS = {"min": "min", "max": "max"}
_SEMVER = r"\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?"
_DATE = r"\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?"
#: Their type -> options here, and which of its own options have a counterpart under which name.
_TYPES: Mapping[str, tuple[dict[str, Any], Mapping[str, str]]] = {
    "string": ({}, _LENGTHS),
    "number": ({"type": "float"}, _LIMITS),
    "boolean": ({"type": "bool"}, {}),
    "url": ({"type": "url"}, {}),
    "domain": ({"type": "host"}, {}),
    "enum": ({"type": "enum"}, {}),
    "email": ({"type": "email"}, {}),
    "port": ({"type": "port"}, _LIMITS),
    "ip": ({"type": "ip"}, {}),
    "semver": ({"pattern": _SEMVER}, {}),
    "isoDate": ({"pattern": _DATE}, {}),
    "uuid": ({"type": "uuid"}, {}),
    "md5": ({"type": "hex", "length": "32"}, {}),
    "duration": ({"type": "duration"}, _LIMITS),
    "simple-object": ({"type": "json"}, {}),
    "record": ({"type": "json"}, {}),
    "array": ({"type": "list"}, {**_LENGTHS, "separator": "separator"}),
}
#: Options that say what is so here anyway.
_IDLE = {
    ("domain", "allowSingleLabel"),
    ("domain", "allowIp"),
    ("string", "allowEmpty"),
    ("number", "isInt"),
    ("array", "format"),
}
_SPECIAL = re.compile(r"[\\.^$*+?{}\[\]|()]")
_MATCHING = ("startsWith", "endsWith", "matches")


def type_options(value: Node, note: Note) -> dict[str, Any]:
    """The options that `@type=VALUE` stands for."""
    name = value.name if isinstance(value, Group) else value.text
    items, named = (value.items, value.named) if isinstance(value, Group) else ((), {})
    if name not in _TYPES:
        note(
            "@type, which is none of @env-spec's own"
            if isinstance(value, Text)
            else f"@type={name}(…), which is none of @env-spec's own"
        )
        return {}
    base, known = _TYPES[name]
    found = dict(base)
    if name == "enum":
        found.update(_choices(items, note))
    elif name == "array" and items:
        found.update(_items(items[0], note))
    elif items:
        note(f"the arguments of @type={name}(…)")
    for key, node in named.items():
        plain = node.text if isinstance(node, Text) and not node.refers else None
        if key in known and plain is not None:
            found[known[key]] = plain
        elif not _special(found, name, key, node) and (name, key) not in _IDLE and key not in _MATCHING:
            note(f"{key} of @type={name}")
    _pattern(found, named, name, note)
    return found


def _special(found: dict[str, Any], name: str, key: str, node: Node) -> bool:
    """The options of a type that change more than one of ours."""
    plain = node.text if isinstance(node, Text) and not node.refers else None
    if name == "number" and (key, plain) in (("isInt", "true"), ("precision", "0")):
        found["type"] = "int"
        return True
    if name == "array" and (key, plain) == ("format", "json"):
        found.clear()
        found["type"] = "json"
        return True
    texts = _texts(node.items) if isinstance(node, Group) and node.name == "[" else [plain] if plain else None
    if name == "url" and key == "allowedProtocols" and texts:
        found["schemes"] = [text.removesuffix("//").removesuffix(":").lower() for text in texts]
        return True
    return False


def _texts(nodes: tuple[Node, ...]) -> list[str] | None:
    texts = [node.text for node in nodes if isinstance(node, Text) and not node.refers]
    return texts if len(texts) == len(nodes) else None


def _choices(items: tuple[Node, ...], note: Note) -> dict[str, Any]:
    found = _texts(items)
    if found:
        return {"choices": list(dict.fromkeys(found))}
    note("the choices of @type=enum, which are made at run time")
    return {"type": "string"}


def _items(inner: Node, note: Note) -> dict[str, Any]:
    """The type of an array's items. Their lengths would be taken for the list's."""
    found = type_options(inner, lambda text: note(f"of the items, {text}"))
    for key in ("min_length", "max_length", "length", "separator"):
        if found.pop(key, None) is not None:
            note(f"{key} of the items")
    kind = found.pop("type", "string")
    if kind == "list":
        note("the type of the items: lists do not nest here")
        return {"type": "json"}
    return {**found, "items": kind}


def _pattern(found: dict[str, Any], named: Mapping[str, Node], name: str, note: Note) -> None:
    """startsWith, endsWith and matches as one anchored pattern; what `re` or linear time does not allow is left out."""
    ahead, body = "", ""
    for key in _MATCHING:
        node = named.get(key)
        if node is None:
            continue
        part = (
            _regex(node)
            if key == "matches"
            else _SPECIAL.sub(r"\\\g<0>", node.text)
            if isinstance(node, Text) and not node.refers
            else None
        )
        if part is None:
            note(f"{key} of @type={name}")
        elif key == "startsWith":
            ahead, body = part, ".*"
        elif key == "endsWith":
            body = f".*{part}"
        elif body:
            note(f"matches of @type={name}, beside {' and '.join(other for other in _MATCHING[:2] if other in named)}")
        else:
            body = part
    if not ahead and not body:
        return
    try:
        matcher(f"{ahead}{body}")
    except UnfitPattern:
        note(f"matches of @type={name}, which is no pattern here")
        return
    found["pattern"] = f"{ahead}{body}"


def _regex(node: Node) -> str | None:
    """A JavaScript expression, which matches anywhere, as one that matches the whole."""
    flags = ""
    if isinstance(node, Group):
        texts = _texts(node.items)
        if node.name != "regex" or not texts or len(texts) > 2 or node.named:
            return None
        text, flags = texts[0], texts[1] if len(texts) == 2 else ""
    elif not node.refers or node.text.endswith(("$", "$/")):
        literal = re.fullmatch(r"/(.*)/([a-z]*)", node.text, re.DOTALL)
        text, flags = (literal[1], literal[2]) if literal else (node.text, "")
    else:
        return None
    if set(flags) - set("is") or "|" in re.sub(r"\\.|\[(?:\\.|[^\]])*\]|\([^()]*\)", "", text):
        return None
    begin = "" if text.startswith("^") else ".*"
    end = "" if text.endswith("$") and not text.endswith("\\$") else ".*"
    return f"(?a{flags}){begin}{text}{end}"
