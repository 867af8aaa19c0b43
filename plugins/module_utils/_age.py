# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What can be told of age's recipients, identities and files without a key. Format: C2SP, age.md.

Recipients are `age1...` (X25519) and `ssh-ed25519 ...`; those of plugins and post-quantum ones are not read by Debian's age.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence

RECIPIENT = "age1... or ssh-ed25519 ..."
_X25519 = re.compile(r"age1[02-9ac-hj-np-z]{58}")
_SSH = re.compile(r"(ssh-ed25519) +(AAAAC3NzaC1lZDI1NTE5AAAAI[A-Za-z0-9+/]{43}={0,2})(?: .*)?")
_INTRO = b"age-encryption.org/v1\n"
_ARMOR = (b"-----BEGIN AGE ENCRYPTED FILE-----", b"-----END AGE ENCRYPTED FILE-----")
#: Stanza -> (its number of arguments).
_KINDS = {"X25519": 1, "ssh-ed25519": 2}


def recipient(text: str) -> str | None:
    """TEXT as one recipient, without an SSH key's comment; None where it has not the form of one."""
    text = text.strip()
    match = _SSH.fullmatch(text)
    if match:
        return f"{match[1]} {match[2]}"
    return text if _X25519.fullmatch(text) else None


def is_secret(text: str) -> bool:
    """Whether TEXT looks like a private key."""
    return text.strip().upper().startswith(("AGE-SECRET-KEY", "-----BEGIN"))


def is_path(text: str) -> bool:
    """Whether TEXT, given among recipients, means a file of them: what begins like a recipient is a mistyped recipient."""
    return bool(text.strip()) and not text.lower().startswith(("age1", "ssh-")) and not is_secret(text)


def recipient_lines(text: str) -> list[tuple[int, str]]:
    """(line number, line) of a file of recipients, without empty lines and comments."""
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    return [(number, line) for number, line in lines if line and not line.startswith("#")]


def identity_lines(text: str) -> list[str]:
    """The age identities in the text of an identity file; empty for an SSH key."""
    return [line.strip() for line in text.splitlines() if line.strip().startswith("AGE-SECRET-KEY-1")]


def short(key: str) -> str:
    """A recipient as tables show it."""
    return key if len(key) <= 30 else f"{key[:17]}...{key[-8:]}"


def stanzas(data: bytes) -> list[tuple[str, str]] | None:
    """(kind, first argument) of each of an age file's stanzas of the kinds that we write, armored or not; None where DATA is no such file."""
    if data.lstrip().startswith(_ARMOR[0]):
        try:
            body = data.split(_ARMOR[0], 1)[1].split(_ARMOR[1], 1)[0]
            data = base64.b64decode(b"".join(body.split()), validate=True)
        except (IndexError, binascii.Error, ValueError):
            return None
    if not data.startswith(_INTRO):
        return None
    found: list[tuple[str, str]] = []
    for line in data.split(b"\n"):
        if line.startswith(b"---"):
            return found
        words = line.decode("ascii", "replace").split(" ")
        if words[0] == "->" and len(words) > 1 and (words[1] in _KINDS or not words[1].endswith("-grease")):
            found.append((words[1], words[2] if len(words) > 2 else ""))
    return None


def written_for(data: bytes, recipients: Sequence[str]) -> bool:
    """Whether the stanzas of the age file DATA can be those of RECIPIENTS. X25519 stanzas tell no key, so they are only counted."""
    found = stanzas(data)
    expected = Counter(
        ("ssh-ed25519", ssh_tag(key)) if key.startswith("ssh-") else ("X25519", "") for key in recipients
    )
    return found is not None and Counter((kind, "" if kind == "X25519" else tag) for kind, tag in found) == expected


def ssh_tag(key: str) -> str:
    """How an ssh-ed25519 stanza names its recipient: four bytes of the key's SHA-256, in base64 without padding."""
    wire = base64.b64decode(key.split(" ")[1] + "==")
    return base64.b64encode(hashlib.sha256(wire).digest()[:4]).decode().rstrip("=")


def difference(before: Iterable[str], after: Iterable[str]) -> str:
    """What BEFORE lacks of AFTER and has beyond it, for people; '' where they are the same."""
    old, new = set(before), set(after)
    parts = [f"adds {', '.join(map(short, sorted(new - old)))}"] if new - old else []
    parts += [f"lacks {', '.join(map(short, sorted(old - new)))}"] if old - new else []
    return " and ".join(parts)
