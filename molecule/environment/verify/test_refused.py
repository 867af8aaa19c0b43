# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the role refuses on a host that stands as described: nothing is changed then."""

from __future__ import annotations

from typing import Any

import pytest
from playbook import converge, recap

ONLY = ("--tags", "environment")


def test_a_link_that_the_application_made_leads_nowhere_outside_its_tree(host: Any) -> None:
    """Its user owns the tree: a folder that became a link would let root write where that user may not."""
    folder, elsewhere = "/srv/shop/config/initializers", "/srv/elsewhere"
    before = host.check_output(f"mkdir -p {elsewhere} && ls -la {elsewhere}")
    as_user = "runuser -u www-data --"
    host.check_output(f"{as_user} mv {folder} {folder}.away && {as_user} ln -s {elsewhere} {folder}")
    try:
        code, output = converge(*ONLY)
        assert code != 0
        assert f"{folder}: found a link" in output
        assert host.check_output(f"ls -la {elsewhere}") == before
    finally:
        host.check_output(f"rm {folder} && mv {folder}.away {folder}")


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        (
            "environment_schema=/nowhere/env.schema.yml",
            "backend_consumers.reports.schema: found '/nowhere/env.schema.yml' (No such file",
        ),
        ("environment_schema={schema}", "what would be written does not pass its schema"),
    ],
)
def test_what_cannot_be_judged_or_does_not_pass_is_not_written(
    host: Any, tmp_path: Any, variables: str, said: str
) -> None:
    schema = tmp_path / "env.schema.yml"
    schema.write_text(
        "variables:\n  TITLE: {type: int, sensitive: false}\n  LATER: {type: string, required: true}\n",
        encoding="utf-8",
    )
    before = host.check_output("sha256sum /opt/reports/.env /srv/shop/.env")
    code, output = converge(*ONLY, "--extra-vars", variables.format(schema=schema))
    assert code != 0 and said in output, output[-3000:]
    assert host.check_output("sha256sum /opt/reports/.env /srv/shop/.env") == before
    if "{" in variables:
        assert "missing: LATER" in output and "wrong-type: TITLE" in output and "$HOME stays" not in output


def test_a_run_undoes_what_was_changed_by_hand_and_keeps_what_is_not_its_own(host: Any) -> None:
    host.check_output("sed -i 's/pool: .*/pool: 99/' /srv/shop/config/database.yml && chmod 644 /opt/reports/.env")
    host.check_output("echo '/mine' >> /srv/shop/.gitignore && echo hand > /srv/shop/config/initializers/own.rb")
    try:
        code, output = converge(*ONLY)
        assert code == 0, output[-3000:]
        assert all(figures == (1, 0) for figures in recap(output).values()), recap(output)
        assert "-  pool: 99" in output
        assert "99" not in host.file("/srv/shop/config/database.yml").content_string
        assert host.file("/opt/reports/.env").mode == 0o600
        assert host.file("/srv/shop/.gitignore").content_string.endswith("/mine\n")
        assert host.file("/srv/shop/config/initializers/own.rb").content_string == "hand\n"
    finally:
        host.check_output("sed -i '/^.mine$/d' /srv/shop/.gitignore && rm /srv/shop/config/initializers/own.rb")
