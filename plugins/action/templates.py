# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Renders many templates on the controller, then puts them in place with one remote call."""

from __future__ import annotations

import os
import pwd
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleError
from ansible.template import trust_as_template

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.plugin_utils.action import BackendAction

OPTIONS = ("src", "content", "dest", "owner", "group", "mode", "secret", "validate", "vars")


class ActionModule(BackendAction):
    """Every template is rendered before the one remote call, so that a mistake in any of them changes nothing."""

    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        arguments = self.arguments(templates=[], directories=[])
        items = arguments["templates"]
        if not isinstance(items, Sequence) or isinstance(items, str):
            raise MainstayError("templates: found no list; expected a list of {src, dest, ...}")
        files: list[dict[str, Any]] = []
        secrets: dict[str, str] = {}
        for number, item in enumerate(items):
            entry, content = self._file(number, item, task_vars)
            if entry["secret"]:
                secrets[entry["path"]] = content
            else:
                entry["content"] = content
            files.append(entry)
        return self.remote(
            "files", {"files": files, "secrets": secrets, "directories": arguments["directories"]}, task_vars
        )

    def _file(self, number: int, item: Any, task_vars: dict[str, Any]) -> tuple[dict[str, Any], str]:
        where = f"templates[{number}]"
        if not isinstance(item, Mapping):
            raise MainstayError(f"{where}: found no mapping; expected {{src, dest, ...}}")
        unknown = sorted(set(item) - set(OPTIONS))
        if unknown:
            raise MainstayError(f"{where}: found {', '.join(unknown)}; expected some of {', '.join(OPTIONS)}")
        if ("src" in item) == ("content" in item):
            raise MainstayError(
                f"{where}: found {'both src and content' if 'src' in item else 'neither src nor content'}; expected one of them"
            )
        if not item.get("dest"):
            raise MainstayError(f"{where}.dest: found nothing; expected an absolute path")
        validate = item.get("validate") or []
        entry = {
            "path": str(item["dest"]),
            "secret": self._flag(f"{where}.secret", item.get("secret", False)),
            "validate": shlex.split(validate) if isinstance(validate, str) else list(validate),
            **{key: item[key] for key in ("owner", "group", "mode") if item.get(key) is not None},
        }
        content = str(item["content"]) if "content" in item else self._rendered(where, item, task_vars)
        return entry, content

    @staticmethod
    def _flag(where: str, value: Any) -> bool:
        """A text that is neither yes nor no must not turn a secret file into one that is shown."""
        text = str(value).lower()
        if text not in ("true", "false", "yes", "no"):
            raise MainstayError(f"{where}: found {value!r}; expected true or false")
        return text in ("true", "yes")

    def _rendered(self, where: str, item: Mapping[str, Any], task_vars: dict[str, Any]) -> str:
        """What ansible.builtin.template would write: its search path, its variables, its treatment of blocks."""
        source = str(item["src"])
        try:
            path = self._find_needle("templates", source)
            text = trust_as_template(self._loader.get_text_file_contents(path))
            variables = {
                **task_vars,
                **self._variables(source, path, str(item["dest"]), task_vars),
                **(item.get("vars") or {}),
            }
            folders = [*task_vars.get("ansible_search_path", []), self._loader.get_basedir(), os.path.dirname(path)]
            search = [part for folder in folders for part in (os.path.join(folder, "templates"), folder)]
            templar = self._templar.copy_with_new_env(searchpath=search, available_variables=variables)
            found = templar.template(
                text, escape_backslashes=False, overrides={"trim_blocks": True, "lstrip_blocks": False}
            )
        except (AnsibleError, OSError, UnicodeError) as error:
            raise MainstayError(f"{where}: the template {source} cannot be rendered: {error}") from None
        return "" if found is None else str(found)

    @staticmethod
    def _variables(source: str, path: str, dest: str, task_vars: Mapping[str, Any]) -> dict[str, Any]:
        """The variables that ansible.builtin.template adds, but for times: those would make every run a change."""
        found = os.stat(path)
        try:
            owner: str | int = pwd.getpwuid(found.st_uid).pw_name
        except KeyError:
            owner = found.st_uid
        return {
            "template_path": source,
            "template_fullpath": path,
            "template_destpath": dest,
            "template_host": os.uname().nodename,
            "template_uid": owner,
            "ansible_managed": task_vars.get("ansible_managed", "Ansible managed"),
        }
