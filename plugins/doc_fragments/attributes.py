# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations


class ModuleDocFragment:
    """What modules say of check mode and diff mode. A module that says more of one writes that one itself."""

    # What changes a host
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Tells what would change, and changes nothing.
    support: full
  diff_mode:
    description: Shows before and after.
    support: full
"""

    # What only reads
    READ_ONLY = r"""
options: {}
attributes:
  check_mode:
    description: Runs the same in check mode, since it changes nothing.
    support: full
  diff_mode:
    description: Has nothing to show a difference of.
    support: none
"""

    # What has a part that runs on the controller
    ON_CONTROLLER = r"""
options: {}
attributes:
  action:
    description: Runs on the controller.
    support: full
"""
