# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""TLS of the login probes by the standard library: whom to trust, under which name, and with which certificate of our own."""

from __future__ import annotations

import hashlib
import ssl
from dataclasses import dataclass, field

from ansible_collections.mainstay.backend.plugins.module_utils._probe_wire import (
    ALERT_SECONDS,
    Odd,
    Outcome,
    Refused,
    Unwanted,
    Wire,
)

#: full: the certificate and its name; ca: the certificate alone; none: encrypted, to whomever it is.
VERIFY = ("full", "ca", "none")


@dataclass(frozen=True)
class Tls:
    """`ca_file` or `ca` (PEM); neither: the host's own. `certificate` and `key` are files of the host."""

    ca_file: str = ""
    ca: str = field(default="", repr=False)
    server_name: str = ""
    certificate: str = ""
    key: str = ""
    verify: str = VERIFY[0]

    def context(self) -> ssl.SSLContext:
        """Raises Odd where a file is not there or is no certificate."""
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        made.minimum_version = ssl.TLSVersion.TLSv1_2
        made.check_hostname = self.verify == "full"
        made.verify_mode = ssl.CERT_NONE if self.verify == "none" else ssl.CERT_REQUIRED
        what = "the CA file"
        try:
            if self.ca_file or self.ca:
                made.load_verify_locations(cafile=self.ca_file or None, cadata=self.ca or None)
            elif self.verify != "none":
                made.load_default_certs()
            what = "the client's certificate or key"
            if self.certificate:
                # an empty password: a key that needs one must not ask for it on a terminal
                made.load_cert_chain(self.certificate, self.key or None, password="")
        except (OSError, ValueError) as error:
            told = getattr(error, "strerror", None) if not isinstance(error, ssl.SSLError) else None
            raise Odd(f"{what} cannot be used: {told or 'found no fitting PEM'}") from None
        return made

    def secure(self, wire: Wire, host: str) -> None:
        wire.secure(self.context(), self.server_name or host or "localhost")


def fingerprint(der: bytes) -> str:
    """SHA-256 of a certificate in DER, hexadecimal."""
    return hashlib.sha256(der).hexdigest()


def probe_tls(wire: Wire, host: str, tls: Tls, wanted: str) -> Outcome:
    """After whatever comes before a handshake. Works: it succeeds, with the certificate WANTED (a fingerprint) where one is.

    Refused: another certificate, or ours is turned away.
    """
    try:
        tls.secure(wire, host)
        if tls.certificate:
            wire.pause(ALERT_SECONDS)
    except Unwanted as error:
        raise Refused(str(error)) from None
    found = fingerprint(wire.certificate())
    if wanted and found != wanted.replace(":", "").lower():
        raise Refused(f"it presents another certificate, {found[:16]}…")
    return Outcome("works", f"the handshake succeeded, certificate {found[:16]}…")
