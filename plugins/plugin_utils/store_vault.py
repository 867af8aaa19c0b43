# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The store in a file that is encrypted with Ansible Vault: who has the password reads it."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleError
from ansible.parsing.vault import VaultLib, VaultSecretsContext, is_encrypted, match_encrypt_secret

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.plugin_utils.store_file import LOCK_SECONDS, FileStore, Opened, Shut

HOW = "give one with --vault-password-file FILE, --vault-id NAME@FILE, --ask-vault-pass or ANSIBLE_VAULT_PASSWORD_FILE"
_UNNAMED = ("", "default")


class VaultFile(FileStore):
    """ENVIRONMENT.vault.txt. Its readers are (vault id, the password)."""

    KIND = "vault"

    def __init__(
        self, directory: str, environment: str, vault_id: str = "", lock_seconds: float = LOCK_SECONDS
    ) -> None:
        super().__init__(directory, environment, lock_seconds)
        self.vault_id = vault_id

    def ready(self) -> None:
        self._secrets()

    def _secrets(self) -> list[tuple[str, Any]]:
        context = VaultSecretsContext.current(optional=True)
        if context is None or not context.secrets:
            raise MainstayError(f"{self.place}: found no vault password; {HOW}")
        return list(context.secrets)

    def _ids(self) -> str:
        return ", ".join(dict.fromkeys(str(name) for name, secret in self._secrets()))

    def open_data(self, data: bytes) -> Opened:
        if not is_encrypted(data):
            raise Shut("a file that is not encrypted", "one that this collection made")
        try:
            plain, vault_id, secret = VaultLib(self._secrets()).decrypt_and_get_vault_id(data)
        except (AnsibleError, ValueError):
            found = f"that no given vault password (ids: {self._ids()}) opens it"
            raise Shut(found, "the password that it was encrypted with, and a whole file") from None
        return Opened(self.parse(plain), (str(vault_id or ""), secret))

    def seal(self, text: str, readers: Any) -> bytes:
        label, secret = readers
        found: bytes = VaultLib().encrypt(text, secret=secret, vault_id=None if label in _UNNAMED else label)
        return found

    def wanted(self, readers: Any = None) -> Any:
        """The password of backend_store_vault_id; without that the one it is encrypted with, at first the first one given."""
        if readers is not None and not self.vault_id:
            return readers
        try:
            vault_id, secret = match_encrypt_secret(self._secrets(), self.vault_id or None)
        except AnsibleError:
            found = f"found {self.vault_id!r}, which has no password"
            raise MainstayError(f"backend_store_vault_id: {found}; expected one of {self._ids()}") from None
        return str(vault_id or ""), secret

    def kept(self, readers: Any) -> Any:
        return self.wanted(readers)

    def told(self, readers: Any) -> list[str]:
        return [f"vault id {readers[0] or 'default'}"]

    def same(self, one: Any, other: Any) -> bool:
        return _label(one[0]) == _label(other[0]) and bool(one[1].bytes == other[1].bytes)


def _label(vault_id: str) -> str:
    return "" if vault_id in _UNNAMED else vault_id
