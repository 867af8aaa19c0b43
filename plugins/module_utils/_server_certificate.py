# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One server's certificate in a rotation: completed by what stays of the one before, then placed, taken up and proven."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.mainstay.backend.plugins.module_utils._certificate_text import bundle
from ansible_collections.mainstay.backend.plugins.module_utils._checking import MainstayError
from ansible_collections.mainstay.backend.plugins.module_utils._tls import (
    AUTHORITIES,
    CHAIN,
    CLIENT_AUTHORITIES,
    CURRENT,
    FOLDERS,
    KEY,
)
from ansible_collections.mainstay.backend.plugins.module_utils._tls_files import Placement
from ansible_collections.mainstay.backend.plugins.module_utils._tls_serving import (
    places,
    reload_postgres,
    reload_valkey,
    take_up,
)
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_live import Login

#: Beside the files of a version: authorities of clients that a server takes besides those that it takes already.
ADD_CLIENTS = "add_clients"


def bring(told: Mapping[str, Any], given: Mapping[str, str], login: Login, check_mode: bool) -> list[str]:
    """Brings the server in TOLD (the module's option) to the files GIVEN; what was done, one sentence each."""
    server = told["server"]
    wanted = Placement(server, completed(server, given), told["name"])
    if server == "postgres":
        found = places(server, "postgres", told["addresses"], told["port"])
        return take_up(wanted, found, lambda: reload_postgres(told["port"]), check_mode)
    found = [
        place for item in told["instances"] for place in places(server, item["name"], item["addresses"], item["port"])
    ]

    def reload() -> None:
        for item in told["instances"]:
            reload_valkey(item["name"], item["socket"], login)

    return take_up(wanted, found, reload, check_mode)


def completed(server: str, given: Mapping[str, str]) -> dict[str, str]:
    """GIVEN with what it leaves out as it is on this host."""
    files = {name: str(text) for name, text in given.items() if name != ADD_CLIENTS}
    for name in (CHAIN, KEY, AUTHORITIES):
        if name not in files:
            files[name] = _there(server, name)
            if not files[name]:
                folder = f"{FOLDERS[server]}/{CURRENT}"
                raise MainstayError(f"{folder}/{name}: found no such file; expected it: run the role {server} first")
    clients = bundle(_there(server, CLIENT_AUTHORITIES), str(given.get(ADD_CLIENTS) or ""))
    return {**files, CLIENT_AUTHORITIES: clients} if clients else files


def _there(server: str, name: str) -> str:
    try:
        with open(f"{FOLDERS[server]}/{CURRENT}/{name}", encoding="ascii") as handle:
            return handle.read()
    except (OSError, ValueError):
        return ""
