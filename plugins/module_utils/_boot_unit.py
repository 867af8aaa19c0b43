# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The unit that puts secrets back at boot, and the drop-ins that tie it and the consumers' units together: their texts, and systemd's part."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence

from ansible_collections.mainstay.backend.plugins.module_utils import _restore
from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._file_specs import FileSpec
from ansible_collections.mainstay.backend.plugins.module_utils._restore import ENDING, SEALED
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_units import act, properties, reload_units

UNIT = "mainstay-secrets.service"
UNITS = "/etc/systemd/system"
PROGRAM = "/usr/local/lib/mainstay/secrets-restore"
LINK = f"{UNITS}/sysinit.target.wants/{UNIT}"
DROP_IN = "50-mainstay-secrets.conf"
HEAD = "# Managed by mainstay.backend.secrets.\n"

#: Before sysinit.target: whatever has systemd's default dependencies starts later, whether it is declared as a consumer's unit or not.
#: Owners are numbers by then, so no name service is needed. A TPM is, so there is no PrivateDevices=.
_TEXT = f"""{HEAD}[Unit]
Description=Put the secrets of mainstay.backend back into memory
DefaultDependencies=no
RequiresMountsFor={SEALED} /var/lib/systemd {os.path.dirname(PROGRAM)} /run
After=local-fs.target systemd-tmpfiles-setup.service tpm2.target systemd-tpm2-setup.service
Before=sysinit.target shutdown.target
Conflicts=shutdown.target
ConditionPathExistsGlob={SEALED}/*/*{ENDING}
# Who asks for the secrets gets them, however often somebody asked before.
StartLimitIntervalSec=0

[Service]
Type=oneshot
RemainAfterExit=true
ExecStart=/usr/bin/python3 -I {PROGRAM}
TimeoutStartSec=60
CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER
DevicePolicy=closed
DeviceAllow=/dev/tpmrm0 rw
IPAddressDeny=any
LockPersonality=true
MemoryDenyWriteExecute=true
NoNewPrivileges=true
PrivateNetwork=true
ProtectClock=true
ProtectControlGroups=true
ProtectHome=true
ProtectHostname=true
ProtectKernelLogs=true
ProtectKernelModules=true
ProtectKernelTunables=true
ProtectSystem=strict
ReadWritePaths=/run
RestrictAddressFamilies=AF_UNIX
RestrictNamespaces=true
RestrictRealtime=true
RestrictSUIDSGID=true
SystemCallArchitectures=native
SystemCallFilter=@system-service
UMask=0077

[Install]
WantedBy=sysinit.target
"""


def boot_files(wanted: bool) -> list[FileSpec]:
    """The unit and its program; both gone where nothing is WANTED back."""
    return [
        FileSpec(f"{UNITS}/{UNIT}", _TEXT if wanted else None),
        FileSpec(PROGRAM, program_text() if wanted else None, mode=0o755),
    ]


def program_text() -> str:
    """The source of _restore, which is the program: out of the archive that Ansible brings a module in, too."""
    loader = _restore.__loader__
    text = loader.get_source(_restore.__name__) if loader is not None and hasattr(loader, "get_source") else None
    if not text:
        raise MainstayError(f"{PROGRAM}: found no source for it; expected this collection's files to be whole")
    return f"#!/usr/bin/python3 -I\n{HEAD}{text}"


def boot_drop_in(units: Iterable[str], points: Iterable[str]) -> str:
    """What one part adds to the unit: the consumers' UNITS, which start later, and the mount POINTS that it writes to."""
    points = sorted({*points} - {"/run"})
    lines = [f"Before={unit}" for unit in sorted({*units})] + [f"RequiresMountsFor={point}" for point in points]
    text = HEAD + "\n".join(["[Unit]", *lines, ""])
    return (
        text + "\n".join(["", "[Service]", *(f"ReadWritePaths=-{point}" for point in points), ""]) if points else text
    )


def unit_drop_in(credentials: Mapping[str, str]) -> str:
    """Of a consumer's unit: name -> path of the encrypted file."""
    lines = [f"LoadCredentialEncrypted={name}:{path}" for name, path in sorted(credentials.items())]
    return HEAD + "\n".join(["[Unit]", f"RequiresMountsFor={SEALED}", "", "[Service]", *lines, ""])


def link_missing() -> bool:
    """Whether the unit is not enabled."""
    return not os.path.islink(LINK) or os.readlink(LINK) != f"{UNITS}/{UNIT}"


def make_link() -> None:
    os.makedirs(os.path.dirname(LINK), mode=0o755, exist_ok=True)
    temporary = f"{LINK}.mainstay"
    if os.path.lexists(temporary):
        os.unlink(temporary)
    os.symlink(f"{UNITS}/{UNIT}", temporary)
    os.rename(temporary, LINK)


def remove_link() -> None:
    if os.path.islink(LINK):
        os.unlink(LINK)


def settle(units: Sequence[str], wanted: bool, changed: bool) -> tuple[bool, str]:
    """Has systemd read what it has not yet of UNITS and ours, and the boot unit run where it is WANTED and CHANGED, or not up.

    Whether it was run, and why it could not: what fails now would fail at the next boot.
    """
    found = properties([UNIT, *units], "Id,ActiveState,NeedDaemonReload")
    state = found[UNIT].get("ActiveState")
    if not wanted and state in ("active", "failed"):
        act("stop", [UNIT])
    if changed or any(item.get("NeedDaemonReload") == "yes" for item in found.values()):
        reload_units()
    if not wanted or (state == "active" and not changed):
        return False, ""
    try:
        act("restart", [UNIT])
    except MainstayError as error:
        return True, str(error)
    return True, ""
