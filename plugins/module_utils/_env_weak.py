# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a secret can be guessed."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from ansible_collections.mainstay.backend.plugins.module_utils._env_secrecy import known_token

_COMMON = (
    "password passwort passwd secret admin administrator root user guest login welcome letmein qwertz qwerty azerty asdfgh zxcvbn dragon monkey master"
    " iloveyou sunshine princess football baseball shadow superman batman trustno access hello freedom whatever default changeit public private"
    " postgres postgresql mysql mariadb redis valkey rabbitmq mongo mongodb minio elastic database server local localhost docker rails django laravel"
    " symfony spring node app application production development staging test testing demo dev prod example sample token session cookie super"
    " my the this is key pass pwd db api jwt user web service company summer winter spring autumn january abc"
)
_COMMON_PARTS = re.compile("|".join(sorted(_COMMON.split(), key=len, reverse=True)))
_LEET = str.maketrans("013457@$!", "oieastasi")
_RUNS = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890123456789",
    "qwertzuiopasdfghjkl",
    "qwertyuiopasdfghjklzxcvbnm",
    "0123456789abcdef",
    "1qaz2wsx3edc4rfv5tgb",
)
_PAIRS = tuple(frozenset(row[at : at + 2] for at in range(len(row) - 1)) for run in _RUNS for row in (run, run[::-1]))
_ANY_PAIR = frozenset().union(*_PAIRS)
#: A secret that people choose is at least so long …
_SHORTEST = 12
#: … and of at least so many bits by Shannon's estimate.
_BITS = 40.0


@lru_cache(maxsize=8192)
def weak(value: str, name: str = "") -> str | None:
    """Why VALUE, a secret of the variable NAME, can be guessed, in words without the value; or None."""
    text = value.strip()
    if not text or len(text) > 512 or known_token(text):
        return None
    lower = text.lower()
    if len(set(lower)) <= max(2, min(4, len(lower) // 3)):
        return "repeats a few characters"
    if re.fullmatch(r"(.{1,8}?)\1{2,}.{0,7}", lower):
        return "repeats one piece"
    if _sequence(lower):
        return "is a sequence of the keyboard or the alphabet"
    if _words(lower, name):
        return "is made of common words"
    if len(text) < _SHORTEST:
        return "is too short"
    return "has too little randomness" if _bits(text) < _BITS else None


def _sequence(text: str) -> bool:
    """Whether half of TEXT is one run of neighbours, forwards or backwards."""
    middle = len(text) // 2
    # so long a run reaches the middle: most random secrets are done with here
    if not any(text[at : at + 2] in _ANY_PAIR for at in range(max(middle - 2, 0), middle + 1)):
        return False
    pairs = [text[at : at + 2] for at in range(len(text) - 1)]
    # all rows at once first: a random secret has no long run even so
    return _longest(pairs, _ANY_PAIR) * 2 >= len(text) and any(_longest(pairs, row) * 2 >= len(text) for row in _PAIRS)


def _longest(pairs: Sequence[str], row: frozenset[str]) -> int:
    """Characters in the longest run of PAIRS that are all neighbours in ROW."""
    best = length = 1
    for pair in pairs:
        length = length + 1 if pair in row else 1
        best = max(best, length)
    return best


def _words(lower: str, name: str) -> bool:
    own = [word for word in re.split(r"[^a-z]+", name.lower()) if len(word) > 2]
    for text in (lower, lower.translate(_LEET)):
        rest = _COMMON_PARTS.sub("", text)
        for word in own:
            rest = rest.replace(word, "")
        if rest != text and len(re.sub(r"[^a-z0-9]", "", rest)) < 6 and len(rest) < len(text) / 2:
            return True
    return False


def _bits(text: str) -> float:
    """Shannon's estimate over the characters of TEXT."""
    counts = Counter(text).values()
    return -sum(count * math.log2(count / len(text)) for count in counts)
