# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Regular expressions in time linear in the text: Python's syntax without look-behind and back-references, matched by an automaton.

`re` needs exponential time for `(a+)+b`; a schema's pattern must not be able to stop a deployment. What a single character matches is left to
`re`, so classes and case are as in Python; how characters follow each other is decided here.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field

#: Characters that a pattern may match at most, counted repetitions written out.
POSITIONS = 1000
_EDGES = 20_000
_DEPTH = 50
#: Remembered steps of an automaton; beyond, it forgets and begins anew.
_STEPS = 20_000
_ATOM = re.compile(
    r"\\x[0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\0[0-7]{0,2}|\\[dDwWsSnrtfva]|\\[^0-9A-Za-z]"
    r"|\[\^?\]?(?:\\.|[^\]\\])*\]|[^()|*+?\[\]\\^$]",
    re.DOTALL,
)
_COUNT = re.compile(r"\{(?:(\d+)(?:(,)(\d*))?|,(\d+))\}")
_FLAGS = re.compile(r"\(\?([ais]+)\)")
_GROUP = re.compile(r"\((?:\?:|\?P<\w+>|(?!\?))")
_BEGIN = re.compile(r"\^|\\A")
_END = re.compile(r"\$|\\Z")

Match = Callable[[str], bool]


class UnfitPattern(ValueError):
    """A pattern that cannot be used; the text goes on after "found ": what it is."""


@dataclass
class _Part:
    """Positions by which a part of a pattern can begin and end, and whether it matches the empty text (Glushkov's construction)."""

    first: frozenset[int] = frozenset()
    last: frozenset[int] = frozenset()
    empty: bool = True


@dataclass
class _Builder:
    text: str
    flags: int
    at: int = 0
    atoms: list[Callable[[str], object]] = field(default_factory=list)
    follow: list[set[int]] = field(default_factory=list)
    edges: int = 0
    branches: int = 0
    ends: int = 0

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self.text, self.at)
        if match:
            self.at = match.end()
        return match

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def alternatives(self, depth: int) -> _Part:
        if depth > _DEPTH:
            raise UnfitPattern(f"groups more than {_DEPTH} deep")
        found = self.sequence(depth)
        while self.peek() == "|":
            self.at += 1
            other = self.sequence(depth)
            found = _Part(found.first | other.first, found.last | other.last, found.empty or other.empty)
        return found

    def sequence(self, depth: int) -> _Part:
        """One branch; on the outermost level it may be anchored, which it is anyway."""
        found = _Part()
        if not depth:
            self.branches += 1
            self.take(_BEGIN)
        while self.peek() not in ("", "|", ")"):
            if not depth and self.take(_END):
                if self.peek() not in ("", "|"):
                    raise UnfitPattern("something after the end, '$'")
                self.ends += 1
                break
            found = self.joined(found, self.repeated(depth))
        return found

    def joined(self, left: _Part, right: _Part) -> _Part:
        for position in left.last:
            self.edges -= len(self.follow[position])
            self.follow[position] |= right.first
            self.edges += len(self.follow[position])
        if self.edges > _EDGES:
            raise UnfitPattern("too many ways through it")
        return _Part(
            left.first | right.first if left.empty else left.first,
            left.last | right.last if right.empty else right.last,
            left.empty and right.empty,
        )

    def repeated(self, depth: int) -> _Part:
        """One item and its quantifier. {m,n} is built by reading the item as often as that."""
        start = self.at
        body = self.item(depth)
        low, high = self.quantifier()
        end = self.at
        times = max(low, 1) if high is None else high
        if times > POSITIONS:
            raise UnfitPattern(f"a repetition of more than {POSITIONS}")
        if not times:
            return _Part()
        exact = body  # so many of them, one after another
        last = body.last if low <= 1 else frozenset()
        for number in range(2, times + 1):
            self.at = start
            body = self.item(depth)
            exact = self.joined(exact, body)
            last |= exact.last if number >= low else frozenset()
        if high is None:
            self.joined(body, body)
        self.at = end
        return _Part(exact.first, last, exact.empty or not low)

    def quantifier(self) -> tuple[int, int | None]:
        char = self.peek()
        match = _COUNT.match(self.text, self.at)
        if char and char in "*+?":
            self.at += 1
            found: tuple[int, int | None] = {"*": (0, None), "+": (1, None), "?": (0, 1)}[char]
        elif match:
            self.at = match.end()
            low = int(match[1] or 0)
            high = match[4] if match[4] else match[3] if match[2] else match[1]
            found = (low, int(high) if high else None)
        else:
            return 1, 1
        if self.peek() == "?":  # lazy: no matter whether, only how
            self.at += 1
        elif self.peek() == "+":
            raise UnfitPattern("a possessive quantifier")
        return found

    def item(self, depth: int) -> _Part:
        if self.take(_GROUP):
            found = self.alternatives(depth + 1)
            self.at += 1
            return found
        atom = self.take(_ATOM)
        if not atom:
            raise UnfitPattern(f"{self.text[self.at : self.at + 3]!r} inside of it")
        if len(self.atoms) >= POSITIONS:
            raise UnfitPattern(f"more than {POSITIONS} characters, repetitions written out")
        text = atom[0] if len(atom[0]) > 1 or atom[0] == "." else re.escape(atom[0])
        self.atoms.append(re.compile(text, self.flags).fullmatch)
        self.follow.append(set())
        only = frozenset({len(self.atoms) - 1})
        return _Part(only, only, False)


def _machine(text: str, flags: int, ahead: bool, single: bool) -> Match:
    """Whether a text matches as a whole, or (AHEAD) begins with a match. The automaton's states are made as texts need them.

    SINGLE: the pattern must have one branch only.
    """
    built = _Builder(text, flags)
    part = built.alternatives(0)
    if built.at < len(text):
        raise UnfitPattern("a ')' without its '('")
    final, follow, atoms = part.last, built.follow, built.atoms
    if built.branches > 1 and (single or (ahead and built.ends)):
        raise UnfitPattern("a '|' beside a look-ahead or an end")
    ahead = ahead and not built.ends
    initial = frozenset({-1})
    steps: dict[tuple[frozenset[int], str], frozenset[int]] = {}

    def step(state: frozenset[int], char: str) -> frozenset[int]:
        reachable = part.first if state is initial else {after for position in state for after in follow[position]}
        found = frozenset(position for position in reachable if atoms[position](char))
        if len(steps) > _STEPS:
            steps.clear()
        steps[state, char] = found
        return found

    def match(value: str) -> bool:
        if ahead and part.empty:
            return True
        state = initial
        for char in value:
            following = steps.get((state, char))
            state = step(state, char) if following is None else following
            if not state:
                return False
            if ahead and not final.isdisjoint(state):
                return True
        return part.empty if state is initial else not final.isdisjoint(state)

    return match


def _lookahead(text: str, at: int) -> int:
    """The index after the group that begins at AT."""
    depth = 0
    while at < len(text):
        atom = _ATOM.match(text, at)
        if atom:
            at = atom.end()
            continue
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        at += 1
        if not depth:
            return at
    raise UnfitPattern("a '(' without its ')'")


def matcher(pattern: str) -> Match:
    """A function that tells whether the whole of a text matches PATTERN. Raises UnfitPattern."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # what `[[` may come to mean
        return _matcher(pattern)


def _matcher(pattern: str) -> Match:
    if len(pattern) > POSITIONS:
        raise UnfitPattern(f"{len(pattern)} characters")
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise UnfitPattern(f"no regular expression ({getattr(error, 'msg', error)})") from None
    flagged = _FLAGS.match(pattern)
    flags = sum({getattr(re, char.upper()) for char in flagged[1]}) if flagged else 0
    rest = pattern[flagged.end() if flagged else 0 :]
    begin = _BEGIN.match(rest)
    rest = rest[begin.end() if begin else 0 :]
    ahead: list[tuple[bool, Match]] = []
    while rest.startswith(("(?=", "(?!")):
        end = _lookahead(rest, 0)
        ahead.append((rest[2] == "=", _machine(rest[3 : end - 1], flags, True, False)))
        rest = rest[end:]
    whole = _machine(rest, flags, False, bool(ahead))
    if not ahead:
        return whole
    return lambda value: whole(value) and all(wanted == found(value) for wanted, found in ahead)
