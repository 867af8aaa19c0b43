# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a consumer needs for TLS: the authorities that it trusts and its own certificate as files, and how URLs and variables name them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from ansible_collections.mainstay.backend.plugins.module_utils._certificate_text import bundle, material

if TYPE_CHECKING:
    from ansible_collections.mainstay.backend.plugins.plugin_utils.types import (
        Consumer,
        Credential,
        Description,
        Endpoint,
        Issued,
    )

#: Parts of a certificate -> the end of its file's name in secrets_dir, and of its variable.
_ENDS = {"ca": "_ca.pem", "cert": "_cert.pem", "key": "_key.pem"}
#: The same as parameters of a URL, as libpq and redis-py read them; Ruby's redis-client reads none, but its options.
_PARAMETERS = {
    "postgres_role": {"ca": "sslrootcert", "cert": "sslcert", "key": "sslkey"},
    "valkey_user": {"ca": "ssl_ca_certs", "cert": "ssl_certfile", "key": "ssl_keyfile"},
}
_VERIFY = {
    "postgres_role": {"sslmode": "verify-full"},
    "valkey_user": {"ssl_cert_reqs": "required", "ssl_check_hostname": "true"},
}


def certificate_files(credential: Credential, issued: Issued) -> dict[str, str]:
    """File name in secrets_dir -> content. Of a server's certificate a consumer gets the authorities alone, those of every valid version."""
    if credential.options.get("for") != "client":
        texts = [material(slot.password).authorities for slot in issued.slots.values()]
        return {credential.name + _ENDS["ca"]: bundle(*texts)}
    found = material(issued.password)
    return {credential.name + _ENDS["cert"]: found.chain, credential.name + _ENDS["key"]: found.key}


def trusted(description: Description, consumer: Consumer) -> set[str]:
    """The certificates of the servers that CONSUMER connects to."""
    return {place.tls for place in _places(description, consumer).values()} - {""}


def tls_variables(description: Description, consumer: Consumer) -> dict[str, str]:
    """Where the files lie, for programs that do not take them from a URL: REDIS_CACHE_CA_FILE, DATABASE_CA_FILE and so on."""
    found: dict[str, str] = {}
    for (kind, target), place in _places(description, consumer).items():
        first = "DATABASE" if kind == "database" else f"REDIS_{target.upper()}"
        for part, file in files_for(description, consumer, place).items():
            found.setdefault(f"{first}_{part.upper()}_FILE", file)
    return found


def query(description: Description, consumer: Consumer, kind: str, place: Endpoint) -> str:
    """What follows a URL to PLACE, '' without TLS."""
    files = files_for(description, consumer, place)
    named = {_PARAMETERS[kind][part]: file for part, file in files.items()}
    return f"?{urlencode({**_VERIFY[kind], **named}, safe='/')}" if place.tls else ""


def files_for(description: Description, consumer: Consumer, place: Endpoint) -> dict[str, str]:
    """`ca`, and `cert` and `key` of a consumer that has them -> path; nothing where PLACE speaks in clear."""
    if not place.tls:
        return {}
    names = {"ca": place.tls}
    own = client_of(description.credentials, consumer)
    if own:
        names.update(cert=own, key=own)
    return {part: os.path.join(consumer.secrets_dir, name + _ENDS[part]) for part, name in names.items()}


def client_of(credentials: Mapping[str, Credential], consumer: Consumer) -> str:
    """The certificate that CONSUMER shows, the first of its credentials that is one; '' where it has none."""
    return next((name for name in consumer.credentials if credentials[name].options.get("for") == "client"), "")


def _places(description: Description, consumer: Consumer) -> dict[tuple[str, str], Endpoint]:
    kinds = {"postgres_role": "database", "valkey_user": "instance"}
    wanted = [description.credentials[name] for name in consumer.credentials]
    keys = [(kinds[item.kind], item.target) for item in wanted if item.kind in kinds]
    return {key: description.endpoints[key] for key in dict.fromkeys(keys) if key in description.endpoints}
