# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The one gate for Python libraries: guarded import, minimum version, and a message that says what to install.

The minimum versions are those of the oldest supported release, Debian 12.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import re
from types import ModuleType

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError

#: module name -> (minimum version, Debian package or '', PyPI package)
LIBRARIES = {
    "cryptography": ((38, 0), "python3-cryptography", "cryptography"),
    "psycopg2": ((2, 9), "python3-psycopg2", "psycopg2"),
    "pyrage": ((1, 2), "", "pyrage"),
    "redis": ((4, 3), "python3-redis", "redis"),
    "yaml": ((6, 0), "python3-yaml", "PyYAML"),
}


def version_tuple(text: str) -> tuple[int, ...]:
    """The leading numbers of a version: '2.9.10 (dt dec)' -> (2, 9, 10)."""
    match = re.match(r"\d+(?:\.\d+)*", text)
    return tuple(int(part) for part in match[0].split(".")) if match else ()


def require(name: str) -> ModuleType:
    """The library NAME, imported; MainstayError where it is missing or too old."""
    minimum, debian, pypi = LIBRARIES[name]
    wanted = f"{name} >= {'.'.join(map(str, minimum))} ({f'Debian: {debian}; ' if debian else ''}PyPI: {pypi})"
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        raise MainstayError(f"this host's Python cannot import {name}: {error}; install {wanted}") from error
    found = str(getattr(module, "__version__", "") or _installed(pypi))
    if version_tuple(found) < minimum:
        raise MainstayError(f"this host has {name} {found or 'of unknown version'}; install {wanted}")
    return module


def _installed(distribution: str) -> str:
    """The version of an installed library that does not tell it itself."""
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        return importlib.metadata.version(distribution)
    return ""
