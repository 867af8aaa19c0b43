# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The .env files of a Rails application in their layers, as dotenv-rails 3.2 loads them."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.mainstay.backend.plugins.module_utils import _env_ruby
from ansible_collections.mainstay.backend.plugins.module_utils._env_loaders import LoaderRefuses


class LayerRefuses(LoaderRefuses):
    """dotenv refuses one of the files. Its name stands before the message."""

    def __init__(self, file: str, refusal: LoaderRefuses) -> None:
        super().__init__(refusal.loader, refusal.line, refusal.reason)
        self.file = file

    def __str__(self) -> str:
        return f"{self.file}: {super().__str__()}"


def layer_order(environment: str) -> tuple[str, ...]:
    """The names of the files that Rails reads in ENVIRONMENT; the first one that sets a variable wins."""
    local = () if environment == "test" else (".env.local",)
    return (f".env.{environment}.local", *local, f".env.{environment}", ".env")


def env_layers(
    files: Mapping[str, bytes | str],
    environment: str,
    process_env: Mapping[str, str] | None = None,
    overwrite: bool = False,
) -> dict[str, str]:
    """What the process has in its environment once it has loaded FILES (name -> content): PROCESS_ENV, and what the files add.

    PROCESS_ENV wins, or with OVERWRITE the files do. Files that Rails does not read in ENVIRONMENT are not looked at. LayerRefuses names the file.
    """
    result = dict(process_env or {})
    order = layer_order(environment)
    for name in reversed(order) if overwrite else order:
        content = files.get(name)
        if content is None:
            continue
        data = content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content
        try:
            loaded = _env_ruby.parse(data, result, overwrite)
        except LoaderRefuses as refusal:
            raise LayerRefuses(name, refusal) from None
        for key, value in loaded.variables.items():
            if value is not None and (overwrite or key not in result):
                result[key] = value
    return result
