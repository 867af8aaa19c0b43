# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Encrypts for this host alone with systemd-creds: with its TPM or its host key, as systemd picks. Plain text goes through pipes only."""

from __future__ import annotations

import os
import shutil
import subprocess

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._restore import SECONDS

PROGRAM = "systemd-creds"
#: systemd 252 opens no encrypted file over 1179648 bytes, of Base64.
MOST_BYTES = 800_000


def systemd_runs() -> bool:
    return os.path.isdir("/run/systemd/system")


def why_not() -> str:
    """Why nothing can be encrypted here and put back at boot; '' where it can."""
    if not systemd_runs():
        return "systemd does not run here"
    if shutil.which(PROGRAM) is None:
        return f"{PROGRAM} is missing"
    return ""


def seal(name: str, content: bytes) -> str:
    """CONTENT encrypted under NAME, as the text of a file that no other host, and under no other name, opens."""
    if len(content) > MOST_BYTES:
        raise MainstayError(
            f"{name}: found {len(content)} bytes to keep encrypted; expected at most {MOST_BYTES}: fewer credentials"
        )
    command = [PROGRAM, "encrypt", f"--name={name}", "--with-key=auto", "-", "-"]
    try:
        done = subprocess.run(command, input=content, capture_output=True, timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MainstayError(f"{name}: {PROGRAM} did not run: {type(error).__name__}") from None
    text = done.stdout.decode("ascii", "replace")
    if done.returncode != 0 or not text.strip():
        said = (done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no reason given"])[-1][:300]
        expected = "it to encrypt, or secrets_sealed: false to do without"
        raise MainstayError(f"{name}: found that {PROGRAM} fails (exit {done.returncode}): {said}; expected {expected}")
    return text
