# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A certificate as the store keeps it: one text of PEM blocks in three sections. Pure; nothing here reads what the blocks say."""

from __future__ import annotations

import hashlib
import re
import ssl
from dataclasses import dataclass, field

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError

#: The credential whose key signs all others; the store makes it on first use, and no consumer gets it.
AUTHORITY = "mainstay_authority"
_SECTIONS = ("# key", "# chain", "# authorities")
_BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----\n.+?\n-----END CERTIFICATE-----\n", re.DOTALL)


@dataclass(frozen=True)
class Material:
    """PEM: the private key, the certificate with those between it and its authority, and the authorities that verify it."""

    key: str = field(repr=False)
    chain: str
    authorities: str

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate itself, in hexadecimal: what a handshake shows."""
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(blocks(self.chain)[0])).hexdigest()

    def text(self) -> str:
        parts = (self.key, self.chain, self.authorities)
        return "".join(f"{mark}\n{tidy(part)}" for mark, part in zip(_SECTIONS, parts, strict=True))


def material(secret: str) -> Material:
    """The parts of SECRET, the text of a version."""
    found = re.fullmatch("(?s){}\n(.+){}\n(.+){}\n(.+)".format(*_SECTIONS), secret)
    if not found or not blocks(found[2]) or not blocks(found[3]):
        raise MainstayError(
            "secret store: found a damaged certificate (not shown); expected a key, a chain and authorities"
        )
    return Material(found[1], found[2], found[3])


def tidy(pem: str) -> str:
    """PEM as it is written: no spaces at the ends of lines, one line break at the end."""
    return "\n".join(line.strip() for line in pem.strip().splitlines()) + "\n"


def blocks(pem: str) -> list[str]:
    """The certificates of PEM, each as a text of its own."""
    return _BLOCK.findall(tidy(pem))


def bundle(*texts: str) -> str:
    """The certificates of all TEXTS in one, each of them once."""
    return "".join(dict.fromkeys(block for text in texts for block in blocks(text)))
