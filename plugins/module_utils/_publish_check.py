# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Judges what is about to be written for the consumers against their schemas: what would not pass is not written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._env_backend import backend_options
from ansible_collections.mainstay.backend.plugins.module_utils._env_validate import Options, Source, evaluate
from ansible_collections.mainstay.backend.plugins.module_utils._findings import FAIL_ON, Finding, fails

if TYPE_CHECKING:
    from ansible_collections.mainstay.backend.plugins.plugin_utils.types import Consumer, Description, Schema

#: Those that this collection writes for. `docker --env-file` knows no quotes, and takes no value that needs them.
LOADERS_OF_FILES = ("ruby", "python", "node", "systemd", "compose")


def check_call(
    description: Description, call: Mapping[str, Any], schemas: Mapping[str, Schema], fail_on: object
) -> None:
    """Raises MainstayError with the findings where the .env files in CALL, arguments of the module `files`, do not fit their schemas."""
    if fail_on not in FAIL_ON:
        raise MainstayError(f"environment_fail_on: found {fail_on!r}; expected one of {', '.join(FAIL_ON)}")
    lines = []
    for consumer in description.consumers_here():
        schema = schemas.get(consumer.name)
        findings = findings_of(description, consumer, call, schema) if schema else []
        if fails(findings, str(fail_on)):
            causes = [item for item in findings if fails([item], str(fail_on))]
            lines += [f"- {item.file}: {item.rule}: {item.message}. {item.remedy}" for item in causes]
    if lines:
        raise MainstayError("what would be written does not pass its schema, so nothing was:\n" + "\n".join(lines))


def findings_of(description: Description, consumer: Consumer, call: Mapping[str, Any], schema: Schema) -> list[Finding]:
    """What is wrong with CONSUMER's .env files in CALL, as all loaders read them."""
    known = backend_options(description, {"files": [consumer.env_file]})
    layers = [consumer.env_file, f"{consumer.env_file}.{description.environment}"]
    content = {item["path"]: item.get("content") or "" for item in call["files"]}
    content.update(call["secrets"])
    sources = [
        Source("env", path, content[path].encode(), mode=0o600, owner=consumer.owner, group=consumer.group)
        for path in layers
        if path in content
    ]
    options = Options(
        loaders=LOADERS_OF_FILES,
        environment=description.environment,
        owner=consumer.owner,
        group=consumer.group,
        instances=known["instances"],
        databases=known["databases"],
    )
    return evaluate(sources, schema, options)
