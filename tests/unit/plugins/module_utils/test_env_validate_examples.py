# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A hundred .env.example shapes of well-known applications: no false finding, as they are and filled in."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.mainstay.backend.plugins.module_utils._dotenv import line, unfit
from ansible_collections.mainstay.backend.plugins.module_utils._env_loaders import load
from ansible_collections.mainstay.backend.plugins.module_utils._env_secrecy import placeholder, secret_name
from ansible_collections.mainstay.backend.plugins.module_utils._env_urls import read
from ansible_collections.mainstay.backend.plugins.module_utils._env_validate import Options, Source, evaluate

FOLDER = Path(__file__).parents[3] / "data" / "env_examples"
ENTRIES: list[dict[str, Any]] = [
    entry for path in sorted(FOLDER.glob("*.yml")) for entry in yaml.safe_load(path.read_text(encoding="utf-8"))
]
EACH = pytest.mark.parametrize("entry", [pytest.param(entry, id=entry["app"]) for entry in ENTRIES])
LOADERS = ("ruby", "python", "node", "compose")
#: Rules that speak of a line's form: filling in values changes nothing of it.
FORM = (
    "loaders-disagree",
    "command-substitution",
    "cut-at-hash",
    "expands-unset",
    "duplicate-key",
    "unclosed-quote",
    "loader-refuses",
)
_PASSWORD = re.compile(r"(?<=:)[^:@/]*(?=@[^@]*$)")


def found(kind: str, text: str, entry: dict[str, Any]) -> dict[str, list[str]]:
    """Rule -> variables, of all findings."""
    source = Source(kind, f".{kind}", text.encode(), mode=0o600, tracked=False, ignored=True)
    rules: dict[str, list[str]] = {}
    for item in evaluate([source], None, Options(loaders=tuple(entry.get("loaders", LOADERS)))):
        rules.setdefault(item.rule, []).append(item.variable)
    return {rule: list(dict.fromkeys(names)) for rule, names in rules.items()}


def expected(entry: dict[str, Any]) -> dict[str, list[str]]:
    return {rule: names for rule, names in entry.get("finds", {}).items() if names}


def strong(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:40]


def filled(text: str) -> str:
    """TEXT as an operator fills it in: secrets generated, placeholders replaced, each Valkey URL with a port of its own."""
    lines, port = text.splitlines(), 6400
    for item in load(text.encode(), "python").assignments:
        value, raw = item.value or "", lines[item.line - 1]
        url = read(value)
        if "PRIVATE KEY-----" in value and "\n" in value:
            lines[item.line] = strong(item.key) * 2
        fresh = value
        if url is not None and not url.scheme.startswith("http"):
            port += 1
            fresh = _PASSWORD.sub(strong(item.key), value) if url.password or ":@" in value else value
            if url.kind == "valkey":
                fresh = re.sub(r"^(\w+://(?:[^@]*@)?)[^/:]*(?::\d+)?", rf"\g<1>localhost:{port}", fresh)
        if url is None and secret_name(item.key) and value.lower() not in ("true", "false", "null"):
            fresh = strong(item.key)
        elif placeholder(value, secret=False) or re.search(r"your|<|\*\*|xxx|change", value, re.IGNORECASE):
            fresh = f"value-of-{item.key.lower()}" if url is None or fresh == value else fresh
        if fresh != value and "\n" not in value and not unfit(fresh) and "${" not in raw:
            export = "export " if raw.lstrip().startswith("export ") else ""
            lines[item.line - 1] = export + (line(item.key, fresh) if item.key.isupper() else f"{item.key}={fresh}")
    return "\n".join(lines) + "\n"


@EACH
def test_an_example_has_no_false_finding(entry: dict[str, Any]) -> None:
    assert found("example", entry["text"], entry) == expected(entry)


@EACH
def test_a_filled_in_copy_has_no_false_finding(entry: dict[str, Any]) -> None:
    allowed = {rule: names for rule, names in expected(entry).items() if rule in FORM}
    seen = found("env", filled(entry["text"]), entry)
    seen.pop("no-tls", None)  # true: these name a host of a container network
    assert {rule: names for rule, names in seen.items() if not set(names) <= set(allowed.get(rule, ()))} == {}


def test_a_hundred_applications() -> None:
    assert len({entry["app"] for entry in ENTRIES}) == len(ENTRIES) >= 100
    assert all(len(entry["text"].splitlines()) >= 3 for entry in ENTRIES)


def test_the_shapes_are_those_of_real_files() -> None:
    texts = [entry["text"] for entry in ENTRIES]
    for shape in (
        r"^export ",
        r"^#",
        r"='",
        r'="',
        r"=$",
        r"://[^\s:]+:[^\s@]+@",
        r"BEGIN [A-Z ]*KEY",
        r"\$\{",
        r" # ",
        r"^[a-z][\w.]+=",
        r"=<",
    ):
        assert sum(bool(re.search(shape, text, re.MULTILINE)) for text in texts) >= 3, shape


def test_what_is_left_as_in_the_example_is_found() -> None:
    """The same texts, taken over as they are: most hold a placeholder or a secret that can be guessed."""
    rules = ("placeholder", "weak-secret", "repeated-secret")
    bad = [entry["app"] for entry in ENTRIES if any(rule in found("env", entry["text"], entry) for rule in rules)]
    assert len(bad) > len(ENTRIES) * 0.7
