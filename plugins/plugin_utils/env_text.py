# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the filters and lookups of environment files take, as plain Python: values from ansible-core carry tags, and a trusted one would be templated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._env_loaders import LOADERS, load


def data(value: Any, what: str) -> bytes:
    """The bytes of a file's content VALUE."""
    if isinstance(value, bytes):
        return bytes(value)
    if not isinstance(value, str):
        raise MainstayError(f"{what}: found {kind(value)}; expected the text of a file")
    try:
        return value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise MainstayError(f"{what}: found text that is not Unicode; expected the text of a file") from None


def variables(value: Any, what: str) -> dict[str, str]:
    """The process environment VALUE: names and texts. A number is its text."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise MainstayError(f"{what}: found {kind(value)}; expected a dict of variables")
    found = {}
    for name, item in value.items():
        if isinstance(item, bool) or not isinstance(item, (str, int, float)):
            raise MainstayError(f"{what}: found {kind(item)} for {name}; expected text")
        found[str(name)] = str(item)
    return found


def files(value: Any, what: str) -> dict[str, bytes]:
    """The contents VALUE of files by their names."""
    if not isinstance(value, Mapping):
        raise MainstayError(f"{what}: found {kind(value)}; expected a dict of file names and their texts")
    return {str(name): data(item, f"{what}: {name}") for name, item in value.items()}


def environment_name(value: Any) -> str:
    """The name VALUE of a Rails environment."""
    if not isinstance(value, str) or not value or "/" in value:
        found = repr(str(value)) if isinstance(value, str) else kind(value)
        raise MainstayError(f"environment: found {found}; expected the name of one, like production")
    return str(value)


def parse(content: bytes, loader: Any, environment: Any) -> dict[str, str | None]:
    """What LOADER makes of CONTENT."""
    if loader is None:
        raise MainstayError(f"loader: found none; expected one of {', '.join(LOADERS)}")
    return load(content, str(loader), variables(environment, "environment")).variables


def kind(value: Any) -> str:
    """What VALUE is, in a word."""
    return "nothing" if value is None else f"{type(value).__name__.removeprefix('_AnsibleTagged').lower()}"
