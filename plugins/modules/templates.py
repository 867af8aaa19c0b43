#!/usr/bin/python
# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: templates
short_description: Renders many templates and puts them in place in one remote call
description:
  - Renders every template on the controller, as M(ansible.builtin.template) does, before anything is changed; a template that is missing or
    uses an undefined variable is named.
  - Then one call of M(mainstay.backend.files) puts all of them in place on the host, each atomically, after all validations have passed.
version_added: 0.1.0
author: The mainstay.backend authors (@mainstay)
notes:
  - A task option that holds a secret as text can be shown by callbacks that print task arguments; put C(no_log) on such a task, or render the
    secret from a template.
extends_documentation_fragment: [mainstay.backend.attributes, mainstay.backend.attributes.on_controller]
attributes:
  diff_mode:
    description: Shows before and after of every file that is not secret.
options:
  templates:
    description: The files, each from a template or a text.
    type: list
    elements: dict
    required: true
    suboptions:
      src:
        description: The template, looked for as M(ansible.builtin.template) does. One of O(templates[].src) and O(templates[].content) is needed.
        type: str
      content:
        description: The content itself, instead of a template.
        type: str
      dest:
        description: Absolute path on the host.
        type: path
        required: true
      owner:
        description: Owner, who must exist.
        type: str
        default: root
      group:
        description: Group, which must exist.
        type: str
        default: root
      mode:
        description: Octal mode in quotes.
        type: raw
        default: "0644"
      secret:
        description: The content holds secrets and is never shown.
        type: bool
        default: false
      validate:
        description: Command that must exit 0; C(%s) stands for the candidate's path. A text is split as a shell would, without running one.
        type: raw
      vars:
        description: Variables of this template, over the task's own.
        type: dict
        default: {}
  directories:
    description: Directories to make first; see O(mainstay.backend.files#module:directories).
    type: list
    elements: dict
    default: []
seealso:
  - module: mainstay.backend.files
  - module: ansible.builtin.template
"""

EXAMPLES = r"""
- name: Configure the web server
  mainstay.backend.templates:
    directories:
      - path: /etc/shop
    templates:
      - src: shop.conf.j2
        dest: /etc/shop/shop.conf
      - src: password.j2
        dest: /etc/shop/password
        owner: www-data
        mode: "0600"
        secret: true
      - content: "%www-data ALL=(root) NOPASSWD: /usr/bin/systemctl reload shop\n"
        dest: /etc/sudoers.d/shop
        mode: "0440"
        validate: visudo -cf %s
"""

RETURN = r"""
changes:
  description: What changed, or in check mode would change.
  returned: always
  type: list
  elements: dict
  contains:
    path:
      description: The file or directory.
      type: str
      returned: always
    what:
      description: Some of V(created), V(content), V(owner), V(group), V(mode), V(removed).
      type: list
      elements: str
      returned: always
actions:
  description: The same for people, one text for each path.
  returned: always
  type: list
  elements: str
"""
