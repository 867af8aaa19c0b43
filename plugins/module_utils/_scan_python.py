# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which environment variables Python code reads, by Python's own parser; line by line where that refuses the file (Python 2, templates)."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator

from ansible_collections.mainstay.backend.plugins.module_utils._scan_reads import (
    DEFAULT,
    OPTIONAL,
    REQUIRED,
    Lines,
    Read,
    Spans,
    named,
)

WITHOUT_PARSER = re.compile(
    r"""(?<![\w.])os\.(?:environ(?P<index>\[)|environ\.(?P<get>get|pop|setdefault)\(|(?P<getenv>getenv)\()\s*
    (?:'(?P<a>[^'\\\n]*)'|"(?P<b>[^"\\\n]*)")?\s*(?P<after>\]\s*=(?!=)|[^\n])?""",
    re.VERBOSE,
)
#: Comments and texts.
NO_CODE = re.compile(
    r"#[^\n]*"
    r"|\"\"\"(?:[^\\]|\\.)*?(?:\"\"\"|\Z)|'''(?:[^\\]|\\.)*?(?:'''|\Z)"
    r"|\"(?:\\.|[^\"\\\n])*\"?|'(?:\\.|[^'\\\n])*'?",
    re.DOTALL,
)
WITH_DEFAULT = ("get", "pop", "setdefault", "getenv")


class _Reader(ast.NodeVisitor):
    def __init__(self, names: dict[str, str]) -> None:
        #: Name in the file -> what it is: os, environ or getenv.
        self.names = names
        self.found: list[Read] = []

    def _is(self, node: ast.AST, what: str) -> bool:
        if isinstance(node, ast.Name):
            return self.names.get(node.id) == what
        return isinstance(node, ast.Attribute) and node.attr == what and self._is(node.value, "os")

    def _read(self, node: ast.AST, key: ast.AST, need: str) -> None:
        line = int(getattr(node, "lineno", 1))
        known = isinstance(key, ast.Constant) and isinstance(key.value, str)
        self.found.append(
            named(str(key.value), line, need) if known and isinstance(key, ast.Constant) else Read("", line, need)
        )

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if self._is(node.value, "environ") and isinstance(node.ctx, ast.Load):
            self._read(node, node.slice, REQUIRED)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        function = node.func
        verb = ""
        if self._is(function, "getenv"):
            verb = "getenv"
        elif isinstance(function, ast.Attribute) and self._is(function.value, "environ"):
            verb = function.attr
        if verb in WITH_DEFAULT and (node.args or node.keywords):
            key = node.args[0] if node.args else node.keywords[0].value
            default = len(node.args) + len(node.keywords) > 1
            self._read(node, key, DEFAULT if default else REQUIRED if verb == "pop" else OPTIONAL)
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        """`os.getenv("A") or "b"` has a default."""
        for number, value in enumerate(node.values, 1):
            before = len(self.found)
            self.visit(value)
            if isinstance(node.op, ast.Or) and number < len(node.values):
                self.found[before:] = [
                    Read(read.name, read.line, DEFAULT if read.need == OPTIONAL else read.need)
                    for read in self.found[before:]
                ]

    def visit_Compare(self, node: ast.Compare) -> None:
        if isinstance(node.ops[0], (ast.In, ast.NotIn)) and self._is(node.comparators[0], "environ"):
            self._read(node, node.left, OPTIONAL)
        self.generic_visit(node)


def _names(tree: ast.AST) -> dict[str, str]:
    """What the file calls os, os.environ and os.getenv."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update({alias.asname or alias.name: "os" for alias in node.names if alias.name == "os"})
        elif isinstance(node, ast.ImportFrom) and node.module == "os" and not node.level:
            names.update(
                {alias.asname or alias.name: alias.name for alias in node.names if alias.name in ("environ", "getenv")}
            )
    return names


def scan_python(text: str) -> list[Read]:
    """The reads in Python code."""
    if "environ" not in text and "getenv" not in text:
        return []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
        reader = _Reader(_names(tree))
        reader.visit(tree)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return list(_by_line(text))
    return reader.found


def _by_line(text: str) -> Iterator[Read]:
    code, lines, position = Spans(), Lines(text), 0
    for match in NO_CODE.finditer(text):
        code.add(position, match.start())
        position = match.end()
    code.add(position, len(text))
    for match in WITHOUT_PARSER.finditer(text):
        after = match["after"] or ""
        if match.start() in code and not (after.startswith("]") and "=" in after):
            name = match["a"] if match["a"] is not None else match["b"]
            line, need = lines.at(match.start()), REQUIRED if match["index"] else DEFAULT if after == "," else OPTIONAL
            yield Read("", line, need) if name is None else named(name, line, need)
