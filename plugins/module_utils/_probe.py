# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a host is and has, read from /proc, /etc and dpkg's database in one go: no command is run and nothing is changed."""

from __future__ import annotations

import contextlib
import glob
import os
import platform
import re
import socket
import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

#: How a Debian release calls itself before it has a number.
CODENAMES = {"bookworm": 12, "trixie": 13, "forky": 14}
SYSCTLS = ("vm.overcommit_memory", "net.core.somaxconn")
_LISTEN = "0A"


def read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as handle:
            return handle.read()
    except OSError:
        return ""


def distribution(os_release: str) -> dict[str, Any]:
    """id, version (Debian's release as a number, testing by its codename) and codename."""
    pairs = dict(re.findall(r'^([A-Z_]+)="?([^"\n]*)"?$', os_release, re.MULTILINE))
    codename = pairs.get("VERSION_CODENAME", "") or pairs.get("DEBIAN_CODENAME", "")
    if not codename:
        codename = next((name for name in CODENAMES if name in pairs.get("PRETTY_NAME", "")), "")
    text = pairs.get("VERSION_ID", "")
    version = int(text) if text.isdigit() else CODENAMES.get(codename)
    return {"id": pairs.get("ID", ""), "like": pairs.get("ID_LIKE", ""), "version": version, "codename": codename}


def memory_bytes(meminfo: str) -> int:
    """MemTotal in bytes."""
    match = re.search(r"^MemTotal:\s+(\d+) kB", meminfo, re.MULTILINE)
    return int(match[1]) * 1024 if match else 0


def memory_limit(found: int) -> int:
    """FOUND, or the cgroup's limit where that is lower (a container with a memory limit)."""
    text = read("/sys/fs/cgroup/memory.max").strip()
    return min(found, int(text)) if text.isdigit() else found


def packages(status: str, names: Iterable[str]) -> dict[str, str | None]:
    """Installed version of each of NAMES in dpkg's status file; None where it is not installed."""
    wanted = set(names)
    found: dict[str, str | None] = dict.fromkeys(sorted(wanted))
    for block in status.split("\n\n"):
        name = block[9 : block.find("\n")] if block.startswith("Package: ") else ""
        if name in wanted and "\nStatus: install ok installed" in block:
            match = re.search(r"^Version: (.+)$", block, re.MULTILINE)
            found[name] = match[1] if match else ""
    return found


def apt_sources(one_line: Sequence[str], deb822: Sequence[str], codename: str) -> dict[str, Any]:
    """The archive that the host's release comes from (uri, keyring) and every suite that is enabled."""
    entries: list[tuple[str, str, str]] = []
    for line in (line for text in one_line for line in text.splitlines()):
        match = re.match(r"deb\s+(?:\[([^]]*)\]\s+)?(\S+)\s+(\S+)\s+\S", line)
        if match:
            signed = re.search(r"signed-by=(\S+)", match[1] or "")
            entries.append((match[2], match[3], signed[1] if signed else ""))
    for stanza in (stanza for text in deb822 for stanza in re.split(r"\n\s*\n", text)):
        fields = {
            key.lower(): value.strip() for key, value in re.findall(r"^([A-Za-z-]+):[ \t]*(.*)$", stanza, re.MULTILINE)
        }
        if "deb" in fields.get("types", "").split() and fields.get("enabled", "yes").lower() != "no":
            uris = fields.get("uris", "").split() or [""]
            entries += [(uris[0], suite, fields.get("signed-by", "")) for suite in fields.get("suites", "").split()]
    main = next((entry for entry in entries if entry[1] == codename), ("", "", ""))
    return {"uri": main[0], "keyring": main[2], "suites": sorted({entry[1] for entry in entries})}


def _address(text: str) -> str:
    """An address of /proc/net/tcp: 0100007F -> 127.0.0.1."""
    if len(text) == 8:
        return socket.inet_ntop(socket.AF_INET, struct.pack("<I", int(text, 16)))
    words = struct.pack("<4I", *(int(text[start : start + 8], 16) for start in range(0, 32, 8)))
    return socket.inet_ntop(socket.AF_INET6, words)


def addresses(fib_trie: str, if_inet6: str) -> list[str]:
    """The host's own addresses, from the texts of /proc/net/fib_trie and /proc/net/if_inet6."""
    found = set(re.findall(r"\|-- (\S+)\n\s+/32 host LOCAL", fib_trie))
    for line in if_inet6.splitlines():
        found.add(socket.inet_ntop(socket.AF_INET6, bytes.fromhex(line.split()[0])))
    return sorted(found)


def listening(table: str) -> Iterator[tuple[str, int, str]]:
    """(address, port, inode) of each listening socket in the text of /proc/net/tcp or tcp6."""
    for line in table.splitlines()[1:]:
        parts = line.split()
        if len(parts) > 9 and parts[3] == _LISTEN:
            address, port = parts[1].split(":")
            yield _address(address), int(port, 16), parts[9]


def socket_owners(inodes: set[str]) -> dict[str, tuple[str, str]]:
    """inode -> (process name, systemd unit) of the processes that hold these sockets."""
    found: dict[str, tuple[str, str]] = {}
    for folder in glob.glob("/proc/[0-9]*/fd"):
        if len(found) == len(inodes):
            break
        with contextlib.suppress(OSError):
            for name in os.listdir(folder):
                with contextlib.suppress(OSError):
                    match = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(f"{folder}/{name}"))
                    if match and match[1] in inodes and match[1] not in found:
                        process = os.path.dirname(folder)
                        found[match[1]] = (read(f"{process}/comm").strip(), unit_of(read(f"{process}/cgroup")))
    return found


def unit_of(cgroup: str) -> str:
    """The systemd unit in the text of /proc/PID/cgroup, or ''."""
    match = re.search(r"/([^/\n]+\.service)(?:/|$)", cgroup, re.MULTILINE)
    return match[1].encode().decode("unicode_escape") if match else ""


def listeners() -> list[dict[str, Any]]:
    sockets = [entry for table in ("tcp", "tcp6") for entry in listening(read(f"/proc/net/{table}"))]
    owners = socket_owners({inode for address, port, inode in sockets})
    rows = {(address, port): owners.get(inode, ("", "")) for address, port, inode in sockets}
    return [
        {"address": key[0], "port": key[1], "process": process, "unit": unit}
        for key, (process, unit) in sorted(rows.items())
    ]


def container() -> str:
    """The kind of container this is ('docker', 'lxc', …), 'unknown' where only its traces show, or '' on a machine."""
    told = re.search(r"(?:^|\0)container=([^\0]+)", read("/proc/1/environ"))
    name = read("/run/systemd/container").strip() or (told[1] if told else "")
    if name:
        return name
    if os.path.exists("/.dockerenv"):
        return "docker"
    if os.path.exists("/run/.containerenv"):
        return "podman"
    return ""


def clusters() -> list[dict[str, Any]]:
    """The PostgreSQL clusters of postgresql-common: version, name, port, whether one runs, and whether it has data checksums."""
    found = []
    for path in sorted(glob.glob("/etc/postgresql/*/*/postgresql.conf")):
        version, name = path.split("/")[3:5]
        settings = dict(re.findall(r"^\s*(port|data_directory)\s*=\s*'?([^'#\s]+)", read(path), re.MULTILINE))
        data = settings.get("data_directory", f"/var/lib/postgresql/{version}/{name}")
        found.append(
            {
                "version": int(version) if version.isdigit() else version,
                "name": name,
                "port": int(settings.get("port", "5432")),
                "data_directory": data,
                "running": os.path.exists(f"{data}/postmaster.pid"),
                "data_checksums": data_checksums(f"{data}/global/pg_control"),
            }
        )
    return found


def data_checksums(path: str) -> bool | None:
    """Whether pg_control at PATH says that pages carry checksums; None where it cannot be read.

    Its data_checksum_version is the last int32 before the 32-byte mock authentication nonce; the place moves between versions, so
    the nonce's neighbourhood is found by the float 1234567.0 that pg_control holds for detecting foreign float formats.
    """
    try:
        with open(path, "rb") as handle:
            data = handle.read(512)
    except OSError:
        return None
    at = data.find(struct.pack("<d", 1234567.0))
    # Then eight uint32 (block sizes and limits) and the bool float8ByVal, padded; data_checksum_version comes next.
    if at < 0 or len(data) < at + 8 + 9 * 4 + 4:
        return None
    return bool(struct.unpack_from("<I", data, at + 8 + 9 * 4)[0])


def probe(names: Iterable[str]) -> dict[str, Any]:
    """Everything the roles need to know of this host, for the packages NAMES."""
    released = distribution(read("/etc/os-release"))
    lists = [read(path) for path in ["/etc/apt/sources.list", *sorted(glob.glob("/etc/apt/sources.list.d/*.list"))]]
    stanzas = [read(path) for path in sorted(glob.glob("/etc/apt/sources.list.d/*.sources"))]
    return {
        "distribution": released,
        "memory_bytes": memory_limit(memory_bytes(read("/proc/meminfo"))),
        "cores": len(os.sched_getaffinity(0)),
        "container": container(),
        "packages": packages(read("/var/lib/dpkg/status"), names),
        "apt": apt_sources(lists, stanzas, released["codename"]),
        "addresses": addresses(read("/proc/net/fib_trie"), read("/proc/net/if_inet6")),
        "listeners": listeners(),
        "sysctl": {name: read("/proc/sys/" + name.replace(".", "/")).strip() for name in SYSCTLS},
        "thp": (re.search(r"\[(\w+)\]", read("/sys/kernel/mm/transparent_hugepage/enabled")) or ["", ""])[1],
        "python": platform.python_version(),
        "systemd": os.path.isdir("/run/systemd/system"),
        "clusters": clusters(),
    }
