# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a rotation needs before its first effect: which hosts, in which batches, and what stands against it. Pure."""

from __future__ import annotations

import os.path
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError, Problem, shown
from ansible_collections.mainstay.backend.plugins.module_utils._credentials import KINDS, Credential
from ansible_collections.mainstay.backend.plugins.module_utils._rotation import rotating, told, waiting
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_states import STATES
from ansible_collections.mainstay.backend.plugins.module_utils._store import Contents, Record
from ansible_collections.mainstay.backend.plugins.module_utils._table import table

if TYPE_CHECKING:
    from ansible_collections.mainstay.backend.plugins.plugin_utils.types import Consumer, Description, Planned

_SERVERS = {"valkey_user": "valkey", "valkey_admin": "valkey", "postgres_role": "postgres"}


def rotatable(description: Description) -> dict[str, Credential]:
    """Every credential that can rotate: the declared and derived ones, and Valkey's administrator."""
    runs = any(item.state == "present" for item in description.instances)
    return {**description.credentials, **({description.admin.name: description.admin} if runs else {})}


def check_known(description: Description, contents: Contents) -> None:
    """Refuses a store that knows none of the credentials: on a schedule nothing would ever rotate, and nobody would notice."""
    known = rotatable(description)
    if known and not set(known) & set(contents.records):
        raise MainstayError(
            f"secret store of {description.environment}: found none of {', '.join(known)}; expected what playbook site made there "
            "(are backend_environment and backend_store_dir those that it runs with?)"
        )


def to_check(records: Mapping[str, Record]) -> list[str]:
    """Those of RECORDS whose consumers have to be well before anything happens: not those that a run was moving when it ended."""
    return [name for name, record in records.items() if record.state not in ("TESTED", "PUBLISHED")]


def early(credential: Credential) -> bool:
    """Whether consumers must know a new version of CREDENTIAL before anybody uses it."""
    kind = KINDS.get(credential.kind)
    return kind is not None and kind.early


def active(contents: Contents, names: Collection[str], now: datetime) -> list[str]:
    """Those of NAMES whose rotation goes on in this run: it has begun, is not done, and does not wait."""
    return [name for name, record in rotating(contents, names).items() if not waiting(record, now)]


def round_of(
    contents: Contents, credentials: Mapping[str, Credential], names: Collection[str], state: str
) -> list[str]:
    """Those of NAMES for which consumers have to be given something anew when STATE has been reached.

    Everything that was TESTED; keys that everybody has to know before anybody uses them, and again when they are to be forgotten.
    """
    found = []
    for name in names:
        at, first = contents.records[name].state, early(credentials[name])
        if (state == "TESTED" and at in ("TESTED", "PUBLISHED")) or (
            first and state == at and state in ("GENERATED", "CONSUMERS_OK")
        ):
            found.append(name)
    return found


def hook_files(hooks: object, folder: str, is_file: Callable[[str], bool]) -> dict[str, list[str]]:
    """rotation_hooks with its paths made absolute (from FOLDER); refuses unknown states, and files that are not there."""
    known = [f"{when}_{state}" for state in STATES[1:] for when in ("before", "after")]
    if not isinstance(hooks, Mapping):
        raise MainstayError(
            f"rotation_hooks: found {shown(hooks)}; expected a mapping, like {{before_RELOADED: [drain.yml]}}"
        )
    found: dict[str, list[str]] = {}
    for key, value in hooks.items():
        if key not in known:
            raise MainstayError(f"rotation_hooks: found {shown(key)}; expected some of {', '.join(known)}")
        paths = [os.path.join(folder, str(item)) for item in (value if isinstance(value, list) else [value])]
        for path in paths:
            if not is_file(path):
                raise MainstayError(f"rotation_hooks.{key}: found no file {path}; expected a file of tasks")
        found[str(key)] = paths
    return found


#: What a state means on the servers and for the proofs; the others are transitions of the store, or rounds of the consumers.
VERBS = {"STAGED": "stage", "TESTED": "works", "CONSUMERS_OK": "sessions", "RETIRED": "retire", "REFUSED": "refused"}


def steps(hooks: Mapping[str, Sequence[str]], early: bool) -> list[dict[str, str]]:
    """The task files of a rotation in their order: {state, file}, and a verb for step.yml. EARLY: some consumers are moved three times.

    Hooks of RELOADED belong to its batches: `batch_steps`.
    """
    found = []
    for state in [item for item in STATES[1:] if item != "PUBLISHED"]:
        middle = [{"state": state, "file": "step.yml", "verb": VERBS[state]}] if state in VERBS else []
        if state == "RELOADED" or (early and state in ("STAGED", "RETIRED")):
            middle.append({"state": state, "file": "move.yml"})
        middle.append({"state": state, "file": "record.yml"})
        found += middle if state == "RELOADED" else _between(hooks, state, middle)
    return found


def batch_steps(hooks: Mapping[str, Sequence[str]]) -> list[dict[str, str]]:
    """The task files for one batch of the consumers' hosts, in their order."""
    published = _between(hooks, "PUBLISHED", [{"state": "PUBLISHED", "file": "publish.yml"}])
    return [*published, *_between(hooks, "RELOADED", [{"state": "RELOADED", "file": "reload.yml"}])]


def _between(hooks: Mapping[str, Sequence[str]], state: str, middle: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    before, after = (
        [{"state": state, "file": path} for path in hooks.get(f"{when}_{state}", ())] for when in ("before", "after")
    )
    return [*before, *middle, *after]


def users(description: Description, names: Collection[str]) -> list[Consumer]:
    """The consumers that use any of the credentials NAMES."""
    return [item for item in description.consumers if set(item.credentials) & set(names)]


def needed_hosts(
    description: Description, groups: Mapping[str, Sequence[str]], names: Collection[str]
) -> dict[str, str]:
    """Host -> why a rotation of NAMES cannot do without it."""
    found: dict[str, str] = {}
    for name in names:
        credential = rotatable(description)[name]
        server = _SERVERS.get(credential.kind) or str(credential.options.get("for", ""))
        for host in groups.get(server, ()):
            found.setdefault(host, f"serves {name}")
    for consumer in users(description, names):
        for host in consumer.hosts:
            found.setdefault(host, f"runs {consumer.name}")
    return found


def preconditions(
    description: Description,
    groups: Mapping[str, Sequence[str]],
    names: Collection[str],
    play: Collection[str],
) -> list[Problem]:
    """What stands against a rotation of NAMES in a play over the hosts PLAY, as far as the inventory tells."""
    problems = []
    absent = {host: why for host, why in needed_hosts(description, groups, names).items() if host not in play}
    if absent:
        told = ", ".join(f"{host} ({why})" for host, why in absent.items())
        expected = "every server and consumer of what rotates: run without --limit, or choose with rotation_only"
        problems.append(Problem("hosts of the play", f"that it leaves out {told}", expected))
    for consumer in users(description, names):
        if not consumer.reload.how:
            uses = ", ".join(name for name in consumer.credentials if name in names)
            expected = "one of them, or reload: none if it reads its secrets anew for each connection"
            told = f"no unit, container or reload, and it uses {uses}"
            problems.append(Problem(f"backend_consumers.{consumer.name}", told, expected))
    return problems


def batches(description: Description, names: Collection[str], play: Sequence[str], serial: object) -> list[list[str]]:
    """The hosts of the consumers that use NAMES, in the order of PLAY, as many at a time as SERIAL says (as Ansible's `serial`)."""
    wanted = {host for consumer in users(description, names) for host in consumer.hosts}
    hosts = [host for host in play if host in wanted]
    sizes = [_size(item, len(hosts)) for item in (serial if isinstance(serial, (list, tuple)) and serial else [serial])]
    found: list[list[str]] = []
    while hosts:
        size = sizes[min(len(found), len(sizes) - 1)]
        found.append(hosts[:size])
        hosts = hosts[size:]
    return found


def _size(value: object, count: int) -> int:
    match = re.fullmatch(r"(\d+)(%?)", str(value)) if not isinstance(value, bool) else None
    number = int(match[1]) if match else 0
    if match is None or number < 1:
        raise MainstayError(
            f"rotation_serial: found {value!r}; expected a number of hosts, a percentage, or a list of them"
        )
    return max(1, count * number // 100) if match[2] else number


def age(duration: timedelta) -> str:
    """DURATION for people: days, or hours where it is shorter than two days."""
    hours = int(duration.total_seconds() // 3600)
    return f"{hours // 24}d" if hours >= 48 else f"{hours}h" if hours else f"{int(duration.total_seconds() // 60)}min"


def plan_table(description: Description, planned: Sequence[Planned]) -> list[str]:
    """What a run does with each credential, as lines for people."""
    rows = [
        [
            item.name,
            rotatable(description)[item.name].kind,
            age(item.age),
            "goes on" if item.rotates and not item.due else "rotates" if item.due else "stays",
            item.reason,
            ", ".join(consumer.name for consumer in users(description, [item.name])) or "-",
        ]
        for item in planned
    ]
    return table("Rotation", ["credential", "kind", "age", "what", "why", "consumers"], rows)


def status_table(description: Description, planned: Sequence[Planned], slots: Mapping[str, str]) -> list[str]:
    """Each credential with its age, policy, state and consumers, as lines for people. SLOTS: credential -> the slot in use."""
    rows = [
        [
            item.name,
            rotatable(description)[item.name].kind,
            age(item.age),
            rotatable(description)[item.name].max_age or "-",
            _state(item),
            slots.get(item.name, "-"),
            ", ".join(consumer.name for consumer in users(description, [item.name])) or "-",
        ]
        for item in planned
    ]
    heads = ["credential", "kind", "age", "max_age", "state", "slot", "consumers"]
    return table(f"Credentials of {description.app}, {description.environment}", heads, rows)


def _state(item: Planned) -> str:
    if item.waits_until:
        return f"{item.state}, until {told(item.waits_until)}"
    if item.rotates and not item.due:
        return item.state
    return "due" if item.due else "in use"
