# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a consumer's host tells: files of secrets against the store, secrets in files that are not theirs, and whether consumers are well."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.mainstay.backend.plugins.module_utils._rotation_checks_store import version_words
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_digest import digest, word_digest, words

if TYPE_CHECKING:
    from ansible_collections.mainstay.backend.plugins.plugin_utils.types import Evidence, Expected

Say = Callable[[str, str, str, str], None]
_KINDS = {"link": "a symbolic link", "folder": "a folder", "other": "no regular file", "file": "a file"}


def check(expected: Expected, evidence: Evidence, say: Say) -> None:
    known = {word_digest(expected.key, word): place for word, place in version_words(expected.contents).items()}
    for item in evidence.files:
        path = str(item["path"])
        shall = expected.files.get(path)
        stale = ""
        if shall is not None and shall["state"] == "present":
            stale = _check_file(expected, shall, item, known, say)
        _check_elsewhere(expected, item, known, stale, say)
    for item in evidence.consumers:
        if item.get("healthy") is False:
            say(
                "consumer-unhealthy",
                f"consumer:{evidence.host}/{item['name']}",
                "",
                str(item.get("why") or "it is not well"),
            )


def _check_file(
    expected: Expected,
    shall: Mapping[str, Any],
    item: Mapping[str, Any],
    known: Mapping[str, tuple[str, str]],
    say: Say,
) -> str:
    """The credential whose older or newer version the file holds in place of the current one, or ''."""
    path, credential = str(item["path"]), str(shall.get("credential", ""))
    kind = "folder" if shall.get("folder") else "file"
    if item["kind"] == "missing":
        say("file-missing", path, credential, f"found no {kind}")
        return ""
    if item["kind"] != kind:
        told = _KINDS.get(item["kind"], "a file that cannot be read")
        say("file-unreadable", path, credential, f"found {told}; expected a {kind}")
        return ""
    if int(item["mode"], 8) & ~int(str(shall["mode"]), 8):
        say("file-mode", path, credential, f"found mode {item['mode']}; expected {shall['mode']}")
    for what in ("owner", "group"):
        if str(shall[what]) not in item[what]:
            say("file-owner", path, credential, f"found {what} {item[what][-1]}; expected {shall[what]}")
    return _check_content(expected, item, credential, known, say) if kind == "file" else ""


def _check_content(
    expected: Expected, item: Mapping[str, Any], credential: str, known: Mapping[str, tuple[str, str]], say: Say
) -> str:
    path, has = str(item["path"]), set(item["words"])
    text = expected.texts.get(path)
    if text is not None and item["digest"] != digest(expected.key, text):
        held = next((known[word][1] for word in item["words"] if word in known and known[word][0] == credential), "")
        held = held if held != "current" else ""
        told = f"it holds the {held} version" if held else "its content is not what the store says"
        say("file-stale", path, credential, told)
        return credential
    missing = [
        (name, owner) for name, owner, line in _lines(expected, path) if word_digest(expected.key, line) not in has
    ]
    for name, owner in missing:
        say("file-stale", path, owner, f"{name} is not what the store says")
    return missing[0][1] if missing else ""


def _lines(expected: Expected, path: str) -> list[tuple[str, str, str]]:
    return [(name, owner, line.strip()) for name, owner, line in expected.lines.get(path, ())]


def _check_elsewhere(
    expected: Expected, item: Mapping[str, Any], known: Mapping[str, tuple[str, str]], stale: str, say: Say
) -> None:
    """A secret may stand where what is expected of the file has it; an old version of its own was already told of."""
    path = str(item["path"])
    text = expected.texts.get(path, "")
    allowed = {word_digest(expected.key, word) for word in words(text)}
    for _name, _owner, line in _lines(expected, path):
        allowed |= {word_digest(expected.key, word) for word in words(line)}
    told = set()
    for word in item["words"]:
        if word in known and word not in allowed and known[word] not in told:
            told.add(known[word])
            name, which = known[word]
            if name == stale:
                continue
            version = "" if which == "current" else f" (its {which} version)"
            say("secret-elsewhere", path, name, f"it holds the secret of {name}{version}")
