# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs the steps of a lane (`make test`, `make test-all`, `.ci/run`) side by side. The standard library only: nothing is installed yet."""
