# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The store in a file that is encrypted with age to several recipients: each operator reads it with a key of their own."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Sequence
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils import _age
from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._deps import require
from ansible_collections.mainstay.backend.plugins.plugin_utils.store_file import (
    LOCK_SECONDS,
    FileStore,
    Opened,
    Shut,
    command_line,
)

IDENTITY_VARIABLE = "MAINSTAY_AGE_IDENTITY"
IDENTITY_PATH = "~/.config/mainstay/identity.txt"


class AgeFile(FileStore):
    """ENVIRONMENT.age.txt, armored. Its readers are the recipients it was written for, sorted.

    An age file does not tell its X25519 recipients, so they are kept inside, under `recipients` beside the credentials; somebody who edits the
    file with `age` itself and gives it others is found out by their number.
    """

    KIND = "age"

    def __init__(
        self,
        directory: str,
        environment: str,
        recipients: Sequence[str] = (),
        identities: Sequence[str] = (),
        lock_seconds: float = LOCK_SECONDS,
    ) -> None:
        super().__init__(directory, environment, lock_seconds)
        self.recipients = tuple(recipients)
        self.identities = tuple(identities) or _usual_identities()

    def ready(self) -> None:
        self._keys()

    def open_data(self, data: bytes) -> Opened:
        pyrage, keys = require("pyrage"), self._keys()
        if not data.startswith((b"-----BEGIN AGE ENCRYPTED FILE-----", b"age-encryption.org/")):
            raise Shut("a file that is not encrypted with age", "one that this collection made")
        try:
            plain: bytes = pyrage.decrypt(data, keys)
        except pyrage.DecryptError as error:
            if "No matching keys" in str(error):
                found = f"that no identity of {', '.join(self.identities)} opens it"
                raise Shut(found, "one of its recipients: ask one of them to add you and re-key", whole=True) from None
            raise Shut("that it cannot be decrypted", "a whole age file") from None
        contents = self.parse(plain)
        told = json.loads(plain).get("recipients")
        listed = [str(item) for item in told] if isinstance(told, list) else []
        return Opened(contents, tuple(sorted(listed)) if _age.written_for(data, listed) else ())

    def seal(self, text: str, readers: Any) -> bytes:
        """Refuses to write what we could not open again."""
        pyrage = require("pyrage")
        keys = [_recipient(pyrage, text) for text in readers]
        inside = json.dumps({**json.loads(text), "recipients": list(readers)}, indent=2) + "\n"
        data: bytes = pyrage.encrypt(inside.encode(), keys, armored=True)
        try:
            pyrage.decrypt(data, self._keys())
        except pyrage.DecryptError:
            raise MainstayError(
                f"backend_store_recipients: found none that an identity of {', '.join(self.identities)} belongs to, so that we "
                "would lock ourselves out; expected our own recipient too (age-keygen -y FILE shows it)"
            ) from None
        return data

    def wanted(self, readers: Any = None) -> Any:
        readers = tuple(sorted(dict.fromkeys(key for text in self.recipients for key in _recipients(text))))
        if not readers:
            raise MainstayError(
                f"backend_store_recipients: found none; expected at least our own, {_age.RECIPIENT}, or files of them"
            )
        self.seal("{}", readers)
        return readers

    def kept(self, readers: Any) -> Any:
        wanted = self.wanted()
        if readers is not None and not self.same(readers, wanted):
            found = (
                _age.difference(readers, wanted)
                if readers
                else "differs from that of its recipients, who are not known"
            )
            raise MainstayError(
                f"backend_store_recipients: found a list that {found}, other than {self.path} was written for; expected the same, "
                f"or write it for these with: {command_line('rekey')}"
            )
        return wanted

    def told(self, readers: Any) -> list[str]:
        return list(readers) or ["recipients that it does not tell: it was written by another program"]

    def _keys(self) -> list[Any]:
        pyrage = require("pyrage")
        return [key for path in self.identities for key in _identities(pyrage, path)]


def _usual_identities() -> tuple[str, ...]:
    given = os.environ.get(IDENTITY_VARIABLE, "")
    return tuple(item for item in given.split(os.pathsep) if item) or (IDENTITY_PATH,)


def _identities(pyrage: Any, path: str) -> list[Any]:
    """The keys in the file PATH: age identities, a line each, or one SSH key. No message quotes the file."""
    where = f"backend_store_identity: found {path}"
    expected = "a file of yours with mode 0600 that age-keygen made, or an unencrypted ssh-ed25519 key"
    try:
        with open(os.path.expanduser(path), "rb") as handle:
            found = os.fstat(handle.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise MainstayError(f"{where}, which is not a file; expected {expected}")
            if stat.S_IMODE(found.st_mode) & 0o077:
                mode = f"{stat.S_IMODE(found.st_mode):04o}"
                raise MainstayError(f"{where} with mode {mode}; expected 0600: others could read the key")
            data = handle.read(65536)
    except OSError as error:
        raise MainstayError(f"{where} ({error.strerror}); expected {expected}") from None
    try:
        if data.startswith(b"-----BEGIN OPENSSH PRIVATE KEY-----"):
            return [pyrage.ssh.Identity.from_buffer(data)]
        lines = _age.identity_lines(data.decode("utf-8", "replace"))
        keys = [pyrage.x25519.Identity.from_str(line) for line in lines]
    except pyrage.IdentityError:
        raise MainstayError(f"{where}, with a key that cannot be used (not shown); expected {expected}") from None
    if not keys:
        raise MainstayError(f"{where}, with no key in it; expected {expected}")
    return keys


def _recipients(text: str) -> list[str]:
    """The recipients that one entry of backend_store_recipients means."""
    if not _age.is_path(text):
        return [_known(text, "backend_store_recipients")]
    path = os.path.expanduser(text)
    try:
        with open(path, encoding="utf-8") as handle:
            lines = _age.recipient_lines(handle.read(1 << 20))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        expected = f"a file of recipients, a line each: {_age.RECIPIENT}"
        raise MainstayError(f"backend_store_recipients: found {path} ({reason}); expected {expected}") from None
    if not lines:
        raise MainstayError(f"backend_store_recipients: found {path} without a recipient; expected {_age.RECIPIENT}")
    return [_known(line, f"{path} line {number}") for number, line in lines]


def _known(text: str, where: str) -> str:
    found = _age.recipient(text)
    if found is None:
        told = "something that looks secret (not shown)" if _age.is_secret(text) else repr(text[:60])
        raise MainstayError(f"{where}: found {told}; expected {_age.RECIPIENT}")
    _recipient(require("pyrage"), found, where)
    return found


def _recipient(pyrage: Any, text: str, where: str = "backend_store_recipients") -> Any:
    kind = pyrage.ssh if text.startswith("ssh-") else pyrage.x25519
    try:
        return kind.Recipient.from_str(text)
    except pyrage.RecipientError:
        raise MainstayError(
            f"{where}: found {_age.short(text)!r}, which has a typing error; expected {_age.RECIPIENT}"
        ) from None
