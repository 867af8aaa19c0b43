# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names that module_utils need in annotations only. ansible-core packs for a host whatever a module_util imports, also below TYPE_CHECKING;
imported from here the inventory's core stays on the controller."""

from __future__ import annotations

from ansible_collections.mainstay.backend.plugins.module_utils._application import Application
from ansible_collections.mainstay.backend.plugins.module_utils._checking import Checker
from ansible_collections.mainstay.backend.plugins.module_utils._consumer_reload import Reload
from ansible_collections.mainstay.backend.plugins.module_utils._consumers import Consumer
from ansible_collections.mainstay.backend.plugins.module_utils._credentials import Credential, Issued
from ansible_collections.mainstay.backend.plugins.module_utils._description import Description, Endpoint, HostInput
from ansible_collections.mainstay.backend.plugins.module_utils._env_schema import Schema, Variable
from ansible_collections.mainstay.backend.plugins.module_utils._env_validate import Options, Source
from ansible_collections.mainstay.backend.plugins.module_utils._postgres import Cluster
from ansible_collections.mainstay.backend.plugins.module_utils._rotation import Planned
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_kinds import Probe
from ansible_collections.mainstay.backend.plugins.module_utils._rotation_validate import Evidence, Expected
from ansible_collections.mainstay.backend.plugins.module_utils._store import Contents, Record, Version
from ansible_collections.mainstay.backend.plugins.module_utils._valkey_instance import Instance

__all__ = [
    "Application",
    "Checker",
    "Cluster",
    "Consumer",
    "Contents",
    "Credential",
    "Description",
    "Endpoint",
    "Evidence",
    "Expected",
    "HostInput",
    "Instance",
    "Issued",
    "Options",
    "Planned",
    "Probe",
    "Record",
    "Reload",
    "Schema",
    "Source",
    "Variable",
    "Version",
]
