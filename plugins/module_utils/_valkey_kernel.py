# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Kernel settings that Valkey wants; in a container they belong to the machine outside and are left alone."""

from __future__ import annotations

from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._file_specs import FileSpec
from ansible_collections.mainstay.backend.plugins.module_utils._probe import container, read

PATH = "/etc/sysctl.d/60-mainstay-valkey.conf"
NAME, VALUE = "vm.overcommit_memory", 1
_PROC = "/proc/sys/vm/overcommit_memory"


def kernel_file() -> FileSpec:
    why = "# mainstay.backend.valkey: a fork to persist must not fail for memory that it will hardly touch\n"
    return FileSpec(PATH, f"{why}{NAME} = {VALUE}\n")


def skipped() -> str:
    """Why this host's kernel settings are left alone, or ''."""
    kind = container()
    return (
        f"{NAME} was left alone: this host is a container ({kind}), it belongs to the machine outside" if kind else ""
    )


def differs() -> str:
    """What runs instead of the wanted value, or ''."""
    found = read(_PROC).strip()
    return "" if found == str(VALUE) else found


def set_now() -> None:
    try:
        with open(_PROC, "w", encoding="utf-8") as handle:
            handle.write(str(VALUE))
    except OSError as error:
        raise MainstayError(f"{NAME}: the kernel refuses {VALUE}: {error.strerror}") from None
