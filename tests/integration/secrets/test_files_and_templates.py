# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Module files and action templates on a real host."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from leak_hunt import leaks

SECRET = "hunter2-first-line\nhunter2-second-line\n"


def task(module: str, **options: Any) -> dict[str, Any]:
    return {"name": "act", f"mainstay.backend.{module}": options}


def wanted(folder: str, content: str = "one\n") -> dict[str, Any]:
    return task(
        "files",
        directories=[{"path": folder, "mode": "0750"}],
        files=[
            {"path": f"{folder}/plain", "content": content},
            {"path": f"{folder}/secret", "owner": "www-data", "mode": "0600"},
        ],
        secrets={f"{folder}/secret": SECRET},
    )


def listing(host: Any, folder: str) -> list[str]:
    return sorted(host.run(f"find {folder} -printf '%f %m %u:%g\n' 2>/dev/null; true").splitlines())


def test_check_then_real_then_check_then_real(host: Any, folder: str) -> None:
    told = host.play(tasks=[wanted(folder)], check=True).ok().result("act")
    assert listing(host, folder) == []
    done = host.play(tasks=[wanted(folder)]).ok().result("act")
    assert (
        done["changes"]
        == told["changes"]
        == [{"path": path, "what": ["created"]} for path in (folder, f"{folder}/plain", f"{folder}/secret")]
    )
    assert listing(host, folder) == ["mainstay-test 750 root:root", "plain 644 root:root", "secret 600 www-data:root"]
    assert host.run(f"cat {folder}/plain {folder}/secret") == "one\n" + SECRET
    for check in (True, False):
        assert host.play(tasks=[wanted(folder)], check=check).ok().changed == []


def test_a_diff_shows_what_is_not_secret(host: Any, folder: str) -> None:
    host.play(tasks=[wanted(folder)]).ok()
    changed = wanted(folder, "two\n")
    changed["mainstay.backend.files"]["secrets"] = {f"{folder}/secret": "hunter2-third-line\n"}
    out = host.play(tasks=[changed], check=True, verbosity=1).ok().out
    assert "-one" in out
    assert "+two" in out
    assert "hunter2" not in out


def test_no_secret_is_shown_or_logged(host: Any, folder: str) -> None:
    """Of a list's no_log suboption Ansible logs a text of several lines: hence the option of its own."""
    run = host.play(tasks=[wanted(folder)], verbosity=4).ok()
    assert "ansible-mainstay.backend.files" in host.run("journalctl --no-pager")
    assert leaks(host, run.out, [SECRET]) == []


def test_a_refused_candidate_changes_nothing(host: Any, folder: str) -> None:
    host.play(tasks=[wanted(folder)]).ok()
    new = wanted(folder, "new\n")
    new["mainstay.backend.files"]["files"].append(
        {"path": f"{folder}/sudo", "content": "not sudoers\n", "validate": ["sh", "-c", "exit 4", "%s"]}
    )
    run = host.play(tasks=[new])
    assert run.message == f"{folder}/sudo was not replaced: sh refused it (exit 4): "
    assert host.run(f"ls {folder}; cat {folder}/plain").split() == ["plain", "secret", "one"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"files": [{"path": "/srv/x"}]}, "files: found no content of /srv/x"),
        (
            {"files": [], "secrets": {"/srv/x": "hunter2"}},
            "secrets: found /srv/x; expected only paths that files lists",
        ),
        (
            {"files": [{"path": "/srv/x", "content": "", "mode": 416}]},
            "mode of /srv/x: found 416; expected octal text in quotes",
        ),
        ({"files": [{"path": "/srv/x", "content": "", "owner": "nix"}]}, "owner of /srv/x: found 'nix'"),
        ({"files": [{"path": "/srv/none/x", "content": ""}]}, "/srv/none/x: found no directory /srv/none"),
        ({"files": [{"path": "/srv", "content": ""}]}, "/srv: found something that is not a file"),
    ],
)
def test_bad_options_are_refused(host: Any, options: dict[str, Any], message: str) -> None:
    run = host.play(tasks=[task("files", **options)])
    assert run.message.startswith(message)
    assert host.run("ls /srv/x /srv/none 2>/dev/null; true") == ""


TEMPLATE = """# {{ ansible_managed }} {{ template_path }}
{% if number > 2 %}
  {% for item in [1, 2] %}
  - {{ item }} {{ "a\\\\nb" }}
  {% endfor %}
{% endif %}
{% include 'part.j2' %}
{{ number }}"""


@pytest.fixture
def templates(host: Any) -> Path:
    path: Path = host.work / "templates"
    path.mkdir(exist_ok=True)
    (path / "main.j2").write_text(TEMPLATE)
    (path / "part.j2").write_text("part {{ number }}\n")
    (path / "wrong.j2").write_text("{{ nowhere }}\n")
    return path


def test_rendered_as_the_builtin_template_would(host: Any, folder: str, templates: Path) -> None:
    ours = task("templates", directories=[{"path": folder}], templates=[{"src": "main.j2", "dest": f"{folder}/ours"}])
    builtin = {
        "name": "builtin",
        "ansible.builtin.template": {"src": "main.j2", "dest": f"{folder}/builtin", "mode": "0644"},
    }
    host.play(tasks=[ours, builtin], variables={"number": 3}).ok()
    assert host.run(f"cat {folder}/ours") == host.run(f"cat {folder}/builtin")
    assert "part 3" in host.run(f"cat {folder}/ours")
    assert host.play(tasks=[ours, builtin], variables={"number": 3}).ok().changed == []


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"src": "wrong.j2", "dest": "/srv/x"}, "templates[1]: the template wrong.j2 cannot be rendered: "),
        ({"src": "none.j2", "dest": "/srv/x"}, "templates[1]: the template none.j2 cannot be rendered: "),
        ({"dest": "/srv/x"}, "templates[1]: found neither src nor content; expected one of them"),
        (
            {"src": "main.j2", "content": "x", "dest": "/srv/x"},
            "templates[1]: found both src and content; expected one of them",
        ),
        ({"src": "main.j2"}, "templates[1].dest: found nothing; expected an absolute path"),
        ({"src": "main.j2", "dest": "/srv/x", "mod": "0600"}, "templates[1]: found mod; expected some of src, content"),
        (
            {"content": "x", "dest": "/srv/x", "secret": "perhaps"},
            "templates[1].secret: found 'perhaps'; expected true or false",
        ),
    ],
)
def test_one_wrong_template_changes_nothing(
    host: Any, folder: str, templates: Path, item: dict[str, Any], message: str
) -> None:
    good = {"content": "fine\n", "dest": f"{folder}/fine"}
    run = host.play(
        tasks=[task("templates", directories=[{"path": folder}], templates=[good, item])], variables={"number": 3}
    )
    assert run.message.startswith(message)
    assert listing(host, folder) == []


def test_a_secret_template_is_not_shown(host: Any, folder: str, templates: Path) -> None:
    (templates / "secret.j2").write_text("{{ lines | join('\\n') }}\n")
    items = [
        {
            "src": "secret.j2",
            "dest": f"{folder}/s",
            "mode": "0600",
            "secret": True,
            "vars": {"lines": "{{ given | map('reverse') }}"},
        }
    ]
    given = [line[::-1] for line in SECRET.splitlines()]
    run = host.play(
        tasks=[task("templates", directories=[{"path": folder}], templates=items)],
        variables={"given": given},
        verbosity=4,
    ).ok()
    assert host.run(f"cat {folder}/s") == SECRET
    assert leaks(host, run.out, [SECRET]) == []
