# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What can be done with a store in a file as a whole: write it for other readers or with another back end, and put back the one before."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils import _store
from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._crash import crash
from ansible_collections.mainstay.backend.plugins.module_utils._files import fsync_directory
from ansible_collections.mainstay.backend.plugins.module_utils._store import Contents
from ansible_collections.mainstay.backend.plugins.module_utils._store_table import differing
from ansible_collections.mainstay.backend.plugins.plugin_utils.store_file import FileStore, Opened, Shut, now


@dataclass(frozen=True)
class Outcome:
    """What a command did, or would do: `before` and `after` tell the file and its readers, `actions` what happened. Nothing in it is secret."""

    changed: bool
    actions: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


def rekey(store: FileStore, others: Iterable[FileStore], check_mode: bool) -> Outcome:
    """Brings the store to what the inventory says: its back end, its readers. The contents stay as they are.

    STORE is the back end that the inventory names. The file before is written for the new readers too: who shall not read the secrets any more
    must not find them beside the store. Broken off, it is run again.
    """
    store.ready()
    with store.failures("written"), _writer(store, check_mode):
        old = [other for other in others if os.path.lexists(other.path)]
        here = store.open_file() if os.path.lexists(store.path) or not old else None
        for other in old:
            other.ready()
        there = [(other, other.open_file()) for other in old]
        _agree(store, here, there)
        source, opened = (store, here) if here and here.readers is not None else next(iter(there), (store, None))
        if opened is None or opened.readers is None:
            raise MainstayError(
                f"{store.place}: found no such file; expected one: the first run of a playbook makes it"
            )
        wanted = store.wanted(opened.readers if source is store else None)
        fits = source is store and store.same(opened.readers, wanted)
        before = (source.path, *source.told(opened.readers))
        after = (store.path, *store.told(wanted))
        actions = [] if fits else [f"wrote {store.path} for {', '.join(store.told(wanted))}"]
        backup = _backup_differs(store, wanted) or not fits
        actions += [f"wrote {store.backup} for the same"] if fits and backup else []
        actions += [f"moved {other.path} to {other.backup}" for other in old]
        if actions and not check_mode:
            data = store.data(store.path) if fits else store.seal(_store.dump(opened.contents), wanted)
            if not fits:
                store.replace(store.path, data, "store")
            crash("store.rekeyed")
            if backup:
                store.replace(store.backup, data, "store.backup")
            crash("store.moved")
            for other in old:
                os.rename(other.path, other.backup)
                fsync_directory(other.directory)
    return Outcome(bool(actions), tuple(actions), before, after)


def _agree(store: FileStore, here: Opened | None, there: list[tuple[FileStore, Opened]]) -> None:
    """Two files with different contents: a person has to say which one is right."""
    for other, opened in there:
        if here is not None and here.contents != opened.contents:
            names = ", ".join(differing(here.contents, opened.contents))
            raise MainstayError(
                f"{store.place}: found {other.path} beside it with other secrets ({names}); expected one store: "
                "move away the one that is not right"
            )


def _backup_differs(store: FileStore, wanted: Any) -> bool:
    """Whether there is a backup that others than WANTED read; one that we cannot open is such a one."""
    try:
        return not store.same(store.open_data(store.data(store.backup)).readers, wanted)
    except FileNotFoundError:
        return False
    except (Shut, MainstayError):
        return True


def restore(store: FileStore, check_mode: bool, force: bool) -> Outcome:
    """Puts back the file before the last write. The one that is there stays beside it, ending in '.bak'.

    FORCE: also where that one opens, or others can open it, so that what was written last would be lost.
    """
    store.ready()
    with store.failures("written"), _writer(store, check_mode):
        data, kept = _kept(store)
        current = _current(store)
        lost = differing(current, kept) if current is not None else None
        if lost == []:
            return Outcome(False, (), (store.path,), (store.path,))
        if lost and not force:
            raise MainstayError(
                f"{store.place}: found that it opens; expected a damaged one. The one before differs in {', '.join(lost)}; "
                "to lose that, run again with -e force=true"
            )
        aside = f"{store.path}.damaged-{now().replace(':', '')}-{os.getpid()}.bak"
        there = os.path.lexists(store.path)
        if there and current is None and not force:
            _refuse_whole(store)
        actions = [f"kept the file that was there as {aside}"] if there else []
        actions.append(f"put back {store.backup}")
        if not check_mode:
            if there:
                _keep(store, aside)
            store.replace(store.path, data, "store")
    return Outcome(True, tuple(actions), ("the last write",), (f"the one before it: {len(kept.records)} credentials",))


def _kept(store: FileStore) -> tuple[bytes, Contents]:
    """The backup, as it is and opened."""
    try:
        data = store.data(store.backup)
        return data, store.open_data(data).contents
    except FileNotFoundError:
        raise MainstayError(
            f"{store.place}: found no {store.backup}; expected the one before the last write. Take the store from your own backup"
        ) from None
    except Shut as shut:
        raise MainstayError(f"{store.backup}: found {shut}; expected {shut.expected}") from None


def _current(store: FileStore) -> Contents | None:
    """What the file holds; None where it does not open, or is not there."""
    try:
        return store.open_data(store.data(store.path)).contents
    except (FileNotFoundError, Shut, MainstayError):
        return None


def _refuse_whole(store: FileStore) -> None:
    """A file that is whole, and for others' keys, is not damaged: somebody wrote it without us."""
    try:
        store.open_data(store.data(store.path))
    except Shut as shut:
        if shut.whole:
            raise MainstayError(
                f"{store.place}: found {shut}, though it is whole; expected {shut.expected}. To put the one before it in its place "
                "all the same, run again with -e force=true"
            ) from None


def _keep(store: FileStore, aside: str) -> None:
    """A second name takes no room on a full disk; where there are no links, a copy."""
    try:
        os.link(store.path, aside)
        fsync_directory(store.directory)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK):
            raise
        store.replace(aside, store.data(store.path), "store.aside")


def _writer(store: FileStore, check_mode: bool) -> AbstractContextManager[None]:
    return contextlib.nullcontext() if check_mode else store.lock()
