# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads a secret store with Ansible's own vault, and lists every text that must not show anywhere."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ansible.parsing.vault import VaultLib, VaultSecret

from ansible_collections.mainstay.backend.plugins.module_utils._credentials import Issued
from ansible_collections.mainstay.backend.plugins.module_utils._store import Contents, Version, issued, parse

ENDING = ".vault.txt"


@dataclass(frozen=True)
class Store:
    """The contents of a store. Nothing of it may appear in an assertion's message: `repr` shows nothing."""

    contents: Contents
    vault_password: bytes

    def __repr__(self) -> str:
        return "Store(not shown)"

    @property
    def issued(self) -> dict[str, Issued]:
        return {name: issued(record, "") for name, record in self.contents.records.items()}

    def passwords(self) -> dict[str, bytes]:
        """Label -> secret, in every spelling: as it is, in base64, and the vault's own."""
        found = {"the vault password": self.vault_password}
        for name, record in self.contents.records.items():
            for version in record.versions():
                found.update(spellings(f"{name}_{version.slot}", version))
        return found

    def derived(self) -> dict[str, bytes]:
        """Label -> what a server may hold, yet no output may show: hashes of secrets and the keys of SCRAM verifiers."""
        found = {}
        for name, record in self.contents.records.items():
            for version in record.versions():
                found.update(verifiers(f"{name}_{version.slot}", version))
        return found

    def everything(self) -> dict[str, bytes]:
        return {**self.passwords(), **self.derived()}


def spellings(label: str, version: Version) -> dict[str, bytes]:
    """A secret of several lines (a certificate with its key) by the lines of its private key."""
    secret = version.secret.encode()
    if b"\n" in secret:
        key = secret.split(b"PRIVATE KEY-----\n", 1)[-1].split(b"\n-----END", 1)[0].splitlines()
        return {f"line {number} of the key of {label}": line for number, line in enumerate(key) if len(line) >= 32}
    # The first bytes in base64 stay the same whatever follows; the last ones may not.
    base = base64.b64encode(secret)[:40]
    return {f"password of {label}": secret, f"password of {label} in base64": base}


def verifiers(label: str, version: Version) -> dict[str, bytes]:
    """What servers hold of a password: its SHA-256, and the two keys of its SCRAM verifier."""
    secret = version.secret.encode()
    found = {f"SHA-256 of {label}": hashlib.sha256(secret).hexdigest().encode()}
    salted = hashlib.pbkdf2_hmac("sha256", secret, version.salt, 4096)
    for key in (b"Client Key", b"Server Key"):
        digest = hmac.digest(salted, key, "sha256")
        stored = hashlib.sha256(digest).digest() if key == b"Client Key" else digest
        found[f"SCRAM {key.decode()} of {label}"] = base64.b64encode(stored)
    return found


def open_store(folder: Path, password_file: Path) -> Store:
    """The one store in FOLDER. PASSWORD_FILE may be a script, as Ansible allows."""
    if os.access(password_file, os.X_OK):
        password = subprocess.run([str(password_file)], check=True, capture_output=True).stdout.strip()
    else:
        password = password_file.read_bytes().strip()
    (path,) = folder.glob(f"*{ENDING}")
    text = VaultLib([("default", VaultSecret(password))]).decrypt(path.read_bytes())
    environment = path.name.removesuffix(ENDING)
    return Store(parse(text.decode(), environment, str(path)), password)
