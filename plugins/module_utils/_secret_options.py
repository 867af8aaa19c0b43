# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where a consumer's secrets lie and in which form it gets them, read from the inventory."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ansible_collections.mainstay.backend.plugins.module_utils._checking import Problem
from ansible_collections.mainstay.backend.plugins.module_utils._tls_consumer import trusted

if TYPE_CHECKING:
    from ansible_collections.mainstay.backend.plugins.plugin_utils.types import Checker, Description, Reload

#: As files in secrets_dir, as systemd's credentials of its units, or as both.
FORMS = ("files", "credentials", "both")
_DEFAULT = "/run/secrets"
#: Folders of others: too near to the root, or of the system.
_OTHERS = re.compile(
    r"/[^/]*|/(?:etc|home|media|mnt|opt|root|run|srv|tmp|var)/[^/]*|/var/(?:backups|cache|lib|local|log|opt|run|spool|tmp|www)/[^/]*"
    r"|/(?:bin|boot|dev|lib|lib32|lib64|libx32|lost\+found|proc|sbin|sys|usr)/.*|/run/(?:credentials|lock|systemd|user)/.*"
    r"|/etc/(?:credstore|credstore\.encrypted|postgresql|ssh|ssl|systemd|valkey)/.*|/var/lib/(?:mainstay|postgresql|systemd|valkey)/.*"
)
_EXCEPT = re.compile(r"/dev/shm/.+")


def read_secrets_dir(check: Checker, name: str) -> str:
    """The consumer's folder of secrets, without a closing '/'; one that is others' too is refused."""
    path = check.path_("secrets_dir", f"{_DEFAULT}/{name}")
    plain = re.sub(r"/(?:\./|/)*", "/", path).rstrip("/") or "/"
    if is_of_others(plain):
        check.problem(
            "secrets_dir",
            path,
            f"a folder for its secrets alone, like {_DEFAULT}/{name}: everything else in it is removed",
        )
        return f"{_DEFAULT}/{name}"
    return plain


def is_of_others(path: str) -> bool:
    """Whether all that is in the folder PATH must not be taken for secrets."""
    return bool(_OTHERS.fullmatch(path)) and not _EXCEPT.fullmatch(path)


def read_form(check: Checker, reload: Reload) -> str:
    """One of FORMS. systemd gives credentials to units, when they start."""
    form = check.choice("secrets_as", FORMS[0], FORMS)
    if form != FORMS[0] and reload.how != "unit":
        check.problem("secrets_as", form, "unit beside it, the unit of systemd that gets them; or files")
    if form == "credentials" and reload.method not in ("", "restart"):
        check.problem(
            "reload_method", reload.method, "restart, with secrets_as: credentials: a unit gets them when it starts"
        )
    return form


def check_forms(found: Description, problems: list[Problem]) -> None:
    """The URLs of a server with TLS name files in secrets_dir."""
    for consumer in found.consumers:
        servers = trusted(found, consumer) if consumer.secrets_as == "credentials" else set()
        if servers:
            told = f"credentials, and TLS by {', '.join(sorted(servers))}"
            expected = "both, or files: its URLs name the authority's file in secrets_dir"
            problems.append(Problem(f"backend_consumers.{consumer.name}.secrets_as", told, expected))
