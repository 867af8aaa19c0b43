# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Kernel settings: set on a machine, left alone in a container, told in both."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.mainstay.backend.plugins.module_utils import _valkey_kernel as kernel


@pytest.fixture
def proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "overcommit_memory"
    path.write_text("0\n")
    monkeypatch.setattr(kernel, "_PROC", str(path))
    return path


def test_a_container_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "container", lambda: "docker")
    assert kernel.skipped() == (
        "vm.overcommit_memory was left alone: this host is a container (docker), it belongs to the machine outside"
    )
    monkeypatch.setattr(kernel, "container", lambda: "")
    assert kernel.skipped() == ""


def test_a_machine_gets_the_setting_now_and_at_every_boot(proc: Path) -> None:
    assert kernel.differs() == "0"
    kernel.set_now()
    assert (proc.read_text(), kernel.differs()) == ("1", "")
    spec = kernel.kernel_file()
    assert spec.path == "/etc/sysctl.d/60-mainstay-valkey.conf"
    assert (spec.content or "").splitlines()[-1] == "vm.overcommit_memory = 1"
