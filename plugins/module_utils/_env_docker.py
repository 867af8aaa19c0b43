# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads environment files as `docker run --env-file` does (28.2): lines of `VAR=value` with nothing taken away, or of `VAR` alone."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ansible_collections.mainstay.backend.plugins.module_utils._env_loaders import (
    DROPPED,
    INHERITED,
    Assignment,
    Loaded,
    LoaderRefuses,
)

#: What Go takes for white space.
SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
LONGEST = 64 * 1024 - 1  # bytes of a line
_NOT_UTF8 = re.compile("[\ud800-\udfff]")
_BLANK = re.compile(r"[ \t]")


def parse(data: bytes, environment: Mapping[str, str]) -> Loaded:
    """DATA as the container gets it. LoaderRefuses: what is not UTF-8, a name that is empty or holds a blank, a line of 64 KiB."""
    text = data.decode("utf-8", "surrogateescape")
    long = len(data) > LONGEST
    broken = bool(_NOT_UTF8.search(text))
    variables: dict[str, str | None] = {}
    assignments = []
    for number, whole in enumerate(text.split("\n"), 1):
        if long and len(whole) > LONGEST // 4 and len(whole.encode("utf-8", "surrogateescape")) > LONGEST:
            raise LoaderRefuses("docker", number, "found a line of 64 KiB or more")
        if broken and _NOT_UTF8.search(whole):
            raise LoaderRefuses("docker", number, "found a byte that is not UTF-8")
        line = (whole.removeprefix("\ufeff") if number == 1 else whole).removesuffix("\r").lstrip(SPACE)
        if not line or line[0] == "#":
            continue
        key, equals, value = line.partition("=")
        if not key:
            raise LoaderRefuses("docker", number, "found no name before '='")
        if _BLANK.search(key):
            raise LoaderRefuses("docker", number, "found a blank in a variable's name")
        if equals:
            variables[key] = value
            assignments.append(Assignment(key, value, number))
        elif key in environment:
            variables[key] = environment[key]
            assignments.append(Assignment(key, environment[key], number, (INHERITED,)))
        else:
            assignments.append(Assignment(key, None, number, (INHERITED, DROPPED)))
    return Loaded(variables, tuple(assignments))
