#!/usr/bin/python
# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: env_validate
short_description: Says whether an application would start with the right configuration
description:
  - Reads an application's C(.env) files, secrets, settings, and the environment of its running unit or container, and judges them against its schema,
    as each of the declared loaders would read them. The same line can mean one password to the application and another to its container.
  - Reads only, and runs nothing that stands in the files. It exits cleanly on a file of any bytes. No finding holds a value.
  - The schema is read, and reports are written, on the controller; everything else happens on the host, in one call however many applications there are.
version_added: 0.2.0
author: The mainstay.backend authors (@mainstay)
notes:
  - Relative paths are meant from the folder that ansible-playbook was started in where the connection is local, and from the login's home on other hosts.
  - With several hosts in the play, a report's name gets the host's name before its suffix.
attributes:
  check_mode:
    description: Runs the same in check mode, since it changes nothing. O(sarif) and O(junit) are not written then.
    support: full
  diff_mode:
    description: Has nothing to show a difference of.
    support: none
options:
  schema:
    description:
      - Path of C(env.schema.yml) on the controller, looked for as C(files/) of roles and playbooks are, then from the current folder.
      - Without a schema only what needs none is judged.
    type: str
  schema_text:
    description: The schema itself, in place of O(schema).
    type: str
  loaders:
    description: Who reads the C(.env) files. Each file has to mean the same to all of them.
    type: list
    elements: str
    choices: [ruby, python, node, systemd, compose, docker]
    default: [ruby, python, node, systemd, compose]
  environment:
    description: The environment that is validated.
    type: str
    default: production
  root:
    description:
      - The application's folder. What is not named otherwise is looked for in it - C(.env) and its layers in dotenv-rails' order, C(.env.example), the config
        gem's C(config/settings*.yml), and C(.env.NAME) of the environments development, test, staging and production for O(other_environments).
    type: path
  files:
    description: C(.env) files from low to high precedence - where two set a variable, the later one counts. Each has to be there.
    type: list
    elements: path
    default: []
  secrets:
    description: Folders that hold one secret a file, the variable's name being the file's. A single such file may be named too.
    type: list
    elements: path
    default: []
  settings:
    description: Settings files from low to high precedence, or a folder that holds those of the config gem.
    type: list
    elements: path
    default: []
  example:
    description: The C(.env.example).
    type: path
  unit:
    description: A systemd unit. The environment that its main process was started with is read, which takes its user or root.
    type: str
  container:
    description:
      - A container of Docker or Podman. The environment that its first process was started with is read; where that process is not to be seen from here, the
        environment that the container is configured with.
    type: str
  other_environments:
    description: Environment to its C(.env) files. They serve to find secrets that two environments share.
    type: dict
    default: {}
  owner:
    description: Who has to own files that hold secrets. Not compared where it is empty.
    type: str
    default: ""
  group:
    description: The group that files with secrets have to belong to. Not compared where it is empty.
    type: str
    default: ""
  mode:
    description: Octal mode in quotes, the most that files with secrets may permit.
    type: raw
    default: "0600"
  instances:
    description: Valkey instance to C(host), C(port), C(purpose) and C(policy), for variables that have to point at one.
    type: dict
    default: {}
  databases:
    description: Database to C(host), C(port) and C(database), for variables that have to point at one.
    type: dict
    default: {}
  process_env:
    description: Variables that the application's process has before any file is read, for loaders that put them in place of C($NAME).
    type: dict
    default: {}
  severities:
    description: Rule to V(error), V(warning) or V(off), in place of the rule's own severity.
    type: dict
    default: {}
  targets:
    description:
      - Several applications in one call. Each entry may have any of the options above, and takes those that it does not have from the task.
    type: list
    elements: dict
    default: []
  backend:
    description:
      - Takes O(instances), O(databases) and O(environment) from the inventory's description where they are not given; and, where nothing is named that could be
        validated, the files, folders, owners and groups of the consumers that live on the host.
    type: bool
    default: false
  fail_on:
    description: The least severity that makes the task fail.
    type: str
    choices: [error, warning, never]
    default: error
  sarif:
    description: Writes the findings to this file on the controller, as SARIF 2.1.0.
    type: str
  junit:
    description: Writes the findings to this file on the controller, as JUnit XML.
    type: str
  show:
    description:
      - Prints the table of findings on the controller's terminal. Without it the table is in the message of a task that fails.
      - Not for callbacks whose output is read by programs.
    type: bool
    default: false
  folder:
    description: The folder that relative paths are meant from. Filled in on the controller where the connection is local.
    type: str
    default: ""
  schemas:
    description: Schemas as data, by their place among O(targets). Filled in on the controller.
    type: dict
    default: {}
seealso:
  - module: mainstay.backend.files
"""

EXAMPLES = r"""
- name: Validate an application's folder
  mainstay.backend.env_validate:
    root: .
    schema: env.schema.yml
    loaders: [ruby, compose]
  delegate_to: localhost

- name: Validate what an application runs with, and what the inventory describes
  mainstay.backend.env_validate:
    files: [/etc/shop/.env]
    secrets: [/run/secrets/shop]
    unit: shop.service
    owner: shop
    schema: env.schema.yml
    loaders: [systemd]
    backend: true

- name: Validate two applications, and only report
  mainstay.backend.env_validate:
    targets:
      - {root: /srv/shop, schema: shop.schema.yml}
      - {root: /srv/blog, loaders: [python]}
    severities: {not-in-example: 'off'}
    fail_on: never
    sarif: validation.sarif
"""

RETURN = r"""
findings:
  description: What is wrong, by file and line. No value is in it.
  returned: always
  type: list
  elements: dict
  contains:
    rule:
      description: Id of the rule.
      type: str
      returned: always
    severity:
      description: V(error) or V(warning).
      type: str
      returned: always
    file:
      description: The file; C(unit:NAME) or C(container:NAME) for a running process.
      type: str
      returned: always
    line:
      description: Its line, from 1; 0 where no line is meant.
      type: int
      returned: always
    variable:
      description: The variable, or an empty text.
      type: str
      returned: always
    message:
      description: What was found.
      type: str
      returned: always
    remedy:
      description: What to do.
      type: str
      returned: always
counts:
  description: Number of findings of each severity.
  returned: always
  type: dict
  sample: {error: 1, warning: 2}
files:
  description: What was read.
  returned: always
  type: list
  elements: str
notes:
  description: What could not be checked, and why.
  returned: always
  type: list
  elements: str
lines:
  description: The findings as a table for people, a text for each line.
  returned: always
  type: list
  elements: str
fails:
  description: Whether the findings are reason to fail, by O(fail_on).
  returned: always
  type: bool
reports:
  description: Reports that were written on the controller.
  returned: always
  type: list
  elements: str
"""

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._env_run import PER_TARGET, run
from ansible_collections.mainstay.backend.plugins.module_utils._findings import FAIL_ON, counts, fails
from ansible_collections.mainstay.backend.plugins.module_utils._findings_report import report_lines, summary

LOADERS = ["ruby", "python", "node", "systemd", "compose", "docker"]
PATHS: dict[str, Any] = {"type": "list", "elements": "path", "default": []}
MAPPING: dict[str, Any] = {"type": "dict", "default": {}}
TARGET: dict[str, Any] = {
    "loaders": {
        "type": "list",
        "elements": "str",
        "choices": LOADERS,
        "default": ["ruby", "python", "node", "systemd", "compose"],
    },
    "environment": {"type": "str", "default": "production"},
    "root": {"type": "path"},
    "files": PATHS,
    "secrets": {**PATHS, "no_log": False},  # folders, not what is in them
    "settings": PATHS,
    "example": {"type": "path"},
    "unit": {"type": "str"},
    "container": {"type": "str"},
    "other_environments": MAPPING,
    "owner": {"type": "str", "default": ""},
    "group": {"type": "str", "default": ""},
    "mode": {"type": "raw", "default": "0600"},
    "instances": MAPPING,
    "databases": MAPPING,
    "process_env": MAPPING,
    "severities": MAPPING,
}
SPEC: dict[str, Any] = {
    **TARGET,
    "schema": {"type": "str"},
    "schema_text": {"type": "str"},
    "targets": {"type": "list", "elements": "dict", "default": []},
    "backend": {"type": "bool", "default": False},
    "fail_on": {"type": "str", "choices": list(FAIL_ON), "default": "error"},
    "sarif": {"type": "str"},
    "junit": {"type": "str"},
    "show": {"type": "bool", "default": False},
    "folder": {"type": "str", "default": ""},
    "schemas": MAPPING,
}


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    given = module.params
    try:
        if given["folder"]:
            os.chdir(given["folder"])
        common = {key: given[key] for key in PER_TARGET}
        found = run(common, given["targets"], given["schemas"])
    except MainstayError as error:
        module.fail_json(msg=str(error), invocation={})
    except OSError as error:
        module.fail_json(msg=f"{error.filename or 'a file'}: {error.strerror}", invocation={})
    lines = report_lines("configuration", found.findings, len(found.files), found.notes)
    failed = fails(found.findings, given["fail_on"])
    module.exit_json(
        changed=False,
        failed=failed,
        fails=failed,
        msg=summary(found.findings, len(found.files)) if given["show"] else "\n".join(lines),
        findings=[item.data() for item in found.findings],
        counts=counts(found.findings),
        files=list(found.files),
        notes=list(found.notes),
        lines=lines,
        reports=[],
        # Ansible would add the parameters, process_env among them
        invocation={},
    )


if __name__ == "__main__":
    main()
