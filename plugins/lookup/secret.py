# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: secret
short_description: Reads a credential from the secret store of this collection
description:
  - Reads credentials from the encrypted store on the controller, C(backend_environment).vault.txt or C(.age.txt) in C(backend_store_dir), as the
    description of the current host declares them.
  - The store is opened with the vault passwords that Ansible was given (C(--vault-password-file), C(--vault-id), C(--ask-vault-pass)), or, where
    C(backend_store) is V(age), with the keys of C(backend_store_identity).
version_added: 0.1.0
author: The mainstay.backend authors (@mainstay)
notes:
  - What it returns is secret, except with O(part=user). Ansible shows a task's arguments and results in some places, so give a task that uses it C(no_log), or
    pass the value to an option that hides it.
options:
  _terms:
    description: Names of credentials, declared in C(backend_credentials) or derived (C(DATABASE_db), C(APP_INSTANCE)).
    type: list
    elements: str
    required: true
  part:
    description:
      - What to return of each credential.
      - V(password), V(user) (the login name that consumers use now), V(url) (as a consumer on the current host connects),
        V(sha256) (hexadecimal, as a Valkey ACL holds it) or V(scram) (the verifier that PostgreSQL stores).
      - Of a certificate V(chain), V(key) or V(ca), in PEM.
    type: str
    choices: [password, user, url, sha256, scram, chain, key, ca]
    default: password
  create:
    description: Creates what the store lacks; in check mode for this run only. Otherwise that is an error.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Give a service of another collection the database's URL
  ansible.builtin.copy:
    content: "{{ lookup('mainstay.backend.secret', 'shop_db', part='url') }}"
    dest: /etc/shop/database_url
    mode: "0600"
  no_log: true

- name: Show the login name in use
  ansible.builtin.debug:
    msg: "{{ lookup('mainstay.backend.secret', 'shop_cache', part='user') }}"
"""

RETURN = r"""
_raw:
  description: One text for each name.
  type: list
  elements: str
"""

from collections import ChainMap
from collections.abc import Iterator, Mapping
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ansible_collections.mainstay.backend.plugins.module_utils._certificate_text import material
from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._credentials import Issued, sha256
from ansible_collections.mainstay.backend.plugins.module_utils._description import Description, describe
from ansible_collections.mainstay.backend.plugins.module_utils._environment import TARGETS, url
from ansible_collections.mainstay.backend.plugins.module_utils._scram import verifier
from ansible_collections.mainstay.backend.plugins.plugin_utils import supplied
from ansible_collections.mainstay.backend.plugins.plugin_utils.inventory import group_members, read_hosts
from ansible_collections.mainstay.backend.plugins.plugin_utils.store import issue_named

WITHOUT_CONSUMERS: dict[str, Any] = {"backend_consumers": {}}


def certificate_part(issued: Issued, part: str) -> str:
    if issued.kind != "certificate" or part not in ("chain", "key", "ca"):
        expected = "chain, key or ca" if issued.kind == "certificate" else "another part: this is no certificate"
        raise MainstayError(f"part of {issued.name}: found {part}; expected {expected}")
    found = material(issued.password)
    return {"chain": found.chain, "key": found.key, "ca": found.authorities}[part]


class HostsWithoutConsumers(Mapping[str, Any]):
    """hostvars, but for what the consumers are given: that may be made with this very lookup."""

    def __init__(self, hosts: Any) -> None:
        self._hosts = hosts

    def __getitem__(self, name: str) -> Any:
        return ChainMap(WITHOUT_CONSUMERS, self._hosts[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._hosts)

    def __len__(self) -> int:
        return len(self._hosts)


class LookupModule(LookupBase):
    def run(self, terms: list[Any], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:
        self.set_options(var_options=variables, direct=kwargs)
        values = variables or {}
        try:
            return self._found([str(term) for term in terms], values)
        except MainstayError as error:
            raise AnsibleLookupError(str(error)) from None

    def _found(self, names: list[str], variables: dict[str, Any]) -> list[str]:
        if "hostvars" not in variables:
            expected = "to be read for the host that the task runs on"
            raise MainstayError(f"secret {', '.join(names)}: found in a variable of another host; expected {expected}")
        raw = {**variables, "hostvars": HostsWithoutConsumers(variables["hostvars"]), **WITHOUT_CONSUMERS}
        supplied.use(self._templar, self._loader, variables)
        hosts = read_hosts(self._templar, raw)
        # Problems elsewhere in the description are the preflight's to report: reading one secret does not depend on them.
        description, _unused = describe(hosts, str(variables["inventory_hostname"]), group_members(variables))
        unknown = [name for name in names if name not in description.credentials]
        if unknown:
            known = ", ".join(description.credentials) or "none is declared"
            raise MainstayError(f"credential: found {', '.join(unknown)}; expected one of backend_credentials: {known}")
        check_mode = bool(variables.get("ansible_check_mode", False))
        issued = issue_named(description, names, check_mode, self.get_option("create"))
        return [self._part(description, issued[name]) for name in names]

    def _part(self, description: Description, issued: Issued) -> str:
        part = self.get_option("part")
        if issued.kind == "certificate" or part in ("chain", "key", "ca"):
            return certificate_part(issued, part)
        if part == "user":
            return issued.user
        if part == "url":
            return url(issued, description.endpoints[(TARGETS[issued.kind], issued.target)])
        if part == "sha256":
            return sha256(issued.password)
        if part == "scram":
            return verifier(issued.password, issued.slots[issued.current].salt)
        return issued.password
