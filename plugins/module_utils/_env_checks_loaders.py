# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What loaders make of a file's lines: where they disagree, refuse, execute, cut or leave out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from ansible_collections.mainstay.backend.plugins.module_utils._env_loaders import (
    COMMAND,
    CUT,
    DROPPED,
    EXPANDED,
    SWALLOWED,
    Assignment,
    LoaderRefuses,
)
from ansible_collections.mainstay.backend.plugins.module_utils._env_reader import Reader
from ansible_collections.mainstay.backend.plugins.module_utils._env_readings import Place, Reading

#: Set for every process that a service manager, a shell or a container engine starts.
_ALWAYS = frozenset({"HOME", "USER", "PATH", "PWD", "HOSTNAME", "LANG", "SHELL", "LOGNAME", "UID", "GID", "TMPDIR"})
_REFERENCE = re.compile(r"\$(\{?)(\w+)(:?-)?")
_ABSENT = object()


def check(reader: Reader) -> None:
    known = {key for reading in reader.env for item in reading.distinct.values() for key in item.variables}
    known |= _ALWAYS | reader.options.process_env.keys()
    for reading in [*reader.env, *reader.examples]:
        _refusals(reader, reading)
        _repeated(reader, reading)
        _notes(reader, reading, known | reading.key_lines.keys())
        if len(reading.distinct) > 1:
            _disagreements(reader, reading)


def _severity(reading: Reading) -> str:
    """In an example the fault is to come: a warning."""
    return "warning" if reading.source.kind == "example" else ""


def _refusals(reader: Reader, reading: Reading) -> None:
    for loader, item in reading.loaded.items():
        if isinstance(item, LoaderRefuses):
            message = f"{loader} refuses this file{f' at line {item.line}' if item.line else ''}: {item.reason}"
            reader.report(
                "loader-refuses", Place(reading.source.path, item.line), "", message, severity=_severity(reading)
            )


def _repeated(reader: Reader, reading: Reading) -> None:
    for item in reading.distinct.values():
        if len(item.assignments) == len({one.key for one in item.assignments}):
            continue
        first: dict[str, Assignment] = {}
        for one in item.assignments:
            if DROPPED in one.notes:
                continue
            before = first.setdefault(one.key, one)
            name = reader.named(one.key, reading, one.line)
            if before is one or (not name and one.line in reading.inner_lines):
                continue
            same = "the same value" if before.value == one.value else "another value"
            reader.report(
                "duplicate-key",
                Place(reading.source.path, one.line),
                name,
                f"{'' if name else 'A variable '}was set to {same} on line {before.line} already",
                severity="warning" if before.value == one.value else _severity(reading),
            )


def _notes(reader: Reader, reading: Reading, known: Iterable[str]) -> None:
    by_line: dict[tuple[str, str, int], list[str]] = {}
    for loader, item in reading.accepted.items():
        for one in item.assignments:
            if not one.notes:
                continue
            for rule in _told(reading, loader, one, known):
                by_line.setdefault((rule, one.key, one.line), []).append(loader)
    for (rule, key, line), loaders in by_line.items():
        if rule == "dropped" and any(key in item.variables for item in reading.accepted.values()):
            continue
        name = reader.named(key, reading, line)
        message = ("" if name else "A variable ") + _MESSAGES[rule].format(
            _and(loaders), "s" if len(loaders) == 1 else ""
        )
        if rule == "dropped" and "systemd" in loaders:
            message += "; systemd writes the line with its value to the journal"
        reader.report(rule, Place(reading.source.path, line), name, message, severity=_severity(reading))


_MESSAGES = {
    "command-substitution": "holds a command in $(…) that {0} execute{1}",
    "cut-at-hash": "loses the text after a '#', which {0} read{1} as a comment",
    "expands-unset": "loses text: {0} put{1} nothing in place of a '$' and the name after it, which is not set",
    "unclosed-quote": "has a quote that is not closed: {0} read{1} the lines after it as part of the value",
    "dropped": "is not set by {0}, which leave{1} this line out",
}


def _told(reading: Reading, loader: str, one: Assignment, known: Iterable[str]) -> Iterable[str]:
    """The rules that the notes of ONE break."""
    if COMMAND in one.notes:
        yield "command-substitution"
    if SWALLOWED in one.notes:
        yield "unclosed-quote"
    if DROPPED in one.notes:
        yield "dropped"
    elif CUT in one.notes and _cut_short(reading.raw(one.line), one.value or ""):
        yield "cut-at-hash"
    if EXPANDED in one.notes and _unset(reading, loader, one, known):
        yield "expands-unset"


def _cut_short(raw: str, value: str) -> bool:
    """Whether what is cut off RAW is more than a comment: its '#' has no white space before it."""
    written = re.split(r"[=:]", raw, maxsplit=1)[-1]
    stripped = written.strip()
    if value and stripped.startswith(value):
        return stripped[len(value) :].startswith("#")
    index = written.find("#")
    return index == 0 or (index > 0 and not written[index - 1].isspace())


def _unset(reading: Reading, loader: str, one: Assignment, known: Iterable[str]) -> bool:
    """Whether a variable that LOADER put into ONE is nowhere set, and has no default that LOADER knows."""
    raw = "\n".join(reading.raw(one.line + index) for index in range(1 + (one.value or "").count("\n")))
    raw = raw.replace("\\$", "").replace("$$", "" if loader == "compose" else "$")
    return any(
        name not in known and not (brace and default and loader != "ruby") and (brace or loader != "python")
        for brace, name, default in _REFERENCE.findall(raw)
    )


def _disagreements(reader: Reader, reading: Reading) -> None:
    lines: dict[str, int] = {}
    notes: dict[str, dict[str, tuple[str, ...]]] = {}
    for loader, item in reading.accepted.items():
        for one in item.assignments:
            lines[one.key] = one.line
            if one.notes:
                notes.setdefault(one.key, {})[loader] = one.notes
    first, *others = (item.variables.items() for item in reading.distinct.values())
    differing = {key for other in others for key, _value in first ^ other}
    for key, line in lines.items():
        if key not in differing:
            continue
        read = {loader: item.variables.get(key, _ABSENT) for loader, item in reading.accepted.items()}
        name = reader.named(key, reading, line)
        if not name and line in reading.inner_lines:
            continue
        message = f"{'' if name else 'A variable '}is read differently: {differences(read, notes.get(key, {}))}"
        reader.report("loaders-disagree", Place(reading.source.path, line), name, message, severity=_severity(reading))


def differences(read: Mapping[str, object], notes: Mapping[str, tuple[str, ...]]) -> str:
    """How the loaders that are not with the most of READ (loader -> value, or _ABSENT) came to theirs, in words without any of the values."""
    most = Counter(value for value in read.values() if value is not _ABSENT).most_common(1)[0][0]
    said: dict[str, list[str]] = {}
    peers = next(loader for loader, value in read.items() if value == most)
    for loader, value in read.items():
        if value != most:
            how = _how(value, most, notes.get(loader, ()), notes.get(peers, ()))
            said.setdefault(how, []).append(loader)
    return "; ".join(f"{_and(loaders)} {_verb(how, len(loaders))}" for how, loaders in said.items())


def _how(value: object, most: object, notes: tuple[str, ...], others: tuple[str, ...]) -> str:
    """The words are for one loader; `_verb` makes them fit several."""
    if value is _ABSENT:
        return "does not set it"
    if not isinstance(value, str) or not isinstance(most, str):
        return "sets it to no value" if value is None else "sets it"
    if EXPANDED in notes and EXPANDED not in others:
        return "expands $"
    if EXPANDED in others and EXPANDED not in notes:
        return "keeps $ as it is written"
    if EXPANDED in notes:
        return "expands $ to something else"
    return _text_difference(value, most)


def _text_difference(value: str, most: str) -> str:
    bare = value.strip()
    if len(bare) > 1 and bare[0] in "'\"`" and bare != most and most.strip()[:1] != bare[0]:
        return "keeps the quotes"
    if most[:1] in ("'", '"', "`") and most.strip(most[0]) == bare.strip(most[0]):
        return "takes the quotes off"
    if "#" in value and value.startswith(most) and value[len(most) :].lstrip()[:1] == "#":
        return "keeps the comment"
    if "#" in most and most.startswith(value) and most[len(value) :].lstrip()[:1] == "#":
        return "cuts at #"
    if "$$" in most and most.replace("$$", "$") == value:
        return "reads $$ as $"
    if bare == most.strip():
        return "keeps other spaces"
    if value.replace("\\", "") == most.replace("\\", ""):
        return "treats backslashes differently"
    if value.count("\n") != most.count("\n"):
        return "ends the lines elsewhere"
    return "reads another value"


_PLURALS = {
    "does": "do",
    "sets": "set",
    "expands": "expand",
    "keeps": "keep",
    "takes": "take",
    "cuts": "cut",
    "treats": "treat",
    "ends": "end",
    "reads": "read",
}


def _verb(how: str, count: int) -> str:
    verb, _space, rest = how.partition(" ")
    return how if count == 1 else f"{_PLURALS[verb]} {rest}"


def _and(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
