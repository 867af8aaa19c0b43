# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The state of the files themselves: mode, owner, version control, and bytes that do not belong in them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ansible_collections.mainstay.backend.plugins.module_utils._env_reader import Reader
from ansible_collections.mainstay.backend.plugins.module_utils._env_readings import Place

if TYPE_CHECKING:
    from ansible_collections.mainstay.backend.plugins.plugin_utils.types import Source

#: Kinds that hold secrets.
_PRIVATE = ("env", "secret")
_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_FINAL_BREAKS = re.compile(rb"[\r\n]+\Z")


def check(reader: Reader) -> None:
    for source in reader.sources:
        if source.kind in _PRIVATE:
            _access(reader, source)
            _version_control(reader, source)
        if source.kind != "process":
            _bytes(reader, source)


def _access(reader: Reader, source: Source) -> None:
    options, place = reader.options, Place(source.path)
    if source.mode is not None and source.mode & 0o7777 & ~options.mode:
        message = f"its mode is {source.mode & 0o7777:04o}; expected {options.mode:04o} or less"
        reader.report("wrong-mode", place, "", message, f"chmod {options.mode:04o} it.")
    for what, found, wanted in (("owner", source.owner, options.owner), ("group", source.group, options.group)):
        if wanted and found is not None and found != wanted:
            reader.report("wrong-owner", place, "", f"its {what} is {found}; expected {wanted}")


def _version_control(reader: Reader, source: Source) -> None:
    if source.tracked:
        reader.report("tracked-by-git", Place(source.path), "", "the file is under version control; it holds secrets")
    elif source.ignored is False:
        reader.report(
            "not-ignored", Place(source.path), "", "git does not ignore the file: `git add .` would publish it"
        )


def _bytes(reader: Reader, source: Source) -> None:
    data, path = source.data, source.path
    if data.startswith(_MARKS):
        reader.report("byte-order-mark", Place(path, 1), "", "the file begins with a byte order mark")
    body = data
    if source.kind == "secret":
        body = _FINAL_BREAKS.sub(b"", data)
        if body != data:
            name = reader.secrets[path][0]
            message = "ends with a line break, which some readers take for a part of it"
            reader.report("trailing-newline", Place(path, data.count(b"\n", 0, len(body)) + 1), name, message)
    for rule, what, byte in (
        ("carriage-return", "a carriage return", b"\r"),
        ("nul-byte", "a NUL byte", b"\0"),
    ):
        count = body.count(byte)
        if count:
            more = f" (and {count - 1} more)" if count > 1 else ""
            reader.report(rule, Place(path, _line(data, data.index(byte))), "", f"there is {what} on this line{more}")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        reader.report(
            "invalid-utf8", Place(path, _line(data, error.start)), "", "there are bytes here that are not UTF-8"
        )


def _line(data: bytes, index: int) -> int:
    return data.count(b"\n", 0, index) + 1
