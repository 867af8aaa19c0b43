# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: rails_credentials
short_description: Reads values out of the encrypted credentials of a Rails application
description:
  - Decrypts Rails' own file on the controller and returns the values at key paths. Neither Ruby nor Rails is needed.
  - The key is O(key), else that in O(key_file), else the environment variable C(RAILS_MASTER_KEY) of the Ansible process, else that in the key file
    which Rails has for the path.
version_added: 0.2.0
author: The mainstay.backend authors (@mainstay)
notes:
  - What it returns is secret. Ansible shows a task's arguments and results in some places, so give a task that uses it C(no_log), or pass the value to
    an option that hides it.
  - Values are read as YAML 1.1; dates and Ruby symbols come as text. YAML tags that only Ruby knows are refused.
options:
  _terms:
    description: Key paths, like V(aws.access_key_id); a number is an index in a list. A name with a dot in it stands in double quotes.
    type: list
    elements: str
    required: true
  path:
    description: The encrypted file, relative to the playbook. Give it, or O(root).
    type: path
  root:
    description: The application's folder.
    type: path
  environment:
    description: A Rails environment. As in Rails, its own credentials replace the global ones where they exist. Only with O(root).
    type: str
    default: ""
  key_file:
    description: The file with the key.
    type: path
  key:
    description: The key itself, 32 hexadecimal characters.
    type: str
seealso:
  - module: mainstay.backend.rails_credentials
"""

EXAMPLES = r"""
- name: Give a service of another collection what the application knows
  ansible.builtin.copy:
    content: "{{ lookup('mainstay.backend.rails_credentials', 'aws.secret_access_key', root='/home/me/shop', environment='production') }}"
    dest: /etc/backup/aws_secret
    mode: "0600"
  no_log: true
"""

RETURN = r"""
_raw:
  description: The value at each key path. A mapping stays one.
  type: list
  elements: raw
"""

import os
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._rails_credentials import key_file_of, place_of
from ansible_collections.mainstay.backend.plugins.module_utils._rails_pair import open_pair
from ansible_collections.mainstay.backend.plugins.module_utils._yaml_edit import parse_path, value_at
from ansible_collections.mainstay.backend.plugins.module_utils._yaml_tree import read_yaml


class LookupModule(LookupBase):
    def run(self, terms: list[Any], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[Any]:
        self.set_options(var_options=variables, direct=kwargs)
        try:
            return self._found([str(term) for term in terms])
        except MainstayError as error:
            raise AnsibleLookupError(str(error)) from None
        except OSError as error:
            raise AnsibleLookupError(f"{error.filename or 'a file'}: {error.strerror}") from None

    def _found(self, terms: list[str]) -> list[Any]:
        paths = [parse_path(term) for term in terms]
        path = self._path()
        key, key_file = self.get_option("key") or "", self._file("key_file")
        if not key and not key_file:
            key = os.environ.get("RAILS_MASTER_KEY", "").strip()
        pair = open_pair(path, "" if key else key_file or key_file_of(path), key)
        if pair.content is None:
            raise MainstayError(f"path: found no {path}; expected the encrypted credentials of a Rails application")
        data = read_yaml(pair.text)
        try:
            return [value_at(data, item) for item in paths]
        except KeyError as error:
            raise MainstayError(f"{path}: found no {error.args[0]}; expected a key path of the credentials") from None

    def _path(self) -> str:
        path, root, environment = self._file("path"), self._file("root"), self.get_option("environment")
        if bool(path) == bool(root):
            found = "both path and root" if path else "neither path nor root"
            raise MainstayError(f"path: found {found}; expected one of them")
        if path and environment:
            raise MainstayError("environment: found it without root; expected root, or path alone")
        return path or place_of(root, environment, os.path.exists(place_of(root, environment, True).path)).path

    def _file(self, option: str) -> str:
        """The path in OPTION, absolute: one that is not is relative to the playbook."""
        given = self.get_option(option)
        return str(self._loader.path_dwim(given)) if given else ""
