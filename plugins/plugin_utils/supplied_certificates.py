# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Certificates that somebody else made (community.crypto, an authority of the house, ACME): read on the controller, and checked before they are used."""

from __future__ import annotations

import contextlib
import itertools
import os
from datetime import timedelta
from typing import Any

with contextlib.suppress(ImportError):  # ansible-core needs it itself: every controller has it
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from ansible_collections.mainstay.backend.plugins.module_utils._certificate_specs import Source
from ansible_collections.mainstay.backend.plugins.module_utils._certificate_text import Material, blocks, bundle, tidy
from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._credentials import Credential
from ansible_collections.mainstay.backend.plugins.plugin_utils.certificates import (
    beginning,
    expiry,
    moment,
    names_of,
)

#: One that expires sooner would not live through the deployment that brings it.
_LEAST = timedelta(hours=12)


def read_supplied(credential: Credential, now: str) -> Material:
    """The certificate of CREDENTIAL from where its options say, checked whole. MainstayError: it cannot be served or verified."""
    where = f"backend_credentials.{credential.name}"
    texts = {part: _text(f"{where}.{part}", credential.options[part]) for part in ("chain", "key", "ca")}
    chain, authorities = _certificates(f"{where}.chain", texts["chain"]), _certificates(f"{where}.ca", texts["ca"])
    key = _key(f"{where}.key", texts["key"])
    if key.public_key() != chain[0].public_key():
        raise MainstayError(
            f"{where}.key: found the key of another certificate; expected the one that belongs to {where}.chain"
        )
    for certificate in (*chain, *authorities):
        _check_time(f"{where}.{'chain' if certificate in chain else 'ca'}", certificate, now)
    _check_chain(where, chain, authorities)
    _check_names(where, credential, chain[0])
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, form, plain).decode()
    return Material(pem, bundle(texts["chain"]), bundle(texts["ca"]))


def _text(where: str, source: Source) -> str:
    if not source.path:
        return tidy(source.value)
    try:
        with open(os.path.expanduser(source.path), encoding="ascii") as handle:
            return tidy(handle.read())
    except OSError as error:
        raise MainstayError(
            f"{where}: found {source.path}, which cannot be read: {error.strerror}; expected a file of PEM"
        ) from None
    except ValueError:
        raise MainstayError(f"{where}: found {source.path}, which is no text; expected a file of PEM") from None


def _certificates(where: str, text: str) -> list[x509.Certificate]:
    try:
        found = [x509.load_pem_x509_certificate(block.encode()) for block in blocks(text)]
    except ValueError:
        found = []
    if not found:
        raise MainstayError(f"{where}: found no certificate that can be read (not shown); expected certificates in PEM")
    return found


def _key(where: str, text: str) -> Any:
    try:
        return serialization.load_pem_private_key(text.encode(), None)
    except TypeError:
        raise MainstayError(
            f"{where}: found a key that is encrypted; expected one without a password (the secret store encrypts it)"
        ) from None
    except Exception:  # whatever it says may quote the key
        raise MainstayError(
            f"{where}: found no private key that can be read (not shown); expected one in PEM"
        ) from None


def _check_time(where: str, certificate: x509.Certificate, now: str) -> None:
    name, at = certificate.subject.rfc4514_string(), moment(now)
    if expiry(certificate) < at + _LEAST:
        raise MainstayError(
            f"{where}: found {name}, which expires {expiry(certificate):%Y-%m-%d %H:%M} UTC; expected one that is valid for longer"
        )
    if beginning(certificate) > at:
        raise MainstayError(
            f"{where}: found {name}, which begins {beginning(certificate):%Y-%m-%d %H:%M} UTC; expected one that is valid now"
        )


def _check_chain(where: str, chain: list[x509.Certificate], authorities: list[x509.Certificate]) -> None:
    """Each certificate of CHAIN is signed by the next, and the last by one of AUTHORITIES."""
    for one, two in itertools.pairwise(chain):
        if not signed_by(one, two):
            told = f"{one.subject.rfc4514_string()}, which the one after it did not sign"
            raise MainstayError(
                f"{where}.chain: found {told}; expected the certificate first, then who signed it, and so on"
            )
    if chain[-1] not in authorities and not any(signed_by(chain[-1], item) for item in authorities):
        told = f"{chain[-1].subject.rfc4514_string()}, which none of {where}.ca signed"
        raise MainstayError(f"{where}.chain: found {told}; expected a chain that leads to one of them")


def verifies(chain: str, authorities: str) -> bool:
    """Whether one of AUTHORITIES (PEM) is in CHAIN (PEM), or signed its last certificate."""
    known = [x509.load_pem_x509_certificate(block.encode()) for block in blocks(authorities)]
    last = x509.load_pem_x509_certificate(blocks(chain)[-1].encode())
    return last in known or any(signed_by(last, item) for item in known)


def signed_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether ISSUER's key signed CERTIFICATE (cryptography before 40 has no method for it)."""
    if certificate.issuer != issuer.subject:
        return False
    if hasattr(certificate, "verify_directly_issued_by"):
        try:
            certificate.verify_directly_issued_by(issuer)
        except (InvalidSignature, TypeError, ValueError):
            return False
        return True
    key: Any = issuer.public_key()
    signed, algorithm = certificate.tbs_certificate_bytes, certificate.signature_hash_algorithm
    try:
        if isinstance(key, rsa.RSAPublicKey) and algorithm:
            key.verify(certificate.signature, signed, padding.PKCS1v15(), algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey) and algorithm:
            key.verify(certificate.signature, signed, ec.ECDSA(algorithm))
        else:
            key.verify(certificate.signature, signed)
    except (InvalidSignature, TypeError, AttributeError):
        return False
    return True


def _check_names(where: str, credential: Credential, leaf: x509.Certificate) -> None:
    """By each declared name a consumer may connect, so the certificate has it; one with * fits one label."""
    known = names_of(leaf)
    for name in credential.options["names"]:
        wild = "*." + name.partition(".")[2]
        if name not in known and wild not in known:
            raise MainstayError(
                f"{where}.names: found {name}; expected names that are in the certificate: {', '.join(known) or 'it has none'}"
            )
