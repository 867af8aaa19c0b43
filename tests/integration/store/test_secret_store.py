# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Playbook secret_store as an operator runs it: real ansible-playbook, real terminal, real vault and age files."""

from __future__ import annotations

import os
import re
import shlex
import stat
from pathlib import Path
from typing import Any

import pytest


def state(controller: Any) -> dict[str, bytes]:
    folder = controller.vault.parent
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith(".")}


def test_list_tells_everything_but_the_secrets(stocked: Any) -> None:
    values = [stocked.value(name) for name in ("shop_db", "shop_cache")]
    for options in ((), ("-vvvv", "--diff"), ("--check",)):
        out = stocked.do("list", *options)
        assert re.search(r"^shop_cache +valkey_user +- +\d+ \w+ +current a", out, re.MULTILINE)
        assert re.search(r"^shop_db +postgres_role +- +\d+ \w+ +current a", out, re.MULTILINE)
        assert "vault id default" in out
        assert not [value for value in values if value in out]
    assert not [value for value in values if value in (stocked.place / "log").read_text()]


def test_show_writes_a_file_for_its_owner_and_prints_nothing(stocked: Any) -> None:
    path = stocked.place / "value"
    told = ("-e", "credential=shop_db", "-e", f"show_to={path}", "-vvvv", "--diff")
    stocked.do("show", *told, "--check")
    assert not path.exists()
    out = stocked.do("show", *told)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    value = path.read_text().strip()
    assert re.fullmatch("[0-9a-f]{64}", value)
    assert value not in out + (stocked.place / "log").read_text()
    assert f"found {path}, which is there; expected a file that is not" in stocked.refused("show", *told)
    link = stocked.place / "link"
    link.symlink_to(stocked.place / "elsewhere")
    stocked.refused("show", "-e", "credential=shop_db", "-e", f"show_to={link}")
    assert not (stocked.place / "elsewhere").exists()


def test_show_at_the_terminal_reaches_no_log_pipe_or_callback(stocked: Any) -> None:
    value = stocked.value("shop_db")
    words = stocked.words("show", "-e", "credential=shop_db", "-e", "reveal=true", "-vvvv")
    piped = ["sh", "-c", f"{shlex.join(words)} > {stocked.place}/out 2>{stocked.place}/err"]
    for command in (words, piped):
        code, shown = stocked.at_a_terminal(
            command, ANSIBLE_STDOUT_CALLBACK="ansible.posix.json" if command is piped else ""
        )
        assert code == 0, shown
        assert shown.count(value) == 1
    for name in ("out", "err", "log"):
        assert value not in (stocked.place / name).read_text()
    assert '"actions"' in (stocked.place / "out").read_text(), "the callback was there to get it"


def test_show_is_refused_where_nobody_asked_or_nobody_looks(stocked: Any) -> None:
    value = stocked.value("shop_db")
    one = ("-e", "credential=shop_db")
    assert "found nothing; expected a path for it, or reveal=true" in stocked.refused("show", *one)
    assert "found no terminal, or one that is recorded" in stocked.refused("show", *one, "-e", "reveal=true")
    words = stocked.words("show", *one, "-e", "reveal=true")
    code, shown = stocked.at_a_terminal(words, AWX_ISOLATED_DATA_DIR="/runner/artifacts/1")
    assert code != 0
    assert value not in shown
    assert "found 'none'; expected one that the store holds: shop_cache, shop_db" in stocked.refused(
        "show", "-e", "credential=none"
    )
    assert "found no pending version of shop_db" in stocked.refused("show", *one, "-e", "version=pending")


def test_an_unknown_command_is_refused(controller: Any) -> None:
    assert "secret_store.command: found 'drop'; expected one of list, show, rekey, restore" in controller.refused(
        "drop"
    )


def test_a_new_vault_password(stocked: Any) -> None:
    value, before = stocked.value("shop_db"), state(stocked)
    stocked.environment["ANSIBLE_VAULT_PASSWORD_FILE"] = ""
    both = (
        "--vault-id",
        f"old@{stocked.place}/password",
        "--vault-id",
        f"new@{stocked.secret('new', 'battery staple')}",
    )
    told = (*both, "-e", "backend_store_vault_id=new", "--diff")
    out = stocked.do("rekey", *told, "--check")
    assert "changed=1" in out
    assert "+vault id new" in out
    assert state(stocked) == before
    assert "rotate_secrets -e rotation_force=true" in stocked.do("rekey", *told)
    assert "changed=0" in stocked.do("rekey", *told)
    assert "no given vault password (ids: old) opens it" in stocked.refused("list", *both[:2])
    stocked.environment["ANSIBLE_VAULT_PASSWORD_FILE"] = str(stocked.place / "new")
    assert stocked.value("shop_db") == value


def test_from_vault_to_age_with_another_operator_and_back(stocked: Any) -> None:
    value = stocked.value("shop_db")
    (mine, anna), (theirs, ben) = stocked.key("anna"), stocked.key("ben")
    stocked.secret("operators.txt", f"# ben\n{ben}")
    stocked.variables.update(
        backend_store="age", backend_store_recipients=[anna, "operators.txt"], backend_store_identity=mine
    )
    moved = "backend_store: found age, and the store in "
    assert moved in stocked.refused("list")
    before = state(stocked)
    assert f"+{ben}" in stocked.do("rekey", "--check", "--diff")
    assert state(stocked) == before
    stocked.do("rekey")
    assert "changed=0" in stocked.do("rekey")
    stocked.environment["ANSIBLE_VAULT_PASSWORD_FILE"] = ""  # age needs no password
    stocked.variables["backend_store_identity"] = ""
    stocked.environment["MAINSTAY_AGE_IDENTITY"] = theirs
    assert stocked.value("shop_db") == value
    assert set(re.findall("age1[0-9a-z]{58}", stocked.do("list"))) == {anna, ben}
    stocked.variables["backend_store_recipients"] = [anna]
    assert "would lock ourselves out" in stocked.refused("rekey")
    stocked.environment.clear()
    stocked.variables.update(backend_store="vault", backend_store_identity=mine)
    stocked.do("rekey")
    assert stocked.value("shop_db") == value
    assert sorted(state(stocked)) == ["production.age.txt~", "production.vault.txt", "production.vault.txt~"]


@pytest.mark.parametrize("kind", ["vault", "age"])
def test_a_truncated_store_is_restored_by_the_words_of_the_error(controller: Any, kind: str) -> None:
    if kind == "age":
        mine, anna = controller.key("anna")
        controller.variables.update(backend_store="age", backend_store_recipients=[anna], backend_store_identity=mine)
    controller.make()
    path: Path = getattr(controller, kind)
    one_before, whole = Path(f"{path}~").read_bytes(), path.read_bytes()
    path.write_bytes(whole[:-100])
    said = controller.refused("list")
    offered = re.search(
        rf"\({re.escape(str(path))}~\) with: (ansible-playbook mainstay\.backend\.secret_store .*?command=restore)",
        said,
    )
    assert offered, said
    words = shlex.split(offered[1])
    before = state(controller)
    code, out = controller.run([*words, "--check"])
    assert code == 0, out
    assert state(controller) == before
    code, out = controller.run(words)
    assert code == 0, out
    assert "changed=1" in out
    assert path.read_bytes() == one_before
    assert [data for name, data in state(controller).items() if ".damaged-" in name] == [whole[:-100]]
    assert "shop_db" in controller.do("list")
    code, out = controller.run(words)
    assert "changed=0" in out


def test_the_wrong_vault_password_is_told_and_changes_nothing(stocked: Any) -> None:
    before = state(stocked)
    stocked.environment["ANSIBLE_VAULT_PASSWORD_FILE"] = str(stocked.secret("wrong", "tr0ub4dor"))
    for command in ("list", "rekey", "restore"):
        said = stocked.refused(command)
        assert "no given vault password (ids: default) opens it" in said
        assert "tr0ub4dor" not in said
    assert state(stocked) == before


def test_re_keying_waits_for_no_rotation_and_disturbs_none(stocked: Any) -> None:
    holder = (
        '{"run": "1-1", "pid": "1", "host": "elsewhere", "boot": "x", "user": "anna", "since": "2026-11-23T02:00:00Z"}'
    )
    (stocked.vault.parent / ".production.rotation").write_text(holder)
    before = state(stocked)
    options = ("-e", "backend_store_vault_id=new", "--vault-id", f"new@{stocked.secret('new', 'battery staple')}")
    assert "process 1 of anna on elsewhere (since 2026-11-23T02:00:00Z) holds the lock" in stocked.refused(
        "rekey", *options
    )
    assert state(stocked) == before
    stocked.do("rekey", *options, "-e", "rotation_unlock=true")
    assert not os.path.exists(stocked.vault.parent / ".production.rotation")


def test_an_inventory_that_is_wrong_elsewhere_does_not_hinder(stocked: Any) -> None:
    stocked.variables["postgres_databases"] = {"Shop!": {}}
    assert "shop_db" in stocked.do("list")
    stocked.variables.update(backend_store="age", backend_store_recipients=["AGE-SECRET-KEY-1QQQQ"])
    said = stocked.refused("list")
    assert "backend_store_recipients: found something that looks secret (not shown)" in said
    assert "QQQQ" not in said
