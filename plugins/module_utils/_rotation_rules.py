# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The catalogue: everything that a validation of secrets and their rotation looks for, one small record each."""

from __future__ import annotations

from ansible_collections.mainstay.backend.plugins.module_utils._findings import Rule, catalogue

_ROTATE = "Rotate it: `ansible-playbook mainstay.backend.rotate_secrets -e rotation_only=NAME`."
_AGAIN = "Run rotate_secrets again: it goes on where it was."
_SITE = "Run mainstay.backend.site, which brings the servers to what the store holds."
_PUBLISH = "Run mainstay.backend.site with `--tags secrets,environment`."

FAMILIES = {
    "The store": (
        Rule("secret-too-old", "error", "A secret is older than its max_age.", _ROTATE),
        Rule("no-max-age", "warning", "A credential has no max_age: nothing says when it is due.", "Give it one."),
        Rule("rotation-open", "warning", "A rotation has begun and is not done.", _AGAIN),
        Rule("rotation-stuck", "error", "A rotation has been open for longer than stuck_after.", _AGAIN),
        Rule(
            "not-in-store", "error", "The store has no secret of a declared credential.", "Run mainstay.backend.site."
        ),
        Rule(
            "not-declared",
            "warning",
            "The store has a secret that no credential declares.",
            "Declare it in backend_credentials, or remove it from the store.",
        ),
        Rule("certificate-expired", "error", "A certificate is past its end.", _ROTATE),
        Rule("certificate-expires-soon", "warning", "A certificate ends within 14 days.", _ROTATE),
    ),
    "The same secret twice": (
        Rule("same-secret-twice", "error", "Two credentials have one secret.", "Rotate both."),
        Rule(
            "same-secret-in-another-environment",
            "error",
            "Another environment's store has the same secret.",
            "Rotate it in both environments.",
        ),
        Rule(
            "secret-elsewhere",
            "error",
            "A secret stands in a file that it is not for.",
            "Remove it from the file, and rotate it where others may have read it.",
        ),
    ),
    "Servers": (
        Rule("server-not-asked", "error", "A server could not be asked.", "Bring it up, then validate again."),
        Rule("login-missing", "error", "A login that shall work is not there, or is off.", _SITE),
        Rule("wrong-verifier", "error", "A login has another password than the store's, or a further one.", _SITE),
        Rule("login-without-password", "error", "A login lets anybody in without a password.", _SITE),
        Rule("old-login-open", "error", "A login that is not in use is on, or has a password.", _SITE),
        Rule(
            "not-persisted",
            "error",
            "A server's users are not those that it would have after a restart.",
            _SITE,
        ),
    ),
    "Sessions": (
        Rule(
            "session-of-old",
            "error",
            "A session uses a login that is not valid any more.",
            "Restart the program at that address; find out why it was not reloaded.",
        ),
        Rule(
            "session-unknown",
            "warning",
            "A session uses a login that no credential declares.",
            "Declare it in backend_credentials, so that it rotates too.",
        ),
    ),
    "Logins, tried from each host": (
        Rule("current-refused", "error", "The secret in use is refused.", _SITE),
        Rule(
            "login-not-proven",
            "error",
            "Nothing proves that the secret in use works: nobody could be asked.",
            "Bring the server up, or open the way to it, then validate again.",
        ),
        Rule("old-accepted", "error", "The old secret still works.", _AGAIN),
        Rule(
            "refusal-not-proven",
            "error",
            "Nothing proves that the old secret is refused: a network error is no refusal.",
            "Bring the server up, or open the way to it, then validate again.",
        ),
    ),
    "Files of consumers": (
        Rule("file-missing", "error", "A secret's file or folder is not there.", _PUBLISH),
        Rule("file-unreadable", "error", "What should be a file of secrets is none.", "Remove it, then deploy again."),
        Rule("file-mode", "error", "Others than its owner may read or change the file.", _PUBLISH),
        Rule("file-owner", "error", "The file belongs to another user or group.", _PUBLISH),
        Rule("file-stale", "error", "The file does not hold what the store says.", _PUBLISH),
    ),
    "Consumers": (
        Rule("consumer-unhealthy", "error", "A consumer is not well.", "See what its unit or container says."),
    ),
}
#: Rule id -> rule.
RULES = {rule.id: rule for rules in FAMILIES.values() for rule in rules}


def table() -> str:
    """The catalogue as Markdown, one table for each family."""
    return catalogue(FAMILIES)
