# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Makes certificates on the controller, in memory: by our own authority, whose key is in the secret store and nowhere else.

Not with the modules of community.crypto: a version is made within the store's write, from whichever task comes first, and a key that passes
through a module stands in its arguments or results. What those modules made is taken as authority `supplied` (_supplied_certificates).
"""

from __future__ import annotations

import contextlib
import ipaddress
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

with contextlib.suppress(ImportError):  # ansible-core needs it itself: every controller has it
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ansible_collections.mainstay.backend.plugins.module_utils._certificate_specs import is_address
from ansible_collections.mainstay.backend.plugins.module_utils._certificate_text import AUTHORITY, Material, material
from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._credentials import Credential
from ansible_collections.mainstay.backend.plugins.module_utils._store import SALT_BYTES, Contents, Version

_TIME = "%Y-%m-%dT%H:%M:%SZ"
AUTHORITY_DAYS = 3650
#: Clocks differ: a certificate that is not valid yet is refused like one that is no more.
_EARLIER = timedelta(hours=1)


def make_authority(contents: Contents, credential: Credential, slot: str, now: str) -> Version:
    """The authority of this environment: it may sign certificates of servers and clients, and no further authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"mainstay.backend {contents.environment}")])
    start = moment(now) - _EARLIER
    builder = _builder(name, name, key.public_key(), start, start + timedelta(days=AUTHORITY_DAYS))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(signs=True), critical=True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    made = builder.sign(key, hashes.SHA256())
    return version_of(Material(_key_pem(key), _pem(made), _pem(made)), slot, now)


def make_certificate(credential: Credential, authority: Material, now: str, names: Sequence[str] = ()) -> Material:
    """A fresh key, and AUTHORITY's certificate for it under CREDENTIAL's names and NAMES, which never outlives the authority."""
    told = credential.options
    issuer = x509.load_pem_x509_certificate(authority.chain.encode())
    signer: Any = serialization.load_pem_private_key(authority.key.encode(), None)
    key: Any = (
        rsa.generate_private_key(65537, 3072) if told["key_type"] == "rsa" else ec.generate_private_key(ec.SECP256R1())
    )
    start = moment(now) - _EARLIER
    end = min(moment(now) + timedelta(days=int(told["valid"])), expiry(issuer))
    if end <= moment(now) + timedelta(days=1):
        raise MainstayError(
            f"secret store: found the authority {AUTHORITY}, which expires on {expiry(issuer):%Y-%m-%d}; expected a younger one (docs/tls.md)"
        )
    client = told["for"] == "client"
    every = [] if client else list(dict.fromkeys([*told["names"], *names]))
    common = told["common_name"] or (credential.name if client else every[0])
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common[:64])])
    builder = _builder(subject, issuer.subject, key.public_key(), start, end)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(signs=False), critical=True)
    # A server's certificate is none for a client: who has it cannot log in with it where clients show theirs.
    purpose = ExtendedKeyUsageOID.CLIENT_AUTH if client else ExtendedKeyUsageOID.SERVER_AUTH
    builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    if every:
        builder = builder.add_extension(x509.SubjectAlternativeName([_general(item) for item in every]), critical=False)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False
    )
    made = builder.sign(signer, hashes.SHA256())
    return Material(_key_pem(key), _pem(made), authority.authorities)


def authority_of(contents: Contents, credential: Credential) -> Material:
    record = contents.records.get(AUTHORITY)
    if record is None:
        raise MainstayError(
            f"backend_credentials.{credential.name}: found no authority in the secret store; expected it: run the site playbook first"
        )
    return material(record.current.secret)


def version_of(made: Material, slot: str, now: str) -> Version:
    """MADE as a version of the store, with what is public of it."""
    leaf = x509.load_pem_x509_certificate(made.chain.encode())
    notes = {
        "not_after": expiry(leaf).strftime(_TIME),
        "serial": f"{leaf.serial_number:X}",
        "fingerprint": made.fingerprint,
        "names": ", ".join(names_of(leaf)),
    }
    return Version(secrets.token_hex(8), slot, now, made.text(), secrets.token_bytes(SALT_BYTES), notes)


def names_of(certificate: x509.Certificate) -> list[str]:
    """The host names and addresses that CERTIFICATE is for."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    addresses = [str(item) for item in found.get_values_for_type(x509.IPAddress)]
    return [*found.get_values_for_type(x509.DNSName), *addresses]


def expiry(certificate: x509.Certificate) -> datetime:
    """UTC; cryptography before 42 tells it without saying so."""
    found: datetime | None = getattr(certificate, "not_valid_after_utc", None)
    return found or certificate.not_valid_after.replace(tzinfo=UTC)


def beginning(certificate: x509.Certificate) -> datetime:
    found: datetime | None = getattr(certificate, "not_valid_before_utc", None)
    return found or certificate.not_valid_before.replace(tzinfo=UTC)


def moment(text: str) -> datetime:
    return datetime.strptime(text, _TIME).replace(tzinfo=UTC)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: Any, start: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
    )


def _usage(signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _general(name: str) -> x509.GeneralName:
    return x509.IPAddress(ipaddress.ip_address(name)) if is_address(name) else x509.DNSName(name)


def _key_pem(key: Any) -> str:
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return str(key.private_bytes(serialization.Encoding.PEM, form, plain).decode())


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
