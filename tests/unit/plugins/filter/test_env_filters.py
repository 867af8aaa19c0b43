# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The filters of environment and settings files: every measured layering, and what they say of wrong input."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.mainstay.backend.plugins.filter.env_layers import env_layers
from ansible_collections.mainstay.backend.plugins.filter.env_parse import env_parse
from ansible_collections.mainstay.backend.plugins.filter.settings_layers import settings_layers
from ansible_collections.mainstay.backend.plugins.module_utils._env_loaders import LOADERS
from ansible_collections.mainstay.backend.plugins.plugin_utils.settings_yaml import read_settings

DATA = Path(__file__).parents[3] / "data"
LAYERS = json.loads((DATA / "rails_dotenv_layers.json").read_text())["cases"]
SETTINGS = json.loads((DATA / "rails_settings_layers.json").read_text())
MEASURED = json.loads((DATA / "dotenv_loaders.json").read_text())
ENVIRONMENTS = ("production", "test", "development")
SECRET = "hunter2"


def test_the_parse_filter_gives_what_the_loader_gives_for_text_and_bytes() -> None:
    """All cases go through the cores' own tests; here each ordinary one goes through the filter."""
    seen = 0
    for case in MEASURED["cases"]:
        data = base64.b64decode(case["input_b64"])
        for loader in LOADERS:
            expected = case["expect"]["docker_env_file" if loader == "docker" else loader]
            if not expected["ok"]:
                with pytest.raises(AnsibleFilterError, match=f"^env_parse: {loader} refuses this file"):
                    env_parse(data, loader, MEASURED["meta"]["process_env"])
            elif "$(" not in case["input"]:
                assert env_parse(data, loader, MEASURED["meta"]["process_env"]) == expected["vars"], case["id"]
                text = data.decode("utf-8", "surrogateescape")
                assert env_parse(text, loader, MEASURED["meta"]["process_env"]) == expected["vars"], case["id"]
                seen += 1
    assert seen > 800


@pytest.mark.parametrize("case", LAYERS, ids=lambda case: f"{case['env']}-{len(case['files'])}")
def test_every_measured_layering_of_env_files(case: dict[str, Any]) -> None:
    template = case["file_template"].replace("\\n", "\n")
    files = {name: template.replace("<file>", name) for name in case["files"]}
    result = env_layers(files, case["env"], case["process_env"], case["overwrite"])
    assert {name: result.get(name) for name in case["expect"]} == case["expect"]


def test_layers_of_other_environments_are_not_looked_at() -> None:
    files = {".env": "A=1\n", ".env.staging": "A=2\nexport B\n", ".env.production.bak": "A=3\n", "x": "A=4\n"}
    assert env_layers(files, environment="production") == {"A": "1"}


@pytest.mark.parametrize("case", SETTINGS["cases"], ids=lambda case: f"{case['env']}-{len(case['files'])}")
def test_every_measured_layering_of_settings_files(case: dict[str, Any]) -> None:
    def text(name: str) -> str:
        return f"who: {name}\nnest:\n  who: {name}\n  k_{name.replace('/', '_').replace('.', '_')}: 1\n"

    others = [name for name in ENVIRONMENTS if name != case["env"]]
    files = {name: text(name) for name in [*case["files"], *(f"settings/{other}.yml" for other in others)]}
    result = settings_layers(files, environment=case["env"])
    nest = result.get("nest") or {}
    assert (result.get("who"), nest.get("who"), sorted(nest)) == (
        case["who"],
        case["nest_who"],
        case["nest_keys"] or [],
    )


@pytest.mark.parametrize("case", SETTINGS["merge"], ids=json.dumps)
def test_every_measured_merge(case: dict[str, Any]) -> None:
    files = {"settings.yml": json.dumps(case["base"]), "settings/production.yml": json.dumps(case["over"])}
    assert settings_layers(files, environment="production") == case["expect"]


@pytest.mark.parametrize("case", SETTINGS["env"], ids=lambda case: "-".join(case["vars"]))
def test_every_measured_use_of_the_process_environment(case: dict[str, Any]) -> None:
    def run() -> dict[str, Any]:
        return settings_layers(
            {"settings.yml": json.dumps(case["base"])},
            use_env=True,
            process_env=case["vars"],
            env_prefix=case["prefix"],
            env_separator=case["sep"],
            env_converter=case["converter"],
            env_parse_values=case["parse_values"],
            env_parse_arrays=case["parse_arrays"],
        )

    if "error" in case["expect"]:
        with pytest.raises(AnsibleFilterError, match=case["expect"]["error"]):
            run()
    else:
        assert run() == case["expect"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("010", 8),
        ("1,000", 1000),
        ("1_000", 1000),
        ("1__0", "1__0"),
        ("0x1f", 31),
        ("0o10", "0o10"),
        ("1e3", "1e3"),
        ("1.5e+3", 1500.0),
        ("12:30", 45000),
        ("1:30.5", 5430.0),
        ("yEs", True),
        ("off", False),
        ("y", "y"),
        ("nUll", None),
        ("~", None),
        (":name", "name"),
        ("2026-01-02", "2026-01-02"),
        ("'010'", "010"),
        ("!ruby/symbol name", "name"),
        ("!!binary aGk=", "hi"),
        ("!!set {a, b}", {"a": None, "b": None}),
        ("=", "="),
    ],
)
def test_settings_are_read_as_ruby_reads_yaml(text: str, value: Any) -> None:
    """Measured with Psych 5.1.2 (Ruby 3.3)."""
    found = read_settings("settings.yml", f"a: {text}\n")["a"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [hunter2", "found what is not YAML at line 1"),
        ("a: 1\nb: <%= hunter2 %>", r"found ERB \(<% … %>\) at line 2"),
        ("- hunter2", "found list; expected a mapping of settings"),
        ("a: &a [*a, hunter2]", "found aliases that unfold to more than 100000 values"),
        ("a: !!int hunter2", "found what is not YAML"),
        ("[" * 10000, "found levels without end"),
    ],
)
def test_settings_that_cannot_be_read_are_refused_without_what_is_in_them(text: str, message: str) -> None:
    with pytest.raises(AnsibleFilterError, match=f"^settings_layers: settings.yml: {message}") as refusal:
        settings_layers({"settings.yml": text})
    assert SECRET not in str(refusal.value)


def test_an_empty_settings_file_is_none() -> None:
    assert settings_layers({"settings.yml": "# nothing\n", "settings/development.yml": "a: 1\n"}) == {"a": 1}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: env_parse("A=hunter2\n"), "env_parse: loader: found none; expected one of ruby, python"),
        (lambda: env_parse("A=hunter2\n", "bash"), "env_parse: loader: found 'bash'; expected one of ruby, python"),
        (lambda: env_parse(["A=hunter2"], "ruby"), "env_parse: input: found list; expected the text of a file"),
        (lambda: env_parse("A=hunter2\ud800", "ruby"), "env_parse: input: found text that is not Unicode"),
        (lambda: env_parse("A=1", "ruby", ["hunter2"]), "env_parse: environment: found list; expected a dict"),
        (lambda: env_parse("A=1", "ruby", {"B": ["hunter2"]}), "env_parse: environment: found list for B"),
        (lambda: env_parse("=hunter2", "docker"), "env_parse: docker refuses this file at line 1: found no name"),
        (lambda: env_layers("A=hunter2"), "env_layers: input: found str; expected a dict of file names"),
        (lambda: env_layers({".env": None}), "env_layers: input: .env: found nothing; expected the text of a file"),
        (lambda: env_layers({}, environment=""), "env_layers: environment: found ''; expected the name of one"),
        (lambda: env_layers({".env": "export B\n"}), "env_layers: .env: ruby refuses this file at line 1"),
        (lambda: settings_layers({}, process_env=1), "settings_layers: process_env: found int; expected a dict"),
        (
            lambda: settings_layers({}, use_env=True, env_converter="up"),
            "settings_layers: env_converter: found 'up'; expected downcase",
        ),
        (lambda: settings_layers({}, use_env=True, env_separator=""), "settings_layers: env_separator: found nothing"),
        (
            lambda: settings_layers({"settings.yml": b"a: hunter2\xff"}),
            "settings_layers: settings.yml: found a byte that is not UTF-8",
        ),
    ],
)
def test_wrong_input_is_named_and_not_shown(call: Any, message: str) -> None:
    with pytest.raises(AnsibleFilterError) as refusal:
        call()
    assert str(refusal.value).startswith(message)
    assert SECRET not in str(refusal.value)


def test_numbers_of_an_environment_are_text() -> None:
    assert env_parse("A=$PORT\n", "ruby", {"PORT": 3000}) == {"A": "3000"}
