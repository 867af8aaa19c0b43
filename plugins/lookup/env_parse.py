# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: env_parse
short_description: Reads environment files on the controller as a given loader does
description:
  - Returns the variables that a program gets from a file, quotes, escapes, comments, expansion and all. Loaders differ in these.
  - Nothing is executed. Where dotenv of Ruby would run a command, C($(...)), it stays in the value as it is written.
  - A key that the loader leaves unset is not in the result. Only python-dotenv gives a key without a value, which is V(none) here.
  - A file that the loader refuses is an error, which tells the line and what is wrong there, and never a value.
version_added: 0.2.0
author: The mainstay.backend authors (@mainstay)
notes:
  - What it returns may be secret. Give a task that uses it C(no_log).
  - A file that Ansible Vault encrypted is decrypted first.
options:
  _terms:
    description: Paths of files, looked for as P(ansible.builtin.file#lookup) does.
    type: list
    elements: str
    required: true
  loader:
    description:
      - Who reads the file.
      - V(ruby) is dotenv 3.2, V(python) python-dotenv 1.2, V(node) dotenv 17.4 (without dotenv-expand), V(systemd) C(EnvironmentFile=) of systemd 257,
        V(compose) C(env_file) of Docker Compose 2.26, V(docker) C(docker run --env-file) 28.2.
    type: str
    required: true
    choices: [ruby, python, node, systemd, compose, docker]
  environment:
    description: The environment of the process that reads the file. A loader may take values from there.
    type: dict
    default: {}
seealso:
  - plugin: mainstay.backend.env_parse
    plugin_type: filter
"""

EXAMPLES = r"""
- name: The container must get the same password as the application
  ansible.builtin.assert:
    that: lookup('mainstay.backend.env_parse', path, loader='compose').PASSWORD == lookup('mainstay.backend.env_parse', path, loader='ruby').PASSWORD
  vars:
    path: "{{ playbook_dir }}/.env"
  no_log: true
"""

RETURN = r"""
_raw:
  description: For each file, the variables and their values.
  type: list
  elements: dict
"""

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError, AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.plugin_utils.env_text import parse


class LookupModule(LookupBase):
    def run(
        self, terms: list[Any], variables: dict[str, Any] | None = None, **kwargs: Any
    ) -> list[dict[str, str | None]]:
        self.set_options(var_options=variables, direct=kwargs)
        return [self._parsed(str(term), variables or {}) for term in terms]

    def _parsed(self, term: str, variables: dict[str, Any]) -> dict[str, str | None]:
        path = self.find_file_in_search_path(variables, "files", term, ignore_missing=True)
        if not path:
            raise AnsibleLookupError(f"env_parse: found no file {term}; expected an environment file")
        try:
            return parse(self._content(path), self.get_option("loader"), self.get_option("environment"))
        except MainstayError as error:
            raise AnsibleLookupError(f"env_parse: {term}: {error}") from None
        except OSError as error:
            raise AnsibleLookupError(f"env_parse: {term}: {error.strerror}") from None

    def _content(self, path: str) -> bytes:
        """The file's bytes; those of a vault file decrypted."""
        content = Path(path).read_bytes()
        if not content.startswith(b"$ANSIBLE_VAULT;"):
            return content
        try:
            return str(self._loader.get_text_file_contents(path)).encode("utf-8", "surrogateescape")
        except AnsibleError:
            raise MainstayError("found a vault file that no vault password opens") from None
