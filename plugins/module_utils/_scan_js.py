# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which environment variables JavaScript and TypeScript read, and the scripts of Vue and Svelte. Comments and texts are left out.

A text in quotes ends with its line: so an apostrophe in a page's prose hides no more than that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ansible_collections.mainstay.backend.plugins.module_utils._scan_reads import (
    DEFAULT,
    OPTIONAL,
    Lines,
    Read,
    Spans,
    named,
)

DEPTH = 30
NEXT = re.compile(r"//[^\n]*|/\*|[\"'`/{}]")
REGEX = re.compile(r"/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n]){0,200}\]|[^/\\\n\[]){1,400}/[a-z]*")
BEFORE_REGEX = re.compile(r"(?:[(,=:\[!&|?{};+\-*%~^<>\n]|\A|\b(?:return|typeof|case|in|of|void))[ \t]*\Z")
QUOTED = {quote: re.compile(rf"(?:\\(?:\r\n|.|\n)|[^{quote}\\\n])*{quote}?") for quote in "\"'"}
TEMPLATE = re.compile(r"\\(?:.|\n)|`|\$\{")

PROCESS = r"(?:globalThis\s*\.\s*)?process\s*(?:\?\.|\.)\s*env"
#: What Vite itself puts into import.meta.env.
VITE = ("MODE", "BASE_URL", "PROD", "DEV", "SSR")
ALIASES = (
    re.compile(
        rf"\b(?:const|let|var)\s+([A-Za-z_$][\w$]*)\s{{0,9}}(?::[^=\n]{{0,200}})?=\s*{PROCESS}[ \t]*(?:;|,|\n|\Z|as\b)"
    ),
    re.compile(
        r"\b(?:const|let|var)\s*\{[^{}\n]{0,300}?\benv\b(?:\s*:\s*([A-Za-z_$][\w$]*))?[^{}\n]{0,300}\}\s*=\s*(?:process\b(?!\s*\??\.)|require\()"
    ),
    re.compile(
        r"\bimport\s*\{[^{}\n]{0,300}?\benv\b(?:\s+as\s+([A-Za-z_$][\w$]*))?[^{}\n]{0,300}\}\s*from\s*[\"'](?:node:)?process[\"']"
    ),
)
MEMBER = re.compile(r"!?\s*(?:\?\.|\.)\s*([A-Za-z_$][\w$]*)")
INDEX = re.compile(r"!?\s*(?:\?\.)?\s*\[\s*(?:([\"'`])([^\"'`\n$]*)\1\s*\])?")
DENO = re.compile(r"(?<![\w$.])Deno\.env\.get\(\s*(?:([\"'`])([^\"'`\n$]*)\1)?")
WRITTEN = re.compile(r"\s*(\?\?|\|\|)?=(?![=>])")
ALTERNATIVE = re.compile(r"!?\s*(?:\?\?|\|\|)")
TAKEN_APART = re.compile(r"\}\s*(?::[^=\n{}]*)?=\s*\Z")
#: As far back as the pattern of `const {…} = process.env` may reach.
REACH = 4000
NESTED = 5
ENTRY = re.compile(r"\s*(?:(\.\.\.)|(\[)|([\"'])([^\"'\n]*)\3|([A-Za-z_$][\w$]*))([^,]*)")


def javascript_code(text: str) -> Spans:
    """The parts of TEXT that are code."""
    spans = Spans()
    _code(text, 0, spans, 0)
    return spans


def _code(text: str, position: int, spans: Spans, depth: int) -> int:
    """Reads code to the end, or to the brace that closes a template's expression (DEPTH > 0); returns where it ended."""
    start, braces = position, 0
    while match := NEXT.search(text, position):
        token, position = match[0], match.end()
        if token in "{}":
            braces += 1 if token == "{" else -1
            if braces < 0 and depth:
                spans.add(start, match.start())
                return position
            continue
        if token == "/":
            regex = (
                REGEX.match(text, match.start())
                if BEFORE_REGEX.search(text, max(0, match.start() - 20), match.start())
                else None
            )
            if not regex:
                continue
            position = regex.end()
        spans.add(start, match.start())
        if token == "/*":
            closing = text.find("*/", position)
            position = len(text) if closing < 0 else closing + 2
        elif token in QUOTED:
            found = QUOTED[token].match(text, position)
            position = found.end() if found else position
        elif token == "`":
            position = _template(text, position, spans, depth)
        start = position
    spans.add(start, len(text))
    return len(text)


def _template(text: str, position: int, spans: Spans, depth: int) -> int:
    while match := TEMPLATE.search(text, position):
        position = match.end()
        if match[0] == "`":
            return position
        if match[0] == "${" and depth < DEPTH:
            position = _code(text, position, spans, depth + 1)
    return len(text)


def scan_javascript(text: str) -> list[Read]:
    """The reads in JavaScript or TypeScript."""
    if "env" not in text:
        return []
    code, lines = javascript_code(text), Lines(text)
    aliases = {match[1] or "env" for pattern in ALIASES for match in pattern.finditer(text) if match.start() in code}
    bases = [PROCESS, r"import\s*\.\s*meta\s*\.\s*env", r"Bun\s*\.\s*env", *map(re.escape, sorted(aliases))]
    base = re.compile(rf"(?<![\w$.])(?:{'|'.join(bases)})(?![\w$])")
    found = [read for match in base.finditer(text) if match.start() in code for read in _reads(text, match, lines)]
    for match in DENO.finditer(text):
        if match.start() in code:
            name, line = match[2], lines.at(match.start())
            found.append(Read("", line) if name is None else named(name, line, OPTIONAL))
    return sorted(found, key=lambda read: read.line)


def _reads(text: str, match: re.Match[str], lines: Lines) -> Iterator[Read]:
    line, own = lines.at(match.start()), VITE if match[0].startswith("import") else ()
    if member := MEMBER.match(text, match.end()):
        name, end = member[1], member.end()
    elif index := INDEX.match(text, match.end()):
        if index[1] is None:
            yield Read("", line)
            return
        name, end = index[2], index.end()
    else:
        yield from _whole(text, match, line, lines)
        return
    if name in own or text[end : end + 1] == "(":
        return
    written = WRITTEN.match(text, end)
    if not written or written[1]:
        yield named(name, line, DEFAULT if written or ALTERNATIVE.match(text, end) else OPTIONAL)


def _whole(text: str, match: re.Match[str], line: int, lines: Lines) -> Iterator[Read]:
    """`'A' in process.env` and `const {A, B: b, C = 1} = process.env`."""
    before = text[max(0, match.start() - REACH) : match.start()]
    if inside := re.search(r"[\"']([^\"'\n]*)[\"']\s+in\s+\Z", before[-200:]):
        yield named(inside[1], line, OPTIONAL)
        return
    apart = TAKEN_APART.search(before[-200:])
    if not apart:
        return
    end = len(before) - len(apart[0])
    start, depth = end - 1, 0
    while start >= 0 and depth <= NESTED and not (before[start] == "{" and depth == 0):
        depth += (before[start] == "}") - (before[start] == "{")
        start -= 1
    if start < 0 or depth:
        return
    first, position = match.start() - len(before), start + 1
    while entry := ENTRY.match(before, position, end):
        where = lines.at(first + entry.end() - len(entry[6]))
        if entry[2]:
            yield Read("", where)
        elif not entry[1]:
            yield named(entry[4] if entry[4] is not None else entry[5], where, DEFAULT if "=" in entry[6] else OPTIONAL)
        position = entry.end() + 1
