# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Measures env_validate: 1,000 files of 100 variables, for five loaders, in one module call on one core.

The call is a real run of ansible-playbook with connection local; wall and processor time are those of the whole run, children included.
The limit is on processor time, which is what the wall is on a core of its own.
With --profile the same happens within this process, and the functions that take longest are listed. With --assert: exits 1 over the limit.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import os
import pstats
import random
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
WORK = TOP / ".build" / "bench-validate"
FILES, VARIABLES, MOST_SECONDS = 1000, 100, 10.0
LOADERS = ["ruby", "python", "node", "systemd", "compose"]
#: Shapes of values, as often as each stands here.
SHAPES = (
    ["plain"] * 30 + ["number"] * 15 + ["flag"] * 8 + ["hex"] * 12 + ["url"] * 10 + ["path"] * 5  # 80 of 100 are bare
    + ["double"] * 6 + ["single"] * 5 + ["comment"] * 3 + ["email"] * 2 + ["empty"] * 2 + ["dollar", "export"]
)  # fmt: skip
TYPES = {"number": "int", "flag": "bool", "hex": "hex", "url": "url", "email": "email"}
WORDS = [
    "alpha",
    "bravo",
    "charlie",
    "delta",
    "echo",
    "foxtrot",
    "golf",
    "hotel",
    "india",
    "juliett",
    "kilo",
    "lima",
    "mike",
    "november",
    "oscar",
    "papa",
]


def value(shape: str, dice: random.Random) -> str:
    word, other = dice.choice(WORDS), dice.choice(WORDS)
    return {
        "plain": f"{word}-{other}{dice.randrange(100)}",
        "number": str(dice.randrange(1, 100_000)),
        "flag": dice.choice(["true", "false"]),
        "hex": f"{dice.getrandbits(256):064x}",
        "url": f"https://{word}.example.net:{dice.randrange(1024, 65535)}/{other}?v={dice.randrange(9)}",
        "path": f"/srv/{word}/{other}.d",
        "double": f'"{word} {other}, {word}"',
        "single": f"'{word} & {other} ({dice.randrange(100)})'",
        "comment": f"{word} # {other}",
        "email": f"{word}@{other}.example.net",
        "empty": "",
        "dollar": f"{word}${other.upper()}",
        "export": f"{word}{other}",
    }[shape]


def shapes() -> list[str]:
    found = [*SHAPES]
    random.Random(7).shuffle(found)
    return [found[number % len(found)] for number in range(VARIABLES)]


def write(number: int) -> str:
    """One application's file; what differs between two of them are the values."""
    dice = random.Random(number)
    lines = [f"# application {number}", ""]
    for at, shape in enumerate(shapes()):
        if at % 10 == 0:
            lines += ["", f"# {dice.choice(WORDS)} settings"]
        lines.append(f"{'export ' if shape == 'export' else ''}APP_{shape.upper()}_{at}={value(shape, dice)}")
    path = WORK / "apps" / f"app{number}" / ".env"
    path.parent.mkdir(parents=True)
    path.write_text("\n".join(lines) + "\n")
    path.chmod(0o600)
    return str(path)


def schema() -> str:
    lines = ["variables:"]
    for at, shape in enumerate(shapes()):
        lines += [
            f"  APP_{shape.upper()}_{at}:",
            f"    type: {TYPES.get(shape, 'string')}",
            f"    sensitive: {'true' if shape == 'hex' else 'false'}",
            f"    required: {'false' if shape == 'empty' else 'true'}",
        ]
    return "\n".join(lines) + "\n"


def prepare() -> list[dict[str, object]]:
    shutil.rmtree(WORK, ignore_errors=True)
    targets: list[dict[str, object]] = [{"files": [write(number)]} for number in range(FILES)]
    (WORK / "env.schema.yml").write_text(schema())
    return targets


def by_ansible(targets: list[dict[str, object]]) -> dict[str, float]:
    """One run of one task; the machine's other cores are not used."""
    task = {
        "name": "Judge",
        "mainstay.backend.env_validate": {
            "schema": str(WORK / "env.schema.yml"),
            "loaders": LOADERS,
            "targets": targets,
            "fail_on": "never",
            "sarif": str(WORK / "out.sarif"),
        },
        "register": "found",
    }
    show = {"name": "Count", "ansible.builtin.debug": {"msg": "{{ found.files | length }} files {{ found.counts }}"}}
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": [task, show]}
    play["vars"] = {"ansible_python_interpreter": sys.executable}  # type: ignore[assignment]
    (WORK / "play.json").write_text(json.dumps([play]))
    environment = {**os.environ, "ANSIBLE_CONFIG": str(TOP / "ansible.cfg")}
    environment["ANSIBLE_COLLECTIONS_PATH"] = str(TOP / ".build/collections")
    command = [
        "taskset",
        "-c",
        "0",
        str(TOP / ".venv/bin/ansible-playbook"),
        "-i",
        "localhost,",
        str(WORK / "play.json"),
    ]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=TOP, check=False)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    said = [line.strip() for line in done.stdout.splitlines() if '"msg"' in line or "msg:" in line]
    if done.returncode or not said or f"{FILES} files" not in said[0]:
        sys.exit(f"bench: the run failed:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    print(said[0])
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall": wall, "cpu": cpu}


def in_process(targets: list[dict[str, object]], profile: bool) -> float:
    """The module's work alone, without Ansible around it."""
    sys.path.insert(0, str(TOP / ".build/collections"))
    from ansible_collections.mainstay.backend.plugins.module_utils._env_run import run
    from ansible_collections.mainstay.backend.plugins.module_utils._env_schema import read_schema, schema_data

    path = WORK / "env.schema.yml"
    schemas = {"s": schema_data(read_schema(path.read_text(), str(path)))}
    common = {"loaders": LOADERS, "schema": "s", "environment": "production", "mode": "0600"}
    profiler = cProfile.Profile()
    start = time.process_time()
    if profile:
        profiler.enable()
    run(common, targets, schemas)
    profiler.disable()
    taken = time.process_time() - start
    if profile:
        pstats.Stats(profiler).sort_stats("tottime").print_stats(25)
    return taken


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument(
        "--assert", action="store_true", dest="judge", help="exit 1 where it takes longer than the limit"
    )
    options.add_argument("--profile", action="store_true", help="list the functions that take longest")
    chosen = options.parse_args()
    targets = prepare()
    if chosen.profile:
        in_process(targets, True)
        return 0
    core = in_process(targets, False)
    found = by_ansible(targets)
    shutil.rmtree(WORK)
    # on a machine that has nothing else to do the two are the same; on a busy one the wall tells of the others
    met = found["cpu"] < MOST_SECONDS
    print(
        f"{FILES} files of {VARIABLES} variables for {len(LOADERS)} loaders on one core: {found['cpu']:.1f} s of processor time,"
    )
    print(f"{core:.1f} s of them in the module's core; {found['wall']:.1f} s of wall time; limit {MOST_SECONDS:.0f} s")
    print(f"bench: {'met' if met else 'NOT MET'}")
    return 0 if met or not chosen.judge else 1


if __name__ == "__main__":
    sys.exit(main())
