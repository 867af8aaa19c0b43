# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What must be true of a rotation, ten checks by the numbers of the invariants. Each returns what it found wrong, in words without secrets.

`at_rest` are those that hold at every instant, also just after a kill; `at_end` those of a rotation that is DONE.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from hunt import Needles, search
from store import Store, spellings, verifiers
from truth import Truth, World, as_version, check_of, sha256
from watch import APPS, Span

from ansible_collections.mainstay.backend.plugins.module_utils._credentials import Issued
from ansible_collections.mainstay.backend.plugins.module_utils._store import Record, Version


def server(record: Record) -> str:
    """Which of this scenario's servers a credential is for."""
    if record.kind == "postgres_role":
        return "database"
    return "session" if record.name == "watcher" else record.name.rpartition("_")[2]


def login(record: Record, version: Version) -> str:
    return Issued(record.name, record.kind, "", version.slot, {}, record.mode).login(version.slot)


@dataclass
class Memory:
    """Every version that the store ever held while the tests ran: what was retired must stay refused, and no secret may come from nowhere."""

    versions: dict[str, dict[str, Version]] = field(default_factory=dict, repr=False)
    needles: Needles = field(default_factory=Needles)

    def keep(self, store: Store) -> None:
        self.needles["the vault password"] = store.vault_password
        for name, record in store.contents.records.items():
            known = self.versions.setdefault(name, {})
            for version in record.versions():
                if version.id not in known:
                    known[version.id] = version
                    label = f"{name} {version.id}"
                    self.needles |= {**spellings(label, version), **verifiers(label, version)}

    def made(self, store: Store) -> dict[str, int]:
        """How many versions of each credential were ever seen."""
        self.keep(store)
        return {name: len(items) for name, items in self.versions.items()}


def durable_before_any_effect(world: World, memory: Memory) -> list[str]:
    """1: whatever a server lets in, or a consumer is told, the store holds."""
    found = []
    for name, record in world.records().items():
        known = {login(record, version): set() for version in record.versions()}
        for version in record.versions():
            known[login(record, version)].add(check_of(record, version))
        for slot in ("a", "b"):
            user = Issued(name, record.kind, "", slot, {}, record.mode).login(slot)
            for place, logins in (("memory", world.memory), ("disk", world.disk)):
                there = logins.get((server(record), user))
                if there and there.on and there.verifiers - known.get(user, set()):
                    found.append(f"{user} has a password in the server's {place} that the store does not hold")
        for host, told in world.told.items():
            if name in told and told[name][1] not in {sha256(version.secret) for version in record.versions()}:
                found.append(f"{host} is told a password of {name} that the store does not hold")
    return found


def configured_works(world: World, truth: Truth) -> list[str]:
    """2: what each consumer is configured with works, by a fresh connection from its host."""
    return [
        f"{host}: {name} {outcome}"
        for host in APPS
        for name, outcome in truth.outcomes(host).items()
        if outcome != "works"
    ]


def retired_only_after_all_moved(world: World) -> list[str]:
    """3: who is connected or configured is let in."""
    found = []
    for name, record in world.records().items():
        for host, told in world.told.items():
            if name in told:
                user, password = told[name]
                matching = [item for item in record.versions() if sha256(item.secret) == password]
                there = world.memory.get((server(record), user))
                if matching and not (there and there.lets_in(check_of(record, matching[0]))):
                    found.append(f"{host} is configured with {user}, which the server lets in no more")
        for place, user, address in world.sessions:
            there = world.memory.get((place, user))
            ours = place == server(record) and user in {login(record, item) for item in record.versions()}
            if ours and (there is None or not there.on):
                found.append(f"{user} is connected from {address}, and its server lets it in no more")
    return found


def old_refused(world: World, truth: Truth, memory: Memory) -> list[str]:
    """4: every version that is not current is refused with an authentication error, from each consumer's host."""
    urls, addresses = {}, truth.addresses()
    for name, record in world.records().items():
        for version in memory.versions.get(name, {}).values():
            if version.id != record.current.id:
                urls[f"{name} {version.id}"] = as_version(addresses[server(record)], record, version)
    if not urls:
        return []
    return [
        f"{host}: {label}: {outcome}"
        for host in APPS
        for label, outcome in truth.outcomes(host, urls).items()
        if outcome != "refused"
    ]


def no_old_session(world: World) -> list[str]:
    """5: nobody is connected as who is not current."""
    current = {(server(item), login(item, item.current)) for item in world.records().values()}
    ours = {
        (server(item), Issued(item.name, item.kind, "", slot, {}, item.mode).login(slot))
        for item in world.records().values()
        for slot in ("a", "b")
    }
    return [
        f"{user} is still connected from {address}"
        for place, user, address in world.sessions
        if (place, user) in ours - current
    ]


def survives_a_restart(world: World) -> list[str]:
    """6: what the servers' files say is what their memory says."""
    return [
        f"{user} of {place}: memory and file differ"
        for (place, user), here in world.memory.items()
        if world.disk.get((place, user)) != here
    ]


def nothing_told(outputs: Iterable[str], needles: Mapping[str, bytes]) -> list[str]:
    """7: no output holds a secret or a verifier."""
    return sorted({label for output in outputs for label in search(needles, [output.encode()])})


def second_run_changes_nothing(changed: Mapping[str, int]) -> list[str]:
    """8: CHANGED is a second run's recap."""
    return [f"{host} changed={number}" for host, number in changed.items() if number] or (
        [] if changed else ["no recap"]
    )


def one_rotation_at_a_time(world: World, before: Mapping[str, int], memory: Memory, rotations: int = 1) -> list[str]:
    """9: one rotation made one version of each credential, and no third secret."""
    after = memory.made(world.store)
    return [
        f"{name}: {after[name] - before.get(name, 0)} new versions"
        for name in after
        if after[name] - before.get(name, 0) > rotations
    ]


def checked_before_the_first_effect(before: World, after: World) -> list[str]:
    """10: where the store says that nothing began, nothing changed."""
    begun = {
        name
        for name, record in after.store.contents.records.items()
        if record != before.store.contents.records.get(name)
    }
    if begun:
        return []
    return [part for part in before.sketch() if before.sketch()[part] != after.sketch()[part]]


def states(world: World) -> dict[str, str]:
    """The states of all but keys: what a key signed may rest until it is over."""
    records = world.store.contents.records
    return {
        name: record.state for name, record in records.items() if record.kind not in ("signing_key", "secret_key_base")
    }


def at_rest(world: World, truth: Truth, memory: Memory, span: Span | None = None) -> dict[str, list[str]]:
    memory.keep(world.store)
    found = {
        "1 durable before any effect": durable_before_any_effect(world, memory),
        "2 configured works": configured_works(world, truth) + (list(map(str, span.failures)) if span else []),
        "3 retired only after all moved": retired_only_after_all_moved(world),
    }
    return {name: wrong for name, wrong in found.items() if wrong}


def at_end(world: World, truth: Truth, memory: Memory) -> dict[str, list[str]]:
    memory.keep(world.store)
    found = {
        "done": [f"{name} is in state {state}" for name, state in states(world).items() if state not in ("", "DONE")],
        "1 durable before any effect": durable_before_any_effect(world, memory),
        "2 configured works": configured_works(world, truth),
        "3 retired only after all moved": retired_only_after_all_moved(world),
        "4 old refused": old_refused(world, truth, memory),
        "5 no old session": no_old_session(world),
        "6 survives a restart": survives_a_restart(world),
    }
    return {name: wrong for name, wrong in found.items() if wrong}
