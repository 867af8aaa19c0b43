# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sets and removes variables in the text of an environment file. Lines that are not theirs stay byte for byte; no message holds a value.

An edit is written down first and judged afterwards, by the parsers of the declared loaders: each must give exactly the values that were asked for,
and for every other variable what it gave before. Otherwise there is no edit.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._dotenv import HIDDEN, masker
from ansible_collections.mainstay.backend.plugins.module_utils._env_loaders import CUT
from ansible_collections.mainstay.backend.plugins.module_utils._env_statement import Reading, read_by, statement
from ansible_collections.mainstay.backend.plugins.module_utils._file_specs import Mask

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SHOWN_NAME = re.compile(r"[A-Z_][A-Z0-9_]{0,63}")
_HEAD = re.compile(r"(?P<indent>[ \t]*)(?P<export>export[ \t]+)?(?P<name>[\w.-]+)[ \t]*[=:][ \t]*")
_COMMENT = re.compile(r"[ \t]*(#.*)?")
_CONTINUED = re.compile(r"(?<!\\)(?:\\\\)*\\\r?\n\Z")
#: A line end to some loaders only, so they would not agree on where a variable stands.
_LONE_CR = re.compile(r"\r(?!\n)")

#: The last of them changes nothing.
_TURNS = 4


@dataclass(frozen=True)
class Edit:
    """`text` is the whole new file; `done` are (variable, what was done) in the order they were asked for."""

    text: str = field(repr=False)
    done: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class _Place:
    """Lines `first` to `last` (0-based, both included) assign a variable. `comment` is what follows the value, '#' included."""

    first: int
    last: int
    indent: str
    exported: bool
    comment: str = field(repr=False)


def wanted_values(variables: Mapping[str, object]) -> dict[str, str]:
    """The texts that VARIABLES give. MainstayError: a name or a type that is none for an environment."""
    found = {}
    for name, value in variables.items():
        _check_name("variables", name)
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            kind = "nothing" if value is None else f"a {type(value).__name__}"
            raise MainstayError(
                f"variables.{name}: found {kind}; expected text (numbers with a point, and yes or no, in quotes)"
            )
        text = str(value)
        if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
            raise MainstayError(
                f"variables.{name}: found a character that no environment can hold; expected text without it"
            )
        found[str(name)] = text
    return found


def check_removed(names: Sequence[str], wanted: Collection[str]) -> None:
    """Refuses names that cannot be, and those that are also to be set."""
    for name in names:
        _check_name("remove", name)
        if name in wanted:
            raise MainstayError(f"remove: found {name}, which variables sets; expected it in one of the two")


def _check_name(option: str, name: object) -> None:
    if not isinstance(name, str) or not NAME.fullmatch(name):
        shown = f" {name}" if re.fullmatch(r"[\w.-]{1,64}", str(name)) else ""
        raise MainstayError(f"{option}: found a wrong name{shown}; expected letters, digits and _, no digit first")


def edited(text: str, wanted: Mapping[str, str], removed: Sequence[str], loaders: Sequence[str]) -> Edit:
    """TEXT with the variables WANTED set and those REMOVED gone. MainstayError names the variable and the loader that stand against it.

    To edit what comes out again changes nothing: an edit may move where an assignment begins (a line `export` joins the next one in Ruby).
    """
    done: list[tuple[str, str]] = []
    for _turn in range(_TURNS):
        edit = _edited_once(text, wanted, removed, loaders)
        done += [item for item in edit.done if item not in done]
        if edit.text == text:
            return Edit(text, tuple(done))
        text = edit.text
    raise MainstayError(
        "path: found a file in which the loaders see other lines after each edit; expected one of a plainer form"
    )


def _edited_once(text: str, wanted: Mapping[str, str], removed: Sequence[str], loaders: Sequence[str]) -> Edit:
    if _LONE_CR.search(text):
        raise MainstayError("path: found a carriage return that is no part of a line end; expected a file without it")
    before = read_by(text, loaders)
    lines = _lines(text)
    ending = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    replaced: dict[int, tuple[int, str]] = {}
    added: list[str] = []
    done: list[tuple[str, str]] = []
    for name, value in wanted.items():
        places = _places(lines, name, before)
        right = all(reading.loaded.variables.get(name) == value for reading in before.values())
        if not places:
            added.append(statement(name, value, "", "", loaders) + ending)
            done.append((name, "added"))
            continue
        for place in places[:-1]:
            replaced[place.first] = (place.last, "")
        last = places[-1]
        if not right:
            new = _rewritten(name, value, last, ending, loaders)
            newline = lines[last.last][len(lines[last.last].rstrip("\r\n")) :]
            replaced[last.first] = (last.last, new + newline)
            done.append((name, "changed"))
        if len(places) > 1:
            count = len(places) - 1
            done.append((name, f"{count} earlier {'assignment' if count == 1 else 'assignments'} removed"))
    for name in removed:
        places = [*_places(lines, name, before), *_exports(lines, name)]
        replaced.update({place.first: (place.last, "") for place in places})
        done += [(name, "removed")] if places else []
    found = _joined(lines, replaced, added, ending)
    if _LONE_CR.search(found):
        name = next((name for name, value in wanted.items() if "\r" in value), "")
        raise MainstayError(
            f"variables.{name}: found a carriage return in its value (not shown); expected one without it"
        )
    if done:
        _judge(before, read_by(found, loaders), wanted, removed)
    return Edit(found, tuple(done))


def _lines(text: str) -> list[str]:
    return re.findall(r"[^\n]*\n|[^\n]+\Z", text)


def _places(lines: Sequence[str], name: str, before: Mapping[str, Reading]) -> list[_Place]:
    """Where NAME is assigned, in the file's order: the lines that a loader says, or (where all refuse the file) that look like it."""
    items = [
        (item.line, CUT in item.notes)
        for reading in before.values()
        for item in reading.loaded.assignments
        if item.key == name
    ]
    cut = {line for line, noted in items if noted}
    numbers = {line for line, _noted in items}
    if all(reading.refusal for reading in before.values()):
        numbers = {
            number for number, line in enumerate(lines, 1) if (match := _HEAD.match(line)) and match["name"] == name
        }
        cut = numbers
    found: list[_Place] = []
    for number in sorted(numbers):
        if 1 <= number <= len(lines) and (not found or number - 1 > found[-1].last):
            found.append(_place(lines, number - 1, number in cut, "systemd" in before))
    return found


def _place(lines: Sequence[str], first: int, cut: bool, continued: bool) -> _Place:
    """The assignment that begins in line FIRST. CUT: a loader takes what follows a '#' of a value without quotes as a comment.

    CONTINUED: a backslash at a line's end joins the next line to the value.
    """
    head = _HEAD.match(lines[first])
    if not head:
        return _Place(first, first, "", False, "")
    indent, exported = head["indent"], head["export"] is not None
    rest = lines[first][head.end() :]
    if rest[:1] in ("'", '"', "`"):
        for last, text in _following(lines, first, rest):
            closing = _closing(text, rest[0], 1 if last == first else 0)
            match = _COMMENT.fullmatch(text[closing + 1 :].rstrip()) if closing >= 0 else None
            if match:
                return _Place(first, last, indent, exported, match[1] or "")
            if closing >= 0:
                break
    else:
        match = re.search(r"(?:[ \t]|^)(#.*)", rest.rstrip()) if cut else None
        if match:
            return _Place(first, first, indent, exported, match[1])
    last = first
    while continued and last + 1 < len(lines) and _CONTINUED.search(lines[last]):
        last += 1
    return _Place(first, last, indent, exported, "")


def _following(lines: Sequence[str], first: int, rest: str) -> Iterator[tuple[int, str]]:
    yield first, rest
    for number in range(first + 1, len(lines)):
        yield number, lines[number]


def _closing(text: str, quote: str, start: int) -> int:
    """The first QUOTE from START on that no backslash stands before, or -1."""
    found = text.find(quote, start)
    while found > 0 and text[found - 1] == "\\":
        found = text.find(quote, found + 1)
    return found


def _exports(lines: Sequence[str], name: str) -> list[_Place]:
    """Lines that only export NAME: without its assignment Ruby refuses the file for them."""
    pattern = re.compile(rf"[ \t]*export[ \t]+{name}[ \t]*\r?\n?")
    return [_Place(number, number, "", True, "") for number, line in enumerate(lines) if pattern.fullmatch(line)]


def _rewritten(name: str, value: str, place: _Place, ending: str, loaders: Sequence[str]) -> str:
    """The new text of an assignment, with as much of the old form as all loaders take. A comment that they do not take moves above it."""
    for export in ("export ", "") if place.exported else ("",):
        for comment in (f" {place.comment}", "") if place.comment else ("",):
            try:
                line = place.indent + statement(name, value, export, comment, loaders)
            except MainstayError:
                if export or comment:
                    continue
                raise
            return line if comment or not place.comment else f"{place.indent}{place.comment}{ending}{line}"
    return ""


def _judge(
    before: Mapping[str, Reading], after: Mapping[str, Reading], wanted: Mapping[str, str], removed: Collection[str]
) -> None:
    """Refuses an edit after which a loader gives anything else than what was asked for, and what it gave before."""
    for loader, reading in after.items():
        if reading.refusal:
            state = "already refuses" if before[loader].refusal else "would refuse"
            where = f" at line {reading.refusal.line}" if reading.refusal.line else ""
            raise MainstayError(
                f"loaders: found that {loader} {state} the file{where} ({reading.refusal.reason}); expected one that it reads"
            )
    for loader, reading in after.items():
        found = reading.loaded.variables
        for name, value in wanted.items():
            if found.get(name) != value:
                raise MainstayError(
                    f"variables.{name}: found that {loader} would read another value in this file; expected the one to be set"
                )
        for name in removed:
            if name in found:
                raise MainstayError(
                    f"remove: found that {loader} would still read {name}; expected a file that it can be removed from"
                )
        if before[loader].refusal:
            continue
        old = before[loader].loaded.variables
        for name in [*old, *found]:
            mine = name in wanted or name in removed
            if not mine and (name not in old or name not in found or old[name] != found[name]):
                shown = name if NAME.fullmatch(name) else "another variable"
                raise MainstayError(
                    f"variables: found that {loader} would read {shown} in another way after the edit; expected no effect on other variables"
                )


def mask(names: Collection[str], loaders: Sequence[str]) -> Mask:
    """What a diff may show: names, and URLs without their passwords. Comments and the later lines of a value may hold secrets, too."""
    hide = masker(())

    def masked(before: str, after: str) -> tuple[str, str]:
        return hide(_outline(before, names, loaders), _outline(after, names, loaders))

    return masked


def _outline(text: str, names: Collection[str], loaders: Sequence[str]) -> str:
    """TEXT with its assignments in the form NAME=VALUE, its empty lines, and a mark for every other line."""
    keys = {item.line: item.key for reading in read_by(text, loaders).values() for item in reading.loaded.assignments}
    found = []
    for number, line in enumerate(_lines(text), 1):
        key = keys.get(number, "")
        head = _HEAD.match(line)
        if head and head["name"] == key and (key in names or _SHOWN_NAME.fullmatch(key)):
            found.append(f"{key}={line[head.end() :].strip()}")
        else:
            found.append(f"# {HIDDEN}" if line.strip() else "")
    return "".join(f"{line}\n" for line in found)


def _joined(lines: Sequence[str], replaced: Mapping[int, tuple[int, str]], added: Sequence[str], ending: str) -> str:
    parts, number = [], 0
    while number < len(lines):
        last, new = replaced.get(number, (number, lines[number]))
        parts.append(new)
        number = last + 1
    whole = "".join(parts)
    if added and whole and not whole.endswith(("\n", "\r")):
        whole += ending
    return whole + "".join(added)
