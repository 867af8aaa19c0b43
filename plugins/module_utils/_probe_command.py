# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Probes of secrets that no server of ours knows: a command that tries them, and a Rails file that a key opens."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._probe_wire import Odd, Outcome, Refused, Unreachable
from ansible_collections.mainstay.backend.plugins.module_utils._rails_credentials import WRONG_KEY, decrypt_bytes

#: Where a command finds the secret, unless it is told otherwise.
VARIABLE = "MAINSTAY_SECRET"


def probe_command(
    command: Sequence[str], secret: str, environment: str, stdin: bool, refused_exit: Sequence[int], seconds: float
) -> Outcome:
    """Exit code 0: the secret works; one of REFUSED_EXIT: refused; any other says nothing. What it prints is not shown, nor kept.

    The secret is in the variable ENVIRONMENT, or on its standard input with STDIN.
    """
    code = run(command, {} if stdin else {environment or VARIABLE: secret}, secret if stdin else None, seconds)
    if code == 0:
        return Outcome("works", f"{command[0]} ended with 0")
    if code in refused_exit:
        raise Refused(f"{command[0]} ended with {code}")
    raise Odd(f"{command[0]} " + (f"ended with {code}" if code > 0 else f"was ended by signal {-code}"))


def run(command: Sequence[str], variables: Mapping[str, str], stdin: str | None, seconds: float) -> int:
    """The exit code of COMMAND, which finds VARIABLES in its environment and STDIN on its standard input; below 0: the signal that ended it.

    Odd: it cannot be run. Unreachable: it does not end within SECONDS.
    """
    try:
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **variables},
            cwd="/",
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise Odd(f"{command[0]} cannot be run: {getattr(error, 'strerror', None) or 'not a command'}") from None
    try:
        process.communicate(None if stdin is None else stdin.encode(), timeout=seconds)
    except subprocess.TimeoutExpired:
        raise Unreachable(f"{command[0]} did not end within {seconds:g} s") from None
    finally:
        # its children too, which may hold the secret
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return process.returncode


def probe_rails_key(file: str, key: str) -> Outcome:
    """Whether KEY opens the encrypted FILE."""
    try:
        with open(file, encoding="ascii", errors="replace") as handle:
            content = handle.read(1 << 24)
    except OSError as error:
        raise Odd(f"{file} cannot be read: {(error.strerror or 'unknown').lower()}") from None
    try:
        decrypt_bytes(content, key)
    except MainstayError as error:
        if WRONG_KEY in str(error):
            raise Refused("the key does not open the file") from None
        raise Odd(str(error)) from None
    return Outcome("works", "the key opens the file")
