# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which variables may share a secret because they name one credential: DATABASE_URL and POSTGRES_PASSWORD do, two applications' keys do not."""

from __future__ import annotations

import re
from functools import lru_cache

from ansible_collections.mainstay.backend.plugins.module_utils._env_urls import Url

#: Word of a name -> the service whose credential it is.
_SERVICES = {
    word: service
    for service, words in {
        "postgres": "DB DATABASE POSTGRES POSTGRESQL PG SQL PGPASSWORD",
        "mysql": "MYSQL MARIADB",
        "valkey": "REDIS VALKEY CACHE SESSION CABLE SIDEKIQ QUEUE REDISCLI",
        "amqp": "AMQP RABBITMQ BROKER CELERY",
        "mail": "SMTP MAIL EMAIL MAILER",
        "objects": "AWS S3 MINIO",
        "search": "ELASTIC ELASTICSEARCH OPENSEARCH MEILI MEILISEARCH TYPESENSE",
        "mongodb": "MONGO MONGODB",
    }.items()
    for word in words.split()
}
_SQL = ("postgres", "mysql")
_PURPOSES = frozenset({"CACHE", "SESSION", "CABLE", "QUEUE", "SIDEKIQ"})
_GENERIC = frozenset(
    [
        "SECRET",
        "KEY",
        "TOKEN",
        "PASSWORD",
        "PASS",
        "PASSWD",
        "PWD",
        "BASE",
        "API",
        "APP",
        "ACCESS",
        "AUTH",
        "PRIVATE",
        "ROOT",
        "ADMIN",
        "USER",
        "URL",
        "URI",
        "DSN",
        "1",
        "2",
    ]
)


def kin(name: str, url: Url | None, other: str, other_url: Url | None) -> bool:
    """Whether a secret of NAME that is also OTHER's is one credential under two names."""
    if name == other:
        return True
    if url and other_url:
        return (url.user, url.endpoint) == (other_url.user, other_url.endpoint)
    one, two = _words(name), _words(other)
    within = one if one <= two else two if two <= one else frozenset()
    if not url and not other_url and within - _GENERIC:
        return True
    purposes = (one & _PURPOSES, two & _PURPOSES)
    if all(purposes) and purposes[0] != purposes[1]:
        return False
    return bool(_services(name, url) & _services(other, other_url))


@lru_cache(maxsize=8192)
def _words(name: str) -> frozenset[str]:
    return frozenset(re.split(r"[^A-Z0-9]+", name.upper())) - {""}


def _services(name: str, url: Url | None) -> frozenset[str]:
    words = _words(name)
    found = {_SERVICES[word] for word in words if word in _SERVICES}
    if url:
        found = {url.kind or url.scheme.split("+")[0].removesuffix("s")}
    elif not found or (found & {"valkey", "amqp"} and not any("PASS" in word for word in words)):
        return frozenset()
    return frozenset("sql" if item in _SQL else "mongodb" if item.startswith("mongo") else item for item in found)
