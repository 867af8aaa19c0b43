# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The catalogue: everything that a validation of an application's configuration looks for, one small record each."""

from __future__ import annotations

from ansible_collections.mainstay.backend.plugins.module_utils._findings import Rule, catalogue

FAMILIES = {
    "Values": (
        Rule("missing", "error", "A required variable is not set.", "Set it where the schema says it comes from."),
        Rule(
            "empty",
            "error",
            "A required variable is set to nothing.",
            "Give it a value; an empty one counts as not set.",
        ),
        Rule(
            "unknown",
            "warning",
            "A variable that the schema does not know.",
            "Correct its name, declare it in the schema, or remove it.",
        ),
        Rule("wrong-type", "error", "A value that is not of its type.", "Write it in the form of its type."),
        Rule(
            "out-of-range",
            "error",
            "A value below its minimum or above its maximum.",
            "Set a value within the schema's range.",
        ),
        Rule(
            "wrong-length",
            "error",
            "A value that is too short or too long.",
            "Set a value of the length that the schema asks for.",
        ),
        Rule(
            "wrong-pattern",
            "error",
            "A value that does not match its pattern.",
            "Write it in the form of the schema's pattern.",
        ),
        Rule("not-a-choice", "error", "A value that is none of its choices.", "Set one of the schema's choices."),
        Rule("forbidden", "error", "A variable that must not be set in this environment.", "Remove it here."),
        Rule("deprecated", "warning", "A variable that is to go.", "Set its successor, or remove it."),
        Rule("not-distinct", "error", "Variables that must differ have the same value.", "Give each its own value."),
        Rule("all-or-none", "error", "Some variables of a group are set, others not.", "Set all of them, or none."),
        Rule("at-most-one", "error", "More than one variable of a group is set.", "Leave one of them."),
        Rule(
            "equal-host",
            "error",
            "URLs that must name the same host name different ones.",
            "Let all of them name one host.",
        ),
    ),
    "Loaders": (
        Rule(
            "loaders-disagree",
            "error",
            "The declared loaders read different values from one line.",
            "Write the value bare, of letters, digits and _ . / : @ + , = % -, or in single quotes without ' \\ and ${.",
        ),
        Rule(
            "loader-refuses",
            "error",
            "A declared loader refuses the file.",
            "Correct the line, or do not declare this loader.",
        ),
        Rule(
            "duplicate-key",
            "error",
            "A variable is set twice in one file.",
            "Leave one assignment: most loaders take the last.",
        ),
        Rule(
            "command-substitution",
            "error",
            "A loader executes a command that stands in the value.",
            "Write the value itself, or put it in single quotes.",
        ),
        Rule(
            "cut-at-hash",
            "error",
            "A loader takes the text after a # for a comment.",
            "Put the value in single quotes.",
        ),
        Rule(
            "expands-unset",
            "error",
            "A loader replaces a $ and the name after it by nothing.",
            "Put the value in single quotes.",
        ),
        Rule("unclosed-quote", "error", "A quote that is not closed swallows the lines after it.", "Close the quote."),
        Rule(
            "dropped",
            "error",
            "No declared loader sets this assignment.",
            "Write NAME=value, the name of letters, digits and _.",
        ),
    ),
    "Secrets": (
        Rule("placeholder", "error", "A placeholder was left in place of a value.", "Set the real value."),
        Rule("weak-secret", "error", "A secret that can be guessed.", "Generate one, as with `openssl rand -hex 32`."),
        Rule("repeated-secret", "error", "One secret serves two purposes.", "Generate one secret for each purpose."),
        Rule(
            "same-secret-in-two-environments",
            "error",
            "A secret is the same in another environment.",
            "Generate one for each environment, and rotate the one that was shared.",
        ),
        Rule(
            "secret-in-env",
            "error",
            "A secret in .env that belongs in the secrets folder.",
            "Move it to a file of the secrets folder.",
        ),
        Rule(
            "sensitive-in-example",
            "error",
            "A real secret in the example file, which everybody reads.",
            "Leave the value out of the example, and rotate the secret.",
        ),
        Rule(
            "sensitive-in-settings",
            "error",
            "A secret in a settings file.",
            "Read it there from the environment or the secrets folder, and rotate the secret.",
        ),
    ),
    "Files": (
        Rule(
            "tracked-by-git",
            "error",
            "A file with secrets is under version control.",
            "`git rm --cached` it, add it to .gitignore, and rotate what it held.",
        ),
        Rule("not-ignored", "error", "A file with secrets that git does not ignore.", "Add it to .gitignore."),
        Rule(
            "wrong-mode",
            "error",
            "Others than its owner may read or change the file.",
            "chmod it to the mode expected.",
        ),
        Rule(
            "wrong-owner",
            "error",
            "The file belongs to another user or group.",
            "chown it to the owner and group expected.",
        ),
        Rule(
            "trailing-newline",
            "warning",
            "A secret's file ends with a line break.",
            "Write it without one, as with `printf %s`.",
        ),
        Rule("byte-order-mark", "warning", "The file begins with a byte order mark.", "Save it as UTF-8 without one."),
        Rule("carriage-return", "warning", "The file has carriage returns.", "Save it with Unix line ends."),
        Rule("nul-byte", "error", "The file has NUL bytes.", "Remove them: no variable can hold one."),
        Rule(
            "missing-file",
            "error",
            "A file, folder, unit or container that is to be validated is not there.",
            "Create it, or name the right one.",
        ),
        Rule(
            "unreadable",
            "error",
            "What is to be validated cannot be read.",
            "Let this user read it; only regular files are read.",
        ),
        Rule("invalid-utf8", "error", "The file is not UTF-8.", "Save it as UTF-8; give binary values in base64."),
    ),
    "Topology": (
        Rule(
            "shared-instance",
            "error",
            "Two Valkey URLs point at one instance.",
            "Give each purpose an instance of its own; databases of one instance share its memory and its eviction.",
        ),
        Rule(
            "evicting-instance",
            "error",
            "What must be kept is stored at an instance that evicts.",
            "Point it at an instance whose maxmemory-policy is noeviction.",
        ),
        Rule("wrong-instance", "error", "A URL does not point at its instance.", "Correct the URL's host and port."),
        Rule(
            "wrong-database",
            "error",
            "A URL does not point at its database.",
            "Correct the URL's host, port or database.",
        ),
        Rule(
            "no-tls",
            "warning",
            "A connection over the network is not encrypted.",
            "Use rediss:// or valkeys://; for PostgreSQL sslmode=verify-full.",
        ),
    ),
    "Drift": (
        Rule(
            "not-in-env",
            "warning",
            "The example has a variable that is not set.",
            "Set it, or take it out of the example.",
        ),
        Rule(
            "not-in-example",
            "warning",
            "A variable that the example does not have.",
            "Add it to the example, without its value.",
        ),
        Rule(
            "settings-in-env",
            "warning",
            "A variable of the settings files is set in .env.",
            "Set it in the settings file.",
        ),
        Rule("process-differs", "warning", "The running process has another value than its files give.", "Restart it."),
    ),
}
#: Rule id -> rule.
RULES = {rule.id: rule for rules in FAMILIES.values() for rule in rules}
#: Of variables that are alike so many are compared with each other: enough for people, and no quadratic time.
MOST_PEERS = 8
#: Found while the sources are collected, before any of their bytes is judged.
COLLECTED = ("missing-file", "unreadable")
#: In these environments the rules of RELAXED are warnings: nobody else's data is at stake.
RELAXED_IN = ("development", "test", "local", "ci")
RELAXED = (
    "placeholder",
    "weak-secret",
    "repeated-secret",
    "same-secret-in-two-environments",
    "shared-instance",
    "wrong-mode",
)


def table() -> str:
    """The catalogue as Markdown, one table for each family."""
    return catalogue(FAMILIES, RELAXED)
