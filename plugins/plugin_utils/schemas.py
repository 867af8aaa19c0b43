# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads the consumers' schemas on the controller."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._description import Description
from ansible_collections.mainstay.backend.plugins.module_utils._env_schema import Schema, read_schema


def read_schemas(description: Description, task_vars: Mapping[str, Any]) -> dict[str, Schema]:
    """Consumer -> its schema, of those on the current host that name one. A relative path begins at the inventory."""
    found: dict[str, Schema] = {}
    for consumer in description.consumers_here():
        path = consumer.application.schema
        if path:
            base = task_vars.get("inventory_dir") or task_vars.get("playbook_dir") or "."
            path = os.path.join(str(base), os.path.expanduser(path))
            found[consumer.name] = read_schema(_text(consumer.name, path), path)
    return found


def _text(consumer: str, path: str) -> str:
    where = f"backend_consumers.{consumer}.schema"
    try:
        with open(path, encoding="utf-8") as handle:
            return handle.read()
    except OSError as error:
        raise MainstayError(
            f"{where}: found {path!r} ({error.strerror}); expected an env.schema.yml on the controller"
        ) from None
    except UnicodeDecodeError:
        raise MainstayError(f"{where}: found {path!r}, which is not UTF-8; expected an env.schema.yml") from None
