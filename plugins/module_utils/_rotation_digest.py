# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How the controller compares what hosts hold with the store: by keyed digests. A host learns nothing, and nothing it sends can be used.

The key is random and of one call, sent over the module's standard input: a digest that somebody sees in a log says nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterator
from urllib.parse import unquote

#: Shorter words are no secrets.
SHORTEST = 8
LONGEST = 8192
#: Of words so much is kept: enough to tell them apart.
_WORD = 20
_LOOSE = re.compile(r"[\s\"'`]+")
_TIGHT = re.compile(r"[\s\"'`=:@/,;&?#(){}\[\]<>|\\]+")
_KEY_BLOCK = re.compile(r"-----BEGIN ([A-Z ]*PRIVATE KEY)-----(.*?)-----END \1-----", re.DOTALL)


def digest(key: str, data: str | bytes) -> str:
    """Of DATA as a whole, hexadecimal."""
    return hmac.new(key.encode(), data.encode() if isinstance(data, str) else data, hashlib.sha256).hexdigest()


def word_digest(key: str, word: str) -> str:
    return digest(key, word)[:_WORD]


def words(text: str) -> set[str]:
    """What in TEXT could be a secret: lines, assigned values, words, parts of URLs, private keys. Of any file format, and of none."""
    found = set()
    for word in _candidates(text):
        if SHORTEST <= len(word) <= LONGEST:
            found.add(word)
    return found


def _candidates(text: str) -> Iterator[str]:
    yield text.strip()
    yield from key_blocks(text)
    for line in text.splitlines():
        line = line.strip()
        yield line
        yield line.partition("=")[2].strip().strip("\"'")
        yield from _LOOSE.split(line)
        for part in _TIGHT.split(line):
            yield part
            if "%" in part:
                yield unquote(part)


def key_blocks(text: str) -> list[str]:
    """The private keys in TEXT, without white space: two files may wrap one in their own way."""
    return [f"{kind}:{''.join(body.split())}" for kind, body in _KEY_BLOCK.findall(text)]


def secret_words(secret: str) -> list[str]:
    """By which words a file is known to hold SECRET: itself, or of a certificate its private keys alone, the rest being public."""
    if "-----BEGIN" in secret:
        return key_blocks(secret)
    return [secret] if len(secret) >= SHORTEST else []
