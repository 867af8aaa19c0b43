# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Cases of the family Loaders: rule -> (what breaks it, near misses)."""

from __future__ import annotations

from env_case import PEM, Case, case, env

CASES: dict[str, tuple[list[Case], list[Case]]] = {
    "loaders-disagree": (
        [
            case(
                "A=pa$$", loaders=("python", "node", "systemd", "compose"), at=1, of="A", says="compose reads $$ as $"
            ),
            case("A='b' # c", at=1, of="A", says="systemd keeps the comment"),
            case("export A=b", at=1, of="A", says="systemd does not set it"),
            case('A="b"', loaders=("ruby", "python", "docker"), at=1, of="A", says="docker keeps the quotes"),
            case("A=p@ss#word1", at=1, of="A", says="ruby and node cut at #"),
            case("B=1\nA=$B", at=2, of="A", says="expand"),
            case("A=$2a$12$abcdefg", at=1, of="A", says="ruby"),
            case("A='it\\'s'", at=1, of="A", says="backslashes"),
            case("A=b ", loaders=("ruby", "docker"), at=1, of="A", says="docker keeps other spaces"),
            case("A=b\\c", at=1, of="A", says="backslashes"),
        ],
        [
            case("A='b'\nC=\"d e\"\nD=plain"),
            case("A='$B #c'"),
            case("export A=b", loaders=("ruby", "python", "node", "compose")),
            case("A=b # c", loaders=("ruby", "python", "node", "compose")),
            case("A='b' # c", loaders=("systemd",)),
            case(env("A='b' # c", loaders=("node",))),
        ],
    ),
    "loader-refuses": (
        [
            case("A = b", loaders=("docker",), at=1, says="docker refuses"),
            case("A=b\nexport C", loaders=("ruby",), at=2, says="ruby refuses"),
            case('A="b\nC=d', loaders=("compose",)),
        ],
        [case("A = b"), case("A=b", loaders=("docker",))],
    ),
    "duplicate-key": (
        [
            case("A=b\nC=d\nA=e", at=3, of="A", says="another value on line 1", severity="error"),
            case("A=b\nA=b", at=2, of="A", severity="warning"),
        ],
        [case("A=b\n# A=c"), case(env("A=b"), env("A=c", ".env.local")), case("A=b\na=c")],
    ),
    "command-substitution": (
        [case("A=$(hostname)", at=1, of="A", says="ruby executes"), case('B=1\nA="x$(id)"', at=2, of="A")],
        [case("A='$(hostname)'"), case("A=$(hostname)", loaders=("python", "node", "systemd"))],
    ),
    "cut-at-hash": (
        [
            case("PASSWORD=p@ss#word1", at=1, of="PASSWORD", says="ruby and node"),
            case("A=#fff", loaders=("node",), at=1, of="A"),
        ],
        [
            case("A=b # a comment", loaders=("ruby", "node")),
            case("A= # a comment", loaders=("ruby", "node", "python")),
            case("A='b#c'"),
            case("A=b#c", loaders=("python", "systemd")),
            case('A="b#c" # d', loaders=("ruby", "node")),
        ],
    ),
    "expands-unset": (
        [
            case("A=$NOBODY-x", loaders=("compose",), at=1, of="A"),
            case("A=pa$word", loaders=("ruby", "compose"), at=1, of="A", says="ruby and compose"),
            case("A=${NOBODY}/x", loaders=("python",), at=1, of="A"),
            case("A=${NOBODY:-x}", loaders=("ruby",), at=1, of="A"),
        ],
        [
            case("A=$NOBODY-x", loaders=("python",)),
            case("B=1\nA=$B/x", loaders=("ruby",)),
            case("A=${B}/x\n", loaders=("python",), process_env={"B": "1"}),
            case(env("B=1"), env("A=$B", ".env.local"), loaders=("ruby",)),
            case("A=${NOBODY:-x}", loaders=("python", "compose")),
            case("A='pa$word'", loaders=("ruby", "compose")),
            case("A=pa$word", loaders=("node", "systemd")),
            case("A=$HOME/data", loaders=("ruby",)),
        ],
    ),
    "unclosed-quote": (
        [case('A="b\nC=d\nE=f', loaders=("systemd",), at=1, of="A")],
        [case(f'A="{PEM}"\nC=d', loaders=("ruby", "systemd"))],
    ),
    "dropped": (
        [
            case("export A=b", loaders=("systemd",), at=1, of="A", says="journal"),
            case("A.B=c", loaders=("systemd",), at=1),
        ],
        [case("A=b", loaders=("systemd",)), case("export A=b", loaders=("ruby", "systemd"))],
    ),
}
