# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Debian's age reads what we write, and we read what it writes: with keys of age-keygen and of ssh-keygen."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mainstay.backend.plugins.module_utils import _store
from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._credentials import Credential
from ansible_collections.mainstay.backend.plugins.plugin_utils.store_age import AgeFile

INSTALL = (
    "command -v age ssh-keygen >/dev/null || (apt-get -qq update && "
    "DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends age openssh-client)"
)


@pytest.fixture(scope="module")
def people(host: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, str]]:
    """Who -> (the identity's file here and, at the same path, on the host; the recipient). Made by the programs themselves."""
    place = str(tmp_path_factory.mktemp("people"))
    host.run(INSTALL, seconds=1800)
    host.run(
        f"mkdir -p {place} && cd {place} && age-keygen -o anna 2>/dev/null && ssh-keygen -qt ed25519 -N '' -C ben@laptop -f ben"
    )
    host.run(f"cd {place} && age-keygen -o third 2>/dev/null")
    found = {}
    for name, told in (("anna", "age-keygen -y anna"), ("ben", "cat ben.pub"), ("third", "age-keygen -y third")):
        path = Path(place, name)
        path.write_text(host.run(f"cat {path}"))
        path.chmod(0o600)
        found[name] = (str(path), host.run(f"cd {place} && {told}").strip())
    return found


@pytest.fixture
def store(tmp_path: Path, people: dict[str, tuple[str, str]]) -> AgeFile:
    AgeFile._cache.clear()
    recipients = [people[name][1] for name in ("anna", "ben")]
    return AgeFile(str(tmp_path), "production", recipients, [people["anna"][0]])


def add(name: str) -> Any:
    wanted = [Credential(name, "valkey_user")]
    return lambda found: _store.create(found, wanted, "2026-11-23T00:00:00Z", _store.random_versions(os.urandom))


@pytest.mark.parametrize("name", ["anna", "ben"])
def test_age_reads_what_we_write(host: Any, store: AgeFile, people: dict[str, tuple[str, str]], name: str) -> None:
    written = store.update(add("one"))
    text = Path(store.path).read_text()
    told = json.loads(host.run(["age", "-d", "-i", people[name][0]], text=text))
    assert told["credentials"]["one"]["current"]["secret"] == written.records["one"].current.secret
    assert "no identity matched" in host.run(f"age -d -i {people['third'][0]} 2>&1; true", text=text)


@pytest.mark.parametrize("name", ["anna", "ben"])
def test_we_read_what_age_writes(
    host: Any, store: AgeFile, people: dict[str, tuple[str, str]], tmp_path: Path, name: str
) -> None:
    """An operator edits it by hand: decrypted, encrypted again for the same people."""
    written = store.update(add("one"))
    host.write("/root/recipients", "".join(f"{recipient}\n" for recipient in store.recipients))
    again = f"age -d -i {people[name][0]} | age -a -R /root/recipients"
    Path(store.path).write_text(host.run(again, text=Path(store.path).read_text()))
    mine = AgeFile(str(tmp_path), "production", store.recipients, [people[name][0]])
    assert mine.read() == written
    mine.update(add("two"))
    assert set(store.read().records) == {"one", "two"}


def test_recipients_that_age_added_are_found_out(host: Any, store: AgeFile, people: dict[str, tuple[str, str]]) -> None:
    store.update(add("one"))
    host.write("/root/recipients", "".join(f"{people[name][1]}\n" for name in ("anna", "ben", "third")))
    again = f"age -d -i {people['anna'][0]} | age -a -R /root/recipients"
    Path(store.path).write_text(host.run(again, text=Path(store.path).read_text()))
    assert set(store.read().records) == {"one"}
    with pytest.raises(MainstayError, match=r"differs from that of its recipients, who are not known, .*command=rekey"):
        store.update(add("two"))


def test_every_end_of_a_file_of_age_that_is_cut_is_refused(
    host: Any, store: AgeFile, people: dict[str, tuple[str, str]]
) -> None:
    """Ours and the program's judgement of the same cut files."""
    store.update(add("one"))
    whole = Path(store.path).read_text()
    for length in range(0, len(whole) - 40, 97):
        Path(store.path).write_text(whole[:length])
        store._cache.clear()
        with pytest.raises(MainstayError):
            store.read()
        assert host.run(f"age -d -i {people['anna'][0]} >/dev/null 2>&1; echo $?", text=whole[:length]).strip() == "1"
