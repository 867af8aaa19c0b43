# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What people read of a schema: .env.example, and a reference of all variables in Markdown. Neither holds what may be a secret."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator

from ansible_collections.mainstay.backend.plugins.module_utils._dotenv import line, unfit
from ansible_collections.mainstay.backend.plugins.module_utils._env_schema import Schema, Variable
from ansible_collections.mainstay.backend.plugins.module_utils._env_schema_options import RULE_MEANINGS
from ansible_collections.mainstay.backend.plugins.module_utils._env_schema_values import hides

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_CODE = re.compile(r"(`[^`]*`)")
_WIDTH = 98


def example_file(schema: Schema, environment: str = "") -> str:
    """.env.example: every variable with what it is for; its default (in ENVIRONMENT, where one is given) or example where it is not sensitive.

    What belongs in another file, is deprecated, or is forbidden in ENVIRONMENT stands there as a comment.
    """
    told = f" in {environment}" if environment else ""
    head = f"Every variable of this application{told}, made from {_plain(schema.path.rpartition('/')[2])}. Copy it to .env and fill in what is empty."
    blocks = [_comments(head), *[list(_example(variable, environment)) for variable in schema.variables.values()]]
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _example(variable: Variable, environment: str) -> Iterator[str]:
    yield from _comments(variable.description)
    facts = "; ".join(part for part in (_form(variable, str), _needed(variable), _target(variable)) if part)
    yield from _comments(facts)
    out = _gone(variable, environment)
    if out:
        yield from _comments(out)
    value = _value(variable, environment)
    if unfit(value):
        yield "# Its value holds what .env loaders read differently, so it is left out."
        value = ""
    yield f"{'# ' if out else ''}{variable.name}{line('X', value)[1:]}"


def _value(variable: Variable, environment: str) -> str:
    """Nothing of what may be a secret; of a sensitive variable that can hold none, the default only."""
    found = None if hides(variable) else variable.default_in(environment)
    return (found if found is not None else None if variable.sensitive else variable.example) or ""


def _gone(variable: Variable, environment: str) -> str:
    """Why VARIABLE does not belong in the file."""
    if variable.deprecated:
        return _deprecated(variable)
    if environment in variable.forbidden_in:
        return f"Not to be set in {environment}."
    return {
        "secret": "Belongs in the secrets folder, not here.",
        "settings": "Belongs in a settings file, not here.",
    }.get(variable.source, "")


def _deprecated(variable: Variable) -> str:
    found = variable.deprecated
    if not found:
        return ""
    parts = ["Deprecated"]
    parts += [f": {found.reason.rstrip('.')}"] if found.reason else []
    parts += [f"; use {found.successor}"] if found.successor else []
    parts += [f"; removed in {found.removed_in}"] if found.removed_in else []
    return "".join(parts) + "."


def _form(variable: Variable, code: Callable[[str], str]) -> str:
    """Type and limits in words; CODE marks what is to be taken literally."""
    listed = variable.type == "list"
    kind = variable.items if listed else variable.type
    parts = [f"list of {kind}, separated by {code(repr(variable.separator))}" if listed else kind]
    if variable.choices:
        parts = [f"{parts[0]}: {', '.join(map(code, variable.choices))}"]
    parts += [_range(variable.min, variable.max, "")]
    noun = " items" if listed else " characters"
    low, high = (None if item is None else str(item) for item in (variable.min_length, variable.max_length))
    parts += [_range(low, high, noun), f"matching {code(variable.pattern)}" if variable.pattern else ""]
    parts += [" or ".join(code(f"{scheme}://") for scheme in variable.schemes)]
    return ", ".join(part for part in parts if part)


def _range(low: str | None, high: str | None, noun: str) -> str:
    if low is not None and high is not None:
        return f"{low}{noun}" if low == high else f"{low} to {high}{noun}"
    return f"at least {low}{noun}" if low is not None else f"at most {high}{noun}" if high is not None else ""


def _needed(variable: Variable) -> str:
    whens = [
        f"{other} is {' or '.join(values) if values else 'set'}" for other, values in variable.required_when.items()
    ]
    parts = [f"in {', '.join(variable.required_in)}"] * bool(variable.required_in) + [f"where {when}" for when in whens]
    found = "required" if variable.required else f"required {', '.join(parts)}" if parts else "optional"
    return found + (f", forbidden in {', '.join(variable.forbidden_in)}" if variable.forbidden_in else "")


def _target(variable: Variable) -> str:
    if variable.instance:
        return f"points to the Valkey instance {variable.instance}"
    return f"points to the database {variable.database}" if variable.database else ""


def _comments(text: str) -> list[str]:
    """TEXT as comment lines. (systemd takes the line after a backslash for more of the comment: these never stand right before an assignment.)"""
    lines = [
        part
        for item in text.splitlines()
        for part in textwrap.wrap(_plain(item), _WIDTH, break_long_words=False, break_on_hyphens=False)
    ]
    return [f"# {part}" for part in lines]


def _plain(text: str) -> str:
    return _CONTROL.sub(" ", text).strip()


def markdown(schema: Schema) -> str:
    """A table of all variables, and the rules across them."""
    rows = [_row(variable) for variable in schema.variables.values()]
    lines = ["| variable | value | required | default | |", "|---|---|---|---|---|", *rows]
    if schema.rules:
        lines += ["", "| variables together | |", "|---|---|"]
        lines += [
            f"| {', '.join(map(_code, rule.variables))} | {_text(RULE_MEANINGS[rule.kind])} |" for rule in schema.rules
        ]
    return "\n".join(lines) + "\n"


def _row(variable: Variable) -> str:
    notes = [variable.description, _deprecated(variable), _capital(_target(variable))]
    notes += ["Sensitive."] if variable.sensitive else []
    notes += [{"secret": "In the secrets folder.", "settings": "In a settings file."}.get(variable.source, "")]
    if variable.example is not None and not variable.sensitive:
        notes.append(f"Example: {_code(variable.example)}.")
    cells = [_code(variable.name), _form(variable, _code), _needed(variable), _defaults(variable)]
    cells.append(" ".join(note if note.startswith("Example: ") else _text(note) for note in notes if note))
    return f"| {' | '.join(cells)} |"


def _capital(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}." if text else ""


def _defaults(variable: Variable) -> str:
    """Defaults as code; of a sensitive variable only that it has one."""
    if hides(variable):
        return "not shown" if variable.default is not None or variable.defaults else ""
    parts = [_code(variable.default)] if variable.default is not None else []
    return ", ".join([*parts, *[f"{_text(name)}: {_code(value)}" for name, value in variable.defaults.items()]])


def _code(text: str) -> str:
    """TEXT as a code span within a table, with a fence longer than any run of backticks in it."""
    plain = _CONTROL.sub(" ", text).replace("|", "\\|")
    if not plain.strip():
        return "(empty)"
    fence = "`" * (max((len(run) for run in re.findall("`+", plain)), default=0) + 1)
    pad = " " if "`" in plain else ""
    return f"{fence}{pad}{plain}{pad}{fence}"


def _text(text: str) -> str:
    """TEXT, which may hold Markdown of its own, on one line of a table."""
    parts = _CODE.split(_CONTROL.sub(" ", text).replace("|", "\\|").strip())
    return "".join(part if part.startswith("`") else part.replace("<", "&lt;") for part in parts)
