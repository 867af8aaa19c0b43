# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes reports of validations on the controller: whole files, replaced at once, readable for everybody since they hold no secret."""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from functools import lru_cache

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._findings import Finding, Rule
from ansible_collections.mainstay.backend.plugins.module_utils._junit import junit_text
from ansible_collections.mainstay.backend.plugins.module_utils._sarif import sarif, sarif_text
from ansible_collections.mainstay.backend.plugins.plugin_utils.inventory import COLLECTION


@lru_cache(maxsize=1)
def version() -> str:
    """Of this collection: an installed one has MANIFEST.json, a checkout galaxy.yml."""
    with (
        contextlib.suppress(OSError, ValueError, KeyError),
        open(os.path.join(COLLECTION, "MANIFEST.json"), encoding="utf-8") as handle,
    ):
        return str(json.load(handle)["collection_info"]["version"])
    with contextlib.suppress(OSError), open(os.path.join(COLLECTION, "galaxy.yml"), encoding="utf-8") as handle:
        match = re.search(r"^version:\s*(\S+)", handle.read(), re.MULTILINE)
        return match[1] if match else ""
    return ""


def repository(folder: str) -> str:
    """The work tree around FOLDER, or FOLDER: what SARIF's relative paths are meant from."""
    here = folder
    while not os.path.lexists(os.path.join(here, ".git")):
        parent = os.path.dirname(here)
        if parent == here:
            return folder
        here = parent
    return here


def report_path(path: str, host: str, hosts: Sequence[str]) -> str:
    """PATH with HOST's name before its suffix where several hosts would write one file."""
    path = os.path.abspath(os.path.expanduser(path))
    if len(hosts) < 2 or host in os.path.basename(path):
        return path
    stem, suffix = os.path.splitext(path)
    return f"{stem}.{re.sub(r'[^A-Za-z0-9_.-]', '_', host)}{suffix}"


def write_sarif(path: str, findings: Sequence[Finding], rules: Mapping[str, Rule]) -> None:
    here = os.getcwd()
    write_report(path, "sarif", sarif_text(sarif(findings, rules, version(), here, repository(here))))


def write_junit(
    path: str, findings: Sequence[Finding], rules: Mapping[str, Rule], files: Sequence[str], fail_on: str
) -> None:
    write_report(path, "junit", junit_text(findings, rules, files, fail_on))


def write_report(path: str, option: str, text: str) -> None:
    """Leaves the old file, or the whole new one (0644)."""
    folder = os.path.dirname(path)
    candidate = ""
    try:
        handle, candidate = tempfile.mkstemp(prefix=f".{os.path.basename(path)}.", suffix=".mainstay", dir=folder)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fchmod(file.fileno(), 0o644)
            os.fsync(file.fileno())
        os.rename(candidate, path)
        candidate = ""
    except OSError as error:
        raise MainstayError(
            f"{option}: {path} cannot be written: {error.strerror}; expected a file in a folder that is there"
        ) from None
    finally:
        if candidate:
            with contextlib.suppress(OSError):
                os.unlink(candidate)
