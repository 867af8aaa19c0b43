#!/usr/bin/python
# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: env_scan
short_description: Finds the environment variables that an application's code reads, and compares them with what is declared
description:
  - Reads the sources below a folder - Ruby and ERB, Python, JavaScript and TypeScript, shell, Dockerfiles, Procfiles and Compose files - and tells which
    environment variables they read, where, and whether with a default. Runs none of them, and follows no link.
  - Compares that with O(schema), O(example) or O(declared), and reports variables that are read and not declared, and declared and not read.
  - A place that computes the name which it reads cannot be told from the sources. It is listed apart.
version_added: 0.2.0
author: The mainstay.backend authors (@mainstay)
notes:
  - Left out are the folders C(.git), C(node_modules), C(vendor), C(tmp), C(log), C(dist), virtual environments and their like, files with NUL bytes, and files
    larger than 2 MiB, which C(notes) names.
  - Not seen is what a library reads, such as pydantic-settings, django-environ, decouple or dry-configurable, and templates like Haml and Slim.
extends_documentation_fragment: [mainstay.backend.attributes.read_only]
options:
  root:
    description: The application's folder.
    type: path
    required: true
  schema:
    description: Path of C(env.schema.yml) on the controller, looked for as C(files/) of roles and playbooks are, then from the current folder.
    type: str
  example:
    description:
      - A C(.env.example), relative to O(root). What stands in it commented out may be read, and need not be.
    type: str
  declared:
    description: Names of further variables that are declared.
    type: list
    elements: str
    default: []
  exclude:
    description: Glob patterns of files and folders below O(root) to leave out. V(*) also stands for what has slashes in it.
    type: list
    elements: str
    default: [spec, test, tests, features, __tests__, "*.test.*", "*.spec.*"]
  ignore:
    description: Glob patterns of variables that are of no interest, for the system, its tools or a framework sets them.
    type: list
    elements: str
    default:
      - PATH
      - HOME
      - USER
      - LOGNAME
      - SHELL
      - TERM
      - LANG
      - LANGUAGE
      - LC_*
      - TZ
      - PWD
      - TMPDIR
      - EDITOR
      - HOSTNAME
      - CI
      - NO_COLOR
      - RAILS_ENV
      - RACK_ENV
      - NODE_ENV
      - BUNDLE_*
      - GEM_*
      - RUBYOPT
      - RUBYLIB
      - PIDFILE
      - PYTHON*
      - VIRTUAL_ENV
      - npm_*
      - NOTIFY_SOCKET
      - LISTEN_*
      - WATCHDOG_*
      - INVOCATION_ID
      - CREDENTIALS_DIRECTORY
      - XDG_*
      - SSH_*
      - GITHUB_*
  read_elsewhere:
    description: Glob patterns of variables that frameworks, libraries or servers read, so that no code of the application needs to.
    type: list
    elements: str
    default:
      - DATABASE_URL
      - "*_DATABASE_URL"
      - REDIS_URL
      - REDIS_PROVIDER
      - SECRET_KEY_BASE
      - RAILS_*
      - SIDEKIQ_*
      - PORT
      - WEB_CONCURRENCY
      - MALLOC_*
      - RUBY_*
      - LD_PRELOAD
      - PG*
      - AWS_*
      - SENTRY_*
      - NEW_RELIC_*
      - DD_*
      - OTEL_*
      - DJANGO_SETTINGS_MODULE
      - FLASK_*
      - GUNICORN_CMD_ARGS
      - NODE_OPTIONS
      - COMPOSE_*
      - DOCKER_*
      - "*_PROXY"
      - "*_proxy"
      - SSL_CERT_*
  severities:
    description: Rule (C(read-undeclared), C(declared-unread)) to V(error), V(warning) or V(off), in place of the rule's own severity.
    type: dict
    default: {}
  fail_on:
    description: The least severity that makes the task fail.
    type: str
    choices: [error, warning, never]
    default: error
  folder:
    description: The folder that a relative O(root) is meant from. Filled in on the controller where the connection is local.
    type: str
    default: ""
  schema_variables:
    description: What O(schema) declares. Filled in on the controller.
    type: list
    elements: dict
    suboptions:
      name:
        description: The variable.
        type: str
        required: true
      file:
        description: The schema's path.
        type: str
        required: true
      line:
        description: Its line there.
        type: int
        required: true
      read:
        description: Whether code is expected to read it.
        type: bool
        required: true
seealso:
  - module: mainstay.backend.env_validate
"""

EXAMPLES = r"""
- name: Compare the code with the schema
  mainstay.backend.env_scan:
    root: .
    schema: env.schema.yml
  delegate_to: localhost

- name: Only tell what the code reads
  mainstay.backend.env_scan:
    root: /home/me/shop
    exclude: [spec, legacy/*]
  delegate_to: localhost
  register: code

- name: Show the variables without which it fails
  ansible.builtin.debug:
    msg: "{{ code.reads | selectattr('need', 'eq', 'required') | map(attribute='name') }}"
"""

RETURN = r"""
reads:
  description: Variables that the sources read, by name. No default is in it.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: The variable.
      type: str
      returned: always
    need:
      description: V(required) where a place fails without it, V(optional) where a place goes on with nothing, V(default) where every place has a default.
      type: str
      returned: always
    places:
      description: Where, as C(FILE:LINE) below O(root).
      type: list
      elements: str
      returned: always
unknown:
  description: Places that compute the name which they read, as C(FILE:LINE).
  returned: always
  type: list
  elements: str
findings:
  description: What differs from the declarations, by file and line. Empty where nothing is declared.
  returned: always
  type: list
  elements: dict
  contains:
    rule:
      description: V(read-undeclared) or V(declared-unread).
      type: str
      returned: always
    severity:
      description: V(error) or V(warning). A variable that is read with a default everywhere is a warning.
      type: str
      returned: always
    file:
      description: The source, or the file that declares the variable.
      type: str
      returned: always
    line:
      description: Its line, from 1; 0 where no line is meant.
      type: int
      returned: always
    variable:
      description: The variable.
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
  description: Number of sources that were read.
  returned: always
  type: int
notes:
  description: Files that were left out, and why.
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
"""

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._env_scan import (
    Declared,
    Scan,
    compare,
    example_variables,
    need_of,
    read_text,
    scan_tree,
)
from ansible_collections.mainstay.backend.plugins.module_utils._findings import FAIL_ON, counts, fails
from ansible_collections.mainstay.backend.plugins.module_utils._findings_report import report_lines

LISTED: dict[str, Any] = {"type": "list", "elements": "str"}
EXCLUDE = ["spec", "test", "tests", "features", "__tests__", "*.test.*", "*.spec.*"]
IGNORE = [
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "LANG", "LANGUAGE", "LC_*", "TZ", "PWD", "TMPDIR", "EDITOR", "HOSTNAME", "CI", "NO_COLOR"),
    *("RAILS_ENV", "RACK_ENV", "NODE_ENV", "BUNDLE_*", "GEM_*", "RUBYOPT", "RUBYLIB", "PIDFILE", "PYTHON*", "VIRTUAL_ENV", "npm_*"),
    *("NOTIFY_SOCKET", "LISTEN_*", "WATCHDOG_*", "INVOCATION_ID", "CREDENTIALS_DIRECTORY", "XDG_*", "SSH_*", "GITHUB_*"),
]  # fmt: skip
READ_ELSEWHERE = [
    *("DATABASE_URL", "*_DATABASE_URL", "REDIS_URL", "REDIS_PROVIDER", "SECRET_KEY_BASE", "RAILS_*", "SIDEKIQ_*", "PORT", "WEB_CONCURRENCY"),
    *("MALLOC_*", "RUBY_*", "LD_PRELOAD", "PG*", "AWS_*", "SENTRY_*", "NEW_RELIC_*", "DD_*", "OTEL_*", "DJANGO_SETTINGS_MODULE", "FLASK_*"),
    *("GUNICORN_CMD_ARGS", "NODE_OPTIONS", "COMPOSE_*", "DOCKER_*", "*_PROXY", "*_proxy", "SSL_CERT_*"),
]  # fmt: skip
ARGUMENTS: dict[str, Any] = {
    "root": {"type": "path", "required": True},
    "schema": {"type": "str"},
    "example": {"type": "str"},
    "declared": {**LISTED, "default": []},
    "exclude": {**LISTED, "default": EXCLUDE},
    "ignore": {**LISTED, "default": IGNORE},
    "read_elsewhere": {**LISTED, "default": READ_ELSEWHERE},
    "severities": {"type": "dict", "default": {}},
    "fail_on": {"type": "str", "choices": list(FAIL_ON), "default": "error"},
    "folder": {"type": "str", "default": ""},
    "schema_variables": {
        "type": "list",
        "elements": "dict",
        "options": {
            "name": {"type": "str", "required": True},
            "file": {"type": "str", "required": True},
            "line": {"type": "int", "required": True},
            "read": {"type": "bool", "required": True},
        },
    },
}


def declarations(given: dict[str, Any]) -> list[Declared] | None:
    """Everything that is declared; None where no declaration was given to compare with."""
    schema, example = given["schema_variables"], given["example"]
    if schema is None and not example and not given["declared"]:
        return None
    found = [Declared(**item) for item in schema or ()]
    if example:
        path = os.path.join(given["root"], example)
        text = read_text(path) if os.path.lexists(path) else None
        if text is None:
            raise MainstayError(f"example: found no text file {path}; expected a .env.example")
        found += example_variables(text, example)
    found += [Declared(name, "declared") for name in given["declared"]]
    return list({item.name: item for item in reversed(found)}.values())[::-1]


def told(scan: Scan) -> dict[str, Any]:
    """What SCAN found, as the module returns it."""
    return {
        "reads": [
            {
                "name": name,
                "need": need_of(places),
                "places": list(dict.fromkeys(f"{file}:{read.line}" for file, read in places)),
            }
            for name, places in scan.reads.items()
        ],
        "unknown": list(dict.fromkeys(f"{file}:{read.line}" for file, read in scan.unknown)),
        "files": scan.files,
        "notes": list(scan.notes),
    }


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    given = module.params
    try:
        if given["folder"]:
            os.chdir(given["folder"])
        scan = scan_tree(given["root"], given["exclude"])
        declared = declarations(given)
        findings = (
            []
            if declared is None
            else compare(scan, declared, given["ignore"], given["read_elsewhere"], given["severities"])
        )
    except MainstayError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"{error.filename or 'a file'}: {error.strerror}")
    lines = report_lines("variables in code", findings, scan.files, scan.notes)
    failed = fails(findings, given["fail_on"])
    module.exit_json(
        changed=False,
        failed=failed,
        fails=failed,
        msg="\n".join(lines),
        findings=[item.data() for item in findings],
        counts=counts(findings),
        lines=lines,
        **told(scan),
    )


if __name__ == "__main__":
    main()
