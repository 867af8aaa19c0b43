# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What each language reads, and beside it what only looks like it. `A? 1` is an optional read of A in line 1, `A= 1` one with a default,
`A! 1` one that fails without, `? 1` one of a computed name."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from yardstick import cpu_time

from ansible_collections.mainstay.backend.plugins.module_utils._env_scan import scan_text

MARKS = {"required": "!", "default": "=", "optional": "?"}
RUBY = [
    ('ENV["A"]', "A? 1"),
    ("ENV['A']", "A? 1"),
    ("::ENV [ 'A' ]", "A? 1"),
    ('ENV["A"] || "d"', "A= 1"),
    ('ENV["A"].presence || "d"', "A= 1"),
    ('ENV["A"].to_i or 1', "A= 1"),
    ('ENV["A"] == "d"', "A? 1"),
    ('ENV["A"] =~ /d/', "A? 1"),
    ('ENV["A"] = "d"', ""),
    ('ENV["A"] ||= "d"', "A= 1"),
    ('ENV.fetch("A")', "A! 1"),
    ('ENV.fetch "A"', "A! 1"),
    ('ENV.fetch("A", "d")', "A= 1"),
    ('ENV.fetch(\n  "A",\n  "d"\n)', "A= 1"),
    ('ENV.fetch("A") { "d" }', "A= 1"),
    ('ENV.fetch("A") do |name|', "A= 1"),
    ('ENV.key?("A") && ENV.has_key?("B") && ENV.include?("C")', "A? 1, B? 1, C? 1"),
    ("ENV.values_at(\"A\", 'B')", "A? 1, B? 1"),
    ('ENV.fetch_values("A", "B")', "A! 1, B! 1"),
    ('ENV.slice("A", "B")', "A? 1, B? 1"),
    ('ENV.delete("A")', "A? 1"),
    ('ENV.values_at("A", *names)', "A? 1, ? 1"),
    ("ENV[name]", "? 1"),
    ('ENV["A_#{b}"]', "? 1"),
    ("ENV.fetch(name, 1)", "? 1"),
    ("ENV.fetch('not a name')", "! 1"),
    ("ENV.each { |a| a }; ENV.to_h; ENV", ""),
    ('MY_ENV["A"]; Foo::ENV["A"]; foo.ENV["A"]; @ENV["A"]; $ENV["A"]; ENVIRONMENT["A"]; Rails.env', ""),
    ('# ENV["A"]\nx # ENV["B"]', ""),
    ("\"ENV['A']\" 'ENV[\"B\"]' `ENV['C']`", ""),
    ('"a #{ENV["A"]} #{"b #{ENV.fetch("B")}"} ENV[\'C\']"', "A? 1, B! 1"),
    ('`run #{ENV["A"]}`', "A? 1"),
    ("x = <<~TEXT\n  ENV['A'] #{ENV['B']}\n  TEXT\nENV['C']", "B? 2, C? 4"),
    ("f(<<~ONE, <<-'TWO', ENV['D'])\n #{ENV['A']}\nONE\n #{ENV['B']}\nTWO\nENV['C']", "D? 1, A? 2, C? 6"),
    ("list << THING\nENV['A']\nTHING", "A? 2"),
    ("class << self\nENV['A']\nend", "A? 2"),
    ("=begin\nENV['A']\n=end\nENV['B']", "B? 4"),
    ("ENV['A']\n__END__\nENV['B']", "A? 1"),
    ("x =~ /[\"'#]/\nENV['A']", "A? 2"),
    ("x.match?(/\"/) && ENV['A']", "A? 1"),
    ("a / b; ENV['A'] / c", "A? 1"),
    ("%w[a ' b]; ENV['A']; %i(b \" c); %q{ENV['B']}; %r{/'}; ENV['C']", "A? 1, C? 1"),
    ("%W[#{ENV['A']}]", "A? 1"),
    ("x % (1); ENV['A']", "A? 1"),
    ("x = ?\"; ENV['A']; $'; ENV['B']", "A? 1, B? 1"),
    ("'it\\'s'; ENV['A']", "A? 1"),
    ("it's\nENV['A']", "A? 2"),
]
ERB = [
    ("a: <%= ENV['A'] %>\nb: <%- ENV.fetch('B') -%>", "A? 1, B! 2"),
    ("# <%= ENV['A'] %>", "A? 1"),  # ERB does not know YAML's comments
    ("<%\n  ENV['A']\n%>", "A? 2"),
    ("<%# ENV['A'] %><%% ENV['B'] %>ENV['C'] ${D} $E", ""),
    ("<%= ENV['A']", "A? 1"),
]
PYTHON = [
    ("import os\nos.environ['A']", "A! 2"),
    ("import os\nos.environ.get('A')", "A? 2"),
    ("import os\nos.environ.get('A', 'd')", "A= 2"),
    ("import os\nos.environ.get('A', default='d')", "A= 2"),
    ("import os\nos.getenv('A'), os.getenv('B', 1)", "A? 2, B= 2"),
    ("import os\nos.getenv('A') or 'd'", "A= 2"),
    ("import os\nos.getenv('A') or os.getenv('B')", "A= 2, B? 2"),
    ("import os\nos.environ.pop('A'), os.environ.setdefault('B', 'd')", "A! 2, B= 2"),
    ("import os\n'A' in os.environ, 'B' not in os.environ", "A? 2, B? 2"),
    ("import os\nf\"{os.environ['A']}\"", "A! 2"),
    ("import os as o\no.environ['A']", "A! 2"),
    ("from os import environ, getenv as g\nenviron['A']; g('B')", "A! 2, B? 2"),
    ("def f():\n    import os\n    return os.environ[\n        'A']", "A! 3"),
    ("import os\nos.environ[name], os.getenv(f'A{b}')", "! 2, ? 2"),
    ("import os\nos.environ['A'] = 1\ndel os.environ['B']\nos.environ.copy()", ""),
    ("import os\n# os.environ['A']\n'''os.environ['B']'''", ""),
    ("environ['A']; getenv('B')", ""),
    ("from environ import environ\nenviron['A']", ""),
    ("import os\nother.environ['A'], os.environment['B'], x.os.environ['C']", ""),
    (
        "print os.environ['A']  # os.environ['X']\nos.environ['B'] = 1\nos.getenv(\"C\", 1)\nos.getenv(d)",
        "A! 1, C= 3, ? 4",
    ),
]
JAVASCRIPT = [
    ("process.env.A", "A? 1"),
    ("process.env['A'] + process.env[\"B\"] + process.env[`C`]", "A? 1, B? 1, C? 1"),
    ("process?.env?.A ?? 'd'; globalThis.process.env.B || 'd'", "A= 1, B= 1"),
    ("process.env.A!", "A? 1"),
    ("process.env.A === 'd' && process.env.B == 'd'", "A? 1, B? 1"),
    ("process.env.A = 1; process.env['B'] = 2", ""),
    ("process.env.A ??= 1; process.env.B ||= 1", "A= 1, B= 1"),
    ("process\n  .env\n  .A", "A? 1"),
    ("const { A, B: b, C = 1, D: d = 2, ...rest } = process.env", "A? 1, B? 1, C= 1, D= 1"),
    ("const {\n  A,\n  'B': b,\n  [c]: d,\n}: Env = process.env;", "A? 2, B? 3, ? 4"),
    ("const { A } = other; x = process.env", ""),
    ("'A' in process.env", "A? 1"),
    ("process.env[name]; process.env[`A_${b}`]", "? 1, ? 1"),
    ("import.meta.env.VITE_A; import.meta.env.MODE; import.meta.env.DEV", "VITE_A? 1"),
    ("Bun.env.A; Deno.env.get('B'); Deno.env.get(c)", "A? 1, B? 1, ? 1"),
    ("const env = process.env;\nenv.A; env['B']", "A? 2, B? 2"),
    ("import { env } from 'node:process'\nenv.A", "A? 2"),
    ('import { exit, env as e } from "process"\ne.A; env.B', "A? 2"),
    ("const { env } = require('process')\nenv.A", "A? 2"),
    ("env.A; this.process.env.A; myprocess.env.A; process.environment.A", ""),
    ("process.env.hasOwnProperty('A'); Object.keys(process.env)", ""),
    ("// process.env.A\n/* process.env.B\n process.env.C */ process.env.D", "D? 3"),
    ("\"process.env.A\" 'process.env.B' `process.env.C`", ""),
    ("`a ${process.env.A} ${`b ${process.env.B}`} process.env.C`", "A? 1, B? 1"),
    ("x = 'http://x' + process.env.A", "A? 1"),
    ("x = a / b; y = process.env.A / c", "A? 1"),
    ("x = /[\"'`/]/.test(y) && process.env.A", "A? 1"),
    ("return /\\/\\*/; process.env.A", "A? 1"),
    ("<p>it's</p>\n{process.env.A}", "A? 2"),
]
SHELL = [
    ('echo $A ${B} "$C" ${D%x} ${#E}', "A? 1, B? 1, C? 1, D? 1"),
    ("echo ${A:-d} ${B-d} ${C:=d} ${D:?m} ${E:+x}", "A= 1, B= 1, C= 1, D! 1, E? 1"),
    ("set -euo pipefail\necho $A ${B:-d}", "A! 2, B= 2"),
    ("A=1\necho $A", ""),
    ("export A=1 && readonly B=2; echo $A $B", ""),
    ("for A in x; do read -r B C; done; local D E=1; echo $A $B $C $D $E $F", "F? 1"),
    ("A+=x; X[1]=y; echo $A $X", ""),
    ("PORT=${PORT:-3000}\necho $PORT ${PORT:-1}", "PORT= 1"),
    ("echo '$A' \\$B # $C\necho x#$D", "D? 2"),
    ("echo \"it's $A\" 'say \"' $B", "A? 1, B? 1"),
    ('echo "# $A"', "A? 1"),
    ("echo $lower ${Mixed} $1 $? $$ $PWD $RANDOM $BASH_SOURCE", ""),
    ("echo ${!A}", "? 1"),
    ("cat <<E\n$A it's ${B:-d}\n# $C\nE\necho $D", "A? 2, B= 2, C? 3, D? 5"),
    ("cat <<'E'\n$A\nE\ncat <<-\\X\n\t$B\n\tX\necho $C", "C? 7"),
    ("cat <<<$A", "A? 1"),
    ('if [ "$A" = x ]; then echo; fi', "A? 1"),
]
DOCKERFILE = [
    ("ARG A\nENV B=1 C=2\nENV D e\nRUN echo $A $B ${C} $D $E", "E? 4"),
    ("ENV A=1 \\\n    B=2\nRUN echo $A $B", ""),
    ("FROM x:${TAG:-1}\n# $A\nCMD puma -p ${PORT:-3000}\nRUN X=1; echo $X '$Y' \\$Z", "TAG= 1, PORT= 3"),
]
COMPOSE = [
    ("image: x:${A}\ncommand: run $B", "A? 1, B? 2"),
    ("a: ${A:-d} ${B-d} ${C:?m} ${D?m} ${E:+x}", "A= 1, B= 1, C! 1, D! 1, E? 1"),
    ("a: ${A:-${b}}", "A= 1, b? 1"),
    ("a: $$A $${B}\n# ${C}\nb: x # ${D}\nc: 'y # ${E}'", "E? 4"),
    ('s:\n  environment:\n    - A\n    - B=1\n    - "C"\n    - D=${E}\n  x:\n    - F', "A? 3, C? 5, E? 6"),
    ("s:\n  environment:\n  - A\n  labels:\n  - B", "A? 3"),
    ("s:\n  environment:\n    A:\n    B: 1\n    C: # why\n  D:\n", "A? 3, C? 5"),
    ("a: <%= ENV['A'] %>", "A? 1"),
]
CASES = [
    *[("x.rb", *case) for case in RUBY],
    *[("x.yml", *case) for case in ERB],
    *[("x.py", *case) for case in PYTHON],
    *[("x.ts", *case) for case in JAVASCRIPT],
    *[("x.sh", *case) for case in SHELL],
    *[("Dockerfile", *case) for case in DOCKERFILE],
    *[("compose.yml", *case) for case in COMPOSE],
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "expected"), CASES)
def test_what_is_read_and_what_only_looks_like_it(name: str, text: str, expected: str) -> None:
    found = [f"{read.name}{MARKS[read.need]} {read.line}" for read in scan_text(name, text)]
    assert ", ".join(found) == expected


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("app.RB", "ENV['A']", "A"),
        ("Rakefile", "ENV['A']", "A"),
        ("run", "#!/usr/bin/env ruby\nENV['A']", "A"),
        ("run", "#!/usr/bin/python3 -u\nimport os\nos.environ['A']", "A"),
        ("run", "#!/usr/bin/env node\nprocess.env.A", "A"),
        ("run", "#!/bin/sh\necho $A", "A"),
        ("run", "#!/usr/bin/perl\n$A ENV['A']", ""),
        ("run", "echo $A", ""),
        ("show.html.erb", "<%= ENV['A'] %>", "A"),
        ("compose.override.yaml", "a: ${A}", "A"),
        ("docker-compose.prod.yml", "a: ${A}", "A"),
        ("ci.yml", "a: ${A}", ""),
        ("Dockerfile.dev", "RUN echo $A", "A"),
        ("Procfile", "web: puma -p $PORT", "PORT"),
        ("App.vue", "<script>process.env.A</script>", "A"),
        ("app.min.js", "process.env.A", ""),
        ("x.mjs", "process.env.A", "A"),
        ("x.json", "process.env.A", ""),
        ("README.md", "ENV['A']", ""),
    ],
)
def test_languages_are_known_by_names_and_first_lines(name: str, text: str, expected: str) -> None:
    assert ",".join(read.name for read in scan_text(name, text)) == expected


FILES = ["x.rb", "x.yml", "x.py", "x.ts", "x.sh", "Dockerfile", "compose.yml"]
PIECES = ["ENV", "['A']", '["B"]', ".fetch(", "#{", "}", "{", '"', "'", "`", "/", "%w[", "<<~E\n", "\nE\n", "\n", "#", "//", "/*", "*/", "${", "$A", "=begin",
          "process.env", ".A", "import os\n", "os.environ", "<%=", "%>", "environment:\n", "  - A\n", "\\", "=", ", ", "const {", "read A"]  # fmt: skip


LONG = [
    "}=process.env",
    "ENV['A'] ",
    '"#{',
    "/[",
    "ENV.fetch('A', ",
    "${A:-",
    "<<E\n",
    "const {env",
    "%r{#{",
    " os.getenv('A') or",
    "'" * 3,
]


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(FILES), st.text() | st.lists(st.sampled_from(PIECES)).map("".join))
def test_any_text_is_scanned(name: str, text: str) -> None:
    for read in scan_text(name, text):
        assert 1 <= read.line <= text.count("\n") + 1


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    "piece",
    [
        *PIECES,
        "}=process.env",
        "ENV['A'] ",
        '"#{',
        "/[",
        "ENV.fetch('A', ",
        "${A:-",
        "<<E\n",
        "const {env",
        "%r{#{",
        " os.getenv('A') or",
    ],
)
def test_time_is_linear_in_the_text(name: str, piece: str) -> None:
    """A text of one repeated piece is where a scan that goes back would take minutes."""
    text = "import os\nENV process.env environ $\n" + piece * (40_000 // len(piece))
    with cpu_time() as took:
        scan_text(name, text)
    assert took.loops < 240, took.told()
